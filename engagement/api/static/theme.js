// Applies the chosen colours before anything is drawn; without a choice the system's hold.
"use strict";
(() => {
  const KEY = "theme";
  const ORDER = ["", "light", "dark"];
  const NAMES = { "": "as the system has them", light: "light", dark: "dark" };
  const root = document.documentElement;
  root.classList.add("has-script");

  function chosen() {
    const asked = new URLSearchParams(location.search).get("theme");
    if (ORDER.includes(asked)) return asked;
    try {
      return localStorage.getItem(KEY) || "";
    } catch {
      return ""; // the browser keeps nothing for this site
    }
  }

  function apply(theme) {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    document.dispatchEvent(new Event("themechange"));
  }

  apply(chosen());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => apply(chosen()));

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    let theme = chosen();
    const label = () => button.setAttribute("aria-label", `Colours: ${NAMES[theme]}`);
    label();
    button.hidden = false;
    button.addEventListener("click", () => {
      theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
      try {
        localStorage.setItem(KEY, theme);
      } catch {
        // it holds for this page alone
      }
      label();
      apply(theme);
    });
  });
})();
