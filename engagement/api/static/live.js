// An open page shows new data by itself. The generation of the database is asked for every five
// seconds while the page is visible; once there is a newer one, the page is fetched, and the parts
// of it that differ are put in the place of the old ones. What a script draws, or a reader is
// filling in, is left alone: a line then offers to load the page.
"use strict";
(() => {
  const EVERY_MS = 5000;
  const KEPT = "#signals, #player, [data-keep]";
  const FOCUSABLE = "a, button, summary, [tabindex]";
  const FIELDS = "input, select";
  const main = document.getElementById("main");
  const published = document.getElementById("published");
  if (!published) return;
  const number = (place) => place.textContent.match(/generation (\d+)/)?.[1];
  const parts = (place) => [...place.children].filter((part) => part.id !== "renewed");
  // As the server sent them: scripts change the page from now on.
  let known = parts(main).map(said);
  let askedAt = Date.now();

  const within = (part, kind) => [...(part.matches(kind) ? [part] : []), ...part.querySelectorAll(kind)];

  // Events that a label of this page took out of a list are no news, nor are those that move up.
  function isOwn(old, fresh) {
    const ids = (part) => within(part, "[data-event]").map((one) => one.dataset.event);
    const next = new Set(ids(fresh));
    const gone = within(old, "[data-event]").filter((one) => !next.has(one.dataset.event));
    const before = new Set(ids(old));
    const n_new = [...next].filter((one) => !before.has(one)).length;
    return gone.length > 0 && n_new <= gone.length && gone.every((one) => "labelled" in one.dataset);
  }

  // Of a list of events its events: their labels are shown already.
  function said(part) {
    const events = [...part.querySelectorAll("[data-event]")];
    return part.matches("[data-keep]") && events.length ? events.map((one) => one.dataset.event).join() : part.outerHTML;
  }

  const given = (select) => Math.max([...select.options].findIndex((one) => one.defaultSelected), 0);
  const isChanged = (field) => (field.options ? field.selectedIndex !== given(field) : field.value !== field.defaultValue);
  const isHeld = (part) => within(part, KEPT).length || within(part, FIELDS).some((field) => field === document.activeElement || isChanged(field));

  function carry(old, fresh, kind, name) {
    const before = within(old, kind).map((one) => one[name]);
    return () => within(fresh, kind).forEach((one, index) => index in before && (one[name] = before[index]));
  }

  function put(old, fresh) {
    const all = within(old, FOCUSABLE);
    const at = all.indexOf(document.activeElement);
    const carried = [carry(old, fresh, "details", "open"), carry(old, fresh, ".scroll", "scrollLeft")];
    old.replaceWith(fresh);
    carried.forEach((done) => done());
    if (at < 0) return;
    const href = all[at].getAttribute("href");
    const same = within(fresh, FOCUSABLE);
    (same.find((one) => href && one.getAttribute("href") === href) || same[at])?.focus({ preventScroll: true });
  }

  function offer() {
    if (document.getElementById("renewed")) return;
    const line = document.createElement("p");
    line.id = "renewed";
    line.className = "notice";
    line.setAttribute("role", "status");
    const link = document.createElement("a");
    link.href = location.href;
    link.textContent = "Show it";
    link.addEventListener("click", (event) => {
      event.preventDefault();
      location.reload();
    });
    line.append("There is new data here. ", link);
    main.prepend(line);
  }

  async function renew() {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    const place = next.getElementById("published");
    if (!place) return;
    const old = parts(main);
    const fresh = parts(next.getElementById("main")).map((part) => document.importNode(part, true));
    const words = fresh.map(said);
    if (old.length !== fresh.length) {
      if (old.some(isHeld)) offer();
      else main.replaceChildren(...fresh);
    } else {
      old.forEach((part, index) => {
        if (words[index] === known[index]) return;
        if (isHeld(part)) isOwn(part, fresh[index]) || offer();
        else put(part, fresh[index]);
      });
    }
    known = words;
    published.textContent = place.textContent;
    document.title = next.title;
    document.dispatchEvent(new Event("renewed"));
  }

  async function look() {
    if (document.hidden || Date.now() - askedAt < EVERY_MS) return;
    askedAt = Date.now();
    try {
      const answer = await fetch("/api/v1/generation");
      if (answer.ok && String((await answer.json()).generation) !== number(published)) await renew();
    } catch {
      // the server is away; it is asked again
    }
  }

  setInterval(look, EVERY_MS + 200); // late enough that none is passed over
  document.addEventListener("visibilitychange", look);
})();
