// The zoomable plots of a drive or an event: one window for all of them, read from the API.
"use strict";
(() => {
  const SHORTEST_S = 0.5;
  const CANVAS_HEIGHT = { inputs: 96 };
  const root = document.getElementById("signals");
  if (!root || typeof uPlot === "undefined") return;
  const same = (value) => value;
  const scaled = (perSi) => (value) => (value === null ? null : value * Number(perSi));
  const speed = scaled(root.dataset.speedPerSi);
  const length = scaled(root.dataset.lengthPerSi);

  // Rows of the plot of inputs, from below: what is on is drawn as a block in its row.
  const block = (row) => (value) => (value === null ? null : row + (value ? 0.75 : 0));
  const isOn = (row) => (value) => (value === null ? "–" : value > row ? "yes" : "no");

  const PLOTS = {
    speed: {
      title: `Speed, ${root.dataset.speedUnit}`,
      fromZero: true,
      lines: [
        { series: "speed_mps", label: "speed", color: "--engaged", map: speed },
        { series: "cruise_speed_mps", label: "set speed", color: "--soft", dash: [5, 4], map: (v) => (v > 0 ? speed(v) : null) },
      ],
    },
    angle: {
      title: "Steering angle, °",
      lines: [{ series: "steering_angle_deg", label: "angle", color: "--engaged", map: same }],
    },
    torque: {
      title: "The driver’s torque on the wheel, in the car’s own unit",
      lines: [{ series: "steering_torque", label: "torque", color: "--override", map: same }],
    },
    inputs: {
      title: "The driver’s inputs",
      range: [0, 3],
      rows: ["wheel", "brake", "gas"],
      lines: [
        { series: "gas_pressed", label: "gas", color: "--pedal", map: block(2), shown: isOn(2), base: 2 },
        { series: "brake_pressed", label: "brake", color: "--bad", map: block(1), shown: isOn(1), base: 1 },
        { series: "steering_pressed", label: "wheel", color: "--override", map: block(0), shown: isOn(0), base: 0 },
      ],
    },
    lead: {
      title: `Car ahead, ${root.dataset.lengthUnit}`,
      fromZero: true,
      lines: [{ series: "lead_distance_m", label: "distance", color: "--pre", map: length }],
    },
  };

  const names = Object.values(PLOTS).flatMap((plot) => plot.lines.map((line) => line.series));
  const drive = root.dataset.drive;
  const fullFrom = Number(root.dataset.from) || 0;
  const fullTo = Number(root.dataset.to) || Number(root.dataset.duration);
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

  const mark = root.dataset.mark === "" ? null : Number(root.dataset.mark);

  // Times are of the drive; around an event they are from it on.
  function label(seconds, decimals = 0) {
    if (mark === null) return clock(seconds, decimals);
    const after = seconds - mark;
    return `${after < -1e-9 ? "−" : ""}${Math.abs(after).toFixed(decimals)} s`;
  }

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

  function clock(seconds, decimals = 0) {
    const whole = Number(Math.abs(seconds).toFixed(decimals)); // 59.96 s are 1:00, not 0:60
    const rest = (whole % 60).toFixed(decimals).padStart(decimals ? decimals + 3 : 2, "0");
    const minutes = Math.floor(whole / 60);
    const hours = Math.floor(minutes / 60);
    const sign = seconds < 0 ? "−" : "";
    if (!hours) return `${sign}${minutes}:${rest}`;
    return `${sign}${hours}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
  }

  /* Drawing */

  function drawModes(chart) {
    const { ctx, bbox } = chart;
    const names = { engaged: "--engaged", lateral_only: "--lateral-line", pre_enabled: "--pre", manual: "--manual", unknown: "--unknown-line" };
    ctx.save();
    for (const { mode, start, end } of modes) {
      const left = Math.max(chart.valToPos(start, "x", true), bbox.left);
      const right = Math.min(chart.valToPos(end, "x", true), bbox.left + bbox.width);
      if (right <= left) continue;
      ctx.fillStyle = css(names[mode] || "--manual");
      ctx.globalAlpha = mode === "engaged" ? 0.09 : mode === "manual" ? 0 : 0.14;
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
      ctx.globalAlpha = 1;
      const strip = 3 * devicePixelRatio;
      ctx.fillRect(left, bbox.top + bbox.height - strip, right - left, strip);
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

  function options(name, plot, width) {
    const axis = { stroke: () => css("--soft"), grid: { stroke: () => css("--grid"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const decimals = (step) => (step >= 1 ? 0 : step >= 0.1 ? 1 : 2);
    return {
      title: plot.title,
      width,
      height: CANVAS_HEIGHT[name] || 156,
      cursor: {
        sync: { key: "signals", setSeries: false },
        drag: { x: true, y: false, setScale: false, dist: 4 },
        bind: { dblclick: () => () => show(fullFrom, fullTo) },
        points: { size: 6 },
      },
      scales: {
        x: { time: false, range: () => [view.from, view.to] },
        y: { range: plot.range ? () => plot.range : (_u, low, high) => limits(low, high, plot.fromZero) },
      },
      axes: [
        { ...axis, size: 28, ...(mark !== null && { splits: around }), values: (_u, splits, _i, _s, step) => splits.map((value) => label(value, decimals(step))) },
        {
          ...axis,
          size: 52,
          ...(plot.rows && { splits: () => plot.rows.map((_row, index) => index + 0.4), values: () => plot.rows, grid: { show: false } }),
        },
      ],
      series: [
        { label: "time", value: (_u, value) => (value === null ? "–" : label(value, 2)) },
        ...plot.lines.map((line) => ({
          label: line.label,
          stroke: () => css(line.color),
          width: 1.5,
          dash: line.dash,
          points: { show: false },
          value: (_u, value) => (line.shown ? line.shown(value) : value === null || value === undefined ? "–" : value.toFixed(1)),
          ...(line.base !== undefined && {
            fill: () => css(line.color),
            fillTo: line.base,
            width: 0,
            paths: uPlot.paths.stepped({ align: 1 }),
          }),
        })),
      ],
      hooks: { drawClear: [drawModes], draw: [drawEvents], setSelect: [select] },
    };
  }

  function limits(low, high, fromZero) {
    if (low === null || low === undefined) return [0, 1];
    if (fromZero) return [0, Math.max(high * 1.08, 1)];
    const margin = Math.max((high - low) * 0.08, 0.5);
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

  function draw(answer) {
    for (const place of root.querySelectorAll("[data-plot]")) {
      const name = place.dataset.plot;
      const data = window.samples.table(answer, PLOTS[name].lines);
      const chart = charts.get(name);
      if (chart) chart.setData(data);
      else charts.set(name, new uPlot(options(name, PLOTS[name], place.clientWidth - 16), data, place));
    }
    root.dataset.state = "drawn";
    root.dataset.shownFrom = view.from;
    root.dataset.shownTo = view.to;
  }

  function tell() {
    const isWhole = view.from <= fullFrom && view.to >= fullTo;
    const decimals = view.to - view.from < 20 ? 1 : 0;
    document.getElementById("range").textContent = `${label(view.from, decimals)} to ${label(view.to, decimals)}`;
    document.getElementById("whole").disabled = isWhole;
    const url = new URL(location.href);
    for (const [name, value] of [["from", view.from], ["to", view.to]]) {
      if (isWhole) url.searchParams.delete(name);
      else url.searchParams.set(name, value.toFixed(2));
    }
    history.replaceState(null, "", url);
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
    for (const [name, chart] of charts) {
      const place = root.querySelector(`[data-plot="${name}"]`);
      chart.setSize({ width: place.clientWidth - 16, height: CANVAS_HEIGHT[name] || 156 });
    }
  }).observe(root);
  document.addEventListener("themechange", () => {
    colors.clear();
    charts.forEach((chart) => chart.redraw());
  });

  /* One moment with the other parts of the page: see player.js */

  function announce(event, isChosen) {
    const place = event.target.closest("[data-plot]");
    const chart = place && event.target.closest(".u-over") && charts.get(place.dataset.plot);
    if (!chart) return;
    const time = chart.posToVal(event.clientX - chart.over.getBoundingClientRect().left, "x");
    document.dispatchEvent(new CustomEvent("moment", { detail: { time, by: "plots", isChosen } }));
  }
  root.addEventListener("pointermove", (event) => event.buttons || announce(event, false));
  root.addEventListener("click", (event) => announce(event, true));
  document.addEventListener("moment", ({ detail }) => {
    if (detail.by === "plots") return;
    const isWithin = view.from <= detail.time && detail.time <= view.to;
    for (const chart of charts.values()) {
      const left = isWithin ? chart.valToPos(detail.time, "x") : -10;
      chart.setCursor({ left, top: isWithin ? 1 : -10 }, false);
    }
  });

  const given = new URLSearchParams(location.search);
  const first = { from: Number(given.get("from")), to: Number(given.get("to")) };
  if (first.to > first.from) show(first.from, first.to, true);
  else show(fullFrom, fullTo, true);
})();
