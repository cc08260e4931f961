// Keeps the list fresh. Without scripts the page reloads itself instead.
(() => {
  'use strict';
  const EVERY = 1000;
  const stopped = document.getElementById('stopped');

  async function look() {
    if (!document.hidden) {
      try {
        const query = new URLSearchParams(location.search);
        query.set('since', document.getElementById('rows').dataset.token);
        const answer = await fetch('/rows?' + query);
        if (answer.status === 200) show(await answer.text());
        stopped.hidden = true;
      } catch {
        stopped.hidden = false;
      }
    }
    setTimeout(look, EVERY);
  }

  // The answer is our own template's, in which the mails' words are escaped.
  function show(html) {
    const focused = document.activeElement?.closest('#rows a')?.getAttribute('href');
    document.getElementById('rows').outerHTML = html;
    const rows = document.getElementById('rows');
    if (focused) rows.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    document.getElementById('count').textContent = rows.dataset.count;
    document.getElementById('delete').hidden = rows.dataset.total === '0';
  }

  setTimeout(look, EVERY);
})();
