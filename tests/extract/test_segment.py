"""A log file becomes the tables that a plain loop over its messages gives, whole or damaged."""

from __future__ import annotations

import math
import struct
import warnings
from functools import cache
from pathlib import Path
from random import Random

import duckdb
import numpy as np
import pytest
from cantools.database import load_file
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.extract.dbc import load_signal_specs
from engagement.extract.profiles import load_profile
from engagement.extract.segment import ReadOptions, read_segment
from engagement.extract.sources import SOURCES
from engagement.logs.codec import decompress
from engagement.logs.find import find_logs
from engagement.logs.schema import load_schema
from engagement.logs.writer import EventBuilder
from engagement.store.schema import migrate
from engagement.store.segments import log_tables
from tests.oracles.can import bits, read_with_cantools
from tests.oracles.capnp_messages import random_message
from tests.oracles.capnp_reader import split
from tests.oracles.tables import param_names, read_tables

DATA = Path(__file__).parents[1] / "data"
LEGACY = DATA / "legacy"
RLOGS = {
    "2021": "eras/2021-03_v0.8.3/rlogs/335f76302e382e33/2023-11-05--10-20-30--1/rlog.bz2",
    "2025": "eras/2025-03_v0.9.9/rlogs/335f76302e392e39/0000002a--0123456789--1/rlog.zst",
    "sunnypilot": "eras/sunnypilot-2026/rlogs/6c6f742d32303236/2023-11-05--10-20-30--1/rlog.zst",
    "legacy": "legacy/rlogs/0123abcd/2025-07-30--08-00-00--4/rlog.bz2",
    "legacy, not compressed": "legacy/rlogs/0123abcd/2025-08-01--17-30-00--2/rlog",
}
EVENTS = sorted({source.event for source in SOURCES} | {"pandaState", "pandaStates", "can"})
seeds = st.integers(0, 2**32 - 1)


def read(content, folder, name="rlog", **options):
    path = folder / name
    path.write_bytes(content)
    (file,) = find_logs([path]).logs
    return read_segment(file, ReadOptions(**options))


def rows_of(tables):
    return {name: table.to_pylist() for name, table in tables.items() if table.num_rows}


@cache
def raw_of(era):
    return decompress((DATA / RLOGS[era]).read_bytes()).raw


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("log")


@pytest.mark.parametrize("era", RLOGS)
def test_the_tables_of_each_era_equal_a_plain_reading(era):
    (file,) = find_logs([DATA / RLOGS[era]]).logs

    log = read_segment(file, ReadOptions())

    assert (log.status, log.damage, log.n_damaged_messages) == ("ok", None, 0)
    assert log.n_messages == len(split(raw_of(era)))
    assert rows_of(log.tables) == read_tables(raw_of(era), load_schema())
    assert (log.dongle_id, log.drive, log.segment_num) == (
        file.name.dongle_id, file.name.drive, file.name.segment_num,
    )  # fmt: skip


def random_log(seed):
    rng = Random(seed)
    events = rng.sample(EVENTS, 4)
    return [random_message(load_schema(), rng, events=events) for _ in range(10)]


@given(seed=seeds)
@settings(deadline=None, max_examples=100)
def test_the_tables_of_random_messages_equal_a_plain_reading(folder, seed):
    raw = b"".join(random_log(seed))
    keep_params = tuple(param_names(raw, load_schema())[::2])

    log = read(raw, folder, keep_params=keep_params)

    assert (log.status, log.n_messages) == ("ok", 10)
    assert rows_of(log.tables) == read_tables(raw, load_schema(), keep_params=keep_params)


def in_many_segments(message, rng):
    """The same message, written anew into segments of the least size."""
    event = load_schema().event
    old = next(event.read_multiple_bytes(message))
    new = event.new_message(
        num_first_segment_words=rng.choice((1, 5, 40)),
        allocate_seg_callable=lambda n_words: bytearray(8 * n_words),
    )
    new.logMonoTime, new.valid = old.logMonoTime, old.valid
    setattr(new, old.which(), getattr(old, old.which()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bytes(new.to_bytes())


@pytest.mark.parametrize("era", ["2021", "2025"])
def test_a_log_of_many_segments_a_message_has_the_same_tables(era, tmp_path):
    rng = Random(5)
    messages = split(raw_of(era))
    moved = [in_many_segments(m, rng) if rng.random() < 0.2 else m for m in messages]
    specs = load_signal_specs(legacy_profile())

    log = read(b"".join(moved), tmp_path, specs=specs)
    expected = read(b"".join(messages), tmp_path, specs=specs)

    assert sum(message[:4] != bytes(4) for message in moved) > 500
    assert (log.status, log.n_damaged_messages) == ("ok", 0)
    assert rows_of(log.tables) == rows_of(expected.tables)


@given(seed=seeds)
@settings(deadline=None, max_examples=50)
def test_random_messages_in_many_segments_have_the_same_tables(folder, seed):
    rng = Random(seed)
    messages = random_log(seed)
    moved = [in_many_segments(m, rng) if rng.random() < 0.5 else m for m in messages]

    log = read(b"".join(moved), folder)

    assert rows_of(log.tables) == rows_of(read(b"".join(messages), folder).tables)


def legacy_profile():
    return load_profile(
        profiles_file=LEGACY / "config/vehicle_profiles.json", name=None, cwd=LEGACY
    )


def frames_of(raw):
    """(message number, place, time, frame) of every frame of the log's `can` messages."""
    for number, message in enumerate(split(raw)):
        event = next(load_schema().event.read_multiple_bytes(message))
        if event.which() == "can":
            for place, frame in enumerate(event.can):
                yield number, place, event.logMonoTime, (frame.address, frame.src, bytes(frame.dat))


@pytest.mark.parametrize(
    "name", ["0123abcd/2025-07-30--08-00-00--4", "89efcdab/2025-06-01--10-00-00--0"]
)
def test_can_signals_equal_what_cantools_decodes(name):
    (file,) = find_logs([LEGACY / "rlogs" / name]).logs
    profile = legacy_profile()
    frames = list(frames_of(decompress(file.path.read_bytes()).raw))

    log = read_segment(file, ReadOptions(specs=load_signal_specs(profile)))

    decoded = read_with_cantools(
        load_file(profile.dbc_file),
        {signal.key: list(signal.entries) for signal in profile.signals},
        [frame for *_, frame in frames],
    )
    assert [
        (
            r["message_num"],
            r["frame_num"],
            r["mono_ns"],
            r["signal_key"],
            r["bus"],
            bits(r["value"]),
        )
        for r in log.tables["can_signal"].to_pylist()
    ] == [(*frames[row][:3], key, frames[row][3][1], value) for row, key, value in decoded]
    counts = np.unique([number for number, *_ in frames], return_counts=True)
    assert log.tables["can_message"]["message_num"].to_pylist() == counts[0].tolist()
    assert log.tables["can_message"]["n_frames"].to_pylist() == counts[1].tolist()


def test_the_tables_fit_their_base_tables_by_name_and_type(folder):
    rng = Random(1)
    raw = b"".join(
        random_message(load_schema(), rng, events=[e]) for e in EVENTS for _ in range(20)
    )
    specs = load_signal_specs(legacy_profile())
    keep_params = tuple(param_names(raw, load_schema()))
    tables = read(raw, folder, keep_params=keep_params).tables
    tables |= read(raw_of("legacy"), folder, specs=specs).tables

    connection = duckdb.connect()
    migrate(connection)
    assert set(tables) == set(log_tables(connection)) - {"video"}  # found beside logs
    connection.execute("use log")
    for name, table in tables.items():
        columns = connection.sql(f"select * exclude (drive_id, segment_num) from {name}")
        types = dict(zip(columns.columns, map(str, columns.types), strict=True))
        given = connection.from_arrow(table)
        assert dict(zip(given.columns, map(str, given.types), strict=True)) == types, name
        connection.execute(
            f"insert into {name} by name select 1 drive_id, 2 segment_num, * from given"
        )
        assert (
            columns.fetchall() == connection.sql(f"select {','.join(types)} from given").fetchall()
        )


def test_numbers_that_are_not_finite_are_null(folder):
    build = EventBuilder().event
    raw = build(
        "carState", 1, {"vEgo": math.nan, "aEgo": math.inf, "cruiseState": {"speed": -math.inf}}
    )
    raw += build("carState", 2, {"vEgo": 1.5, "aEgo": -2.0})
    raw += build("gpsLocation", 3, {"latitude": math.nan, "longitude": 8.0})
    raw += build("radarState", 4, {"leadOne": {"status": True, "dRel": math.inf, "vRel": 3.0}})
    raw += build("radarState", 5, {"leadOne": {"status": False, "dRel": 9.0}})

    tables = rows_of(read(raw, folder).tables)

    assert [row["v_ego_mps"] for row in tables["car_state"]] == [None, 1.5]
    assert [row["a_ego_mps2"] for row in tables["car_state"]] == [None, -2.0]
    assert [row["cruise_speed_mps"] for row in tables["car_state"]] == [None, 0.0]
    assert [(row["latitude"], row["longitude"]) for row in tables["gps"]] == [(None, 8.0)]
    leads = [(row["d_rel_m"], row["v_rel_mps"]) for row in tables["lead"]]
    assert leads == [(None, 3.0), (None, None)]


def resized(message, n_words, n_pointers):
    """The message as of a writer whose struct had other sizes."""
    words = list(struct.unpack(f"<{len(message) // 8}Q", message))
    at = 2 + (words[1] >> 32 & 0xFFFF)
    words[at] = words[at] & 0xFFFFFFFF | n_words << 32 | n_pointers << 48
    words += [0] * max(0, at + 1 + n_words + n_pointers - len(words))
    words[0] = (len(words) - 1) << 32
    return struct.pack(f"<{len(words)}Q", *words)


def test_fields_that_the_writer_did_not_have_or_used_otherwise_are_null(folder):
    build = EventBuilder().event
    control = build("carControl", 1, {"enabled": True, "latActive": True})
    state = build("carState", 2, {"vEgo": 3.0, "steeringDisengage": True, "vCruise": 30})
    sizes = [(11, 6), (9, 6), (11, 7), (11, 255), (11, 300)]

    log = read(
        control
        + resized(control, 1, 5)
        + b"".join(resized(state, n_words, n_pointers) for n_words, n_pointers in sizes),
        folder,
    )

    assert log.status == "ok"
    controls, states = log.tables["car_control"], log.tables["car_state"]
    assert controls["lat_active"].to_pylist() == [True, None]
    assert controls["long_active"].to_pylist() == [False, None]
    assert states["v_cruise_kph"].to_pylist() == [30.0, None, 30.0, 30.0, 30.0]
    assert states["steering_disengage"].to_pylist() == [True, True, None, None, None]
    assert states["n_pointers"].to_pylist() == [6, 6, 7, 255, 255]
