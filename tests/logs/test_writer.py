"""What is written reads back, in each codec, the way devices frame it."""

from __future__ import annotations

import bz2
import time

import pytest

from engagement.logs import writer
from engagement.logs.schema import load_schema
from engagement.logs.writer import EventBuilder, compress, write_log


def read(raw):
    return list(load_schema().event.read_multiple_bytes(raw))


def test_an_event_reads_back():
    value = {
        "vEgo": 12.5,
        "brakePressed": True,
        "gearShifter": "drive",
        "cruiseState": {"enabled": True, "speed": 25.0},
        "buttonEvents": [{"pressed": True, "type": "cancel"}],
    }
    (event,) = read(EventBuilder().event("carState", 17, value, valid=False))
    assert (event.logMonoTime, event.valid, event.which()) == (17, False, "carState")
    state = event.carState
    assert (state.vEgo, state.brakePressed, str(state.gearShifter)) == (12.5, True, "drive")
    assert (state.cruiseState.enabled, state.cruiseState.speed) == (True, 25.0)
    assert [(b.pressed, str(b.type)) for b in state.buttonEvents] == [(True, "cancel")]
    assert not state.gasPressed


def test_text_bytes_lists_and_inner_unions():
    builder = EventBuilder()
    raw = builder.event("logMessage", 1, "hello") + builder.event("ubloxRaw", 2, b"\0\1")
    raw += builder.event("carEvents", 3, [{"name": "canError", "immediateDisable": True}, {}])
    raw += builder.event("clocks", 4, {})
    raw += builder.event("cameraOdometry", 5, {"trans": [1.0, 2.0]})
    text, data, events, clocks, odometry = read(raw)
    assert (text.logMessage, data.ubloxRaw) == ("hello", b"\0\1")
    assert [str(event.name) for event in events.carEvents] == ["canError", "canError"]
    assert [event.immediateDisable for event in events.carEvents] == [True, False]
    assert clocks.clocks.wallTimeNanos == 0
    assert list(odometry.cameraOdometry.trans) == [1.0, 2.0]


def test_can_frames_read_back():
    frames = [(0x123, 0, b"\1\2"), (0x7FF, 2, bytes(8)), (5, 130, b"")]
    (event,) = read(EventBuilder().can(9, frames, which="sendcan"))
    assert [(f.address, f.src, bytes(f.dat)) for f in event.sendcan] == frames


@pytest.mark.parametrize("codec", ["none", "bz2", "zst"])
def test_codecs_keep_the_bytes(codec):
    raw = bytes(range(256)) * 1_000
    packed = write_log([raw[:1000], raw[1000:]], codec)
    unpack = {"none": bytes, "bz2": bz2.decompress, "zst": writer.zstd.decompress}[codec]
    assert unpack(packed) == raw
    assert packed == write_log([raw], codec)


def test_zstd_is_one_frame_that_does_not_state_its_size():
    packed = compress(b"abc" * 1_000_000, "zst")
    assert writer.zstd.get_frame_info(packed).decompressed_size is None
    assert writer.zstd.get_frame_size(packed) == len(packed)


def test_writing_is_fast_enough_for_benchmarks():
    builder = EventBuilder()
    frames = [(address, 0, bytes(8)) for address in range(22)]
    start = time.perf_counter()
    for number in range(600):
        builder.can(number, frames)
    assert time.perf_counter() - start < 1.0
