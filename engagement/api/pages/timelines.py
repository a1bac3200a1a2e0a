"""Drives' timelines: runs of one mode as strips, overrides above them, events as pins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engagement.api.addresses import event_url
from engagement.api.pages.charts import Scale
from engagement.api.pages.page_formats import duration
from engagement.api.pages.words import mode_words, title_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engagement.store.serving import Generation

_MODES = """
select
    intervals.drive_id,
    intervals.mode,
    (intervals.start_mono_ns - metrics.first_mono_ns) / 1e9 as start_s,
    (intervals.end_mono_ns - metrics.first_mono_ns) / 1e9 as end_s,
    metrics.first_mono_ns,
    metrics.duration_s as drive_s
from state_intervals as intervals
inner join result.drive_metrics as metrics on intervals.drive_id = metrics.drive_id
where intervals.drive_id in (select unnest($drives))
order by intervals.drive_id, intervals.start_mono_ns
"""
_MIN_SHARE = 0.05  # in percent; a shorter run can't be seen


@dataclass(frozen=True, slots=True)
class Strip:
    """A run of one mode: its place in percent of the drive, and its name."""

    x: float
    width: float
    mode: str
    title: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Pin:
    """An event on a timeline or a map, and the page about it."""

    x: float
    kind: str
    is_critical: bool
    title: str
    url: str
    time_s: float


def read_modes(generation: Generation, drive_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """The runs of each drive, neighbours of one mode as one; a drive without samples has none."""
    found: dict[int, list[dict[str, Any]]] = {}
    for row in generation.rows(_MODES, {"drives": list(drive_ids)}):
        runs = found.setdefault(row["drive_id"], [])
        if runs and runs[-1]["mode"] == row["mode"] and runs[-1]["end_s"] == row["start_s"]:
            runs[-1]["end_s"] = row["end_s"]
        else:
            runs.append(row)
    return found


def strips(runs: Iterable[Mapping[str, Any]]) -> list[Strip]:
    """Runs of one drive as they are drawn."""
    found = []
    for run in runs:
        scale = Scale(0.0, run["drive_s"] or 1.0)
        x, end = scale(run["start_s"]), scale(run["end_s"])
        if end - x >= _MIN_SHARE:
            title = f"{mode_words(run['mode'])}, {_span(run['start_s'], run['end_s'])}"
            found.append(
                Strip(x, round(end - x, 3), run["mode"], title, run["start_s"], run["end_s"])
            )
    return found


def override_strips(rows: Iterable[Mapping[str, Any]], drive_s: float) -> list[Strip]:
    """Overrides of one drive, from its rows of `events`."""
    scale = Scale(0.0, drive_s or 1.0)
    found = []
    for row in rows:
        if row["duration_s"] is not None and row["kind"].endswith("_override"):
            end_s = row["time_s"] + row["duration_s"]
            x, end = scale(row["time_s"]), scale(end_s)
            title = f"{title_words(row['kind'], None)}, {row['duration_s']:.1f} s"
            width = round(max(end - x, 0.15), 3)
            found.append(Strip(x, width, row["kind"], title, row["time_s"], end_s))
    return found


def pins(rows: Iterable[Mapping[str, Any]], drive_s: float) -> list[Pin]:
    """Events of one drive."""
    scale = Scale(0.0, drive_s or 1.0)
    return [
        Pin(
            scale(row["time_s"]),
            row["kind"] if row["cause"] != "end_of_drive" else "end_of_drive",
            bool(row["is_critical"]),
            f"{title_words(row['kind'], row['cause'])}, at {duration(row['time_s'])}",
            event_url(row),
            row["time_s"],
        )
        for row in rows
    ]


def _span(start_s: float, end_s: float) -> str:
    length = f"{end_s - start_s:.1f} s" if end_s - start_s < 60 else duration(end_s - start_s)  # noqa: PLR2004
    return f"{duration(start_s)} to {duration(end_s)}, {length}"
