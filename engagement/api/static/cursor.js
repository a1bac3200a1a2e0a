// One moment for all parts of a page: timeline, track, plots, video and numbers.
//
// They share it by events of the document: `moment` with detail { time, by, isChosen } - seconds of
// the drive, who says so, and whether it was clicked. Whoever shows it listens, and says it. `view`
// with detail { from, to } says which part of the drive is drawn.
"use strict";
window.cockpit = (() => {
  const NEAR_PX = 40; // of the track, to be meant
  const KNOWN_S = 10; // from a fix, so that a place is known
  const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  const SVG = "http://www.w3.org/2000/svg";
  const root = document.querySelector(".cockpit");
  if (!root) return null;
  const from = Number(root.dataset.from);
  const to = Number(root.dataset.to);
  const mark = root.dataset.mark === "" ? null : Number(root.dataset.mark);
  const slider = document.getElementById("at");
  const rule = root.querySelector(".rule > svg");
  const span = rule.querySelector(".span");
  const ticks = span.querySelector(".ticks");
  const whole = ticks.innerHTML;
  const state = { from, to, mark, now: Number(root.dataset.at), label };
  const stops = [...root.querySelectorAll(".timeline [data-time]")]
    .map((found) => ({ time: Number(found.dataset.time), title: found.getAttribute("aria-label") }))
    .sort((a, b) => a.time - b.time);
  let view = { from, to };

  const say = (time, by, isChosen = false) =>
    document.dispatchEvent(new CustomEvent("moment", { detail: { time, by, isChosen } }));
  const percent = (time) => `${((time - from) / (to - from)) * 100}%`;

  // Times are of the drive; around an event they are from it on.
  function label(seconds, decimals = 0) {
    if (mark === null) return clock(seconds, decimals);
    const after = seconds - mark;
    return `${after < -1e-9 ? "−" : ""}${Math.abs(after).toFixed(decimals)} s`;
  }

  function clock(seconds, decimals) {
    const round = Number(Math.abs(seconds).toFixed(decimals)); // 59.96 s are 1:00, not 0:60
    const rest = (round % 60).toFixed(decimals).padStart(decimals ? decimals + 3 : 2, "0");
    const minutes = Math.floor(round / 60);
    const hours = Math.floor(minutes / 60);
    const sign = seconds < 0 ? "−" : "";
    if (!hours) return `${sign}${minutes}:${rest}`;
    return `${sign}${hours}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
  }

  function put(parent, name, attributes, text = "") {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    return parent.appendChild(made);
  }

  /* The timeline, and the slider below it */

  const needle = put(span, "line", { class: "now", y1: 4, y2: 62 });

  function timeAt(event) {
    const box = rule.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    return view.from + share * (view.to - view.from);
  }
  rule.addEventListener("pointermove", (event) => event.buttons || say(timeAt(event), "timeline"));
  rule.addEventListener("click", (event) => event.target.closest("a") || say(timeAt(event), "timeline", true));
  slider.addEventListener("input", () => say(Number(slider.value), "slider", true));

  function drawTicks() {
    if (view.from <= from && view.to >= to) {
      ticks.innerHTML = whole;
      return;
    }
    ticks.replaceChildren();
    const step = STEPS_S.find((one) => (view.to - view.from) / one <= 8) || STEPS_S.at(-1);
    const zero = mark ?? 0;
    for (let n = Math.ceil((view.from - zero) / step); zero + n * step <= view.to; n += 1) {
      const x = percent(zero + n * step);
      put(ticks, "line", { class: "axis-line", x1: x, x2: x, y1: 56, y2: 62 });
      put(ticks, "text", { class: n % 2 ? "tick minor" : "tick", x, y: 76, "text-anchor": "middle" }, label(zero + n * step, step < 1 ? 1 : 0));
    }
  }

  document.addEventListener("view", ({ detail }) => {
    view = detail;
    const length = view.to - view.from;
    rule.parentElement.classList.toggle("is-part", length < to - from);
    span.setAttribute("x", `${((from - view.from) / length) * 100}%`);
    span.setAttribute("width", `${((to - from) / length) * 100}%`);
    [slider.min, slider.max, slider.value] = [view.from, view.to, state.now];
    drawTicks();
  });

  /* The track */

  const map = root.querySelector(".map svg");
  const fixes = [...(map?.querySelectorAll("[data-times]") ?? [])].flatMap((line) => {
    const places = line.getAttribute("points").split(" ");
    return line.dataset.times.split(" ").map((time, index) => [Number(time), ...places[index].split(",").map(Number)]);
  });
  const dot = map && put(map, "circle", { class: "now", r: 18, visibility: "hidden" });

  function placeAt(time) {
    let low = 0;
    let high = fixes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (fixes[middle][0] <= time) low = middle + 1;
      else high = middle;
    }
    const before = fixes[low - 1] ?? fixes[low];
    const after = fixes[low] ?? before;
    if (!before || Math.min(Math.abs(time - before[0]), Math.abs(after[0] - time)) > KNOWN_S) return null;
    const share = after[0] > before[0] ? Math.min(Math.max((time - before[0]) / (after[0] - before[0]), 0), 1) : 0;
    return [before[1] + (after[1] - before[1]) * share, before[2] + (after[2] - before[2]) * share];
  }

  function nearest(event) {
    const matrix = map.getScreenCTM();
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    let best = null;
    let least = (NEAR_PX / matrix.a) ** 2;
    for (const fix of fixes) {
      const far = (fix[1] - x) ** 2 + (fix[2] - y) ** 2;
      if (far < least) [best, least] = [fix, far];
    }
    return best;
  }

  function point(event, isChosen) {
    const fix = !event.buttons && !event.target.closest("a") && nearest(event);
    if (fix) say(fix[0], "track", isChosen);
  }
  if (fixes.length) {
    map.addEventListener("pointermove", (event) => point(event, false));
    map.addEventListener("click", (event) => point(event, true));
  }

  /* From event to event */

  state.hop = (direction) => {
    const ahead = (one) => (one.time - state.now) * direction > 0.05;
    const stop = direction > 0 ? stops.find(ahead) : stops.findLast(ahead);
    if (!stop) return;
    say(stop.time, "keys", true);
    const told = document.querySelector("[data-stop]");
    if (told) told.textContent = stop.title;
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !["n", "p"].includes(event.key)) return;
    if (event.target.closest("input:not([type=range]), select, textarea")) return;
    event.preventDefault();
    state.hop(event.key === "n" ? 1 : -1);
  });

  document.addEventListener("moment", ({ detail }) => {
    state.now = detail.time;
    root.dataset.now = detail.time.toFixed(3);
    for (const end of ["x1", "x2"]) needle.setAttribute(end, percent(detail.time));
    if (detail.by !== "slider") slider.value = detail.time;
    slider.setAttribute("aria-valuetext", label(detail.time, 1));
    const place = dot && placeAt(detail.time);
    if (dot) dot.setAttribute("visibility", place ? "visible" : "hidden");
    if (place) [["cx", place[0]], ["cy", place[1]]].forEach((pair) => dot.setAttribute(...pair));
  });
  document.addEventListener("DOMContentLoaded", () => say(state.now, "start"));
  return state;
})();
