"""Everything that is told of one drive, the slow and obvious way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tests.oracles import metric_interventions
from tests.oracles.metric_causes import Cause, End
from tests.oracles.metric_control import Control
from tests.oracles.metric_events import Events
from tests.oracles.metric_overrides import Override, Overrides
from tests.oracles.metric_runs import Run, Runs
from tests.oracles.metric_states import Interval, state_runs

if TYPE_CHECKING:
    from tests.oracles.metric_drive import Drive, Row
    from tests.oracles.metric_interventions import Intervention


@dataclass(frozen=True, slots=True)
class Step:
    """The way from one carState row to the next."""

    start_ns: int
    duration_ns: int
    speed_mps: float
    distance_m: float
    mode: str

    @property
    def end_ns(self) -> int:
        return self.start_ns + self.duration_ns


class Metrics:
    """All numbers of one drive."""

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        self.parameters = drive.parameters
        self.event_lists = Events(drive)
        self.control = Control(drive, self.event_lists)
        self._ends: dict[int, End] = {}
        self._causes: dict[int, Cause] = {}

    @cached_property
    def intervals(self) -> list[Interval]:
        """Maximal runs of one state; they tile the drive's span."""
        return state_runs(self.drive, self.control.samples)

    def seconds(self, **state: object) -> float:
        """The time with these values of the state."""
        chosen = [
            interval.duration_ns
            for interval in self.intervals
            if all(getattr(interval, name) == value for name, value in state.items())
        ]
        return sum(chosen) / 1e9

    # Runs and their ends

    @cached_property
    def _runs(self) -> Runs:
        return Runs(self.drive, self.intervals)

    @cached_property
    def engagements(self) -> list[Run]:
        """The runs of both modes, by start."""
        return self._runs.runs

    @property
    def assisted(self) -> list[list[Run]]:
        """The runs that go on with each other, by start."""
        return self._runs.assisted

    def end(self, run: Run) -> End:
        """What is told around the end of a run."""
        if run.number not in self._ends:
            self._ends[run.number] = End(self.drive, self.event_lists, self.control, run)
        return self._ends[run.number]

    def cause(self, run: Run) -> Cause:
        """Why a run ended at a known moment."""
        if run.end_kind == "end_of_drive":
            return Cause("end_of_drive")
        if run.number not in self._causes:
            self._causes[run.number] = self.end(run).cause()
        return self._causes[run.number]

    def is_counted(self, run: Run) -> bool:
        return run.end_kind == "disengagement" and self._runs.is_counted(run)

    def is_pause(self, run: Run) -> bool:
        return metric_interventions.is_pause(run, self.cause(run))

    @cached_property
    def disengagements(self) -> list[Run]:
        """The runs that ended at a known moment, not by turning into more."""
        kinds = ("disengagement", "end_of_drive")
        return [run for run in self.engagements if run.end_kind in kinds]

    def mode(self, mono_ns: int) -> str:
        return self._runs.mode(mono_ns)

    # What the driver did

    @cached_property
    def overrides(self) -> list[Override]:
        return Overrides(
            self.drive, self.event_lists, self.control, self._runs, self.cause
        ).overrides()

    @cached_property
    def interventions(self) -> list[Intervention]:
        return metric_interventions.interventions(
            self.assisted,
            self.overrides,
            self.cause,
            self.end,
            self.parameters.ns("intervention_merge_s"),
        )

    # Where and how fast

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
        return {
            **self.drive.names,
            "mono_ns": mono_ns,
            "time_s": (mono_ns - first_ns) / 1e9,
            "segment_num": self.control.segment_num(mono_ns),
        }

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

    @property
    def speed_known_s(self) -> float:
        """The known time that distances are of; a step counts by the mode at its start."""
        steps_s = sum(step.duration_ns for step in self.steps if step.mode != "unknown") / 1e9
        known_s = sum(i.duration_ns for i in self.intervals if i.mode != "unknown") / 1e9
        return min(steps_s, known_s)

    def band(self, step: Step) -> str:
        speed = max(step.speed_mps, 0.0)
        if speed < self.parameters.city_max_mps:
            return "city"
        return "road" if speed < self.parameters.road_max_mps else "highway"
