"""Why an engagement ended: what began around its end, in the order of time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tests.oracles.metric_drive import joined
from tests.oracles.metric_overrides import stands

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.oracles.metric_control import Control
    from tests.oracles.metric_drive import Drive, Row, Samples
    from tests.oracles.metric_events import Begun, Events
    from tests.oracles.metric_runs import Run

CRUISE = ("pcmDisable", "cruiseDisabled")
STEERING = ("steeringDisengage", "steerDisengage")
DRIVER_SOFT = ("doorOpen", "seatbeltNotLatched", "wrongGear")
INATTENTION = (
    "driverDistracted", "driverDistracted3", "driverUnresponsive", "driverUnresponsive3",
    "tooDistracted",
)  # fmt: skip
CAR_LIMITS = ("speedTooLow", "belowEngageSpeed", "belowSteerSpeed", "lowSpeedLockout")
FAULTS = frozenset({"accFaulted", "espDisabled", "stockAeb"})
MADS_BUTTONS = ("lkas", "mainCruise", "altButton2")
SPECIAL = dict.fromkeys(INATTENTION, "driver_inattention") | dict.fromkeys(CAR_LIMITS, "car_limit")
# Of several userDisable events of one list the first of these decides, and cruise's come last.
NAMED = (
    (STEERING, "driver_steer"),
    (("pedalPressed",), "driver_brake"),
    (("buttonCancel",), "driver_cancel"),
    (("wrongCarMode",), "driver_main"),
    (("parkBrake", "brakeHold", "reverseGear"), "driver_park"),
    (DRIVER_SOFT, "driver_soft"),
)
BY_FLAG = {
    "user_disable": "driver_other",
    "immediate_disable": "system_immediate",
    "soft_disable": "system_soft",
}
# What an event tells by itself; which pedal it was, pedalPressed does not say.
EVENT_CAUSES = {
    name: cause for names, cause in NAMED for name in names if name != "pedalPressed"
} | SPECIAL


ANSWERS = (("pedalPressed", "driver_brake"), ("buttonCancel", "driver_cancel"))


@dataclass(frozen=True, slots=True)
class Cause:
    """The class of a cause, the event that tells it, and whether it is a guess."""

    cause: str
    cause_event: str | None = None
    is_inferred: bool = False


def braked(row: Row) -> bool:
    return bool(row.get("brake_pressed")) or bool(row.get("regen_braking"))


def gassed(row: Row) -> bool:
    return bool(row.get("gas_pressed"))


def steered(row: Row) -> bool:
    return bool(row.get("steering_pressed"))


def _is_faulty(row: Row) -> bool:
    return any(row.get(name) for name in ("acc_faulted", "esp_disabled", "stock_aeb"))


class End:
    """What the logs hold around the end of a run."""

    def __init__(self, drive: Drive, events: Events, control: Control, run: Run) -> None:
        self.drive = drive
        self.events = events
        self.run = run
        self.end_ns = run.end_ns
        self.seconds = drive.parameters.ns
        sources = {"active": control.samples, "lat_active": drive.car_control}
        edges = [self._edge(source, column) for column, source in sources.items()]
        step_ns = max((edge for edge in edges if edge is not None), default=0)
        self.uncertainty_s = step_ns / 1e9
        self.start_ns = self.end_ns - max(self.seconds("cause_before_s"), step_ns)
        self.stop_ns = self.end_ns + self.seconds("cause_after_s")
        last = control.samples.within(0, self.end_ns - 1)[-1:]
        self.is_soft = bool(last) and last[0]["state"] == "softDisabling"

    def _edge(self, source: Samples, column: str) -> int | None:
        """The time (ns) between the two samples of a source that may change at the end.

        Of two samples at one time nobody knows whether the first one did.
        """
        steps = source.steps_within(self.end_ns, self.end_ns, is_held=False)
        is_unclear = source.known(self.end_ns) is None
        is_unclear |= any(old["mono_ns"] == new["mono_ns"] for old, new in steps)
        edges = [
            0 if "logged_ns" in new else new["mono_ns"] - old.get("logged_ns", old["mono_ns"])
            for old, new in steps
            if is_unclear or (old[column], old["enabled"]) != (new[column], new["enabled"])
        ]
        return max(edges, default=None)

    # What began

    def first(self, is_on: Callable[[Row], bool], stop_ns: int | None = None) -> int | None:
        """When (ns) something in carState first became true, up to `stop_ns`."""
        steps = self.drive.car_state.steps_within(self.start_ns, stop_ns or self.stop_ns)
        times = [new["mono_ns"] for old, new in steps if is_on(new) and not is_on(old)]
        return min(times, default=None)

    def first_fall(self, column: str) -> int | None:
        steps = self.drive.car_state.steps_within(self.start_ns, self.stop_ns)
        falls = [b["mono_ns"] for a, b in steps if a[column] is True and b[column] is False]
        return min(falls, default=None)

    def button(self, *names: str, stop_ns: int | None = None) -> int | None:
        """When (ns) one of the buttons was first pressed."""
        rows = self.drive.within("button_event", self.start_ns, stop_ns or self.stop_ns)
        times = [row["mono_ns"] for row in rows if row["button"] in names and row["pressed"]]
        return min(times, default=None)

    def is_true(self, is_on: Callable[[Row], bool]) -> bool:
        """Whether something is true at some moment of the window."""
        spans = self.drive.car_state.spans(is_on)
        return any(start <= self.stop_ns and end > self.start_ns for start, end in spans)

    def began_ns(self, is_on: Callable[[Row], bool]) -> int | None:
        """When (ns) what is true at some moment of the window had become so."""
        spans = joined(self.drive.car_state.spans(is_on))
        times = [a for a, b in spans if a <= self.stop_ns and b > self.start_ns]
        return min(times, default=None)

    @cached_property
    def cruise_fell_ns(self) -> int | None:
        """When the car's own cruise fell, where that is what openpilot follows."""
        is_followed = self.drive.car_parameter("pcm_cruise") is not False
        is_held = is_followed and self.run.mode == "engaged"
        return self.first_fall("cruise_enabled") if is_held else None

    @cached_property
    def gear_ns(self) -> int | None:
        """When the gear became park or reverse."""
        steps = self.drive.car_state.steps_within(self.start_ns, self.stop_ns)
        times = [
            new["mono_ns"]
            for old, new in steps
            if new["gear"] in ("park", "reverse") and new["gear"] != old["gear"]
        ]
        return min(times, default=None)

    @cached_property
    def main_ns(self) -> int | None:
        """When main fell; while only steering, also when a button of MADS went down."""
        fell_ns = self.first_fall("cruise_available")
        if self.run.mode != "lateral_only":
            return fell_ns
        return earliest(fell_ns, self.button(*MADS_BUTTONS), self.switched_off_ns)

    @cached_property
    def switched_off_ns(self) -> int | None:
        """When the fork said that MADS is switched off, unless a brake may have done that."""
        rows = self.drive.within("car_event", self.start_ns, self.stop_ns)
        times = [
            row["mono_ns"]
            for row in rows
            if row["source"] == "onroadEventsSP" and row["name"] == "lkasDisable"
        ]
        return min((ns for ns in times if not self._brake_went_down(ns)), default=None)

    def _brake_went_down(self, mono_ns: int) -> bool:
        """Whether a brake may have gone down at a moment, or a frame or so before."""
        late_ns = self.stop_ns + self.seconds("consequence_s")
        return any(
            old["mono_ns"] < mono_ns <= new["mono_ns"] + self.seconds("cause_after_s")
            for old, new in self.drive.car_state.steps_within(self.start_ns, late_ns)
            if braked(new) and not braked(old)
        )

    @cached_property
    def braked_ns(self) -> int | None:
        """When a brake went down; not one under which steering went on until switched off."""
        steps = self.drive.car_state.steps_within(self.start_ns, self.stop_ns)
        times = [new["mono_ns"] for old, new in steps if braked(new) and not braked(old)]
        if self.run.mode == "lateral_only" and self.switched_off_ns is not None:
            times = [ns for ns in times if ns >= self.switched_off_ns]
        return min(times, default=None)

    def _window(self) -> list[Begun]:
        """The disabling events that began in the window, whatever came of them."""
        found = []
        for begun in self.events.begun:
            start_ns = self.start_ns
            if begun.flag == "soft_disable":
                if not self.is_soft:
                    continue
                start_ns = self.end_ns - self.seconds("soft_disable_s")
            if start_ns <= begun.mono_ns <= self.stop_ns:
                found.append(begun)
        return found

    def begun(self) -> list[Begun]:
        """The disabling events of the earliest list in which one began."""
        found = self._window()
        first_ns = min((begun.mono_ns for begun in found), default=None)
        return [begun for begun in found if begun.mono_ns == first_ns]

    def told_ns(self, cause: str) -> int | None:
        """When (ns) an event began that tells a cause by itself, before the end."""
        times = [
            begun.mono_ns
            for begun in self._window()
            if EVENT_CAUSES.get(begun.name, BY_FLAG[begun.flag]) == cause
        ]
        return min(times, default=None)

    # The rules

    def cause(self) -> Cause:
        """The one cause."""
        begun = self.begun()
        by_flag = {
            flag: sorted(event.name for event in begun if event.flag == flag)
            for flag in ("user_disable", "immediate_disable", "soft_disable")
        }
        # The car's cruise ends as a consequence of whatever else the list holds.
        others = {
            flag: [name for name in names if name not in CRUISE] for flag, names in by_flag.items()
        }
        mono_ns = begun[0].mono_ns if begun else 0
        if others["user_disable"]:
            return self._user(others["user_disable"])
        if others["immediate_disable"]:
            return self._immediate(others["immediate_disable"], mono_ns)
        if others["soft_disable"]:
            return self._system(others["soft_disable"], "soft", mono_ns)
        cruise = [name for names in by_flag.values() for name in names]
        return self._cruise(cruise, mono_ns) if cruise else self._by_controls()

    def _user(self, names: list[str]) -> Cause:
        for chosen, cause in NAMED:
            name = next((name for name in names if name in chosen), None)
            if name == "pedalPressed":
                return self._pedal()
            if name:
                return Cause(cause, name)
        special = sorted(names, key=lambda name: (name not in SPECIAL, name))
        return Cause(SPECIAL.get(special[0], "driver_other"), special[0])

    def _pedal(self) -> Cause:
        """By the pedal that went down; of two that are down the brake."""
        has_brake, has_gas = self.is_true(braked), self.is_true(gassed)
        late_ns = self.stop_ns + self.seconds("consequence_s")
        is_new_gas = self.first(gassed, late_ns) is not None and self.first(braked, late_ns) is None
        if has_gas and (is_new_gas or not has_brake):
            return Cause("driver_gas", "pedalPressed")
        return Cause("driver_brake", "pedalPressed", is_inferred=not has_brake)

    def _immediate(self, names: list[str], mono_ns: int) -> Cause:
        # Of one list an event with a class of its own comes first.
        ordered = sorted(names, key=lambda name: (name not in EVENT_CAUSES, name))
        return self._system(ordered, "immediate", mono_ns)

    def _system(self, names: list[str], how: str, mono_ns: int) -> Cause:
        """openpilot itself, unless the car's cruise fell before it and says why."""
        fell_ns = self.cruise_fell_ns
        if fell_ns is not None and fell_ns < mono_ns:
            told = self._cruise_told(names[0], fell_ns)
            if told:
                return told
        is_driver = how == "soft" and names[0] in DRIVER_SOFT
        return Cause(
            SPECIAL.get(names[0], "driver_soft" if is_driver else f"system_{how}"), names[0]
        )

    def _cruise(self, names: list[str], mono_ns: int) -> Cause:
        """The car's own cruise was off first: by its driver, or by the car itself."""
        name = names[0] if names else None
        told = self._cruise_told(name, earliest(mono_ns, self.cruise_fell_ns) or mono_ns)
        if told:
            return told
        all_names = {
            begun.name
            for begun in self.events.begun
            if self.start_ns <= begun.mono_ns <= self.stop_ns
        }
        if "pcmDisable" in all_names or not names:
            return Cause("driver_cancel", name, is_inferred=True)
        return Cause("car_cruise", name)

    def _cruise_told(self, event_name: str | None, first_ns: int) -> Cause | None:
        """What is told of why cruise was off at a moment."""
        stop_ns = first_ns + self.seconds("consequence_s")
        events = [begun for begun in self._window() if begun.mono_ns <= stop_ns]
        # At one time an event comes before what carState and buttons tell, a brake before a button.
        answers = [
            (begun.mono_ns, place, cause)
            for place, (name, cause) in enumerate(ANSWERS)
            for begun in events
            if begun.name == name
        ]
        told = (self.first(braked, stop_ns), self.button("cancel", stop_ns=stop_ns))
        answers += [
            (mono_ns, place, cause)
            for (place, (_, cause)), mono_ns in zip(enumerate(ANSWERS, 2), told, strict=True)
            if mono_ns is not None
        ]
        if answers:
            return Cause(min(answers)[2], event_name, is_inferred=True)
        if self._cruise_gave_up(stop_ns):
            return Cause("car_cruise", event_name, is_inferred=event_name not in CRUISE)
        return None

    def _cruise_gave_up(self, stop_ns: int) -> bool:
        """Whether the car had a reason of its own: standstill, a fault, or too little speed."""
        still = self.drive.car_state.spans(stands)
        is_still = any(start <= self.end_ns <= end for start, end in still)
        if is_still and self.first(gassed, stop_ns) is None:
            return True
        least_mps = self.drive.car_parameter("min_enable_speed_mps") or 0.0
        margin_mps = self.drive.parameters.cruise_min_margin_mps
        speed = self._speed()
        if least_mps > 0 and speed is not None and speed < least_mps + margin_mps:
            return True
        return self.is_true(_is_faulty) or self.events.in_force(FAULTS, self.start_ns, stop_ns)

    def _speed(self) -> float | None:
        rows = self.drive.car_state.within(self.end_ns - self.seconds("max_gap_s"), self.end_ns)
        speeds = [row["v_ego_mps"] for row in rows if row["v_ego_mps"] is not None]
        return speeds[-1] if speeds else None

    @property
    def _may_be_gas(self) -> bool:
        """Where there are lists, one would have said pedalPressed; steering goes on with gas."""
        return not self.events.messages and self.run.mode == "engaged"

    def _by_controls(self) -> Cause:
        """Pedals, wheel, buttons, gear and cruise alone, the earliest of them."""
        signs = (
            (self.braked_ns, "driver_brake"),
            (self.first(gassed) if self._may_be_gas else None, "driver_gas"),
            (self.first(lambda row: row["steering_disengage"] is True), "driver_steer"),
            (self.button("cancel"), "driver_cancel"),
            (self.main_ns, "driver_main"),
            (self.gear_ns, "driver_park"),
            (self.cruise_fell_ns, "cruise"),
        )
        times = [time for time, _ in signs if time is not None]
        if not times:
            return Cause("unknown")
        cause = next(cause for time, cause in signs if time == min(times))
        if cause == "cruise":
            return self._cruise([], min(times))
        # steeringDisengage says itself that it disengages.
        return Cause(cause, is_inferred=cause != "driver_steer")


def earliest(*times: int | None) -> int | None:
    """The first of the times that there are."""
    return min((time for time in times if time is not None), default=None)
