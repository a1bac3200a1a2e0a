// Maps pan and zoom: by dragging, by the wheel with Ctrl (or while the map has the focus), by two
// fingers, by keys and by buttons. A map is an SVG; only its viewBox changes.
"use strict";
(() => {
  const MOST = 200;
  const STEP = 0.2;
  const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const BUTTONS = [["+", "Closer to the map"], ["−", "Wider map"], ["All", "All of the map"]];

  function move(figure) {
    const svg = figure.querySelector("svg");
    const whole = svg.viewBox.baseVal;
    const full = { x: whole.x, y: whole.y, width: whole.width, height: whole.height };
    const bar = svg.querySelector("[data-bar]");
    const pointers = new Map();
    let view = { ...full };
    let moved = 0;

    const factor = () => full.width / view.width;

    function show(next) {
      const width = Math.min(Math.max(next.width, full.width / MOST), full.width);
      const height = (width / full.width) * full.height;
      const x = Math.min(Math.max(next.x, full.x), full.x + full.width - width);
      const y = Math.min(Math.max(next.y, full.y), full.y + full.height - height);
      view = { x, y, width, height };
      svg.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
      svg.style.setProperty("--closer", factor());
      svg.dataset.closer = factor().toFixed(2);
      figure.classList.toggle("is-part", factor() > 1.001);
      drawBar();
    }

    // The bar stays where it is on the screen; how far it is, is a round number again.
    function drawBar() {
      if (!bar) return;
      const { near, nearPerM, far, farPerKm } = bar.dataset;
      const rawM = (view.width * Number(bar.dataset.metresPerUnit)) / 5;
      const isFar = (rawM / 1000) * Number(farPerKm) >= 1;
      const perMetre = isFar ? Number(farPerKm) / 1000 : Number(nearPerM);
      const power = 10 ** Math.floor(Math.log10(rawM * perMetre));
      const length = [5, 2, 1].find((one) => one * power <= rawM * perMetre) * power;
      const onMap = length / perMetre / Number(bar.dataset.metresPerUnit);
      const k = factor();
      bar.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${1 / k})`);
      bar.querySelector("path").setAttribute("d", `M24 ${full.height - 24}h${onMap * k}`);
      bar.querySelector("text").textContent = `${Number(length.toPrecision(3))} ${isFar ? far : near}`;
    }

    function at(clientX, clientY) {
      return new DOMPoint(clientX, clientY).matrixTransform(svg.getScreenCTM().inverse());
    }

    function zoom(by, place = { x: view.x + view.width / 2, y: view.y + view.height / 2 }) {
      const width = Math.min(Math.max(view.width / by, full.width / MOST), full.width);
      const share = width / view.width;
      show({ x: place.x - (place.x - view.x) * share, y: place.y - (place.y - view.y) * share, width });
    }

    const pan = (right, down) => show({ ...view, x: view.x + right * view.width * STEP, y: view.y + down * view.height * STEP });

    /* Wheel, pointers and keys */

    svg.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && document.activeElement !== svg) return;
      event.preventDefault();
      zoom(1.0015 ** -event.deltaY, at(event.clientX, event.clientY));
    }, { passive: false });

    svg.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      pointers.set(event.pointerId, event);
      moved = 0;
    });
    window.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const all = [...pointers.values()];
      if (all.length === 2) {
        const other = all.find((one) => one.pointerId !== event.pointerId);
        const far = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
        zoom(far(event) / far(before), at((event.clientX + other.clientX) / 2, (event.clientY + other.clientY) / 2));
      } else {
        const from = at(before.clientX, before.clientY);
        const to = at(event.clientX, event.clientY);
        show({ ...view, x: view.x + from.x - to.x, y: view.y + from.y - to.y });
      }
      moved += Math.abs(event.clientX - before.clientX) + Math.abs(event.clientY - before.clientY);
      pointers.set(event.pointerId, event);
    });
    for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, (event) => pointers.delete(event.pointerId));
    svg.addEventListener("dragstart", (event) => event.preventDefault());
    // What was dragged is not clicked.
    svg.addEventListener("click", (event) => {
      if (moved > 6) [event.preventDefault(), event.stopPropagation()];
      moved = 0;
    }, true);

    const actions = { "+": () => zoom(2), "=": () => zoom(2), "-": () => zoom(0.5), "−": () => zoom(0.5), 0: () => show(full), All: () => show(full) };
    svg.addEventListener("keydown", (event) => {
      moved = 0;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (KEYS[event.key]) pan(...KEYS[event.key]);
      else if (Object.hasOwn(actions, event.key)) actions[event.key]();
      else return;
      event.preventDefault();
    });

    svg.setAttribute("tabindex", "0");
    const row = document.createElement("span");
    row.className = "buttons";
    for (const [text, words] of BUTTONS) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.setAttribute("aria-label", words);
      button.addEventListener("click", actions[text]);
      row.append(button);
    }
    figure.append(row);
    drawBar();
  }

  const all = () => document.querySelectorAll("figure.map:not([data-moves]), .area .map:not([data-moves])").forEach((figure) => {
    figure.dataset.moves = "";
    move(figure);
  });
  all();
  document.addEventListener("renewed", all);
})();
