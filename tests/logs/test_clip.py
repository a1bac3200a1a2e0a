"""Messages are cut from a log byte for byte, whatever their shape, and written as one stream."""

from __future__ import annotations

import bz2
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.logs.codec import decompress
from engagement.logs.log_clip import LogSink, cut
from engagement.logs.schema import load_schema
from engagement.logs.writer import EventBuilder
from tests.oracles.capnp_reader import split

START_NS, END_NS = 100, 200


def spread(message, n_words, rng):
    """The same message in several segments, reached by far pointers, as large ones are written.

    A message of one segment becomes one whose root pointer lies alone in the first.
    """
    body = message[8:]
    size = len(body) // 8
    padding = bytes(8 * n_words)
    number = rng.choice((1, 2))
    # A far pointer to the first word of the last segment, which has the root pointer.
    far = (2 | number << 32).to_bytes(8, "little")
    segments = [far, padding, body] if number == 2 else [far, body]
    sizes = [1, n_words, size] if number == 2 else [1, size]
    header = b"".join(value.to_bytes(4, "little") for value in (len(sizes) - 1, *sizes))
    return header + bytes(-len(header) % 8) + b"".join(segments)


@st.composite
def logs(draw):
    """Messages and their times, near the window's borders, in any order and of any framing."""
    builder = EventBuilder()
    rng = random.Random(draw(st.integers(0, 99)))
    times = draw(st.lists(st.sampled_from((0, 99, 100, 101, 150, 199, 200, 2**40)), max_size=12))
    found = []
    for number, time_ns in enumerate(times):
        kind = draw(st.sampled_from(("carState", "initData", "can", "clocks")))
        if kind == "can":
            message = builder.can(time_ns, [(number, 0, bytes(8))] * (number % 3))
        elif kind == "initData":
            message = builder.event(kind, time_ns, {"dongleId": "a" * number})
        else:
            message = builder.event(kind, time_ns, {})
        if draw(st.booleans()):
            message = spread(message, draw(st.integers(0, 3)), rng)
        found.append(message)
    return found


def read(message):
    """logMonoTime and the union member, by pycapnp."""
    with load_schema().event.from_bytes(message, traversal_limit_in_words=1 << 40) as event:
        return event.logMonoTime, str(event.which())


@given(messages=logs(), tail=st.binary(max_size=7))
@settings(deadline=None, max_examples=150)
def test_the_messages_of_a_window_are_those_that_pycapnp_reads_in_it(messages, tail):
    known = [read(message) for message in messages]
    found = cut(b"".join(messages) + tail, START_NS, END_NS)

    inits = [
        message for message, (_, which) in zip(messages, known, strict=True) if which == "initData"
    ]
    wanted = [
        message
        for message, (time_ns, which) in zip(messages, known, strict=True)
        if START_NS <= time_ns < END_NS and which != "initData"
    ]
    assert b"".join(found.pieces) == b"".join(wanted)
    assert found.n_messages == len(wanted)
    assert (None if found.init_data is None else bytes(found.init_data)) == (
        inits[0] if inits else None
    )
    assert split(b"".join(found.pieces)) == wanted


def test_messages_that_follow_each_other_are_one_piece():
    builder = EventBuilder()
    times = (150, 151, 152, 300, 153, 154)
    messages = [builder.event("carState", time_ns, {}) for time_ns in times]
    pieces = cut(b"".join(messages), START_NS, END_NS).pieces
    assert list(map(bytes, pieces)) == [b"".join(messages[:3]), b"".join(messages[4:])]


def test_a_message_without_a_time_is_in_no_window():
    message = EventBuilder().event("carState", 150, {})
    no_root = message[:8] + bytes(len(message) - 8)
    beyond = message[:8] + b"\xfc\xff\xff\xff" * (len(message) // 4 - 2)
    found = cut(no_root + message + beyond, 0, 2**62)
    assert bytes(found.pieces[-1])[-len(message) :] == message
    assert b"".join(found.pieces) in (message, no_root + message)


@pytest.mark.parametrize(("codec", "name"), [("none", "none"), ("bz2", "bz2"), ("zst", "zstd")])
def test_a_log_in_pieces_is_one_stream_of_its_codec(codec, name):
    builder = EventBuilder()
    pieces = [
        memoryview(builder.can(number, [(1, 0, bytes([number % 256]) * 8)] * 9))
        for number in range(3000)
    ]
    file = io.BytesIO()
    sink = LogSink(file, codec)
    for piece in pieces:
        sink.write(piece)
    sink.finish()

    found = decompress(file.getvalue())
    assert found.raw == b"".join(pieces)
    assert (found.codec, found.damage) == (name, None)
    if codec == "bz2":
        assert bz2.BZ2Decompressor().decompress(file.getvalue()) == found.raw
    if codec == "zst":
        assert file.getvalue().count(b"\x28\xb5\x2f\xfd") == 1
