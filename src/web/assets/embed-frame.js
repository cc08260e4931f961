// Tells the site around the sign-up box how high the box is, and nothing else. Only sites that may frame the box can hear it,
// since no other site is shown it at all; so the number may go to whichever it is. Nothing is listened to.
(function () {
  "use strict";

  if (window.parent === window) return;

  function tell() {
    var height = Math.ceil(document.documentElement.getBoundingClientRect().height);
    if (height) window.parent.postMessage({ type: "regimen:height", height: height }, "*");
  }

  tell();
  if (window.ResizeObserver) new ResizeObserver(tell).observe(document.documentElement);
})();
