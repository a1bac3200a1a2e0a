// The inbox by keys: j and k move, a letter labels, u takes that back. Labels are sent one after
// the other, as each is a publication of the database; a row shows what the server has kept.
"use strict";
(() => {
  const KEYS = { t: "true", f: "false", p: "planned", c: "critical", x: null };
  const list = document.getElementById("inbox");
  if (!list) return;
  const mayLabel = list.hasAttribute("data-may-label");
  const told = document.getElementById("said-so");
  const dialog = document.getElementById("own");
  const done = []; // what to go back to, the last one last
  let sending = Promise.resolve();
  let refused = ""; // a word that looks misspelt; the same once more is meant

  const rows = () => [...list.querySelectorAll("li[data-event]")];
  const rowOf = (event) => rows().find((row) => row.dataset.event === event);
  const current = () => document.activeElement?.closest?.("#inbox li[data-event]");
  const stateOf = (row) => ({ label: row.dataset.label || null, note: row.dataset.note });

  function say(text, isBad = false) {
    told.textContent = text;
    told.hidden = !text;
    told.classList.toggle("is-bad", isBad);
  }

  function focus(row) {
    row?.querySelector(".title").focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    const all = rows();
    const at = all.indexOf(current());
    focus(all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1)]);
  }

  function show(row, { label, note }) {
    row.dataset.label = label || "";
    row.dataset.note = note || "";
    const tag = row.querySelector(".said");
    tag.textContent = label || "";
    tag.hidden = !label;
    const select = row.querySelector("select");
    if (select) choose(select, label || "");
  }

  /* Labels */

  async function send(event, { label, note }, isNew) {
    const answer = await fetch(`/api/v1/events/${encodeURIComponent(event)}/label`, {
      method: label === null ? "DELETE" : "PUT",
      ...(label !== null && {
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ label, note, is_new: isNew }),
      }),
    });
    if (answer.ok) return (await answer.json()).label;
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail || `the server answered ${answer.status}`);
  }

  // Give an event a label, or take it away with null; the note stays where none is given.
  function label(event, wanted, isBack = false) {
    const row = rowOf(event);
    row.classList.add("is-waiting");
    sending = sending.then(async () => {
      const before = stateOf(row);
      if (wanted.label === before.label && wanted.note === undefined) return;
      try {
        const kept = await send(event, wanted, wanted.label === refused);
        refused = "";
        if (!isBack) done.push({ event, ...before });
        row.dataset.labelled = ""; // see live.js
        show(row, { label: kept, note: kept === null ? "" : (wanted.note ?? before.note) });
        say(kept === null ? "Its label is gone. u brings it back." : `Labelled ${kept}.${isBack ? "" : " u takes that back."}`);
      } catch (error) {
        if (/did you mean/.test(error.message)) refused = wanted.label;
        show(row, before);
        say(`Not labelled: ${error.message}.`, true);
      }
    }).finally(() => row.classList.remove("is-waiting"));
  }

  function undo() {
    sending.then(() => {
      const last = done.pop();
      if (!last) return say("There is nothing to take back.");
      focus(rowOf(last.event));
      label(last.event, { label: last.label, ...(last.label && { note: last.note }) }, true);
    });
  }

  function ask(row) {
    const fields = dialog.querySelector("form").elements;
    fields.label.value = row.dataset.label;
    fields.note.value = row.dataset.note;
    dialog.returnValue = "";
    dialog.onclose = () => {
      focus(row);
      const word = fields.label.value.trim().toLowerCase();
      if (dialog.returnValue && word) label(row.dataset.event, { label: word, note: fields.note.value });
    };
    dialog.showModal();
  }

  /* A choice in each row, for who has no keys */

  function choose(select, value) {
    if (![...select.options].some((one) => one.value === value)) select.add(new Option(value, value));
    select.value = value;
  }

  function addSelect(row) {
    const select = document.createElement("select");
    select.setAttribute("aria-label", `Label of ${row.querySelector(".title").textContent}`);
    select.add(new Option("no label", ""));
    for (const { value } of document.getElementById("labels").options) select.add(new Option(value, value));
    select.add(new Option("own …", "\u0000"));
    choose(select, row.dataset.label);
    select.addEventListener("change", () => {
      const wanted = select.value;
      if (wanted !== "\u0000") return label(row.dataset.event, { label: wanted || null });
      choose(select, row.dataset.label);
      ask(row);
    });
    row.append(select);
  }

  if (mayLabel) rows().forEach(addSelect);
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input, select, textarea, dialog");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = current();
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (mayLabel && event.key === "u") undo();
    else if (mayLabel && row && event.key === "o") ask(row);
    else if (mayLabel && row && event.key in KEYS) label(row.dataset.event, { label: KEYS[event.key] });
    else return;
    event.preventDefault();
  });
})();
