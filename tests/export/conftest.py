"""Databases to cut clips from: a simulated drive with CAN signals, and a hostile one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from engagement.extract.dbc import load_signal_specs
from engagement.extract.profiles import load_profile
from engagement.extract.segment import ReadOptions
from engagement.logs.writer import SUFFIXES, EventBuilder, write_log
from engagement.simulate import BUSY, plan_drives, write_drive
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest

if TYPE_CHECKING:
    from pathlib import Path

SECOND_NS = 10**9
BOOT_NS = 1_500 * SECOND_NS
DRIVE = "0000002a--0123456789"
DONGLE = "0123456789abcdef"
TEXTS = ('a, "quoted" word', "two\nlines", "Grüße 🐸", "'; drop table drive; --", "", "1e-05")


@dataclass(frozen=True)
class Logs:
    """A database and the folder of the logs that it was made from."""

    database: Path
    folder: Path


@pytest.fixture(scope="session")
def simulated(tmp_path_factory) -> Logs:
    """A drive as the demo has it, CAN signals included."""
    folder = tmp_path_factory.mktemp("simulated")
    for _ in write_drive(folder / "rlogs", plan_drives(4, calm=BUSY)[3]):
        pass
    profile = load_profile(profiles_file=None, name="demo", cwd=folder)
    read = ReadOptions(specs=load_signal_specs(profile), profile="demo")
    ingest([folder / "rlogs"], folder / "e.duckdb", IngestOptions(read=read, jobs=1))
    return Logs(folder / "e.duckdb", folder / "rlogs")


@pytest.fixture(scope="session")
def hostile(tmp_path_factory) -> Logs:
    """A drive of three segments, each of another codec, which overlap by half a second.

    Times are not sorted, several messages come at once, texts need quotes, numbers are tiny, huge
    or none.
    """
    folder = tmp_path_factory.mktemp("hostile")
    for number, codec in enumerate(("zst", "bz2", "none")):
        path = folder / f"{DONGLE}_{DRIVE}--{number}--rlog{SUFFIXES[codec]}"
        path.write_bytes(write_log(hostile_messages(number), codec))
    ingest([folder], folder / "e.duckdb", IngestOptions(read=ReadOptions(), jobs=1))
    return Logs(folder / "e.duckdb", folder)


def hostile_messages(number: int) -> list[bytes]:
    builder = EventBuilder()
    start_ns = BOOT_NS + number * 4 * SECOND_NS
    init_data = {"dongleId": DONGLE, "version": "0.9.9", "wallTimeNanos": 10**18}
    found = [builder.event("initData", BOOT_NS - SECOND_NS, init_data)]
    for tick in range(45):
        mono_ns = start_ns + tick * SECOND_NS // 10
        found += _tick(builder, number * 40 + tick, mono_ns)
    half = len(found) // 2
    return [found[0], *found[half:], *found[1:half]]


def _tick(builder: EventBuilder, tick: int, mono_ns: int) -> list[bytes]:
    is_on = 10 <= tick % 60 < 40
    tiny = (1e-7, 0.1, -3.5e12, math.nan, math.inf, 0.0, -1e-30)[tick % 7]
    text = TEXTS[tick // 5 % len(TEXTS)]
    car_state = {
        "vEgo": 20.0,
        "aEgo": tiny,
        "brakePressed": tick % 60 == 40,
        "gearShifter": "drive",
        "buttonEvents": [
            {"type": "cancel", "pressed": tick % 2 == 0},
            {"type": "accelCruise", "pressed": True},
        ],
    }
    state = {"enabled": is_on, "active": is_on, "state": "enabled", "alertText1": text}
    place = {"latitude": 52.0 + tick * 1e-7, "longitude": tiny, "flags": 1, "hasFix": tick % 3 > 0}
    events = [{"name": "pedalPressed", "userDisable": True}, {"name": "doorOpen", "noEntry": True}]
    found = [
        builder.event("carState", mono_ns, car_state),
        builder.event("selfdriveState", mono_ns, state),
        builder.event("carControl", mono_ns + 1, {"enabled": is_on, "latActive": is_on}),
    ]
    if tick % 5 == 0:
        found += [
            builder.event("gpsLocation", mono_ns, place),
            builder.event("gpsLocationExternal", mono_ns, place),
            builder.event("gpsLocationExternal", mono_ns, place | {"altitude": 7.0}),
            builder.event("onroadEvents", mono_ns, events[: tick // 5 % 3]),
            builder.event("clocks", mono_ns, {"wallTimeNanos": 17 * 10**17 + mono_ns}),
        ]
    if tick % 20 == 7:
        found.append(builder.event("userBookmark", mono_ns, {}))
    return found
