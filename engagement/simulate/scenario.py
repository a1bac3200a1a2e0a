"""What a drive is, apart from how it is logged; and what must come out of its logs.

All times are seconds from the drive's first moment, on a grid of 0.05 s so that every logging rate
meets them; intervals are half-open, [start, end).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from engagement.logs.writer import Codec

SEGMENT_S = 60
SOFT_DISABLE_S = 3.0  # from the first warning to the disengagement
SATURATED_AFTER_S = 20.0  # from the engagement's start
SATURATED_S = 2.0
GRID_S = 0.05

Layout: TypeAlias = Literal["folders", "flat"]
Axis: TypeAlias = Literal["lateral", "longitudinal"]
Traffic: TypeAlias = Literal["urban", "road", "highway"]


class Cause(Enum):
    """Why an engagement ended, in the words of the project's metrics."""

    BRAKE = "driver_brake"
    GAS = "driver_gas"
    STEER = "driver_steer"
    CANCEL = "driver_cancel"
    MAIN = "driver_main"
    PARK = "driver_park"
    CAR_CRUISE = "car_cruise"
    CAN_ERROR = "system_immediate:canError"
    COMM_ISSUE = "system_soft:commIssue"
    SEATBELT = "driver_soft:seatbeltNotLatched"
    LOG_END = "end_of_log"

    @property
    def is_soft(self) -> bool:
        """Whether a warning of SOFT_DISABLE_S comes first."""
        return self in (Cause.COMM_ISSUE, Cause.SEATBELT)


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
    """A car; with `has_demo_can` it sends the messages of config/demo_car.dbc."""

    brand: str
    fingerprint: str
    openpilot_longitudinal: bool
    pcm_cruise: bool
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

    @property
    def saturated(self) -> Interval | None:
        """When openpilot asks for all of the steering's torque: once, if it is long enough."""
        start_s = self.start_s + SATURATED_AFTER_S
        is_long = self.end_s - self.start_s > 2 * SATURATED_AFTER_S
        return Interval(start_s, start_s + SATURATED_S) if is_long else None


@dataclass(frozen=True, slots=True)
class Override:
    """A driver's hand on the wheel or foot on the gas that does not disengage."""

    axis: Axis
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Drive:
    """One drive to simulate."""

    device: Device
    car: Car
    era: Era
    name: str
    started_at: datetime
    boot_s: float
    duration_s: float
    traffic: tuple[tuple[float, Traffic], ...]
    engagements: tuple[Engagement, ...]
    overrides: tuple[Override, ...] = ()
    lateral_only: tuple[Interval, ...] = ()
    bookmarks_s: tuple[float, ...] = ()
    close_calls_s: tuple[float, ...] = ()
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


@dataclass(frozen=True, slots=True)
class Disengagement:
    """The end of an engagement; `is_end_of_drive` for parking at the drive's end."""

    time_s: float
    cause: Cause
    is_end_of_drive: bool


@dataclass(frozen=True, slots=True)
class Truth:
    """What the logs of a drive must say when every segment is there as an rlog.

    The steering misses what openpilot desires by a sine of `lateral_error_mps2`, and is saturated
    in `saturated`, unless the driver holds the wheel then.
    """

    engaged: tuple[Interval, ...]
    lateral_only: tuple[Interval, ...]
    disengagements: tuple[Disengagement, ...]
    overrides: tuple[Override, ...]
    bookmarks_s: tuple[float, ...]
    saturated: tuple[Interval, ...]
    lateral_error_mps2: float | None

    @property
    def engaged_s(self) -> float:
        """Seconds engaged."""
        return sum(interval.duration_s for interval in self.engaged)


def truth_of(drive: Drive) -> Truth:
    """The ground truth of a drive; an engagement that the log's end cuts is no disengagement."""
    ends = [e for e in drive.engagements if e.cause is not Cause.LOG_END]
    return Truth(
        engaged=tuple(Interval(e.start_s, e.end_s) for e in drive.engagements),
        lateral_only=drive.lateral_only,
        disengagements=tuple(Disengagement(e.end_s, e.cause, e.cause is Cause.PARK) for e in ends),
        overrides=drive.overrides,
        bookmarks_s=drive.bookmarks_s,
        saturated=tuple(e.saturated for e in drive.engagements if e.saturated),
        lateral_error_mps2=drive.era.lateral_error_mps2,
    )
