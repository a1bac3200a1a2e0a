"""Small logs of made-up drives: ten seconds a segment, ten samples a second."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from engagement.logs.writer import SUFFIXES, EventBuilder, write_log

if TYPE_CHECKING:
    from pathlib import Path

    from engagement.logs.writer import Codec

SEGMENT_S = 10
SECOND_NS = 10**9
WALL_NS = 1_704_164_645 * SECOND_NS  # 2024-01-02 03:04:05 UTC
BOOT_NS = 1_000 * SECOND_NS
PEDAL = {"name": "pedalPressed", "userDisable": True}


@dataclass(frozen=True)
class Drive:
    """A drive of which every segment holds two engagements; `shift_s` moves them."""

    dongle_id: str = "0123456789abcdef"
    name: str = "2024-01-02--03-04-05"
    shift_s: float = 0.0
    wall_ns: int = WALL_NS

    def is_engaged(self, time_s: float) -> bool:
        phase_s = (time_s + self.shift_s) % SEGMENT_S
        return 1.0 <= phase_s < 4.0 or 6.5 <= phase_s < 9.0

    def path(self, number: int, kind: str = "rlog", codec: Codec = "none") -> str:
        return f"{self.dongle_id}/{self.name}--{number}/{kind}{SUFFIXES[codec]}"


ONE = Drive()
OTHER = Drive("fedcba9876543210", "2024-02-03--04-05-06", shift_s=1.5)


@cache
def messages(drive: Drive, number: int, kind: str = "rlog") -> tuple[bytes, ...]:
    """A segment's messages; a qlog has every fifth sample."""
    builder = EventBuilder()
    start_ns = BOOT_NS - SECOND_NS
    init_data = {
        "dongleId": drive.dongle_id,
        "version": "0.9.4",
        "wallTimeNanos": drive.wall_ns - SECOND_NS,
    }
    found = [builder.event("initData", start_ns, init_data)]
    for tick in range(0, SEGMENT_S * 10, 1 if kind == "rlog" else 5):
        time_s = number * SEGMENT_S + tick / 10
        found += _sample(builder, drive, time_s)
        if tick % 10 == 0:
            found += _second(builder, drive, time_s)
    return tuple(found)


def _sample(builder: EventBuilder, drive: Drive, time_s: float) -> list[bytes]:
    mono_ns = BOOT_NS + round(time_s * SECOND_NS)
    is_on = drive.is_engaged(time_s)
    ends = drive.is_engaged(time_s - 0.2) and not is_on
    car_state = {
        "vEgo": 10.0 + drive.shift_s,
        "brakePressed": ends,
        "steeringPressed": 7.0 <= time_s % SEGMENT_S < 8.0,
        "gearShifter": "drive",
        "cruiseState": {"enabled": is_on},
    }
    control = {"enabled": is_on, "latActive": is_on, "longActive": is_on}
    return [
        builder.event("controlsState", mono_ns, {"enabled": is_on, "active": is_on}),
        builder.event("carControl", mono_ns + 1_000, control),
        builder.event("carState", mono_ns + 2_000, car_state),
        *([builder.event("carEvents", mono_ns + 3_000, [PEDAL])] if ends else []),
    ]


def _second(builder: EventBuilder, drive: Drive, time_s: float) -> list[bytes]:
    mono_ns = BOOT_NS + round(time_s * SECOND_NS)
    place = {"flags": 1, "hasFix": True, "latitude": 52.0 + time_s / 1e4, "longitude": 13.0}
    return [
        builder.event("carParams", mono_ns, {"carFingerprint": f"CAR {drive.dongle_id[:4]}"}),
        builder.event("clocks", mono_ns, {"wallTimeNanos": drive.wall_ns + mono_ns - BOOT_NS}),
        builder.event("gpsLocation", mono_ns, place),
        builder.event("carEvents", mono_ns, []),
        *([builder.event("userBookmark", mono_ns, {})] if time_s % SEGMENT_S == 5 else []),
    ]


def content(drive: Drive, number: int, kind: str = "rlog", codec: Codec = "none") -> bytes:
    return write_log(messages(drive, number, kind), codec)


def write(
    folder: Path, drive: Drive, number: int, kind: str = "rlog", codec: Codec = "none"
) -> Path:
    """Write a segment as devices lay it out below `folder`."""
    path = folder / drive.path(number, kind, codec)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content(drive, number, kind, codec))
    return path
