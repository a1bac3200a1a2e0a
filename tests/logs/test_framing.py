"""A log is split where the stream format says, and the walk ends at the first impossible header."""

from __future__ import annotations

import struct
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.logs.framing import MAX_MESSAGES, walk
from tests.oracles.capnp_reader import split


def frame(*segments: bytes) -> bytes:
    header = struct.pack(
        f"<{len(segments) + 1}I", len(segments) - 1, *(len(segment) // 8 for segment in segments)
    )
    return header + bytes(-len(header) % 8) + b"".join(segments)


def words(n_words: int) -> bytes:
    return b"\x11" * (8 * n_words)


def pieces(raw: bytes) -> list[list[bytes]]:
    """The segments of each message, by the walk."""
    frames = walk(raw)
    return [
        [raw[8 * frames.start[s] : 8 * frames.end[s]] for s in range(first, first + count)]
        for first, count in zip(frames.first.tolist(), frames.count.tolist(), strict=True)
    ]


segments = st.lists(st.integers(1, 5).map(words), min_size=1, max_size=5)
messages = st.lists(segments, max_size=6)


@given(messages=messages)
@settings(deadline=None, max_examples=80)
def test_every_segment_of_every_message_is_found(messages):
    raw = b"".join(frame(*message) for message in messages)

    assert pieces(raw) == messages
    assert walk(raw).damage is None


@given(messages=messages, keep=st.floats(0, 1))
@settings(deadline=None, max_examples=80)
def test_a_cut_log_keeps_its_whole_messages(messages, keep):
    whole = [frame(*message) for message in messages]
    raw = b"".join(whole)[: int(keep * len(b"".join(whole)))]

    n_kept = 0
    while n_kept < len(whole) and len(b"".join(whole[: n_kept + 1])) <= len(raw):
        n_kept += 1
    place = len(b"".join(whole[:n_kept]))

    assert pieces(raw) == messages[:n_kept]
    if place == len(raw):
        assert walk(raw).damage is None
    else:
        assert f"at byte {place} " in (walk(raw).damage or "")


@given(
    messages=messages,
    writes=st.lists(
        st.tuples(st.integers(0, 100), st.sampled_from((0, 1, 2, 7, 511, 2**31, 2**32 - 1))),
        max_size=4,
    ),
)
@settings(deadline=None, max_examples=200)
def test_any_headers_are_split_like_the_format_says(messages, writes):
    raw = bytearray(b"".join(frame(*message) for message in messages))
    for place, number in writes:
        raw[4 * place : 4 * place + 4] = struct.pack("<I", number)[: max(0, len(raw) - 4 * place)]
    raw = bytes(raw)

    walked = [b"".join(message) for message in pieces(raw)]

    assert walked == [without_header(message) for message in split(raw)]


def without_header(message: bytes) -> bytes:
    n_segments = struct.unpack_from("<I", message)[0] + 1
    return message[-(-(n_segments + 1) // 2) * 8 :]


@pytest.mark.parametrize(
    "header",
    [
        struct.pack("<II", 2**32 - 1, 1),  # as many segments as the field can say
        struct.pack("<II", 512, 1),
        struct.pack("<II", 0, 2**32 - 1),  # a segment beyond the log
        struct.pack("<IIII", 1, 2**32 - 1, 2**32 - 1, 0),
        struct.pack("<IIII", 1, 0, 2**31, 0),
        struct.pack("<II", 5, 1),  # cut within the sizes
    ],
)
def test_an_impossible_header_is_damage_and_ends_the_walk(header):
    good = frame(words(3))
    after = good + header + words(1)

    assert pieces(after) == [[words(3)]]
    assert walk(after).damage == "message at byte 32 of the decoded log is cut or no message"


def test_a_message_has_at_most_512_segments():
    most, too_many = frame(*[words(1)] * 512), frame(*[words(1)] * 513)

    assert pieces(most + too_many) == [[words(1)] * 512]
    assert f"at byte {len(most)} " in walk(most + too_many).damage


def test_zeros_at_the_end_are_no_messages():
    raw = frame(words(3)) + bytes(4096)

    assert len(walk(raw)) == 1
    assert "at byte 32 " in (walk(raw).damage or "")


@pytest.mark.parametrize("length", range(9))
def test_less_than_a_message_is_none(length):
    frames = walk(bytes(length))

    assert len(frames) == 0
    assert (frames.damage is None) == (length == 0)


def test_tiny_messages_cost_little_more_than_their_bytes():
    raw = frame(words(1)) * 100_000
    start = time.perf_counter()
    tracemalloc.start()
    try:
        frames = walk(raw)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(frames) == 100_000
    assert peak_bytes < 12 * len(raw)
    assert time.perf_counter() - start < 5


def test_more_messages_than_a_device_writes_end_the_walk():
    raw = frame(words(1)) * (MAX_MESSAGES + 2)

    frames = walk(raw)

    assert len(frames) == MAX_MESSAGES
    assert frames.damage == (
        f"it has more messages than the {MAX_MESSAGES} before byte {16 * MAX_MESSAGES} of the "
        "decoded log, as no device writes them; the rest is left out"
    )
    assert walk(raw[: 16 * MAX_MESSAGES]).damage is None
    assert len(walk(raw, 5)) == 5


def test_a_longer_log_may_have_more_messages():
    raw = frame(words(1)) * (MAX_MESSAGES + 2) + frame(words(32 * MAX_MESSAGES))

    assert len(walk(raw)) == MAX_MESSAGES + 3
    assert walk(raw).damage is None


def test_more_segments_than_a_device_writes_end_the_walk():
    raw = frame(*[b""] * 512) * (MAX_MESSAGES // 511 + 1)

    frames = walk(raw)

    assert len(frames) == MAX_MESSAGES // 511
    assert "it has more messages than the" in (frames.damage or "")
