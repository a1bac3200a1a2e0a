"""carState of a log, as the reference to which CAN signals are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engagement.logs.arrays import ColumnsByMessages, Float, Int, PerEvent, PerMessage
    from engagement.logs.columns import Structs
    from engagement.logs.log import Log

DISTANCE = "distance"
VALUES = {  # key of a profile, and the field of carState that it should follow
    "steering_driver_torque": "steeringTorque",
    "steering_motor_torque": "steeringTorqueEps",
    "wheel_speed": "vEgo",
}
FLAGS = {
    "gas_pressed": "gasPressed",
    "brake_pressed": "brakePressed",
    "left_blinker": "leftBlinker",
    "right_blinker": "rightBlinker",
}
COLUMNS = (DISTANCE, *VALUES, *FLAGS)
_NO_CRUISE_BUTTONS = ("leftBlinker", "rightBlinker")
_MAX_SPEED_MPS = 150  # 540 km/h: beyond it a speed is noise
_MAX_STEP_S = 1.0  # the distance between samples further apart is unknown


@dataclass(frozen=True, slots=True)
class Reference:
    """carState of one log in the order of time.

    Attributes:
        mono_ns: When.
        columns: A row for each of `COLUMNS`, float64; the distance is in km from the first sample.
        button_ns: When a button of the cruise control was pressed or let go.
    """

    mono_ns: PerMessage[Int]
    columns: ColumnsByMessages
    button_ns: PerEvent[Int]

    def __len__(self) -> int:
        return len(self.mono_ns)


def read_reference(log: Log) -> Reference:
    """Read carState; zeros are what its writer did not have."""
    states = log.structs("carState")
    button_ns = _button_ns(states)
    speed_mps = states.column("vEgo").astype(np.float64)
    fields = [
        states.column(name).astype(np.float64) for name in (*VALUES.values(), *FLAGS.values())
    ]
    is_good = ~log.is_damaged[states.message_num] & (np.abs(speed_mps) <= _MAX_SPEED_MPS)
    rows = np.flatnonzero(is_good)
    rows = rows[np.argsort(states.mono_ns[rows], kind="stable")]
    mono_ns = states.mono_ns[rows]
    columns = np.array([_distance_km(mono_ns, speed_mps[rows]), *(field[rows] for field in fields)])
    return Reference(mono_ns, np.nan_to_num(columns, posinf=0.0, neginf=0.0), button_ns)


def _button_ns(states: Structs) -> PerEvent[Int]:
    buttons = states.items("buttonEvents")
    names = buttons.enumerants("type")
    others = [names.index(name) for name in _NO_CRUISE_BUTTONS if name in names]
    is_ours = ~np.isin(buttons.column("type"), others)
    is_ours &= ~states.messages.is_damaged[buttons.message_num]
    return np.unique(buttons.mono_ns[is_ours])


def _distance_km(mono_ns: PerMessage[Int], speed_mps: PerMessage[Float]) -> PerMessage[Float]:
    """The integral of the speed, from the first sample on."""
    step_s = np.diff(mono_ns) / 1e9
    step_s[step_s > _MAX_STEP_S] = 0.0
    means = (speed_mps[1:] + speed_mps[:-1]) / 2
    return np.concatenate([np.zeros(min(len(mono_ns), 1)), np.cumsum(means * step_s)]) / 1000
