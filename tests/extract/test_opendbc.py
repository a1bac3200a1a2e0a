"""Every DBC of opendbc, as its cars' logs are read: each signal as cantools decodes it.

By default some messages of each DBC, those that are multiplexed or of more than 8 bytes first; with
ENGAGEMENT_ALL_DBCS=1 all of them, which takes twice as long.
"""

from __future__ import annotations

import os
import re
from functools import cache
from random import Random
from zlib import crc32

import pytest
from cantools.database.can import Message
from cantools.database.errors import DecodeError

from engagement.errors import ConfigError
from engagement.extract import cars
from engagement.extract.can_decoding import extract_signals
from engagement.extract.dbc import note_of, parse_dbc, specify
from engagement.extract.profiles import SignalEntry
from tests.oracles.can import bits, decode_frame, make_frames

opendbc = pytest.importorskip("opendbc")

HAS_ALL = bool(os.environ.get("ENGAGEMENT_ALL_DBCS"))
NAMES = sorted(cars.available_dbcs())
OVERLAPPING = {"Gate_Komf_1"}  # multiplexed, and never decoded by cantools as signals overlap
NOT_PARSED = {"toyota_2017_ref_pt"}  # it has an id of 31 bits, which no CAN frame has
N_FRAMES = 40 if HAS_ALL else 6
MOST_MESSAGES = 10_000 if HAS_ALL else 5


@cache
def database(name):
    return parse_dbc(cars.dbc_text(name), name)


def wanted(name):
    """The messages to try: odd ones first, then some of the others."""
    named = {m.name: m for m in database(name).messages if m.signals}
    messages = [message for name, message in named.items() if name not in OVERLAPPING]
    Random(crc32(name.encode())).shuffle(messages)
    messages.sort(key=lambda m: not (m.is_multiplexed() or m.length > 8))
    n_odd = sum(m.is_multiplexed() or m.length > 8 for m in messages)
    return messages[: max(MOST_MESSAGES, min(n_odd, MOST_MESSAGES) + 3)]


def payload(message, rng):
    size = max(0, message.length + rng.choice([0, 0, 0, 0, 0, 1, -1]))
    octets = bytearray(rng.randbytes(size))
    kind = rng.randrange(4)
    if kind == 0:  # ids of multiplexers are small
        octets = bytearray(octet & rng.choice([0x11, 0x07, 0x30]) for octet in octets)
    elif kind == 1:
        octets = bytearray(rng.choice([0, 0xFF]) for _ in octets)
    return bytes(octets)


def parts(message):
    """The message, or each of its signals alone where they overlap so that cantools reads none."""
    try:
        message.decode(bytes(message.length), decode_choices=False)
    except DecodeError as error:
        if str(error) == "unpacking failed" and not message.is_multiplexed():
            return [
                Message(
                    message.frame_id,
                    message.name,
                    message.length,
                    [signal],
                    is_extended_frame=message.is_extended_frame,
                    strict=False,
                )
                for signal in message.signals
            ]
    return [message]


def decode(messages, octets):
    found = {}
    for message in messages:
        found |= decode_frame(message, octets)
    return {name: bits(float(value)) for name, value in found.items()}


def specs_of(message, name):
    """Each readable signal's spec; and those that have no value that could be read, and why."""
    specs, refused = [], {}
    for signal in message.signals:
        try:
            specs += specify(
                database(name),
                signal.name,
                [SignalEntry(message.name, signal.name)],
                path=name,
            )
        except ConfigError as error:
            refused[signal.name] = error.problem
    return specs, refused


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_PARSED])
def test_every_signal_is_as_cantools_decodes_it(name):
    rng = Random(crc32(name.encode()))
    for message in wanted(name):
        specs, refused = specs_of(message, name)
        assert all("leaves its message" in w or "selects nothing" in w for w in refused.values())
        payloads = [payload(message, rng) for _ in range(N_FRAMES)]

        got = extract_signals(make_frames([(message.frame_id, 0, p) for p in payloads]), specs)

        values = [{} for _ in payloads]
        for row, key, value in zip(got.frame_row, got.key_num, got.value, strict=True):
            values[row][got.keys[key]] = bits(value)
        readable = parts(message)
        decoded = [decode(readable, octets) for octets in payloads]
        assert values == decoded, message.name


def test_what_is_tried_has_all_kinds_of_signals():
    signals = [
        (message, signal)
        for name in NAMES
        if name not in NOT_PARSED
        for message in wanted(name)
        for signal in message.signals
    ]
    assert {signal.byte_order for _, signal in signals} == {"big_endian", "little_endian"}
    assert {signal.is_signed for _, signal in signals} == {True, False}
    assert any(message.is_multiplexed() for message, _ in signals)
    assert any(message.length > 8 for message, _ in signals)


@pytest.mark.parametrize("name", sorted(NOT_PARSED))
def test_of_the_others_what_can_be_read_is(name):
    assert "Extended frame id" in note_of(database(name))
    assert re.search(r"but \d+ BO_, \d+ SG_ that can't be read$", note_of(database(name)))
    assert all(message.frame_id < 2**29 for message in database(name).messages)
