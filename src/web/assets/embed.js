// The sign-up box on another site: put where this script's element stands, as a frame that is as high as it needs to be.
// It sends nothing, keeps nothing, and touches nothing else of the page.
//
//   <script src="https://…/embed.js" data-series="…" data-lang="es" data-theme="dark" async></script>
(function () {
  "use strict";

  var WORDS = {/* words */};
  var HEIGHT = 640;
  var MOST = 20000;
  var script = document.currentScript;

  function complain(what) {
    console.error("regimen, the sign-up box: " + what);
  }

  if (!script || !script.src) {
    complain('embed.js must be a plain script element in the page, without type="module".');
    return;
  }
  var series = script.getAttribute("data-series") || "";
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(series)) {
    complain('data-series="' + series + '" is no series: copy the snippet anew from the page at ' + new URL("admin/embed", script.src).href);
    return;
  }
  if (!document.body || !document.body.contains(script)) {
    complain("the script element must stand in the page's body, where the box should appear.");
    return;
  }

  // A language of ours, also by a longer tag.
  function known(tag) {
    var primary = (tag || "").toLowerCase().split(/[-_]/)[0];
    return Object.prototype.hasOwnProperty.call(WORDS, primary) ? primary : "";
  }

  var wish = script.getAttribute("data-lang");
  if (wish && !known(wish)) complain('data-lang="' + wish + '" is none of ' + Object.keys(WORDS).join(", ") + ".");
  var around = script.closest("[lang]");
  var language = known(wish) || known(around && around.getAttribute("lang"));
  var words = WORDS[language || "en"];
  var theme = script.getAttribute("data-theme") || "auto";
  if (!/^(auto|light|dark)$/.test(theme)) {
    complain('data-theme="' + theme + '" is none of auto, light, dark.');
    theme = "auto";
  }

  var url = new URL("embed/" + series, script.src);
  if (language) url.searchParams.set("lang", language);
  if (theme !== "auto") url.searchParams.set("theme", theme);

  var frame = document.createElement("iframe");
  var shown = false;
  var pages = 0;
  var line = null;

  // One property at a time, which a policy against inline styles allows; and stronger than the page's own rules.
  function style(name, value) {
    frame.style.setProperty(name, value, "important");
  }

  function setHeight(height) {
    style("height", height + "px");
    style("visibility", height ? "visible" : "hidden");
  }

  // A refused frame cannot be told from a slow one but by its silence.
  function giveUp() {
    if (shown || line) return;
    complain(
      "nothing came from " + url.origin + ". Is " + location.origin + " among web.embed_origins there, and does this page's " +
        "Content-Security-Policy have frame-src " + url.origin + "? A link is shown instead."
    );
    var link = document.createElement("a");
    link.href = new URL("articles/" + series + "#sign-up", script.src).href;
    link.textContent = words.link;
    if (language) link.lang = language;
    line = document.createElement("p");
    line.appendChild(link);
    frame.insertAdjacentElement("afterend", line);
    setHeight(0);
  }

  window.addEventListener("message", function (event) {
    if (event.source !== frame.contentWindow || event.origin !== url.origin) return;
    var data = event.data;
    if (!data || data.type !== "regimen:height" || typeof data.height !== "number" || !(data.height > 0)) return;
    shown = true;
    if (line) line.remove();
    line = null;
    setHeight(Math.min(Math.ceil(data.height), MOST));
  });

  frame.addEventListener("load", function () {
    pages += 1;
    if (!shown) setTimeout(giveUp, 3000);
    // The answer to a form begins where the box does.
    if (shown && pages > 1 && frame.getBoundingClientRect().top < 0) frame.scrollIntoView();
  });

  frame.title = words.title;
  frame.setAttribute("loading", "lazy");
  frame.setAttribute("referrerpolicy", "no-referrer");
  // It cannot take the page around it anywhere. In a page of its own site this would hold nothing back, and browsers say so.
  if (url.origin !== location.origin) frame.setAttribute("sandbox", "allow-forms allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox");
  style("all", "initial");
  style("display", "block");
  style("width", "100%");
  style("border", "0");
  // With the same schemes in and around it the frame's ground is clear.
  style("color-scheme", theme === "auto" ? "light dark" : theme);
  setHeight(HEIGHT);
  frame.src = url.href;
  script.insertAdjacentElement("afterend", frame);

  // It is fetched when it comes near; should it then not come at all, there is the link.
  if (window.IntersectionObserver) {
    new IntersectionObserver(function (entries, observer) {
      if (!entries[entries.length - 1].isIntersecting) return;
      observer.disconnect();
      setTimeout(giveUp, 10000);
    }).observe(frame);
  }
})();
