"""The part of a drive that a clip shows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engagement.errors import InputError
from engagement.store.samples import Window, window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engagement.store.query_types import Queryable

BEFORE_S = 10.0
AFTER_S = 10.0

_NS_PER_S = 1_000_000_000
_STEP_NS = 30 * _NS_PER_S
_MAX_S = 1e9  # beyond any drive, and nanoseconds of it fit in 64 bits
_FACTS = """
select
    drive.dongle_id, drive.drive, identity.version, identity.git_branch, identity.car_fingerprint,
    epoch_ns(identity.started_at_utc) - metrics.first_mono_ns as wall_offset_ns,
    metrics.duration_s
from log.drive
inner join result.drive_identity as identity on drive.drive_id = identity.drive_id
inner join result.drive_metrics as metrics on drive.drive_id = metrics.drive_id
where drive.drive_id = $drive_id
"""
_LOGS = """
select start_mono_ns as start_ns, end_mono_ns + 1 as end_ns from log.segment
where drive_id = $drive_id and start_mono_ns is not null
order by start_mono_ns
"""


@dataclass(frozen=True, slots=True)
class ClipWindow:
    """Which samples a clip holds, and what is known of their drive.

    Attributes:
        part: The drive and the times, half-open, in seconds from the drive's first sample.
        dongle_id: The device.
        drive: The drive's name.
        car: The car's fingerprint; None if no log says it.
        version: Of openpilot.
        branch: Of openpilot.
        duration_s: Length of the whole drive.
        wall_offset_ns: What to add to logMonoTime for nanoseconds since 1970 UTC; None where only
            the drive's name tells the time.
        logs: From when until before when each log of the drive is, in logMonoTime, by its start.
        definitions: Number of those that its events are of.
        event: The row of `events` that the clip is about; None for a part of a drive.
    """

    part: Window
    dongle_id: str
    drive: str
    car: str | None
    version: str | None
    branch: str | None
    duration_s: float
    wall_offset_ns: int | None
    logs: tuple[tuple[int, int], ...]
    definitions: int
    event: Mapping[str, Any] | None = None

    def steps(self) -> Iterator[tuple[int, int]]:
        """The window, as far as there are logs, in parts that fit in memory: in logMonoTime.

        Between logs there may be hours, or any time at all where one has a wrong clock.
        """
        start_ns = self.part.start_ns
        for log_start_ns, log_end_ns in self.logs:
            start_ns = max(start_ns, log_start_ns)
            end_ns = min(log_end_ns, self.part.end_ns)
            while start_ns < end_ns:
                yield start_ns, min(start_ns + _STEP_NS, end_ns)
                start_ns = min(start_ns + _STEP_NS, end_ns)

    def facts(self) -> dict[str, Any]:
        """What a file says of itself, None for what is not known."""
        return {
            "dongle_id": self.dongle_id,
            "drive": self.drive,
            "start_s": self.part.start_s,
            "end_s": self.part.end_s,
            "first_mono_ns": self.part.first_mono_ns,
            "wall_offset_ns": self.wall_offset_ns,
            "car": self.car,
            "version": self.version,
            "branch": self.branch,
            "definitions": self.definitions,
            "event_id": self.event["event_id"] if self.event else None,
            "event_time_s": self.event["time_s"] if self.event else None,
            "event_kind": self.event["kind"] if self.event else None,
            "event_cause": self.event["cause"] if self.event else None,
        }


def event_window(
    reader: Queryable, event: Mapping[str, Any], from_s: float = -BEFORE_S, to_s: float = AFTER_S
) -> ClipWindow:
    """The time around an event; `from_s` and `to_s` count from it.

    Raises:
        InputError: If there is nothing between the two.
    """
    _check_order(from_s, to_s)
    time_s = event["time_s"]
    part = window(reader, event["drive_id"], time_s + from_s, time_s + to_s)
    return _clip_window(reader, part, event)


def drive_window(
    reader: Queryable, drive_id: int, from_s: float | None = None, to_s: float | None = None
) -> ClipWindow:
    """A part of a drive; `from_s` and `to_s` count from its first sample.

    By default it is all of the drive's logs, which begin before that and may end after the last.

    Raises:
        NotFoundError: If the drive has no samples, as an imported one.
        InputError: If there is nothing between the two.
    """
    part = window(reader, drive_id)
    logs = _logs(reader, drive_id)
    if from_s is None:
        from_s = (logs[0][0] - part.first_mono_ns) / _NS_PER_S
    if to_s is None:
        to_s = (max(end_ns for _, end_ns in logs) - part.first_mono_ns) / _NS_PER_S
        if from_s >= to_s:
            raise InputError(f"--from {from_s:g}: the drive ends at {to_s:.1f} s")
    _check_order(from_s, to_s)
    return _clip_window(reader, replace(part, start_s=from_s, end_s=to_s), None)


def _check_order(from_s: float, to_s: float) -> None:
    for name, value in (("--from", from_s), ("--to", to_s)):
        if not math.isfinite(value) or abs(value) > _MAX_S:
            raise InputError(f"{name} {value:g} is no time in a drive")
    if to_s <= from_s:
        raise InputError(f"--to {to_s:g} is not after --from {from_s:g}")


def _clip_window(reader: Queryable, part: Window, event: Mapping[str, Any] | None) -> ClipWindow:
    [facts] = reader.rows(_FACTS, {"drive_id": part.drive_id})
    return ClipWindow(
        part=part,
        dongle_id=facts["dongle_id"],
        drive=facts["drive"],
        car=facts["car_fingerprint"],
        version=facts["version"],
        branch=facts["git_branch"],
        duration_s=facts["duration_s"] or 0.0,
        wall_offset_ns=facts["wall_offset_ns"],
        logs=_logs(reader, part.drive_id),
        definitions=reader.definitions,
        event=event,
    )


def _logs(reader: Queryable, drive_id: int) -> tuple[tuple[int, int], ...]:
    rows = reader.rows(_LOGS, {"drive_id": drive_id})
    return tuple((row["start_ns"], row["end_ns"]) for row in rows)
