"""One drive: its timeline, plots, track, and everything that happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from engagement.api.pages.charts import time_axis
from engagement.api.pages.rendering import AnyRequest, page
from engagement.api.pages.road import read_road
from engagement.api.pages.signal_plots import check_plots, choose_plots
from engagement.api.pages.timelines import override_strips, pins, read_modes, strips
from engagement.api.pages.track import read_track
from engagement.api.plots import known_series
from engagement.api.request_filters import find_drive_id
from engagement.store.event_names import in_drive
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Row = dict[str, Any]

_ROWS = {
    "events": "from {events} where drive_id = ? order by mono_ns, kind",
    "alerts": "from alerts where drive_id = ? order by start_mono_ns",
    "segments": "from segments where drive_id = ? order by segment_num",
    "params": "from params where drive_id = ? order by name",
    "sources": "from signal_sources where drive_id = ? order by quantity",
    "tuning": (
        "from tuning where drive_id = ? "
        "order by list_position(['city', 'road', 'highway'], speed_band)"
    ),
    "bookmarks": (
        "select (mono_ns - first_mono_ns) / 1e9 as time_s, bookmarks.segment_num, bookmarks.source "
        "from bookmarks inner join result.drive_facts using (drive_id) "
        "where drive_id = ? order by mono_ns"
    ),
}
_DRIVE = "from {drives} where drive_id = ?"
_MIN_SHOWN_S = 0.05
_S_PER_DAY = 86_400
_QUALITY = "from {data_quality} where drive_id = ?"
_MINUTES = """
select
    ((mono_ns - $first_mono_ns) // 60000000000)::bigint * 60.0::double as start_s,
    min(v_ego_mps)::double as min_speed_mps,
    avg(v_ego_mps)::double as mean_speed_mps,
    max(v_ego_mps)::double as max_speed_mps,
    max(abs(steering_angle_deg))::double as max_angle_deg
from log.car_state
where drive_id = $drive_id
group by start_s
order by start_s
"""


@get("/drive/{drive:str}", sync_to_thread=True)
def get_drive(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    drive: FromPath[str],
    *,
    signals: FromQuery[list[str] | None] = None,
) -> Response[bytes]:
    """Show a drive, named by its route or its number, with plots of some signals.

    A time after the name, DRIVE@SECONDS as `find` writes it, is the moment that is shown first.
    """
    name, at_s = in_drive(drive)
    drive_id = find_drive_id(generation, name)
    check_plots(signals or (), known_series(generation))

    def make() -> Mapping[str, Any]:
        return _read(generation, drive_id, signals or (), at_s or 0.0)

    return page(request, generation, "drive.html", make, drive_id=drive_id)


def _read(
    generation: Generation, drive_id: int, plotted: Sequence[str], at_s: float
) -> Mapping[str, Any]:
    names = {view: generation.quickest(view) for view in ("drives", "events", "data_quality")}

    def rows(query: str) -> list[Row]:
        return generation.rows(query.format(**names), [drive_id])

    [drive] = rows(_DRIVE)
    quality = next(iter(rows(_QUALITY)), None)
    found = {name: rows(query) for name, query in _ROWS.items()}
    runs = read_modes(generation, [drive_id]).get(drive_id, [])
    drive_s = drive["duration_s"] or 0.0
    _, ticks = time_axis(drive_s)
    return {
        **found,
        "drive": drive,
        "at_s": min(at_s, drive_s),
        "road": read_road(generation, drive_id, 0.0, drive_s, 0.0),
        "parts": {
            "strips": strips(runs),
            "override_strips": override_strips(found["events"], drive_s),
            "pins": pins(found["events"], drive_s),
            "ticks": ticks,
            "legend": legend(runs),
            "chosen": choose_plots(plotted, known_series(generation)),
        },
        "notices": _notices(drive, quality),
        "override_count": {"n_overrides": _sum(drive)},
        "track": read_track(generation, drive_id, found["events"]) if runs else None,
        "minutes": _minutes(generation, runs),
    }


def _minutes(generation: Generation, runs: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Speed and steering of each minute of the drive that has these runs."""
    wanted = [{name: run[name] for name in ("drive_id", "first_mono_ns")} for run in runs[:1]]
    return generation.rows(_MINUTES, wanted[0]) if wanted else []


def legend(runs: Sequence[Mapping[str, Any]]) -> list[Row]:
    """How long each mode was on, the longest first."""
    found: dict[str, float] = {}
    for run in runs:
        found[run["mode"]] = found.get(run["mode"], 0.0) + run["end_s"] - run["start_s"]
    return [
        {"mode": mode, "mode_s": total_s}
        for mode, total_s in sorted(found.items(), key=lambda item: -item[1])
        if total_s >= _MIN_SHOWN_S
    ]


def _sum(drive: Mapping[str, Any]) -> int | None:
    """Overrides of both kinds; None if they are not known."""
    if drive["n_lateral_overrides"] is None:
        return None
    total: int = drive["n_lateral_overrides"] + drive["n_longitudinal_overrides"]
    return total


def _notices(drive: Mapping[str, Any], quality: Mapping[str, Any] | None) -> list[str]:
    """Reasons to doubt the drive's numbers, in sentences."""
    found = []
    if drive["log_kind"] in ("qlog", "mixed"):
        part = "All" if drive["log_kind"] == "qlog" else "Some"
        found.append(f"{part} segments were read from qlogs, which are coarser.")
    if drive["n_missing_segments"]:
        found.append(_times(drive["n_missing_segments"], "segment has", "segments have", "no log."))
    if quality is None:
        return found
    if quality["n_gaps"]:
        gaps = f"no state for more than a second, {quality['gap_s']:.1f} s in all."
        found.append(_times(quality["n_gaps"], "stretch has", "stretches have", gaps))
    if quality["n_clock_jumps"]:
        found.append(f"The clock jumps, by up to {_length(quality['clock_jump_s'])}.")
    if quality["n_left_out_segments"]:
        rest = "left out here: the same log counts under another name."
        found.append(_times(quality["n_left_out_segments"], "segment is", "segments are", rest))
    return found


def _times(number: int, one: str, many: str, rest: str) -> str:
    return f"{number} {one if number == 1 else many} {rest}"


def _length(seconds: float) -> str:
    """Seconds, or days if there are many; without a sign."""
    days = abs(seconds) / _S_PER_DAY
    return f"{days:.0f} days" if days >= 2 else f"{abs(seconds):.1f} s"  # noqa: PLR2004
