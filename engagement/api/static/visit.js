// How many drives are newer than those of the last visit. When that was is kept in this browser alone:
// a visit lasts as long as the tab.
"use strict";
(() => {
  const KEY = "visit";
  const MOST = 200;

  async function tell() {
    const place = document.getElementById("since-visit");
    if (!place || !place.hidden) return;
    const newest = place.dataset.newest;
    let before;
    try {
      before = sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? "";
      sessionStorage.setItem(KEY, before);
      localStorage.setItem(KEY, newest);
    } catch {
      return; // the browser keeps nothing for this site
    }
    if (!before || before >= newest) return;
    const answer = await fetch(`/api/v1/drives?since=${before.slice(0, 10)}&fields=started_at&limit=${MOST}`);
    if (!answer.ok) return;
    const { rows } = await answer.json();
    const count = rows.filter((row) => row.started_at.replace(/Z$/, "") > before).length;
    const link = document.createElement("a");
    link.href = `/drives?since=${before.slice(0, 10)}`;
    link.textContent = `${count}${rows.length === MOST ? " or more" : ""} drive${count === 1 ? "" : "s"}`;
    place.replaceChildren(link, " since your last visit.");
    place.hidden = !count;
  }
  tell();
  document.addEventListener("renewed", tell);
})();
