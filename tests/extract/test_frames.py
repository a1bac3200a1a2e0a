from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.errors import LogError
from engagement.extract.can_decoding import extract_signals
from engagement.extract.dbc import parse_dbc
from engagement.extract.frames import (
    count_traffic,
    decode_values,
    list_signals,
    merge_traffic,
    open_log,
    read_fingerprint,
    read_frames,
    started_ns,
)
from engagement.extract.references import read_reference
from engagement.extract.signal_specs import BitField, SignalSpec
from engagement.extract.suggestions import Suggester
from engagement.logs.log import Log
from engagement.logs.schema import load_schema
from engagement.logs.writer import EventBuilder
from tests.oracles.can import bits, decode_frame, make_frames
from tests.support.car_logs import car_params_bytes

if TYPE_CHECKING:
    from pathlib import Path

DBC = """VERSION ""
BU_: XXX
BO_ 1 PLAIN: 8 XXX
 SG_ little : 3|11@1- (0.5,-4) [0|0] "Nm" XXX
 SG_ big : 39|12@0+ (1,0) [0|0] "" XXX
BO_ 2 SWITCHED: 4 XXX
 SG_ which M : 0|2@1+ (1,0) [0|0] "" XXX
 SG_ first m0 : 8|8@1+ (1,0) [0|0] "km" XXX
 SG_ second m1 : 8|16@0- (0.1,3) [0|0] "" XXX
BO_ 3 WIDE: 64 XXX
 SG_ far : 400|13@1+ (1,0) [0|0] "" XXX
 SG_ huge : 0|72@1+ (1,0) [0|0] "" XXX
BO_ 4 SILENT: 8 XXX
CM_ SG_ 1 little "how hard
 it pulls";
"""
FRAMES = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 2), st.binary(max_size=64)), max_size=30
)


def decode_with_cantools(frames):
    """(message.signal, bus, values) by decoding each frame for itself, all of a signal together."""
    database = parse_dbc(DBC, "car.dbc")
    found = {}
    for address, bus, payload in frames:
        messages = [each for each in database.messages if each.frame_id == address]
        for message in messages:
            # a signal of 72 bits is no float64: cantools is not asked for it
            for name, value in decode_frame(message, payload).items():
                if name != "huge":
                    found.setdefault((f"{message.name}.{name}", bus), []).append(bits(value))
    return found


@settings(max_examples=150, deadline=None)
@given(FRAMES)
def test_all_signals_of_random_frames_are_those_of_cantools(frames):
    signals = list_signals(parse_dbc(DBC, "car.dbc"), "car.dbc").signals
    found = decode_values(make_frames(frames), signals)
    got = {(each.signal.key, each.bus): [bits(v) for v in each.value.tolist()] for each in found}
    assert got == decode_with_cantools(frames)


def test_a_dbc_is_listed_with_units_comments_and_what_can_not_be_read():
    listed = list_signals(parse_dbc(DBC, "car.dbc"), "car.dbc")
    assert [each.key for each in listed.signals] == [
        "PLAIN.little", "PLAIN.big", "SWITCHED.which", "SWITCHED.first", "SWITCHED.second",
        "WIDE.far",
    ]  # fmt: skip
    assert listed.signals[0].unit == "Nm"
    assert listed.signals[0].comment == "how hard it pulls"
    assert listed.messages == {1: "PLAIN", 2: "SWITCHED", 3: "WIDE", 4: "SILENT"}
    ((key, problem),) = listed.unreadable
    assert key == "WIDE.huge"
    assert "72 bits" in problem


def test_a_name_that_a_message_has_twice_means_neither_signal():
    twice = (
        'VERSION ""\nBU_: XXX\nBO_ 1 ONE: 3 XXX\n SG_ a : 0|8@1+ (1,0) [0|0] "" XXX\n'
        ' SG_ a : 8|8@1+ (1,0) [0|0] "" XXX\n SG_ b : 16|8@1+ (1,0) [0|0] "" XXX\n'
    )
    listed = list_signals(parse_dbc(twice, "car.dbc"), "x")
    (values,) = decode_values(make_frames([(1, 0, b"\x05\x07\x09")]), listed.signals)
    assert (values.signal.key, values.value.tolist()) == ("ONE.b", [9.0])
    ((key, problem),) = listed.unreadable
    assert key == "ONE.a"
    assert "several signals of that name" in problem


def test_a_dbc_of_many_signals_is_listed_in_a_moment():
    lines = [f' SG_ s{n} : {n % 8 * 8}|8@1+ (1,0) [0|0] "" XXX' for n in range(2000)]
    text = "\n".join(['VERSION ""', "BU_: XXX", "BO_ 1 ONE: 8 XXX", *lines, ""])
    database = parse_dbc(text, "car.dbc")
    started_s = time.process_time()
    assert len(list_signals(database, "x").signals) == len(lines)
    assert time.process_time() - started_s < 1


def test_the_car_is_that_of_the_params_where_nothing_else_says():
    builder = EventBuilder()
    param = {"key": "CarParams", "value": car_params_bytes("MAZDA CX-5")}
    params = builder.event("initData", 1, {"params": {"entries": [param]}})
    said = builder.event("carParams", 2, {"carFingerprint": "HONDA CIVIC"})
    for content, car in ((params, "MAZDA CX-5"), (params + said, "HONDA CIVIC")):
        log = Log(content, load_schema())
        assert read_fingerprint(log) == car
        log.close()


@settings(max_examples=50, deadline=None)
@given(FRAMES, FRAMES)
def test_traffic_of_several_logs_counts_every_frame_once(first, second):
    got = merge_traffic([count_traffic(make_frames(first)), count_traffic(make_frames(second))])
    both = first + second
    assert list(got) == sorted(got)
    assert {place: each.n_frames for place, each in got.items()} == Counter(
        (bus, address) for address, bus, _ in both
    )
    for (bus, address), each in got.items():
        lengths = [len(p) for a, b, p in both if (a, b) == (address, bus)]
        assert (each.min_length_bytes, each.max_length_bytes) == (min(lengths), max(lengths))


def test_a_rate_leaves_out_the_time_between_logs():
    builder = EventBuilder()
    parts = []
    for start_ns in (0, 100 * 10**9):
        frames = [builder.can(start_ns + n * 10**8, [(7, 0, b"1")]) for n in range(11)]
        parts.append(b"".join(frames))
    traffic = []
    for number, part in enumerate(parts):
        traffic.append(count_traffic(frames_of(part)))
        assert traffic[number][0, 7].rate_hz == pytest.approx(10)
    assert merge_traffic(traffic)[0, 7].rate_hz == pytest.approx(10)


def frames_of(content):
    return read_frames(Log(content, load_schema()))


def write_log(path: Path) -> None:
    """Two `can` messages, the later one first, between others."""
    builder = EventBuilder()
    parts = [
        builder.event("initData", 1, {"version": "1"}),
        builder.event("carParams", 950, {"carFingerprint": "SOME CAR"}),
        builder.can(2000, [(1, 0, b"later"), (2, 1, b"")]),
        builder.can(1000, [(1, 128, b"first"), (1, 0, b"second"), (0x18DAF110, 2, bytes(64))]),
        builder.can(1500, []),
    ]
    path.write_bytes(b"".join(parts))


def test_frames_of_a_log_come_in_the_order_of_their_time(tmp_path):
    path = tmp_path / "rlog"
    write_log(path)
    with open_log(path) as (log, damage):
        frames = read_frames(log)
        assert (damage, started_ns(log), read_fingerprint(log)) == (None, 950, "SOME CAR")
        got = [
            (int(mono), int(address), int(bus), int(number), bytes(frames.buffer[at : at + size]))
            for mono, address, bus, number, at, size in zip(
                frames.mono_ns, frames.address, frames.bus, frames.frame_num,
                frames.start_byte, frames.length_bytes, strict=True,
            )
        ]  # fmt: skip
    assert got == [
        (1000, 1, 128, 0, b"first"),
        (1000, 1, 0, 1, b"second"),
        (1000, 0x18DAF110, 2, 2, bytes(64)),
        (2000, 1, 0, 0, b"later"),
        (2000, 2, 1, 1, b""),
    ]


def test_a_log_without_can_has_no_frames(tmp_path):
    path = tmp_path / "rlog"
    path.write_bytes(EventBuilder().event("initData", 5, {}))
    with open_log(path) as (log, _):
        assert len(read_frames(log)) == 0
        assert read_fingerprint(log) is None
        assert count_traffic(read_frames(log)) == {}


@pytest.mark.parametrize("content", [b"", b"hello world, this is no log at all", b"\xff" * 64])
def test_a_file_that_is_no_log_is_named(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(LogError, match=r"notes\.txt: "), open_log(path):
        pass


def test_a_cut_log_gives_what_came_before(tmp_path):
    path = tmp_path / "rlog"
    write_log(path)
    path.write_bytes(path.read_bytes()[:-100])
    with open_log(path) as (log, damage):
        assert damage
        assert np.unique(read_frames(log).mono_ns).tolist() == [2000]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=6), st.integers(0, 99)
)
def test_a_damaged_log_gives_frames_or_an_error_of_ours(tmp_path_factory, changes, cut):
    path = tmp_path_factory.getbasetemp() / "damaged" / "rlog"
    path.parent.mkdir(exist_ok=True)
    builder = EventBuilder()
    content = bytearray()
    for number in range(8):
        frames = [(address, 0, bytes([number] * 8)) for address in (1, 2, 3)]
        content += builder.can(number * 10**7, frames)
        content += builder.event("carState", number * 10**7, {"vEgo": 1.5 * number})
    for place, octet in changes:
        content[place % len(content)] = octet
    path.write_bytes(content[: len(content) - cut])
    signals = list_signals(parse_dbc(DBC, "car.dbc"), "car.dbc").signals
    suggester = Suggester(signals)
    try:
        with open_log(path) as (log, _):
            frames = read_frames(log)
            assert len(frames) <= 24
            assert (np.diff(frames.mono_ns) >= 0).all()
            suggester.add(frames, read_reference(log))
    except LogError:
        return
    assert len(suggester.rank()) == 9


def test_more_signals_than_a_small_number_counts_keep_their_names():
    n_signals = 33_000
    field = BitField(0, 8)
    specs = [SignalSpec(f"ONE.s{n}", 0, False, 1, None, 1, field) for n in range(n_signals)]  # noqa: FBT003
    found = extract_signals(make_frames([(1, 0, b"\x05")]), specs)
    assert found.key_num.tolist() == list(range(n_signals))
