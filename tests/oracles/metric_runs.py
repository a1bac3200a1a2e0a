"""Runs of engagement in both modes, and the assisted runs that they make together."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tests.oracles.metric_drive import joined

if TYPE_CHECKING:
    from tests.oracles.metric_drive import Drive, Row, Span
    from tests.oracles.metric_states import Interval


@dataclass(frozen=True, slots=True)
class Run:
    """One engagement of either mode."""

    number: int
    mode: str
    start_ns: int
    end_ns: int
    start_kind: str
    end_kind: str
    to_mode: str | None


class Runs:
    """The engagements of a drive, told from its intervals."""

    def __init__(self, drive: Drive, intervals: list[Interval]) -> None:
        self.drive = drive
        self.parameters = drive.parameters
        self.intervals = intervals

    @cached_property
    def runs(self) -> list[Run]:
        """By start."""
        groups = self._all_groups
        return [
            self._run(number, group, is_last=number == len(groups))
            for number, group in enumerate(groups, start=1)
        ]

    @cached_property
    def _all_groups(self) -> list[list[int]]:
        """The intervals, by index, of the runs of both modes, by start."""
        engaged = self._groups("engaged", [])
        lateral = self._groups("lateral_only", [self._span(group) for group in engaged])
        min_ns = self.parameters.ns("engagement_min_off_s")
        spans = [(group, self._span(group)) for group in lateral]
        # Services change some milliseconds apart: what is shorter is an edge of an engagement.
        return sorted(engaged + [g for g, (start, end) in spans if end - start >= min_ns])

    def _span(self, group: list[int]) -> Span:
        return self.intervals[group[0]].start_ns, self.intervals[group[-1]].end_ns

    @cached_property
    def assisted(self) -> list[list[Run]]:
        """The runs that turn into each other are one assisted run."""
        chains: list[list[Run]] = []
        for run in self.runs:
            before = chains[-1][-1] if chains else None
            if before and self._follows(before.end_ns, run.start_ns):
                chains[-1].append(run)
            else:
                chains.append([run])
        return chains

    def _follows(self, end_ns: int, start_ns: int) -> bool:
        """Whether what begins then goes on with what ended: soon, and with nothing unknown."""
        between = [i for i in self.intervals if end_ns <= i.start_ns < start_ns]
        is_known = all(interval.mode != "unknown" for interval in between)
        return is_known and start_ns - end_ns < self.parameters.ns("engagement_min_off_s")

    def _groups(self, mode: str, taken: list[Span]) -> list[list[int]]:
        """The intervals, by index, of each run of a mode outside of what is taken."""
        groups: list[list[int]] = []
        for index, interval in enumerate(self.intervals):
            is_taken = any(start <= interval.start_ns < end for start, end in taken)
            if interval.mode != mode or is_taken:
                continue
            if groups and self._is_same(groups[-1][-1], index):
                groups[-1].append(index)
            else:
                groups.append([index])
        return groups

    def _is_same(self, before: int, after: int) -> bool:
        """Whether two intervals of a mode, by index, are of one run."""
        between = {interval.mode for interval in self.intervals[before + 1 : after]}
        end_ns, start_ns = self.intervals[before].end_ns, self.intervals[after].start_ns
        if "unknown" in between:
            return False
        is_short = start_ns - end_ns < self.parameters.ns("engagement_min_off_s")
        if self.intervals[before].mode == "engaged":
            return is_short
        is_off = not between & {"engaged", "pre_enabled"}
        return is_off and (is_short or self._is_pause(end_ns, start_ns))

    def _is_pause(self, end_ns: int, start_ns: int) -> bool:
        """Whether steering only pauses: at standstill or by a blinker, where no fork tells."""
        if self.drive.mads(end_ns) is not None:
            return False
        return any(
            first_ns <= end_ns + self.parameters.ns("cause_after_s")
            and end_ns < last_ns
            and start_ns <= last_ns + self.parameters.ns("pause_grace_s")
            for first_ns, last_ns in joined(self.drive.car_state.spans(self._is_pausing))
        )

    def _is_pausing(self, row: Row) -> bool:
        """Whether the car stands, or blinks."""
        speed = row["v_ego_mps"]
        is_slow = speed is not None and speed < self.parameters.moving_min_mps
        return is_slow or bool(row.get("left_blinker")) or bool(row.get("right_blinker"))

    def _run(self, number: int, group: list[int], *, is_last: bool) -> Run:
        first, last = self.intervals[group[0]], self.intervals[group[-1]]
        is_seen = group[0] > 0 and self.intervals[group[0] - 1].mode != "unknown"
        to_mode = self._to_mode(group[-1])
        return Run(
            number=number,
            mode=first.mode,
            start_ns=first.start_ns,
            end_ns=last.end_ns,
            start_kind="engaged" if is_seen else "unknown",
            end_kind=self._end_kind(group[-1], to_mode, is_last=is_last),
            to_mode=to_mode,
        )

    def _to_mode(self, index: int) -> str | None:
        """What a run that ends with an interval turns into; the mode right after, if nothing."""
        interval = self.intervals[index]
        later = self.intervals[index + 1 :]
        if not later or later[0].mode == "unknown":
            return None
        other = "lateral_only" if interval.mode == "engaged" else "engaged"
        firsts = {self.intervals[group[0]].start_ns for group in self._all_groups}
        soon = [i for i in later if self._follows(interval.end_ns, i.start_ns)]
        if any(i.mode == other and i.start_ns in firsts for i in soon):
            return other
        if other == "engaged" and any(i.mode == "pre_enabled" for i in soon):
            return "pre_enabled"
        # What is too short for a run is nothing that it turned into.
        return "manual" if later[0].mode == other else later[0].mode

    def _end_kind(self, index: int, to_mode: str | None, *, is_last: bool) -> str:
        later = self.intervals[index + 1 :]
        if all(interval.mode == "unknown" for interval in later):
            return "end_of_log"
        if later[0].mode == "unknown":
            return "gap"
        if self.intervals[index].mode == "lateral_only" and to_mode in ("engaged", "pre_enabled"):
            return "upgrade"
        end_ns = self.intervals[index].end_ns
        is_over = self._ignition_off(end_ns) or (is_last and self._parked(end_ns))
        return "end_of_drive" if is_over else "disengagement"

    def _ignition_off(self, end_ns: int) -> bool:
        """Whether a source's ignition goes from on to off soon after."""
        stop_ns = end_ns + self.parameters.ns("end_of_drive_s")
        was_on: dict[str, bool] = {}
        for row in self.drive.rows("ignition"):
            is_fall = was_on.get(row["source"], False) and not row["is_on"]
            if is_fall and end_ns <= row["mono_ns"] <= stop_ns:
                return True
            was_on[row["source"]] = row["is_on"]
        return False

    def _parked(self, end_ns: int) -> bool:
        stop_ns = end_ns + self.parameters.ns("end_of_drive_s")
        parked = self.drive.car_state.spans(lambda row: row["gear"] == "park")
        return any(start <= stop_ns and end > end_ns for start, end in parked)

    def is_counted(self, run: Run) -> bool:
        """Whether a run was on for long enough before its end, and off for long enough after."""
        starts = [
            other.start_ns
            for other in self.runs
            if other.number > run.number and (run.mode != "engaged" or other.mode == "engaged")
        ]
        next_ns = min(starts, default=self.intervals[-1].end_ns)
        off_ns = 0
        for interval in self.intervals:
            if run.end_ns <= interval.start_ns < next_ns:
                if interval.mode == "unknown":
                    break
                off_ns += interval.duration_ns
        min_on_ns, min_off_ns = map(self.parameters.ns, ("counted_min_on_s", "counted_min_off_s"))
        return run.end_ns - run.start_ns >= min_on_ns and off_ns >= min_off_ns

    def mode(self, mono_ns: int) -> str:
        """The mode of a moment."""
        interval = self.interval(mono_ns)
        return interval.mode if interval else "unknown"

    def interval(self, mono_ns: int) -> Interval | None:
        index = bisect_right(self._starts_ns, mono_ns) - 1
        is_inside = index >= 0 and mono_ns < self.intervals[index].end_ns
        return self.intervals[index] if is_inside else None

    @cached_property
    def _starts_ns(self) -> list[int]:
        return [interval.start_ns for interval in self.intervals]
