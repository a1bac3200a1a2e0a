"""Logs of one scripted drive, written as each era of openpilot and its forks wrote them.

Messages are built by pycapnp with the era's own schemas, and lie in their log as they arrived:
services that log in the same frame overtake each other, and a segment ends in between.
"""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engagement.logs.writer import write_log
from tests.support import era_drive
from tests.support.era_drive import DURATION_MS, Moment, moment_at
from tests.support.era_schemas import (
    FROGPILOT,
    OLD_SUNNYPILOT,
    SUNNYPILOT,
    SUNNYPILOT_2025,
    UPSTREAM,
    EraSchemas,
    Fork,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from engagement.logs.writer import Codec

MS = 1_000_000
PERIOD_MS = 20
SEGMENT_MS = 60_000
START_NS = 30_787_561_137
_WALL_START_NS = 1_700_000_000_000_000_000
_MAX_JITTER_NS = MS
_MAX_DELAY_NS = 30 * MS

_BY_TIME = "2023-11-05--10-20-30"
_BY_COUNT = "0000002a--0123456789"
_OWNED = "https://github.com/{}.git"


@dataclass(frozen=True, slots=True)
class Era:
    """A time and a software: `date` is that of the schemas, `path` where a segment's log lay."""

    name: str
    date: str
    version: str
    path: str = "{dongle}/{drive}--{number}/rlog.bz2"
    fork: Fork = UPSTREAM
    remote: str = _OWNED.format("commaai/openpilot")
    is_stock_long: bool = False

    @property
    def dongle_id(self) -> str:
        return f"{zlib.crc32(self.name.encode()):016x}"

    @property
    def drive(self) -> str:
        """Named by the device's clock, and since 2024-03-05 by a counter."""
        return _BY_COUNT if self.date >= "2024-03-05" else _BY_TIME

    @property
    def device_type(self) -> str:
        newest = (("2024-02-23", "mici"), ("2023-05-04", "tizi"), ("2020-12-03", "tici"))
        return next((name for since, name in newest if self.date >= since), "neo")

    @property
    def is_qlog(self) -> bool:
        return "qlog" in self.path

    @property
    def is_sunnypilot(self) -> bool:
        return self.fork in (SUNNYPILOT, SUNNYPILOT_2025)

    @property
    def is_old_sunnypilot(self) -> bool:
        return self.fork is OLD_SUNNYPILOT

    @property
    def has_lateral_only(self) -> bool:
        return self.fork is not UPSTREAM


_FLAT = "{dongle}_{drive}--{number}--rlog"
_FOLDERS = "{dongle}|{drive}/{number}/rlog"
_SUNNYPILOT = _OWNED.format("sunnypilot/sunnypilot")
_ZST = "{dongle}/{drive}--{number}/rlog.zst"

ERAS = (
    Era("0.5.3", "2018-09-10", "0.5.3-release", "{dongle}|{drive}--{number}/rlog"),
    Era("0.5.8", "2019-01-25", "0.5.8-release", _FLAT + ".bz2"),
    Era("0.6", "2019-07-01", "0.6-release"),
    Era("0.7.7", "2020-07-20", "0.7.7", _FOLDERS + ".bz2"),
    Era("0.8.3", "2021-03-20", "0.8.3"),
    Era("0.8.9", "2021-09-07", "0.8.9", is_stock_long=True),
    Era("0.8.14", "2022-06-01", "0.8.14", "{drive}--{number}/rlog"),
    Era("0.9.0", "2022-10-20", "0.9.0", _FLAT + ".bz2"),
    Era("0.9.4", "2023-08-05", "0.9.4", is_stock_long=True),
    Era("0.9.7", "2024-06-01", "0.9.7", "{dongle}/{drive}--{number}/rlog"),
    Era("0.9.8-both", "2024-09-01", "0.9.8"),
    Era("0.9.8-dev", "2024-09-15", "0.9.8", _ZST),
    Era("0.9.8", "2024-11-20", "0.9.8", _FLAT + ".zst"),
    Era("0.9.9", "2025-03-20", "0.9.9", _ZST),
    Era("0.10.1", "2025-09-10", "0.10.1", _ZST, is_stock_long=True),
    Era("0.11.2", "2026-07-15", "0.11.2", _FOLDERS + ".zst"),
    Era(
        "frogpilot", "2024-04-10", "0.9.7", fork=FROGPILOT, remote=_OWNED.format("frogai/openpilot")
    ),
    Era("sunnypilot-old", "2024-05-01", "0.9.7.0", fork=OLD_SUNNYPILOT, remote=_SUNNYPILOT),
    Era("sunnypilot-early", "2025-02-20", "2025.001.000", _ZST, SUNNYPILOT_2025, _SUNNYPILOT),
    Era("sunnypilot-new", "2026-07-15", "2026.002.000", _ZST, SUNNYPILOT, _SUNNYPILOT),
    Era("0.8.3-qlog", "2021-03-20", "0.8.3", "{dongle}/{drive}--{number}/qlog.bz2"),
    Era("0.8.9-qlog", "2021-09-07", "0.8.9", "{dongle}/{drive}--{number}/qlog.bz2"),
    Era("0.9.9-qlog", "2025-03-20", "0.9.9", "{dongle}/{drive}--{number}/qlog.zst"),
)


def write_era(era: Era, folder: Path) -> None:
    """Write the drive's two logs where the era's devices or servers would have put them."""
    schemas = folder / "schemas"
    schemas.mkdir(parents=True)
    era_schemas = EraSchemas(schemas, era.date, era.fork)
    writer = _Writer(era, era_schemas.load("log").Event)
    writer.write()
    codec: Codec = "bz2" if era.path.endswith("bz2") else "zst" if "zst" in era.path else "none"
    for number in range(2):
        name = era.path.format(dongle=era.dongle_id, drive=era.drive, number=number)
        path = folder / "logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(write_log(writer.segment(number), codec, level=1))


@dataclass(frozen=True, slots=True)
class _Service:
    """A service of every frame: when after the frame's start it logs, and how often it is kept."""

    name: str
    delay_ms: int
    values: Callable[[Era, Moment], era_drive.Values | list[era_drive.Values]]
    period_ms: int = PERIOD_MS


def _services(era: Era) -> Iterator[_Service]:
    kept_ms = 100 if era.is_qlog else PERIOD_MS
    state_ms = 1000 if era.is_qlog and era.date < "2021-07-15" else kept_ms
    yield _Service("carState", 1, era_drive.car_state, kept_ms)
    if era.date >= "2024-08-31":
        yield _Service("selfdriveState", 3, era_drive.selfdrive_state, kept_ms)
    yield _Service("controlsState", 4, era_drive.controls_state, state_ms)
    yield _Service("carControl", 5, era_drive.car_control, kept_ms)
    if era.date >= "2024-03-04":
        yield _Service("carOutput", 6, era_drive.car_output, kept_ms)
    if era.fork is not UPSTREAM and not era.is_old_sunnypilot:
        yield _Service("selfdriveStateSP", 4, era_drive.fork_state, kept_ms)
    if era.is_sunnypilot:
        yield _Service("onroadEventsSP", 4, era_drive.fork_events, 1000)


def _event_service(era: Era) -> str | None:
    """The list of all events: none before 0.6, where carState alone has them."""
    if era.date >= "2024-10-03":
        return "onroadEvents"
    return "carEvents" if era.date >= "2019-06-26" else None


class _Writer:
    """The messages of one drive, with the time at which each arrived at the logger."""

    def __init__(self, era: Era, event_type: Any) -> None:
        self._era = era
        self._event_type = event_type
        self._random = random.Random(era.name)
        self._built: dict[tuple[str, Moment], Any] = {}
        self._arrived: list[tuple[int, bytes]] = []
        self._services = list(_services(era))
        self._event_service = _event_service(era)
        self._last_events: Any = None

    def write(self) -> None:
        for time_ms in range(0, DURATION_MS, PERIOD_MS):
            now = moment_at(time_ms, self._era)
            for service in self._services:
                if self._is_logged(time_ms, service.period_ms):
                    self._log(time_ms, service.delay_ms, self._message(service, now))
            self._write_events(time_ms, now)
            self._write_others(time_ms)

    def segment(self, number: int) -> list[bytes]:
        """A segment's messages as they arrived, between the ones that open and close it."""
        start_ns = START_NS + number * SEGMENT_MS * MS
        end_ns = start_ns + SEGMENT_MS * MS
        opening = [("initData", START_NS, era_drive.init_data(self._era, _WALL_START_NS))]
        closing = []
        if self._era.date >= "2020-03-05":
            names = ("startOfSegment", "endOfRoute") if number else ("startOfRoute", "endOfSegment")
            opening.append(("sentinel", start_ns, {"type": names[0]}))
            closing.append(("sentinel", min(end_ns, self._end_ns()), {"type": names[1]}))
        if self._era.date >= "2019-06-28":
            opening.append(("carParams", start_ns + 9 * MS, era_drive.car_params(self._era)))
        between = sorted(
            (arrived_ns, message)
            for arrived_ns, message in self._arrived
            if (arrived_ns >= START_NS + SEGMENT_MS * MS) == bool(number)
        )
        return [
            *(self._bytes(*message) for message in opening),
            *(message for _, message in between),
            *(self._bytes(*message) for message in closing),
        ]

    def _end_ns(self) -> int:
        return START_NS + DURATION_MS * MS

    def _is_logged(self, time_ms: int, period_ms: int) -> bool:
        """Whether a frame is kept; a qlog's counting does not start with the drive's frames."""
        offset_ms = 3 * PERIOD_MS if self._era.is_qlog else 0
        return time_ms % period_ms == offset_ms % period_ms

    def _message(self, service: _Service, now: Moment) -> Any:
        """A builder, made once for all frames of the same state."""
        key = service.name, now
        if key not in self._built:
            values = service.values(self._era, now)
            self._built[key] = self._event_type.new_message(**{service.name: values})
        return self._built[key]

    def _write_events(self, time_ms: int, now: Moment) -> None:
        """Events are logged when they change, and once a second."""
        if self._event_service is None:
            return
        listed = era_drive.events(self._era, now)
        if listed != self._last_events or time_ms % 1000 == 500:
            message = self._event_type.new_message(**{self._event_service: listed})
            self._log(time_ms, 2, message)
        self._last_events = listed

    def _write_others(self, time_ms: int) -> None:
        era = self._era
        wall_ns = _WALL_START_NS + time_ms * MS
        found: list[tuple[str, Any]] = []
        gps_service = "gpsLocation" if era.date >= "2025-08-01" else "gpsLocationExternal"
        if time_ms % (1000 if gps_service == "gpsLocation" else 100) == 0:
            found.append((gps_service, era_drive.gps(era, time_ms, wall_ns)))
        if time_ms % (10_000 if era.date >= "2024-02-13" else 1000) == 0:
            found.append(("clocks", {"wallTimeNanos": wall_ns + 7 * MS}))
        if time_ms % 1000 == 0:
            found.append(("deviceState", {"started": True, "freeSpacePercent": 50.0}))
            panda: Any = {"ignitionLine": True}
            is_several = era.date >= "2021-10-08"
            found.append(("pandaStates", [panda]) if is_several else ("pandaState", panda))
        if time_ms % 500 == 0 and not era.is_qlog:
            frames = [
                {"address": 0x25 + bus, "dat": bytes([bus] * 8), "src": bus} for bus in (0, 2)
            ]
            found.append(("can", frames))
        for service, values in found:
            self._log(time_ms, 7, self._event_type.new_message(**{service: values}))

    def _log(self, time_ms: int, delay_ms: int, message: Any) -> None:
        mono_ns = START_NS + (time_ms + delay_ms) * MS + self._random.randrange(_MAX_JITTER_NS)
        message.logMonoTime = mono_ns
        arrived_ns = mono_ns + self._random.randrange(_MAX_DELAY_NS)
        self._arrived.append((arrived_ns, message.to_bytes()))
        message.clear_write_flag()

    def _bytes(self, service: str, mono_ns: int, values: era_drive.Values) -> bytes:
        message = self._event_type.new_message(logMonoTime=mono_ns, **{service: values})
        return bytes(message.to_bytes())
