"""The state of a drive at every moment, from one change of any source to the next."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.oracles.metric_drive import Drive, Row, Samples


@dataclass(frozen=True, slots=True)
class Interval:
    """A state and when it holds."""

    start_ns: int
    end_ns: int
    mode: str
    enabled: bool | None
    active: bool | None
    lateral_active: bool | None
    longitudinal_active: bool | None

    @property
    def state(self) -> tuple[object, ...]:
        return tuple(getattr(self, item.name) for item in fields(self)[2:])

    @property
    def duration_ns(self) -> int:
        return self.end_ns - self.start_ns


def state_runs(drive: Drive, control: Samples) -> list[Interval]:
    """Maximal runs of one state; they tile the drive's span."""
    span = drive.span
    if span is None:
        return []
    sources = (control, drive.car_state, drive.car_control)
    times = {time for source in sources for time in source.times}
    times |= {row["mono_ns"] for row in drive.rows("mads")}
    times = {time for time in times if span[0] <= time <= span[1]}
    runs: list[Interval] = []
    for start_ns, end_ns in pairwise(sorted(times | set(span))):
        piece = Interval(start_ns, end_ns, *_state(drive, control.known(start_ns), start_ns))
        if runs and runs[-1].state == piece.state:
            piece = replace(piece, start_ns=runs.pop().start_ns)
        runs.append(piece)
    return _settled(runs, round(drive.parameters.cause_after_s * 1e9))


def _settled(runs: list[Interval], least_ns: int) -> list[Interval]:
    """Steering alone for a moment is no mode: services change some milliseconds apart."""
    found: list[Interval] = []
    for mode, group in groupby(runs, key=lambda run: run.mode):
        same = list(group)
        if mode == "lateral_only" and same[-1].end_ns - same[0].start_ns < least_ns:
            same = [replace(run, mode="manual") for run in same]
        for run in same:
            if found and found[-1].state == run.state:
                found[-1] = replace(found[-1], end_ns=run.end_ns)
            else:
                found.append(run)
    return found


def _state(drive: Drive, control: Row | None, mono_ns: int) -> tuple[Any, ...]:
    if control is None:
        return "unknown", None, None, None, None
    return (
        _mode(drive, mono_ns, control),
        control["enabled"],
        control["active"],
        _axis(drive, mono_ns, control, "lat_active"),
        _longitudinal(drive, mono_ns, control),
    )


def _mode(drive: Drive, mono_ns: int, control: Row) -> str:
    car_control = drive.car_control.known(mono_ns) or {}
    car_state = drive.car_state.known(mono_ns) or {}
    is_lateral = car_control.get("lat_active") is True
    mads = drive.mads(mono_ns)
    if mads is not None:
        is_lateral = mads["enabled"] is True and mads.get("state") != "paused"
    is_enabled_for_it = mads is None and control["active"]
    if (
        drive.is_old_sunnypilot
        and (is_lateral or (is_enabled_for_it and car_state.get("cruise_enabled") is False))
        and car_control.get("long_active") is not True
        and car_state.get("cruise_enabled") is not True
    ):
        return "lateral_only"
    if control["active"]:
        return "engaged"
    if is_lateral and not car_control.get("enabled") and not control["enabled"]:
        return "lateral_only"
    return "pre_enabled" if control["enabled"] else "manual"


def _axis(drive: Drive, mono_ns: int, control: Row, column: str) -> bool | None:
    if not drive.car_control.rows:
        return bool(control["active"])
    car_control = drive.car_control.known(mono_ns)
    if car_control is None:
        return None
    value = car_control[column]
    return bool(control["active"] if value is None else value)


def _longitudinal(drive: Drive, mono_ns: int, control: Row) -> bool | None:
    if drive.openpilot_longitudinal is None:
        return None
    if drive.openpilot_longitudinal:
        return _axis(drive, mono_ns, control, "long_active")
    if not control["active"]:
        return False
    car_state = drive.car_state.known(mono_ns)
    return None if car_state is None else car_state["cruise_enabled"]
