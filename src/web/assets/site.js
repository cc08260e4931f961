// What works better with a script. All of it works without, too; every word that it shows stands in the page.
(function () {
  "use strict";

  // The reader's time zone, so that parts arrive at a good hour. Without it the series' own zone is used. A phone takes a
  // while to find it out, so that waits until somebody goes to the form.
  var zone = document.querySelector('input[name="timezone"]');
  if (zone && !zone.value) {
    ["focusin", "submit"].forEach(function (event) {
      zone.form.addEventListener(event, tellZone);
    });
  }

  function tellZone() {
    if (zone.value) return;
    try {
      zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
    } catch (error) {
      zone.value = "";
    }
  }

  // Remembered until the tab is closed, and told to nobody.
  function recall(key) {
    try {
      return sessionStorage.getItem(key);
    } catch (error) {
      return null;
    }
  }

  function remember(key, value) {
    try {
      sessionStorage.setItem(key, value);
    } catch (error) {
      return;
    }
  }

  // "Was this helpful?" with one press: a ballot is fetched, and then used. Pressing again moves the vote of this visit.
  var helpful = document.querySelector("form[data-helpful]");
  if (helpful && window.fetch) {
    helpful.addEventListener("submit", function (event) {
      var answer = event.submitter && event.submitter.value;
      if (!answer) return;
      event.preventDefault();
      vote(answer);
    });
  }

  function vote(answer) {
    var path = helpful.getAttribute("action");
    var status = document.querySelector("[data-helpful-count]");
    var key = "ballot " + path;
    var asks = { headers: { Accept: "application/json" }, credentials: "same-origin", cache: "no-store" };
    function read(response) {
      if (!response.ok) throw new Error();
      return response.json();
    }
    function post(ballot) {
      var body = new URLSearchParams({ answer: answer, ballot: ballot });
      return fetch(path, Object.assign({ method: "POST", body: body }, asks)).then(read);
    }
    var kept = recall(key);
    var ballot = kept ? Promise.resolve({ ballot: kept }) : fetch(path, asks).then(read);
    ballot
      .then(function (view) {
        return post(view.ballot);
      })
      .then(function (view) {
        // A ballot that was kept too long is answered with a new one, and nothing said.
        return view.said ? view : post(view.ballot);
      })
      .then(function (view) {
        remember(key, view.ballot);
        status.textContent = view.count;
        helpful.querySelectorAll("button").forEach(function (button) {
          button.setAttribute("aria-pressed", String(button.value === view.said));
        });
      })
      .catch(function () {
        status.textContent = helpful.getAttribute("data-failed");
      });
  }

  var share = document.querySelector("[data-share]");
  if (share && navigator.share) {
    share.hidden = false;
    share.addEventListener("click", function () {
      navigator.share({ title: share.dataset.title, url: share.dataset.url }).catch(function () {});
    });
  }

  document.querySelectorAll("[data-copy], [data-copy-from]").forEach(function (copy) {
    if (!navigator.clipboard) return;
    var from = document.getElementById(copy.dataset.copyFrom);
    var said = copy.closest("section").querySelector("[data-copy-status]");
    function say(text) {
      return function () {
        said.textContent = text;
      };
    }
    copy.hidden = false;
    copy.addEventListener("click", function () {
      navigator.clipboard.writeText(from ? from.value : copy.dataset.copy).then(say(copy.dataset.done), say(copy.dataset.failed));
    });
  });

  // The survey is offered once a visit: by the card at the end of the page, or, to who leaves before it, by one that takes no
  // focus and covers no text that it could not be scrolled away from.
  var end = document.querySelector("[data-survey-end]");
  var leave = document.querySelector("[data-survey-leave]");
  if (!end || !leave || recall("survey")) return;

  function offered() {
    remember("survey", "offered");
  }

  function dismiss() {
    leave.hidden = true;
    document.removeEventListener("keydown", escape);
  }

  function escape(event) {
    if (event.key === "Escape") dismiss();
  }

  function offer() {
    // Who is in the middle of a form, or has answered one, is left alone.
    var typing = document.activeElement && /^(INPUT|SELECT)$/.test(document.activeElement.tagName);
    if (typing || recall("survey") || document.querySelector(".faulty")) return;
    offered();
    leave.hidden = false;
    document.addEventListener("keydown", escape);
  }

  if (window.IntersectionObserver) {
    new IntersectionObserver(function (entries, observer) {
      if (!entries[0].isIntersecting) return;
      offered();
      observer.disconnect();
    }).observe(end);
  }
  leave.querySelector("[data-survey-dismiss]").addEventListener("click", dismiss);
  document.documentElement.addEventListener("mouseleave", function (event) {
    if (event.clientY <= 0) offer();
  });
  document.addEventListener("visibilitychange", function () {
    if (document.visibilityState === "visible") offer();
  });
})();
