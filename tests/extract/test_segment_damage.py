"""Damaged logs keep what is whole and say what is wrong; other schemas give what they have."""

from __future__ import annotations

import bz2
import math
import pickle
import re
import shutil
import struct
from functools import cache
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.errors import ConfigError
from engagement.extract.batches import build
from engagement.logs.log import Log
from engagement.logs.schema import load_schema
from engagement.logs.writer import EventBuilder, write_log
from engagement.resources import resource_dir
from tests.extract.test_segment import RLOGS, raw_of, read, rows_of
from tests.logs.test_columns import corrupt
from tests.oracles.capnp_reader import split
from tests.oracles.tables import read_tables


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("log")


@pytest.mark.parametrize("codec", ["none", "bz2", "zst"])
@pytest.mark.parametrize("share", [0.999, 0.7, 0.3])
def test_a_cut_log_has_every_message_before_the_cut(codec, share, folder):
    messages = split(raw_of("2021"))[:3000]
    content = write_log(messages, codec)

    log = read(content[: int(len(content) * share)], folder)

    assert log.status in ("partial", "failed")
    assert re.search(r"at byte [\d ]+of the (file|decoded log)", log.damage)
    assert (log.n_messages == 0) == (log.status == "failed") == (not log.tables)
    expected = read_tables(b"".join(messages[: log.n_messages]), load_schema())
    assert rows_of(log.tables) == expected
    if codec == "none":
        ends = [len(b"".join(messages[:number])) for number in (log.n_messages, log.n_messages + 1)]
        assert ends[0] <= len(content) * share < ends[1]


def test_bytes_turned_in_a_compressed_log_keep_what_comes_before(folder):
    messages = split(raw_of("2021"))
    content = bytearray(bz2.compress(b"".join(messages), 1))
    content[len(content) // 2] ^= 0xFF

    log = read(bytes(content), folder)

    assert log.status == "partial"
    assert "bz2 stream is corrupt at byte" in log.damage
    assert 500 < log.n_messages < len(messages)
    assert rows_of(log.tables) == read_tables(b"".join(messages[: log.n_messages]), load_schema())


def test_bad_pointers_cost_their_own_messages_only(folder):
    messages = split(raw_of("2021"))[:4000]
    is_read = {load_schema().which_by_name[name] for name in ("carState", "controlsState")}
    at = 16 + 2 * load_schema().layout.discriminant_offset
    which = [struct.unpack_from("<H", message, at)[0] for message in messages]
    victims = [number for number, member in enumerate(which) if member in is_read][5::50]
    for number in victims:
        words = bytearray(messages[number])
        at = 8 * (2 + struct.unpack_from("<H", words, 12)[0])
        words[at : at + 4] = struct.pack("<I", 0x7FFFFFFC)
        messages[number] = bytes(words)

    log = read(b"".join(messages), folder)

    assert log.status == "partial"
    assert log.damage.startswith(f"{len(victims)} of 4000 messages have bad pointers")
    assert log.damage.endswith(f"the first is {victims[0]}")
    assert (log.n_messages, log.n_damaged_messages) == (4000 - len(victims), len(victims))
    nothing = EventBuilder().event("boot", 10**10, {})
    for number in victims:
        messages[number] = nothing
    assert rows_of(log.tables) == read_tables(b"".join(messages), load_schema())


@cache
def some_messages():
    return split(raw_of("2025"))


@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=120)
def test_any_corruption_gives_the_rows_of_the_messages_that_are_whole(folder, seed):
    rng = Random(seed)
    messages = some_messages()
    start = rng.randrange(len(messages) - 30)
    raw = corrupt(b"".join(messages[start : start + 30]), rng)

    log = read(raw, folder)

    decoded = Log(raw, load_schema())
    decoded.refuse_lost_times()
    build(decoded)
    assert log.n_damaged_messages == decoded.n_damaged
    assert (log.status == "ok") == (log.damage is None)
    if all(message[:4] == bytes(4) for message in split(raw)):
        damaged = set(np.flatnonzero(decoded.is_damaged).tolist())
        assert rows_of(log.tables) == read_tables(raw, load_schema(), without=damaged)


@pytest.mark.parametrize(
    ("content", "damage"),
    [
        (b"", "the file is empty"),
        (b"not a log at all, but some text that someone left there\n", "at byte 0 "),
        (Random(1).randbytes(100_000), "at byte 0 "),
        (bytes(100_000), "at byte 0 "),
        (b"BZh9" + Random(2).randbytes(1000), "bz2 stream is corrupt at byte"),
        (bz2.compress(b""), "no message"),
        (bz2.compress(bytes(50_000)), "at byte 0 "),
    ],
)
def test_what_is_no_log_fails_and_says_why(content, damage, folder):
    log = read(content, folder)

    assert (log.status, log.n_messages, log.tables) == ("failed", 0, {})
    assert damage in log.damage
    assert log.start_mono_ns is log.end_mono_ns is log.dongle_id is None
    assert log.drive


def test_a_log_of_initdata_alone_is_whole_but_has_no_time(folder):
    raw = EventBuilder().event("initData", 5, {"dongleId": "0123456789abcdef", "version": "1.2"})

    log = read(raw, folder)

    assert (log.status, log.damage, log.n_messages) == ("ok", None, 1)
    assert (log.start_mono_ns, log.end_mono_ns) == (None, None)
    assert log.dongle_id == "0123456789abcdef"
    assert rows_of(log.tables)["init_data"][0]["version"] == "1.2"
    assert pickle.loads(pickle.dumps(log)).tables["init_data"].equals(log.tables["init_data"])  # noqa: S301


def test_hostile_times_are_damage(folder):
    build = EventBuilder().event
    raw = build("carState", 2**64 - 1, {}) + build("carState", 2**62 + 1, {})
    raw += build("carState", 7, {}) + build("clocks", 8, {"wallTimeNanos": 2**64 - 1})

    log = read(raw, folder)

    assert (log.status, log.n_damaged_messages) == ("partial", 2)
    assert (log.start_mono_ns, log.end_mono_ns) == (7, 8)
    assert log.tables["car_state"]["mono_ns"].to_pylist() == [7]
    assert "clock" not in rows_of(log.tables)


def test_events_of_both_lists_and_none_stand_in_one_table(folder):
    build = EventBuilder().event
    raw = build("carEvents", 1, [{"name": "canError"}]) + build("onroadEvents", 2, [])
    raw += build("carEvents", 3, []) + build(
        "onroadEvents", 4, [{"name": "canError", "enable": True}]
    )

    rows = rows_of(read(raw, folder).tables)["car_event"]

    assert [(r["mono_ns"], r["source"], r["name"], r["enable"]) for r in rows] == [
        (1, "carEvents", "canError", False),
        (2, "onroadEvents", None, None),
        (3, "carEvents", None, None),
        (4, "onroadEvents", "canError", True),
    ]


def test_a_damaged_alert_does_not_hide_the_next(folder):
    def alert(second, text):
        return EventBuilder().event("controlsState", second * 10**9, {"alertText1": text})

    bad = alert(30, "take control").replace(b"take control\0", b"take control!")
    raw = b"".join([alert(0, "a"), alert(10, "a"), bad, alert(40, "take control"), alert(90, "z")])

    log = read(raw, folder)

    assert log.n_damaged_messages == 1
    texts = log.tables["alert"]["text1"].to_pylist()
    assert texts == ["a", "take control", "z"]


@pytest.fixture
def fork(tmp_path):
    """A copy of the shipped schemas, and a function that edits one of its files."""
    schemas = tmp_path / "fork"
    shutil.copytree(resource_dir("schemas"), schemas)

    def edit(name, pattern, replacement):
        path = schemas / name
        text, n_edits = re.subn(pattern, replacement, path.read_text(), count=1)
        assert n_edits == 1
        path.write_text(text)

    return schemas, edit


def test_a_forks_own_schemas_name_its_fields(fork, folder):
    schemas, edit = fork
    edit("car.capnp", r"\bvEgo @1 :Float32", "speedOfEgo @1 :Float32")
    edit("car.capnp", r"(\w+) @3 :Float32", "vEgo @3 :Float32")
    edit("car.capnp", r"\bgasPressed @4", "gasPressedRenamed @4")
    last = max(
        int(n) for n in re.findall(r"@(\d+) :", struct_text(schemas / "car.capnp", "CarState"))
    )
    edit("car.capnp", r"struct CarState \{", f"struct CarState {{\n  ours @{last + 1} :Float64;\n")
    new = EventBuilder(load_schema(schemas))
    raw = new.event("carState", 1, {"vEgo": 4.5, "brakePressed": True, "ours": 1.0})
    raw += new.event("controlsState", 2, {"enabled": True})

    log = read(raw, folder, schema_dir=schemas)
    by_ours = read(raw, folder)

    (row,) = log.tables["car_state"].to_pylist()
    assert (row["v_ego_mps"], row["brake_pressed"], row["gas_pressed"]) == (4.5, True, None)
    assert len(log.tables["controls_state"]) == 1
    assert by_ours.tables["car_state"]["v_ego_mps"].to_pylist() == [0.0]
    assert by_ours.tables["car_state"]["gas_pressed"].to_pylist() == [False]


def struct_text(path, name):
    return path.read_text().partition(f"struct {name} {{")[2].partition("\nstruct ")[0]


def test_a_table_whose_key_fields_a_fork_lacks_has_no_rows(fork, folder):
    schemas, edit = fork
    edit("selfdrive.capnp", r"(struct ControlsState \{[^}]*?)\benabled @", r"\1enabledOld @")
    edit("log.capnp", r"\bradarState @", "radarStateRenamed @")
    edit("device.capnp", r"\bignitionLine @", "lineOfIgnition @")
    edit("device.capnp", r"\bignitionCan @", "canOfIgnition @")
    raw = EventBuilder().event("controlsState", 1, {"enabled": True, "alertText1": "x"})
    raw += EventBuilder().event("radarState", 2, {"leadOne": {"status": True}})
    raw += EventBuilder().event("pandaStates", 3, [{"ignitionLine": True}])

    log = read(raw, folder, schema_dir=schemas)

    assert set(rows_of(log.tables)) == {"alert"}
    assert (log.status, log.n_messages) == ("ok", 3)


def test_a_folder_without_usable_schemas_is_a_configuration_error(fork, folder, tmp_path):
    schemas, edit = fork
    edit("log.capnp", r"struct Event \{", "struct Event {{")

    with pytest.raises(
        ConfigError, match=r"does not compile: .*log.capnp:\d+: failed: Parse error"
    ):
        read(b"", folder, schema_dir=schemas)
    with pytest.raises(ConfigError, match="no such schema"):
        read(b"", folder, schema_dir=tmp_path / "nowhere")


def test_every_era_is_read(folder):
    for era in RLOGS:
        rows = rows_of(read(raw_of(era), folder).tables)
        assert len(rows["car_state"]) > 1000
        assert not any(math.isnan(row["v_ego_mps"]) for row in rows["car_state"])


def test_a_message_hours_away_from_the_others_is_damage(folder):
    builder = EventBuilder()
    near = [builder.event("clocks", second * 10**9, {"wallTimeNanos": 1}) for second in range(9)]
    lost = builder.event("clocks", 2**61, {"wallTimeNanos": 1})
    early = builder.event("initData", 0, {"version": "1"})

    log = read(b"".join([early, *near, lost]), folder)

    assert (log.status, log.n_damaged_messages) == ("partial", 1)
    assert log.end_mono_ns == 8 * 10**9
    assert log.tables["init_data"].num_rows == 1
