// A drive's samples from the API, made into points to draw.
"use strict";
window.samples = (() => {
  const RAW_BELOW_S = 60; // so short a window is drawn sample by sample
  const GAP_S = 1.2; // further apart, samples are not joined
  const MAX_BUCKETS = 2000;
  const MIN_BUCKETS = 200;

  async function read(drive, names, { from, to }, width) {
    const length = to - from;
    const margin = Math.min(1, length / 10);
    const query = new URLSearchParams({
      series: names.join(","),
      start_s: Math.max(from - margin, 0),
      end_s: to + margin,
    });
    if (length < RAW_BELOW_S) query.set("raw", "true");
    else query.set("buckets", Math.min(MAX_BUCKETS, Math.max(MIN_BUCKETS, Math.round(width))));
    const answer = await fetch(`/api/v1/drives/${drive}/samples?${query}`);
    if (!answer.ok) throw new Error((await answer.json()).detail || answer.statusText);
    return answer.json();
  }

  // Of a bucket both ends are drawn, first the one that is nearer to what came before.
  function unfold(times, bucket, least, greatest) {
    const points = [];
    let before = null;
    times.forEach((time, index) => {
      const low = least[index];
      const high = greatest[index];
      if (low === null) return;
      const isFalling = before !== null && Math.abs(before - high) < Math.abs(before - low);
      points.push([time + bucket * 0.25, isFalling ? high : low]);
      points.push([time + bucket * 0.75, isFalling ? low : high]);
      before = isFalling ? low : high;
    });
    return points;
  }

  function pointsOf(answer, line) {
    const found = answer.series[line.series];
    const points = found.time_s
      ? found.time_s.map((time, index) => [time, found.value[index]])
      : unfold(answer.time_s, answer.bucket_s, found.min, found.max);
    const mapped = points.map(([time, value]) => [time, value === null ? null : line.map(value)]);
    const limit = Math.max(GAP_S, (answer.bucket_s || 0) * 1.6);
    return mapped.flatMap((point, index) => {
      const last = mapped[index - 1];
      return last && point[0] - last[0] > limit ? [[last[0] + limit / 2, null], point] : [point];
    });
  }

  // All lines of a plot over one list of times, as uPlot takes them.
  function table(answer, lines) {
    const tables = lines.map((line) => {
      const points = pointsOf(answer, line);
      return [points.map((point) => point[0]), points.map((point) => point[1])];
    });
    return uPlot.join(tables, tables.map(() => [0, 2]));
  }

  return { read, table };
})();
