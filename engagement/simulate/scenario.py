"""What a drive is, apart from how it is logged.

All times are seconds from the drive's first moment; intervals are half-open, [start, end). The
fleet's drives keep to a grid of 0.05 s so that every logging rate meets their acts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from engagement.logs.writer import Codec

SEGMENT_S = 60
SOFT_DISABLE_S = 3.0  # from the first warning to the disengagement
SATURATED_AFTER_S = 20.0  # from the engagement's start
SATURATED_S = 2.0
GRID_S = 0.05
CONSEQUENCE_S = 0.03  # from an engagement's end to the fall of the car's cruise that it brings
LATE_S = 0.2  # how much later than the cruise's fall the bus tells of brake or button
NAG_BEFORE_S = 2.0  # how long the driver is asked for a touch before it comes
STANDING_S = 20.0  # after this long of a stop the car stands, whatever its speed was

Layout: TypeAlias = Literal["folders", "flat"]
Axis: TypeAlias = Literal["lateral", "longitudinal"]
Traffic: TypeAlias = Literal["urban", "road", "highway"]
Direction: TypeAlias = Literal["left", "right"]


class Cause(Enum):
    """Why an engagement ended, in the words of the project's metrics."""

    BRAKE = "driver_brake"
    GAS = "driver_gas"
    STEER = "driver_steer"
    CANCEL = "driver_cancel"
    MAIN = "driver_main"
    PARK = "driver_park"
    CAR_CRUISE = "car_cruise"
    CAR_LIMIT = "car_limit"
    CAN_ERROR = "system_immediate:canError"
    COMM_ISSUE = "system_soft:commIssue"
    SEATBELT = "driver_soft:seatbeltNotLatched"
    INATTENTION = "driver_inattention"
    LOG_END = "end_of_log"

    @property
    def is_soft(self) -> bool:
        """Whether a warning of SOFT_DISABLE_S comes first."""
        return self in (Cause.COMM_ISSUE, Cause.SEATBELT)


class Signs(Enum):
    """What a log tells of an engagement's end."""

    TOLD = auto()  # the cause's event and the driver's input, with the end
    LATE = auto()  # the cruise falls; event and input follow after LATE_S
    STALK = auto()  # the cruise falls, with pcmDisable; the stalk is not in the log
    SILENT = auto()  # the cruise falls, and no event tells of it
    STANDING = auto()  # the cruise falls, with pcmDisable, while the car stands


class Why(Enum):
    """Why the driver presses the wheel or the accelerator."""

    TAKEOVER = auto()
    TOUCH = auto()  # too short to change anything
    CARRIED_IN = auto()  # it was pressed when the engagement began
    NUDGE = auto()  # confirms a lane change
    NAG_ANSWER = auto()  # answers the request for a touch
    RESUME = auto()  # starts the car again from standstill


@dataclass(frozen=True, slots=True)
class Device:
    """A comma device and where its owner sets out."""

    dongle_id: str
    kind: str
    home_latitude: float
    home_longitude: float
    route_seed: int


@dataclass(frozen=True, slots=True)
class Car:
    """A car; with `has_demo_can` it sends the messages of config/demo_car.dbc.

    `cruise_off_events` stand in the list, as (name, flag), while a cruise of its own is off.
    """

    brand: str
    fingerprint: str
    openpilot_longitudinal: bool
    pcm_cruise: bool
    cruise_off_events: tuple[tuple[str, str], ...] = ()
    min_enable_speed_mps: float = 0.0
    has_demo_can: bool = False


@dataclass(frozen=True, slots=True)
class Era:
    """How a version of openpilot, or of a fork, logs a drive."""

    version: str
    git_branch: str
    git_remote: str
    git_commit: str
    codec: Codec
    state_service: Literal["controlsState", "selfdriveState"]
    events_service: Literal["carEvents", "onroadEvents"]
    panda_service: Literal["pandaState", "pandaStates"]
    gps_service: Literal["gpsLocation", "gpsLocationExternal"]
    has_date_names: bool
    year: int
    lane_change_services: tuple[str, ...]
    has_sentinel: bool = True
    has_lat_active: bool = True
    has_override_events: bool = True
    has_torque_parameters: bool = True
    has_mads: bool = False
    lateral_error_mps2: float | None = None  # amplitude; None before 0.8.14: nothing is desired

    @property
    def is_split(self) -> bool:
        """Whether the state stands in selfdriveState (0.9.8 and later)."""
        return self.state_service == "selfdriveState"


@dataclass(frozen=True, slots=True)
class Interval:
    """Seconds of a drive, [start, end)."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Its length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Engagement:
    """An engagement to play; for `pre_enabled_s` before its start it is enabled, not active."""

    start_s: float
    end_s: float
    cause: Cause
    pre_enabled_s: float = 0.0
    signs: Signs = Signs.TOLD

    @property
    def told_s(self) -> float:
        """When the log tells of its cause."""
        return self.end_s + (LATE_S if self.signs is Signs.LATE else 0.0)

    @property
    def warned_s(self) -> float:
        """When the log first says that it will end."""
        return self.told_s - (SOFT_DISABLE_S if self.cause.is_soft else 0.0)

    @property
    def is_told(self) -> bool:
        """Whether the log has the cause's own event and the driver's input."""
        return self.signs in (Signs.TOLD, Signs.LATE)

    @property
    def saturated(self) -> Interval | None:
        """When openpilot asks for all of the steering's torque: once, if it is long enough."""
        start_s = self.start_s + SATURATED_AFTER_S
        is_long = self.end_s - self.start_s > 2 * SATURATED_AFTER_S
        return Interval(start_s, start_s + SATURATED_S) if is_long else None


@dataclass(frozen=True, slots=True)
class Press:
    """The driver's hand on the wheel, or foot on the accelerator, that ends nothing."""

    axis: Axis
    start_s: float
    end_s: float
    why: Why = Why.TAKEOVER

    @property
    def duration_s(self) -> float:
        """Its length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class LaneChange:
    """A lane change: the blinker asks for it, a nudge of the wheel confirms it at `nudged_s`."""

    start_s: float
    nudged_s: float
    direction: Direction

    @property
    def end_s(self) -> float:
        """When the car is in the other lane."""
        return self.nudged_s + 4.5

    @property
    def states(self) -> tuple[tuple[str, Interval], ...]:
        """The values of laneChangeState but "off", each with its time."""
        finishing_s = self.nudged_s + 3.0
        return (
            ("preLaneChange", Interval(self.start_s, self.nudged_s)),
            ("laneChangeStarting", Interval(self.nudged_s, finishing_s)),
            ("laneChangeFinishing", Interval(finishing_s, self.end_s)),
        )


@dataclass(frozen=True, slots=True)
class LateralOnly:
    """Steering without speed control (MADS, always-on lateral).

    Where brake or blinker pause it, nothing steers. With `is_switched_off` its button ends it.
    """

    start_s: float
    end_s: float
    brakes: tuple[Interval, ...] = ()
    blinkers: tuple[Interval, ...] = ()
    is_switched_off: bool = False


@dataclass(frozen=True, slots=True)
class Drive:
    """One drive to simulate.

    The traffic stops in `stops`. A car ahead comes near at `close_calls_s`; the last of them
    raises a collision warning if `has_warning`. With `has_frames` the logs tell when each frame of
    the small video was seen.
    """

    device: Device
    car: Car
    era: Era
    name: str
    started_at: datetime
    boot_s: float
    duration_s: float
    traffic: tuple[tuple[float, Traffic], ...]
    engagements: tuple[Engagement, ...]
    presses: tuple[Press, ...] = ()
    lane_changes: tuple[LaneChange, ...] = ()
    lateral_only: tuple[LateralOnly, ...] = ()
    stops: tuple[Interval, ...] = ()
    bookmarks_s: tuple[float, ...] = ()
    close_calls_s: tuple[float, ...] = ()
    has_warning: bool = False
    has_frames: bool = False
    clock_jump_s: float | None = None
    qlog_segments: frozenset[int] = frozenset()
    missing_segments: frozenset[int] = frozenset()
    layout: Layout = "folders"
    parks: bool = True
    params: dict[str, str] = field(default_factory=dict)
    seed: int = 1

    @property
    def n_segments(self) -> int:
        """Segments of SEGMENT_S, the last one shorter; missing ones included."""
        return -int(-self.duration_s // SEGMENT_S)

    @property
    def start_mono_ns(self) -> int:
        """The device's monotonic clock at second 0."""
        return round(self.boot_s * 1e9)

    @property
    def boot_wall_ns(self) -> int:
        """The true wall clock, UTC, when the monotonic clock was 0; log times add to it."""
        since_epoch = self.started_at - datetime.fromtimestamp(0, tz=self.started_at.tzinfo)
        return since_epoch // timedelta(microseconds=1) * 1000 - self.start_mono_ns

    @property
    def warnings(self) -> tuple[Interval, ...]:
        """When openpilot warns of a collision."""
        calls_s = self.close_calls_s[-1:] if self.has_warning else ()
        return tuple(Interval(call_s - 1.0, call_s - 0.4) for call_s in calls_s)
