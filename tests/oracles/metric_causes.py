"""Why an engagement ended: the rules in their order, the first that fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.oracles.metric_drive import Drive, Row

DRIVER_SOFT = ("doorOpen", "seatbeltNotLatched", "wrongGear")
CRUISE = ("pcmDisable", "cruiseDisabled")
# After steering and the pedals, in this order.
NAMED = (
    (("buttonCancel",), "driver_cancel"),
    (("wrongCarMode",), "driver_main"),
    (("parkBrake", "brakeHold", "reverseGear"), "driver_park"),
    (DRIVER_SOFT, "driver_soft"),
)
STEERING = ("steeringDisengage", "steerDisengage")


@dataclass(frozen=True, slots=True)
class Cause:
    """The class of a cause, the event that tells it, and whether it is a guess."""

    cause: str
    cause_event: str | None = None
    is_inferred: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """What the logs hold around the end of an engagement at `end_ns`."""

    drive: Drive
    end_ns: int

    @property
    def start_ns(self) -> int:
        return self.end_ns - self.drive.parameters.ns("cause_before_s")

    @property
    def stop_ns(self) -> int:
        return self.end_ns + self.drive.parameters.ns("cause_after_s")

    def event(
        self, flag: str, fits: Callable[[str], bool] = bool, start_ns: int | None = None
    ) -> str | None:
        """The nearest event with a flag and a fitting name, by name if equally near."""
        start_ns = self.start_ns if start_ns is None else start_ns
        found = [
            (abs(row["mono_ns"] - self.end_ns), row["name"])
            for row in self.drive.event_rows
            if start_ns <= row["mono_ns"] <= self.stop_ns
            and row["name"] is not None
            and row[flag]
            and fits(row["name"])
        ]
        return min(found)[1] if found else None

    def is_true(self, column: str) -> bool:
        rows = self.drive.car_state.within(self.start_ns, self.stop_ns)
        return any(row[column] is True for row in rows)

    def rose(self, column: str) -> bool:
        """Whether a row here is true where the row before it was false."""
        return any(old[column] is False and new[column] is True for old, new in self._steps())

    def fell(self, column: str, stop_ns: int | None = None) -> bool:
        """Whether a row here (up to `stop_ns`) is false where the row before it was true."""
        steps = self._steps(stop_ns)
        return any(old[column] is True and new[column] is False for old, new in steps)

    def parked(self) -> bool:
        """Whether the gear became park or reverse."""
        return any(
            new["gear"] in ("park", "reverse") and old["gear"] != new["gear"]
            for old, new in self._steps()
        )

    def _steps(self, stop_ns: int | None = None) -> list[tuple[Row, Row]]:
        stop_ns = self.stop_ns if stop_ns is None else stop_ns
        return self.drive.car_state.steps_within(self.start_ns, stop_ns)

    def cancelled(self) -> bool:
        """Whether a cancel button was pressed."""
        return any(
            row["button"] == "cancel" and row["pressed"]
            for row in self.drive.rows("button_event")
            if self.start_ns <= row["mono_ns"] <= self.stop_ns
        )

    def soft_disabling(self) -> bool:
        """Whether a control sample in the time before the end says so."""
        rows = self.drive.control.within(self.start_ns, self.end_ns - 1)
        return any(row["state"] == "softDisabling" for row in rows)


def cause_of_end(drive: Drive, end_ns: int) -> Cause:
    """The cause of the disengagement at `end_ns`."""
    window = Window(drive, end_ns)
    for rule in (_immediate, _soft, _driver, _cruise, _cruise_fell, _by_controls):
        cause = rule(window)
        if cause is not None:
            return cause
    return Cause("unknown")


def _immediate(window: Window) -> Cause | None:
    name = window.event("immediate_disable")
    return Cause("system_immediate", name) if name else None


def _soft(window: Window) -> Cause | None:
    start_ns = window.end_ns - window.drive.parameters.ns("soft_disable_s")
    name = window.event("soft_disable", start_ns=start_ns)
    if name is None or not window.soft_disabling():
        return None
    return Cause("driver_soft" if name in DRIVER_SOFT else "system_soft", name)


def _driver(window: Window) -> Cause | None:
    steering = window.event("user_disable", STEERING.__contains__)
    if steering or window.is_true("steering_disengage"):
        return Cause("driver_steer", steering)
    if window.event("user_disable", "pedalPressed".__eq__):
        return _pedal(window)
    for names, cause in NAMED:
        event = window.event("user_disable", names.__contains__)
        if event:
            return Cause(cause, event)
    other = window.event("user_disable", lambda name: name not in CRUISE)
    return Cause("driver_other", other) if other else None


def _pedal(window: Window) -> Cause:
    if window.is_true("brake_pressed") or window.is_true("regen_braking"):
        return Cause("driver_brake", "pedalPressed")
    if window.is_true("gas_pressed"):
        return Cause("driver_gas", "pedalPressed")
    return Cause("driver_brake", "pedalPressed", is_inferred=True)


def _cruise(window: Window) -> Cause | None:
    name = window.event("user_disable", CRUISE.__contains__)
    if name is None:
        return None
    if window.rose("brake_pressed"):
        return Cause("driver_brake", name, is_inferred=True)
    if window.cancelled():
        return Cause("driver_cancel", name, is_inferred=True)
    return Cause("car_cruise", name)


def _has_all_events(window: Window) -> bool:
    """Whether a driver who brakes would have been seen in the events."""
    return bool(window.drive.event_rows) and window.drive.log_kind != "qlog"


def _cruise_fell(window: Window) -> Cause | None:
    if not _has_all_events(window):
        return None
    if not window.fell("cruise_enabled", window.end_ns):
        return None
    if window.rose("brake_pressed"):
        return Cause("driver_brake", is_inferred=True)
    if window.cancelled():
        return Cause("driver_cancel", is_inferred=True)
    return Cause("car_cruise")


def _by_controls(window: Window) -> Cause | None:
    signs = (
        (window.rose("brake_pressed"), "driver_brake"),
        (window.rose("gas_pressed"), "driver_gas"),
        (window.cancelled(), "driver_cancel"),
        (window.fell("cruise_available"), "driver_main"),
        (window.parked(), "driver_park"),
        (window.fell("cruise_enabled") and not _has_all_events(window), "car_cruise"),
    )
    cause = next((cause for is_seen, cause in signs if is_seen), None)
    return Cause(cause, is_inferred=True) if cause else None
