"""A part of a drive as a video file: cut as it is, or drawn on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engagement.errors import NotFoundError
from engagement.store import moments, samples
from engagement.video import jobs
from engagement.video.times import read_footage, read_videos

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from engagement.store.query_types import Queryable

_LINES_EACH_S = 0.25
_STALE_S = 1.2
_CAUSE_S = 4.0  # how long it stands
_KPH_PER_MPS = 3.6
_MAX_SAMPLES = 2_000_000
_START_S, _PER_S = 60.0, 4.0  # a slow machine draws on a quarter of the pictures of a second
_EVENTS = "select time_s, kind, cause from events where drive_id = $drive_id order by time_s"


def video_clip(reader: Queryable, part: samples.Window, *, has_overlay: bool) -> tuple[bytes, int]:
    """An MP4 of the road, and of how many segments it is.

    As it is, it begins at the key frame before `part`, as a picture can't be cut from those that it
    is made of. Drawn on, which codes it anew, it is exact.

    Raises:
        NotFoundError: If no video of that time was found.
        VideoError: If one can't be read.
    """
    videos = [
        video
        for video in read_videos(reader, part.drive_id)
        if video["time_s"] < part.end_s and video["end_s"] > part.start_s
    ]
    if not videos:
        raise NotFoundError("video from", f"{part.start_s:.1f} s to {part.end_s:.1f} s")
    parts = [jobs.Part(read_footage(reader, video), part.start_s, part.end_s) for video in videos]
    if not has_overlay:
        return jobs.remux(parts, is_fragmented=False), len(parts)
    limit_s = _START_S + _PER_S * (part.end_s - part.start_s)
    return jobs.drawn(parts, overlay_lines(reader, part), limit_s), len(parts)


def overlay_lines(reader: Queryable, part: samples.Window) -> list[tuple[float, str]]:
    """What is written on the pictures, each line from its time of the drive on."""
    found = samples.whole(reader, part, ["speed_mps"], _MAX_SAMPLES)
    times_s, speeds_mps = found["speed_mps"]
    states = moments.states(reader, part)
    events = reader.rows(_EVENTS, {"drive_id": part.drive_id})
    lines, place = [], -1
    for number in range(int((part.end_s - part.start_s) / _LINES_EACH_S) + 1):
        at_s = part.start_s + number * _LINES_EACH_S
        while place + 1 < len(times_s) and times_s[place + 1] <= at_s + 1e-6:
            place += 1
        is_fresh = place >= 0 and at_s - times_s[place] < _STALE_S
        speed_mps = speeds_mps[place] if is_fresh else None
        speed = "- KM/H" if speed_mps is None else f"{speed_mps * _KPH_PER_MPS:.0f} KM/H"
        lines.append((at_s, "  ".join([speed, _mode(states, at_s), _cause(events, at_s)]).strip()))
    return lines


def _mode(states: Sequence[Mapping[str, Any]], at_s: float) -> str:
    modes = [one["mode"] for one in states if one["start_s"] <= at_s < one["end_s"]]
    return str(modes[-1] if modes else "unknown").replace("_", " ")


def _cause(events: Sequence[Mapping[str, Any]], at_s: float) -> str:
    """The last event, for a while from its beginning on."""
    now = [one for one in events if one["time_s"] <= at_s < one["time_s"] + _CAUSE_S]
    return (now[-1]["cause"] or now[-1]["kind"]).replace("_", " ") if now else ""
