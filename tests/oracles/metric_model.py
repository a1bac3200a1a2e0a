"""Engagements, disengagements, overrides and motion of one drive, the slow and obvious way."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from tests.oracles.metric_causes import Cause, cause_of_end
from tests.oracles.metric_drive import Drive, Row, Samples, place
from tests.oracles.metric_states import Interval, state_runs

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Engagement:
    """One engagement; `spans` are its engaged stretches, as far apart as short off-runs are."""

    number: int
    start_ns: int
    end_ns: int
    start_kind: str
    end_kind: str
    spans: list[Span]


@dataclass(frozen=True, slots=True)
class Step:
    """The way from one carState row to the next."""

    start_ns: int
    duration_ns: int
    speed_mps: float
    distance_m: float
    mode: str


class Metrics:
    """All numbers of one drive."""

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        self.parameters = drive.parameters

    @cached_property
    def intervals(self) -> list[Interval]:
        """Maximal runs of one state; they tile the drive's span."""
        return state_runs(self.drive)

    def seconds(self, **state: object) -> float:
        """The time with these values of the state."""
        chosen = [
            interval.duration_ns
            for interval in self.intervals
            if all(getattr(interval, name) == value for name, value in state.items())
        ]
        return sum(chosen) / 1e9

    # Engagements

    @cached_property
    def engagements(self) -> list[Engagement]:
        groups: list[list[int]] = []
        for index, interval in enumerate(self.intervals):
            if interval.mode != "engaged":
                continue
            if groups and self._is_same(groups[-1][-1], index):
                groups[-1].append(index)
            else:
                groups.append([index])
        return [
            Engagement(
                number=number,
                start_ns=self.intervals[group[0]].start_ns,
                end_ns=self.intervals[group[-1]].end_ns,
                start_kind=self._start_kind(group[0]),
                end_kind=self._end_kind(group[-1], is_last=number == len(groups)),
                spans=joined(
                    [(i.start_ns, i.end_ns) for i in map(self.intervals.__getitem__, group)]
                ),
            )
            for number, group in enumerate(groups, start=1)
        ]

    def _is_same(self, before: int, after: int) -> bool:
        """Whether two engaged intervals, by index, are of one engagement."""
        between = self.intervals[before + 1 : after]
        off_ns = self.intervals[after].start_ns - self.intervals[before].end_ns
        is_known = all(interval.mode != "unknown" for interval in between)
        return is_known and off_ns < self.parameters.ns("engagement_min_off_s")

    def _start_kind(self, index: int) -> str:
        is_seen = index > 0 and self.intervals[index - 1].mode != "unknown"
        return "engaged" if is_seen else "unknown"

    def _end_kind(self, index: int, *, is_last: bool) -> str:
        later = self.intervals[index + 1 :]
        if all(interval.mode == "unknown" for interval in later):
            return "end_of_log"
        if later[0].mode == "unknown":
            return "gap"
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
        return any(row["gear"] == "park" for row in self.drive.car_state.within(end_ns, stop_ns))

    # Disengagements

    @cached_property
    def disengagements(self) -> list[tuple[Engagement, Cause, bool]]:
        """(engagement, its cause, whether it is counted)."""
        found = []
        for engagement in self.engagements:
            if engagement.end_kind == "end_of_drive":
                found.append((engagement, Cause("end_of_drive"), False))
            elif engagement.end_kind == "disengagement":
                cause = cause_of_end(self.drive, engagement.end_ns)
                found.append((engagement, cause, self._is_counted(engagement)))
        return found

    def _is_counted(self, engagement: Engagement) -> bool:
        on_ns = engagement.end_ns - engagement.start_ns
        off_ns = 0
        for interval in self.intervals:
            if interval.start_ns >= engagement.end_ns:
                if interval.mode in ("engaged", "unknown"):
                    break
                off_ns += interval.duration_ns
        min_on_ns, min_off_ns = map(self.parameters.ns, ("counted_min_on_s", "counted_min_off_s"))
        return on_ns >= min_on_ns and off_ns >= min_off_ns

    def speed(self, mono_ns: int) -> float | None:
        """The speed of the last carState row, if that is not too old."""
        row = self.drive.car_state.newest(mono_ns)
        is_near = row is not None and mono_ns - row["mono_ns"] <= self.parameters.ns("max_gap_s")
        return row["v_ego_mps"] if row is not None and is_near else None

    def position(self, mono_ns: int) -> tuple[float | None, float | None]:
        """(latitude, longitude) of the last fix, if that is not too old."""
        fixes = [row for row in self.drive.positions if row["mono_ns"] <= mono_ns]
        max_age_ns = self.parameters.ns("position_max_age_s")
        if not fixes or mono_ns - fixes[-1]["mono_ns"] > max_age_ns:
            return None, None
        return fixes[-1]["latitude"], fixes[-1]["longitude"]

    def where(self, mono_ns: int) -> Row:
        """The columns that say which drive, when and in which segment."""
        first_ns = self.drive.span[0] if self.drive.span else 0
        firsts: dict[int, int] = {}
        for row in self.drive.control.rows:
            firsts.setdefault(row["segment_num"], row["mono_ns"])
        begun = [(first, segment) for segment, first in firsts.items() if first <= mono_ns]
        return {
            **self.drive.names,
            "mono_ns": mono_ns,
            "time_s": (mono_ns - first_ns) / 1e9,
            "segment_num": max(begun)[1] if begun else None,
        }

    # Overrides

    @cached_property
    def overrides(self) -> dict[str, list[Span]]:
        """The overrides of each axis."""
        gap_ns = self.parameters.ns("override_merge_s")
        return {
            axis: [
                span
                for engagement in self.engagements
                for span in joined(
                    self._pressed(axis, engagement) + self._by_events(axis, engagement), gap_ns
                )
            ]
            for axis in ("lateral", "longitudinal")
        }

    def _pressed(self, axis: str, engagement: Engagement) -> list[Span]:
        return [
            part
            for run, part in self._presses(axis, engagement)
            if not (axis == "longitudinal" and self._disengaged_by(run, part, engagement))
        ]

    def _presses(self, axis: str, engagement: Engagement) -> list[tuple[Span, Span]]:
        """Presses that last long enough, each as a whole and the part in this engagement."""
        column = {"lateral": "steering_pressed", "longitudinal": "gas_pressed"}[axis]
        min_ns = self.parameters.ns("override_min_s")
        return [
            (run, part)
            for run in joined(self.drive.car_state.spans(column))
            for part in common(run, engagement.spans)
            if part[1] - part[0] >= min_ns
        ]

    def _disengaged_by(self, run: Span, part: Span, engagement: Engagement) -> bool:
        """Whether this press is what ended the engagement."""
        before_ns, after_ns = map(self.parameters.ns, ("cause_before_s", "cause_after_s"))
        return (
            engagement.end_kind == "disengagement"
            and part[1] == engagement.end_ns
            and engagement.end_ns - before_ns <= run[0] <= engagement.end_ns + after_ns
        )

    def _by_events(self, axis: str, engagement: Engagement) -> list[Span]:
        messages: dict[tuple[int, int, int], Row] = {}
        for row in self.drive.event_rows:
            message = messages.setdefault(place(row), row | {"is_override": False})
            message["is_override"] |= row[f"override_{axis}"] is True
        max_gap_ns = self.parameters.ns("event_max_gap_s")
        runs = joined(Samples(list(messages.values()), max_gap_ns).spans("is_override"))
        presses = [part for _, part in self._presses(axis, engagement)]
        return [
            part
            for run in runs
            for part in common(run, engagement.spans)
            if not any(part[0] <= press[1] and part[1] >= press[0] for press in presses)
        ]

    # Motion

    @cached_property
    def steps(self) -> list[Step]:
        found = []
        for row, following in self.drive.car_state.pairs():
            speeds = row["v_ego_mps"], following["v_ego_mps"]
            if None in speeds:
                continue
            start_ns = row["mono_ns"]
            duration_ns = following["mono_ns"] - start_ns
            distance_m = sum(max(speed, 0.0) for speed in speeds) / 2 * duration_ns / 1e9
            found.append(Step(start_ns, duration_ns, speeds[0], distance_m, self.mode(start_ns)))
        return found

    def mode(self, mono_ns: int) -> str:
        index = bisect_right(self._starts_ns, mono_ns) - 1
        is_inside = index >= 0 and mono_ns < self.intervals[index].end_ns
        return self.intervals[index].mode if is_inside else "unknown"

    @cached_property
    def _starts_ns(self) -> list[int]:
        return [interval.start_ns for interval in self.intervals]

    def band(self, step: Step) -> str:
        speed = max(step.speed_mps, 0.0)
        if speed < self.parameters.city_max_mps:
            return "city"
        return "road" if speed < self.parameters.road_max_mps else "highway"


def joined(spans: list[Span], gap_ns: int = 1) -> list[Span]:
    """The union of spans; those less than `gap_ns` apart are one."""
    union: list[Span] = []
    for start, end in sorted(spans):
        if union and start - union[-1][1] < gap_ns:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        else:
            union.append((start, end))
    return union


def common(run: Span, spans: list[Span]) -> list[Span]:
    """What a run shares with each of the spans; nothing of zero length."""
    parts = [(max(run[0], start), min(run[1], end)) for start, end in spans]
    return [(start, end) for start, end in parts if start < end]
