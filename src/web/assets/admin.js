// What works better with a script on the admins' pages. All of it works without, too.
(function () {
  "use strict";

  // A part of the page that the server tells anew. It is left alone while the keyboard is in it or something in it is
  // marked, so that nothing is taken away from whoever reads.
  document.querySelectorAll("[data-live]").forEach(function (live) {
    if (!window.EventSource) return;
    new EventSource(live.dataset.live).addEventListener("figures", function (event) {
      var marked = window.getSelection();
      if (live.contains(document.activeElement) || (marked && !marked.isCollapsed && live.contains(marked.anchorNode))) {
        return;
      }
      var open = Array.prototype.map.call(live.querySelectorAll("details"), function (one) {
        return one.open;
      });
      live.innerHTML = event.data;
      live.querySelectorAll("details").forEach(function (one, index) {
        one.open = Boolean(open[index]);
      });
    });
  });
})();
