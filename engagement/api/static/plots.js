// The zoomable plots of a drive or an event: one window for all of them, read from the API. What each
// shows stands in its element, so that the server alone knows signals and units.
"use strict";
(() => {
  const SHORTEST_S = 0.5;
  const TITLE_PX = 22;
  const SIDE_PX = 52; // left of a plot; the timeline above begins there too
  const END_PX = 12;
  const root = document.getElementById("signals");
  if (!root || typeof uPlot === "undefined") return;
  const { from: fullFrom, to: fullTo, mark, label } = window.cockpit;

  // What is on or off is drawn as a block in its row; the first one is on top.
  const block = (row) => (value) => (value === null ? null : row + (value ? 0.75 : 0));
  const scaled = (line) => (value) => (value === null || (line.isZeroNone && value <= 0) ? null : value * line.perSi);
  const text = (value) => (value === null || value === undefined ? "–" : Number(value.toPrecision(3)).toString().replace("-", "−"));

  function read(place) {
    const spec = JSON.parse(place.dataset.spec);
    const count = spec.lines.length;
    spec.lines.forEach((line, index) => {
      const row = count - 1 - index;
      line.map = spec.isOfFlags ? block(row) : scaled(line);
      line.shown = spec.isOfFlags ? (value) => (value === null || value === undefined ? "–" : value > row ? "yes" : "no") : text;
      line.base = spec.isOfFlags ? row : undefined;
      line.scale = line.hasOwnScale ? `own ${index}` : "y";
    });
    return spec;
  }

  const places = [...root.querySelectorAll("[data-plot]")];
  const plots = new Map(places.map((place) => [place.dataset.plot, read(place)]));
  const names = [...new Set([...plots.values()].flatMap((plot) => plot.lines.map((line) => line.series)))];
  const drive = root.dataset.drive;
  const modes = [...document.querySelectorAll("[data-mode]")].map((found) => ({
    mode: found.dataset.mode,
    start: Number(found.dataset.start),
    end: Number(found.dataset.end),
  }));
  const events = [...document.querySelectorAll(".timeline [data-time]")].map((found) => ({
    time: Number(found.dataset.time),
    isCritical: found.classList.contains("is-critical"),
  }));
  const charts = new Map();
  let view = { from: fullFrom, to: fullTo };
  let asked = 0;

  // Colours are asked of an element, as a canvas knows no variables.
  const colors = new Map();
  const probe = root.appendChild(document.createElement("i"));
  probe.hidden = true;
  function css(name) {
    if (!colors.has(name)) {
      probe.style.color = `var(${name})`;
      colors.set(name, getComputedStyle(probe).color);
    }
    return colors.get(name);
  }

  /* Drawing */

  const MODES = { engaged: "--engaged", lateral_only: "--lateral", pre_enabled: "--pre", manual: "--manual", unknown: "--unknown" };

  // As in the timeline above, but faint.
  function drawModes(chart) {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.globalAlpha = 0.16;
    for (const { mode, start, end } of modes) {
      const left = Math.max(chart.valToPos(start, "x", true), bbox.left);
      const right = Math.min(chart.valToPos(end, "x", true), bbox.left + bbox.width);
      if (right <= left) continue;
      ctx.fillStyle = css(MODES[mode] || "--manual");
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
    ctx.restore();
  }

  function drawEvents(chart) {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.lineWidth = devicePixelRatio;
    for (const { time, isCritical } of events) {
      const x = Math.round(chart.valToPos(time, "x", true)) + 0.5;
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.strokeStyle = css(isCritical ? "--bad" : "--text");
      ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  // Round times from the event on.
  function around(_u, _axis, low, high, step) {
    const first = Math.ceil((low - mark) / step);
    const count = Math.floor((high - mark) / step) - first + 1;
    return Array.from({ length: Math.max(count, 0) }, (_none, index) => mark + (first + index) * step);
  }

  const heightOf = (place) => place.clientHeight - TITLE_PX;

  function axes(plot, isLast) {
    const axis = { stroke: () => css("--soft"), grid: { stroke: () => css("--grid"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const decimals = (step) => (step >= 1 ? 0 : step >= 0.1 ? 1 : 2);
    const times = (_u, splits, _i, _s, step) => splits.map((value) => (isLast ? label(value, decimals(step)) : ""));
    const rows = plot.lines.length > 1 ? plot.lines.map((line) => line.label).reverse() : [""];
    const named = { splits: () => rows.map((_row, index) => index + 0.4), values: () => rows, grid: { show: false } };
    return [
      { ...axis, size: isLast ? 26 : 4, ...(mark !== null && { splits: around }), values: times },
      { ...axis, size: SIDE_PX, space: 24, ...(plot.isOfFlags && named) },
    ];
  }

  function series(line) {
    return {
      label: line.label,
      scale: line.scale,
      stroke: () => css(line.color),
      width: 1.5,
      dash: line.isDashed ? [5, 4] : undefined,
      points: { show: false },
      value: (_u, value) => line.shown(value),
      ...(line.base !== undefined && { fill: () => css(line.color), fillTo: line.base, width: 0, paths: uPlot.paths.stepped({ align: 1 }) }),
    };
  }

  function options(place, plot) {
    const own = plot.lines.filter((line) => line.hasOwnScale);
    const range = plot.isOfFlags ? () => [0, plot.lines.length] : (_u, low, high) => limits(low, high, plot.fromZero);
    return {
      title: plot.title,
      width: place.clientWidth,
      height: heightOf(place),
      padding: [4, END_PX, 0, 0],
      cursor: {
        sync: { key: "signals", setSeries: false },
        drag: { x: true, y: false, setScale: false, dist: 4 },
        bind: { dblclick: () => () => show(fullFrom, fullTo) },
        points: { size: 6 },
        y: false,
      },
      scales: {
        x: { time: false, range: () => [view.from, view.to] },
        y: { range },
        ...Object.fromEntries(own.map((line) => [line.scale, { range: (_u, low, high) => limits(low, high, false) }])),
      },
      axes: axes(plot, place.classList.contains("last")),
      series: [{ label: "time", value: (_u, value) => (value === null ? "–" : label(value, 2)) }, ...plot.lines.map(series)],
      hooks: { drawClear: [drawModes], draw: [drawEvents], setSelect: [select] },
    };
  }

  function limits(low, high, fromZero) {
    if (low === null || low === undefined) return [0, 1];
    if (fromZero) return [0, Math.max(high * 1.08, 1)];
    const margin = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
    return [low - margin, high + margin];
  }

  function select(chart) {
    const { left, width } = chart.select;
    if (width < 4) return;
    const from = chart.posToVal(left, "x");
    const to = chart.posToVal(left + width, "x");
    for (const other of charts.values()) other.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    show(from, to);
  }

  /* The window */

  async function show(from, to, isFirst = false) {
    const length = Math.min(Math.max(to - from, SHORTEST_S), fullTo - fullFrom);
    const start = Math.min(Math.max(from, fullFrom), fullTo - length);
    const next = { from: start, to: start + length };
    if (!isFirst && Math.abs(next.from - view.from) < 1e-6 && Math.abs(next.to - view.to) < 1e-6) return;
    view = next;
    tell();
    for (const chart of charts.values()) chart.redraw();
    const turn = ++asked;
    try {
      const answer = await window.samples.read(drive, names, view, root.clientWidth);
      if (turn === asked) draw(answer);
    } catch (error) {
      const place = document.getElementById("plot-error");
      place.textContent = `The samples can’t be read: ${error.message}.`;
      place.hidden = false;
    }
  }

  // What the whole drive has nothing of is a sentence; what a part has nothing of keeps its place.
  function tellNothing(place, plot, data) {
    const isEmpty = data.slice(1).every((values) => values.every((value) => value === null || value === undefined));
    const words = place.querySelector(".nothing") ?? place.appendChild(document.createElement("p"));
    words.className = "nothing";
    words.textContent = isEmpty ? (isWhole() ? plot.nothing : `Nothing in this part: ${plot.title}.`) : "";
    place.classList.toggle("is-empty", isEmpty);
    place.classList.toggle("is-never", isEmpty && isWhole() && !charts.has(place.dataset.plot));
    for (const [name, value] of [["role", "img"], ["aria-label", place.dataset.label]]) {
      if (isEmpty) place.removeAttribute(name);
      else place.setAttribute(name, value);
    }
    return isEmpty;
  }

  function draw(answer) {
    for (const place of places) {
      const name = place.dataset.plot;
      const plot = plots.get(name);
      const data = window.samples.table(answer, plot.lines);
      const isEmpty = tellNothing(place, plot, data);
      const chart = charts.get(name);
      if (chart) chart.setData(data);
      else if (!isEmpty) charts.set(name, new uPlot(options(place, plot), data, place));
    }
    requestAnimationFrame(() => point(window.cockpit.now)); // the charts are laid out by then
    root.dataset.state = "drawn";
    root.dataset.shownFrom = view.from;
    root.dataset.shownTo = view.to;
  }

  const isWhole = () => view.from <= fullFrom && view.to >= fullTo;

  function tell() {
    const decimals = view.to - view.from < 20 ? 1 : 0;
    document.getElementById("range").textContent = `${label(view.from, decimals)} to ${label(view.to, decimals)}`;
    document.getElementById("whole").disabled = isWhole();
    const url = new URL(location.href);
    for (const [name, value] of [["from", view.from], ["to", view.to]]) {
      if (isWhole()) url.searchParams.delete(name);
      else url.searchParams.set(name, value.toFixed(2));
      const field = document.querySelector(`#picker [name=${name}]`);
      [field.disabled, field.value] = [isWhole(), value.toFixed(2)];
    }
    history.replaceState(null, "", url);
    document.dispatchEvent(new CustomEvent("view", { detail: { ...view } }));
  }

  const zoom = (factor) => () => {
    const middle = (view.from + view.to) / 2;
    const half = ((view.to - view.from) / 2) * factor;
    show(middle - half, middle + half);
  };
  const move = (share) => () => {
    const step = (view.to - view.from) * share;
    show(view.from + step, view.to + step);
  };
  const actions = { whole: () => show(fullFrom, fullTo), closer: zoom(0.5), wider: zoom(2), earlier: move(-0.5), later: move(0.5) };
  for (const [id, act] of Object.entries(actions)) document.getElementById(id).addEventListener("click", act);

  new ResizeObserver(() => {
    for (const place of places) charts.get(place.dataset.plot)?.setSize({ width: place.clientWidth, height: heightOf(place) });
  }).observe(root);
  document.addEventListener("themechange", () => {
    colors.clear();
    charts.forEach((chart) => chart.redraw());
  });

  /* One moment with the other parts of the page: see cursor.js */

  function announce(event, isChosen) {
    const place = event.target.closest("[data-plot]");
    const chart = place && event.target.closest(".u-over") && charts.get(place.dataset.plot);
    if (!chart) return;
    const time = chart.posToVal(event.clientX - chart.over.getBoundingClientRect().left, "x");
    document.dispatchEvent(new CustomEvent("moment", { detail: { time, by: "plots", isChosen } }));
  }

  function point(time) {
    const isWithin = view.from <= time && time <= view.to;
    for (const chart of charts.values()) {
      const left = isWithin ? chart.valToPos(time, "x") : -10;
      chart.setCursor({ left, top: isWithin ? 1 : -10 }, false);
    }
  }
  root.addEventListener("pointermove", (event) => event.buttons || announce(event, false));
  root.addEventListener("click", (event) => announce(event, true));
  root.addEventListener("pointerleave", () => requestAnimationFrame(() => point(window.cockpit.now)));
  document.addEventListener("moment", ({ detail }) => {
    if (detail.by === "plots") return;
    const half = (view.to - view.from) / 2;
    if (detail.isChosen && (detail.time < view.from || detail.time > view.to)) show(detail.time - half, detail.time + half);
    point(detail.time);
  });

  const given = new URLSearchParams(location.search);
  const first = { from: Number(given.get("from")), to: Number(given.get("to")) };
  if (first.to > first.from) show(first.from, first.to, true);
  else show(fullFrom, fullTo, true);
})();
