"""openpilot's own state, sample by sample; in qlogs a change is dated by the event that made it."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.oracles.metric_drive import Samples

if TYPE_CHECKING:
    from tests.oracles.metric_drive import Drive, Row
    from tests.oracles.metric_events import Events

ENDING = ("user_disable", "immediate_disable")
STARTING = ("enable",)


class Control:
    """The samples of openpilot's state, and how well the time of each change is known."""

    def __init__(self, drive: Drive, events: Events) -> None:
        self.logged = drive.samples(drive.control_table)
        rows = self.logged.rows[:1]
        for index, (before, row) in enumerate(pairwise(self.logged.rows)):
            is_near = self.logged.is_contiguous(index)
            is_qlog = row["segment_num"] in drive.qlogs
            if is_near and is_qlog:
                rows += _unseen(events, before, row, drive.parameters.ns("engagement_min_off_s"))
            begun_ns = _begun_ns(events, before, row) if is_near and is_qlog else None
            moved = {"mono_ns": begun_ns, "logged_ns": row["mono_ns"]}
            rows.append(row if begun_ns is None else row | moved)
        self.samples = Samples(rows, drive.parameters, drive.qlogs)

    def segment_num(self, mono_ns: int) -> int | None:
        """The segment that a moment is in: that of the last sample, of those that begin."""
        begun = [(first, segment) for segment, first in self._firsts.items() if first <= mono_ns]
        return max(begun)[1] if begun else None

    @cached_property
    def _firsts(self) -> dict[int, int]:
        """When (ns) each segment has its first sample."""
        return {row["segment_num"]: row["mono_ns"] for row in reversed(self.logged.rows)}


def _begun_ns(events: Events, before: Row, row: Row) -> int | None:
    """When (ns) the event began that explains a change between two samples."""
    if row["active"] == before["active"]:
        return None
    flags = STARTING if row["active"] else ENDING
    times = [
        begun.mono_ns
        for flag in flags
        for begun in events.begun_with(flag)
        if before["mono_ns"] < begun.mono_ns <= row["mono_ns"]
    ]
    return min(times, default=None)


def _unseen(events: Events, before: Row, row: Row, least_ns: int) -> list[Row]:
    """Openpilot off and on again between two samples, where events tell of both."""
    start_ns, end_ns = before["mono_ns"], row["mono_ns"]
    if not (before["active"] and row["active"]) or end_ns - start_ns <= least_ns:
        return []
    ended = [b.mono_ns for flag in ENDING for b in events.begun_with(flag)]
    off_ns = min((ns for ns in ended if start_ns < ns < end_ns), default=None)
    begun = [b.mono_ns for flag in STARTING for b in events.begun_with(flag)]
    on_ns = min((ns for ns in begun if off_ns is not None and off_ns < ns <= end_ns), default=None)
    if on_ns is None:
        return []
    told = {"logged_ns": end_ns}
    off = row | told | {"mono_ns": off_ns, "enabled": False, "active": False, "state": None}
    return [off] + ([row | told | {"mono_ns": on_ns}] if on_ns < end_ns else [])
