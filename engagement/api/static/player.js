// The road: a segment's video after the other, at the same moment as the plots and the numbers.
//
// See cursor.js for how parts of a page share it.
"use strict";
(() => {
  const FRAME_S = 0.05;
  const STEP_S = 1;
  const JOIN_S = 1.5; // a shorter hole between segments is passed over
  const root = document.getElementById("player");
  if (!root) return;
  const video = root.querySelector("video");
  const told = root.querySelector("[data-told]");
  const button = root.querySelector("[data-play]");
  const segments = JSON.parse(root.dataset.segments);
  const from = Number(root.dataset.from);
  const to = Number(root.dataset.to);
  let now = Number(root.dataset.at);
  let shown = null; // the segment whose video is loaded
  let wanted = null; // a time to go to as soon as the video lets
  let isPlaying = false;

  video.controls = false;
  video.muted = true; // there is no sound in it

  const segmentAt = (time) => segments.findLast((one) => one.start <= time && time < one.end);

  function say(text) {
    told.textContent = text;
    told.hidden = !text;
  }

  function announce(by) {
    root.dataset.time = now.toFixed(3);
    document.dispatchEvent(new CustomEvent("moment", { detail: { time: now, by } }));
  }

  /* Show the picture of a moment */

  function show(time) {
    const segment = segmentAt(time);
    root.classList.toggle("is-empty", !segment);
    if (!segment) {
      say("There is no video of this moment.");
      video.pause();
      return;
    }
    say("");
    wanted = time;
    if (shown !== segment) {
      shown = segment;
      video.src = segment.url;
      video.load();
    } else {
      follow();
    }
  }

  function follow() {
    if (wanted === null || !shown || video.readyState < 1 || video.seeking) return;
    // The middle of a frame, as its border may be rounded to the one before.
    const at = Math.max(wanted - shown.start, 0) + FRAME_S / 10;
    wanted = null;
    video.currentTime = Math.min(at, Math.max(video.duration - FRAME_S / 2, 0));
  }

  function go(time, by = "player") {
    now = Math.min(Math.max(time, from), to);
    show(now);
    announce(by);
  }

  video.addEventListener("loadedmetadata", () => {
    follow();
    if (isPlaying) video.play().catch(pause);
  });
  video.addEventListener("seeked", () => {
    root.dataset.shown = (shown.start + video.currentTime).toFixed(3);
    follow();
  });
  video.addEventListener("error", async () => {
    if (!video.getAttribute("src")) return;
    pause();
    root.classList.add("is-empty");
    const answer = await fetch(shown.url, { headers: { range: "bytes=0-0" } }).catch(() => null);
    const problem = answer && !answer.ok ? await answer.json().catch(() => null) : null;
    say(`The video can’t be shown${problem ? `: ${problem.detail}` : " by this browser"}.`);
  });
  video.addEventListener("ended", () => next());

  /* Playing */

  function play() {
    if (now >= to - FRAME_S) go(from);
    isPlaying = true;
    if (!shown || segmentAt(now) !== shown) show(now);
    else video.play().catch(pause);
    tell();
    requestAnimationFrame(tick);
  }

  function pause() {
    isPlaying = false;
    video.pause();
    tell();
  }

  function tell() {
    button.textContent = isPlaying ? "Pause" : "Play";
    button.setAttribute("aria-pressed", String(isPlaying));
    root.dataset.state = isPlaying ? "playing" : "paused";
  }

  function next() {
    const after = segments[segments.indexOf(shown) + 1];
    if (!isPlaying) return;
    if (after && after.start - now < JOIN_S && after.start < to) go(Math.max(after.start, now));
    else pause();
  }

  function tick() {
    if (!isPlaying) return;
    if (shown && wanted === null && !video.seeking && video.readyState >= 2) {
      now = shown.start + video.currentTime;
      if (now >= to) {
        now = to;
        pause();
      }
      announce("player");
      if (isPlaying && now >= shown.end && segmentAt(now) !== shown) next();
    }
    requestAnimationFrame(tick);
  }

  /* Keys, buttons, and moments that others say */

  const toggle = () => (isPlaying ? pause() : play());
  const step = (seconds) => () => {
    pause();
    go(now + seconds);
  };
  const actions = {
    play: toggle,
    back: step(-STEP_S),
    on: step(STEP_S),
    previous: () => window.cockpit.hop(-1),
    next: () => window.cockpit.hop(1),
  };
  const keys = {
    " ": toggle, k: toggle,
    ArrowLeft: actions.back, ArrowRight: actions.on,
    ",": step(-FRAME_S), ".": step(FRAME_S),
  };
  for (const place of root.querySelectorAll("[data-act]")) place.addEventListener("click", actions[place.dataset.act]);
  video.addEventListener("click", toggle);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    const isWithin = root.contains(event.target);
    if (!isWithin && event.target !== document.body && event.target.id !== "main") return;
    if (event.key === " " && event.target.tagName === "BUTTON") return;
    if (!isWithin && event.key !== "k") return;
    event.preventDefault();
    keys[event.key]();
  });
  document.addEventListener("moment", ({ detail }) => {
    if (detail.by === "player" || (isPlaying && !detail.isChosen)) return;
    now = Math.min(Math.max(detail.time, from), to);
    root.dataset.time = now.toFixed(3);
    show(now);
  });

  tell();
  root.classList.add("is-ready");
  announce("player"); // the still picture is of this moment; a video is loaded when it is moved
})();
