// Completes the word that is being written, not the whole text, as a list of choices alone would.
"use strict";
(() => {
  const MOST = 40;
  const field = document.querySelector("[data-completed]");
  if (!field) return;
  const terms = [...field.list.options].map((one) => one.value);
  field.addEventListener("input", () => {
    const word = field.value.match(/[a-z_][a-z0-9_]*$/)?.[0] ?? "";
    const before = field.value.slice(0, field.value.length - word.length);
    const fitting = terms.filter((term) => term.includes(word) && term !== word);
    field.list.replaceChildren(
      ...(word ? fitting.slice(0, MOST) : []).map((term) => new Option(term, before + term)),
    );
  });
})();
