"""From a plan, which says what a drive has in which order, to a script with times.

Between acts nothing happens for a while, so that each stands alone as it mostly does on real
drives: what a driver does within two seconds is one moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from engagement.simulate.scenario import (
    GRID_S,
    NAG_BEFORE_S,
    STANDING_S,
    Cause,
    Drive,
    Engagement,
    Interval,
    LaneChange,
    LateralOnly,
    Press,
    Signs,
    Why,
)
from engagement.simulate.truth import LEAST_PRESS_S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import numpy as np

    from engagement.simulate.scenario import Axis, Car, Device, Direction, Era, Layout, Traffic

_FIRST_AT_S = 10.0
_FIRST_S = 45.0  # at about the same place of the device's route, so that places recur
_BEFORE_ACTS_S = 25.0  # openpilot's steering is saturated once before
_BY_HAND_S = (12.0, 25.0)
_ARRIVING_S = 75.0
_TO_SPEED_S = 10.0
_AFTER_PARK_S, _AFTER_END_S = 6.0, 15.0
_PRESS_MEDIAN_S, _PRESS_SIGMA = 0.55, 0.9  # a third of the presses last 0.2 to 0.5 s
_PRESS_MIN_S, _PRESS_MAX_S = 0.05, 3.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """An engagement: what happens in it, and how it ends, perhaps after a press of the wheel."""

    cause: Cause
    acts: tuple[str, ...] = ()
    signs: Signs = Signs.TOLD
    has_wheel_first: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What the drives of one kind have.

    After an engagement the steering stays on if `alone` has acts, perhaps none, for it.
    """

    device: Device
    car: Car
    era: Era
    first_day: datetime
    traffic: tuple[tuple[float, Traffic], ...]
    stretches: tuple[Stretch, ...]
    calm_s: tuple[float, float]
    alone: tuple[tuple[str, ...] | None, ...] = ()
    close_calls: int = 0
    has_warning: bool = False
    has_clock_jump: bool = False
    qlog_segments: frozenset[int] = frozenset()
    missing_segments: frozenset[int] = frozenset()
    layout: Layout = "folders"


def press_length_s(rng: np.random.Generator, least_s: float = _PRESS_MIN_S) -> float:
    """How long a driver presses: a skewed length, at least `least_s`."""
    length_s = _PRESS_MEDIAN_S * float(rng.lognormal(0.0, _PRESS_SIGMA))
    return on_grid(min(max(length_s, least_s), _PRESS_MAX_S))


def on_grid(seconds: float) -> float:
    """The nearest time that every logging rate meets."""
    return round(round(seconds / GRID_S) * GRID_S, 2)


def plan_drive(plan: Plan, number: int, rng: np.random.Generator, *, repeats: int) -> Drive:
    """A drive of the plan, the `number`-th of the fleet; each repeat is three days later."""
    script = _Script(plan, rng)
    for index, stretch in enumerate(plan.stretches):
        script.play(index, stretch)
    duration_s = script.duration_s
    started_at = plan.first_day + timedelta(days=3 * repeats)
    brakes = [e.end_s for e in script.engagements if e.cause is Cause.BRAKE]
    bookmark_s = on_grid(rng.uniform(20, duration_s - 20))
    parks = plan.stretches[-1].cause is Cause.PARK
    arrival: tuple[tuple[float, Traffic], ...] = ((duration_s - _ARRIVING_S, "urban"),)
    return Drive(
        device=plan.device,
        car=plan.car,
        era=plan.era,
        name=_name(plan.era, started_at, number, rng),
        started_at=started_at,
        boot_s=round(float(rng.uniform(40, 900)), 3),
        duration_s=duration_s,
        traffic=(*plan.traffic, *(arrival if parks else ())),
        engagements=tuple(script.engagements),
        presses=tuple(sorted(script.presses, key=lambda press: press.start_s)),
        lane_changes=tuple(script.lane_changes),
        lateral_only=tuple(script.lateral_only),
        stops=tuple(script.stops),
        bookmarks_s=(bookmark_s,) if plan.era.has_override_events else (),
        close_calls_s=tuple(brakes[len(brakes) - plan.close_calls :]),
        has_warning=plan.has_warning,
        clock_jump_s=40.0 if plan.has_clock_jump else None,
        qlog_segments=plan.qlog_segments,
        missing_segments=plan.missing_segments,
        layout=plan.layout,
        parks=parks,
        params={"ExperimentalMode": str(number % 2), "IsMetric": "1"},
        seed=int(rng.integers(2**31)),
    )


def _name(era: Era, started_at: datetime, number: int, rng: np.random.Generator) -> str:
    """A route name as the era writes it: the device's local time, or a counter and 10 hex digits.

    Two drives of the fleet share a device and a version, so the counter is the drive's number.
    """
    if era.has_date_names:
        return (started_at + timedelta(hours=1)).strftime("%Y-%m-%d--%H-%M-%S")
    return f"{0x40 + number:08x}--{int(rng.integers(16**10)):010x}"


@dataclass
class _Script:
    """The acts of a drive as they are played, one after the other."""

    plan: Plan
    rng: np.random.Generator
    engagements: list[Engagement] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    lane_changes: list[LaneChange] = field(default_factory=list)
    lateral_only: list[LateralOnly] = field(default_factory=list)
    stops: list[Interval] = field(default_factory=list)
    cursor_s: float = _FIRST_AT_S

    @property
    def duration_s(self) -> float:
        """Until a while after the last engagement, unless the log ends with it."""
        last = self.engagements[-1]
        if last.cause is Cause.LOG_END:
            return last.end_s
        return on_grid(last.end_s + (_AFTER_PARK_S if last.cause is Cause.PARK else _AFTER_END_S))

    def play(self, index: int, stretch: Stretch) -> None:
        """Engage, do the stretch's acts, and disengage for its cause."""
        start_s = on_grid(self.cursor_s)
        if index:
            self.cursor_s = start_s + _BEFORE_ACTS_S + self.rng.uniform(0, 5)
            for act in stretch.acts:
                getattr(self, f"_{act}")(start_s)
                self.cursor_s += self.rng.uniform(*self.plan.calm_s)
        else:
            self.cursor_s = start_s + _FIRST_S + self.rng.uniform(-1, 1)
        self._approach(stretch)
        if stretch.has_wheel_first:
            self._wheel(start_s)
            self.cursor_s += 0.5
        end_s = on_grid(self.cursor_s)
        waits = not index and not self.plan.car.pcm_cruise
        wait_s = 1.0 if waits else 0.0
        self.engagements.append(Engagement(start_s, end_s, stretch.cause, wait_s, stretch.signs))
        self.cursor_s = end_s
        alone = self.plan.alone[index] if index < len(self.plan.alone) else None
        if alone is None:
            self.cursor_s += self.rng.uniform(*_BY_HAND_S)
        else:
            self._steer_alone(alone)

    def _approach(self, stretch: Stretch) -> None:
        """Bring the car to where the cause can come about."""
        if stretch.signs is Signs.STANDING:
            self._stop(until_s=STANDING_S + 3, then_s=4)
        if stretch.cause is Cause.PARK:
            self.cursor_s += _ARRIVING_S
        if stretch.cause is Cause.CAR_LIMIT:
            self._stop(until_s=9, then_s=3)

    def _stop(self, *, until_s: float, then_s: float) -> None:
        start_s = on_grid(self.cursor_s)
        self.stops.append(Interval(start_s, on_grid(start_s + until_s + then_s)))
        self.cursor_s = start_s + until_s

    def _press(self, axis: Axis, length_s: float, why: Why = Why.TAKEOVER) -> None:
        start_s = on_grid(self.cursor_s)
        self.cursor_s = on_grid(start_s + length_s)
        self.presses.append(Press(axis, start_s, self.cursor_s, why))

    def _touches(self, _: float) -> None:
        for _ in range(int(self.rng.integers(1, 5))):
            self._press("lateral", on_grid(self.rng.choice([0.05, 0.1, 0.2])), Why.TOUCH)
            self.cursor_s += self.rng.choice([0.4, 1.5, 3.0])

    def _wheel(self, _: float) -> None:
        self._press("lateral", press_length_s(self.rng, LEAST_PRESS_S))

    def _gas(self, _: float) -> None:
        self._press("longitudinal", press_length_s(self.rng, LEAST_PRESS_S) + 0.3)

    def _in_turns(self, _: float) -> None:
        """Wheel and accelerator by turns, as while merging."""
        for axis in ("lateral", "longitudinal", "lateral"):
            self._press(axis, press_length_s(self.rng, LEAST_PRESS_S))
            self.cursor_s += self.rng.uniform(0.2, 1.4)

    def _carried_in(self, start_s: float) -> None:
        """The accelerator is down while engaging; nothing else waits for it."""
        released_s = on_grid(start_s + self.rng.uniform(0.4, 1.8))
        self.presses.append(Press("longitudinal", start_s - 1.0, released_s, Why.CARRIED_IN))

    def _nudge(self, _: float) -> None:
        start_s = on_grid(self.cursor_s)
        nudged_s = on_grid(start_s + self.rng.uniform(1.2, 2.5))
        direction: Direction = "left" if len(self.lane_changes) % 2 == 0 else "right"
        change = LaneChange(start_s, nudged_s, direction)
        self.lane_changes.append(change)
        self.cursor_s = nudged_s
        self._press("lateral", on_grid(self.rng.uniform(0.35, 1.0)), Why.NUDGE)
        self.cursor_s = change.end_s

    def _nag(self, _: float) -> None:
        self.cursor_s += NAG_BEFORE_S
        self._press("lateral", on_grid(self.rng.uniform(0.35, 1.0)), Why.NAG_ANSWER)

    def _resume(self, _: float) -> None:
        self._stop(until_s=STANDING_S + 6, then_s=0)
        self._press("longitudinal", on_grid(self.rng.uniform(0.6, 1.2)), Why.RESUME)
        self.cursor_s += _TO_SPEED_S

    def _steer_alone(self, acts: Sequence[str]) -> None:
        """Steering stays on from here to the next engagement, or until its button ends it."""
        start_s = self.cursor_s
        pauses: dict[str, list[Interval]] = {"brake": [], "blinker": []}
        for act in acts:
            self.cursor_s += self.rng.uniform(*self.plan.calm_s)
            if act in pauses:
                from_s = on_grid(self.cursor_s)
                self.cursor_s = on_grid(from_s + self.rng.uniform(2.5, 4))
                pauses[act].append(Interval(from_s, self.cursor_s))
            elif act == "halt":
                self._stop(until_s=STANDING_S + 5, then_s=0)
            elif act == "wheel":
                self._wheel(start_s)
        self.cursor_s += self.rng.uniform(*self.plan.calm_s)
        end_s = on_grid(self.cursor_s)
        self.cursor_s = end_s
        is_switched_off = "switch_off" in acts
        self.lateral_only.append(
            LateralOnly(
                start_s, end_s, tuple(pauses["brake"]), tuple(pauses["blinker"]), is_switched_off
            )
        )
        if is_switched_off:
            self.cursor_s += self.rng.uniform(*_BY_HAND_S)
