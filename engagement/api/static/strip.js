// The numbers of the moment, below the road's picture: speed, pedals, wheel, car ahead.
"use strict";
(() => {
  const PART_S = 30; // of the drive, read at once
  const STALE_S = 1.2; // older samples say nothing of now
  const KEPT = 6;
  const NAMES = ["speed_mps", "steering_angle_deg", "gas_pressed", "brake_pressed", "steering_pressed", "lead_distance_m"];
  const root = document.querySelector("#player [data-strip]");
  if (!root) return;
  const { drive, speedPerSi, speedUnit, lengthPerSi, lengthUnit } = root.dataset;
  const places = Object.fromEntries([...root.querySelectorAll("[data-of]")].map((one) => [one.dataset.of, one]));
  const wheel = root.querySelector(".turns");
  const parts = new Map();
  let time = 0;

  function part(number) {
    if (!parts.has(number)) {
      if (parts.size >= KEPT) parts.delete(parts.keys().next().value);
      const from = number * PART_S;
      const answer = window.samples.read(drive, NAMES, { from: Math.max(from - STALE_S, 0), to: from + PART_S }, 400);
      parts.set(number, null);
      answer.then((found) => parts.set(number, found) && draw(), () => parts.delete(number));
    }
    return parts.get(number);
  }

  // The last sample by now; null where the last one is too old.
  function valueOf(found, name) {
    const { time_s: times, value } = found.series[name];
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] <= time + 1e-6) low = middle + 1;
      else high = middle;
    }
    return low && time - times[low - 1] < STALE_S ? value[low - 1] : null;
  }

  const shown = (value, perSi, unit) => (value === null ? "–" : `${(value * perSi).toFixed(0)} ${unit}`);

  function draw() {
    const found = part(Math.floor(Math.max(time, 0) / PART_S));
    if (!found) return;
    const values = Object.fromEntries(NAMES.map((name) => [name, valueOf(found, name)]));
    const angle = values.steering_angle_deg;
    places.speed.textContent = shown(values.speed_mps, speedPerSi, speedUnit);
    places.lead.textContent = values.lead_distance_m === null ? "none" : shown(values.lead_distance_m, lengthPerSi, lengthUnit);
    places.angle.textContent = angle === null ? "–" : `${angle < 0 ? "−" : ""}${Math.abs(angle).toFixed(0)}°`;
    wheel.setAttribute("transform", `rotate(${angle === null ? 0 : -angle})`); // to the left is positive
    for (const [name, column] of [["gas", "gas_pressed"], ["brake", "brake_pressed"], ["hands", "steering_pressed"]]) {
      places[name].textContent = values[column] === null ? "–" : values[column] ? "yes" : "no";
      places[name].classList.toggle("is-on", Boolean(values[column]));
    }
    root.dataset.time = time.toFixed(3);
  }

  document.addEventListener("moment", ({ detail }) => {
    time = detail.time;
    draw();
  });
})();
