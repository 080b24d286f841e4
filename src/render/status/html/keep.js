// No angle bracket, ampersand or quote in here: the page is XML as well. A change needs the hash in the policy changed.
(function () {
  const name = `agentmon:${location.pathname}`;
  const all = Array.from(document.querySelectorAll(`details`));
  try {
    const kept = JSON.parse(sessionStorage.getItem(name)) ?? {};
    const open = new Map(kept.open);
    for (const it of all) {
      if (open.has(it.dataset.key)) it.open = open.get(it.dataset.key);
      if (it.dataset.key === kept.focus) it.firstElementChild.focus({ preventScroll: true, focusVisible: true });
    }
    history.scrollRestoration = `manual`;
    if (kept.y) window.scrollTo({ left: kept.x, top: kept.y, behavior: `instant` });
    window.addEventListener(`pagehide`, function () {
      const open = all.map(function (it) { return [it.dataset.key, it.open]; });
      const focus = document.activeElement?.parentElement?.dataset.key;
      sessionStorage.setItem(name, JSON.stringify({ open, focus, x: window.scrollX, y: window.scrollY }));
    });
  } catch (_) {
    // A browser that keeps nothing shows the page from its top.
  }
  const updated = document.getElementById(`updated`);
  const stale = document.getElementById(`stale`);
  const limit = 1000 * stale.dataset.after;
  const look = function () {
    stale.hidden = Math.max(limit, Date.now() - Date.parse(updated.dateTime)) === limit;
  };
  look();
  setInterval(look, 5000);
})();
