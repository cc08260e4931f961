// A page that changes by itself is looked at again every few seconds; only what changed is put in its place. Without this
// there is a link that does the same.
(function () {
  "use strict";

  var watched = document.querySelector("[data-watch]");
  if (!watched) return;
  var wait = 3000;
  setTimeout(look, wait);

  function look() {
    if (document.hidden || isTyping()) return setTimeout(look, wait);
    fetch(location.pathname, { credentials: "same-origin" })
      .then(function (answer) {
        if (!answer.ok) throw new Error("no page");
        return answer.text();
      })
      .then(function (text) {
        var page = new DOMParser().parseFromString(text, "text/html");
        var next = page.querySelector("[data-watch]");
        // It has come to its end: there is something else to do now.
        if (!next) return location.reload();
        watched.replaceWith(next);
        watched = next;
        setTimeout(look, wait);
      })
      .catch(function () {
        setTimeout(look, 10 * wait);
      });
  }

  // What somebody writes is not taken from under their hands.
  function isTyping() {
    var field = document.activeElement;
    return Boolean(field && /^(INPUT|SELECT|TEXTAREA)$/.test(field.tagName));
  }
})();
