"""Logs of cars that opendbc knows: carParams, and CAN frames that cantools encodes by its DBC."""

from __future__ import annotations

from functools import cache
from random import Random

from engagement.extract import cars
from engagement.extract.dbc import parse_dbc
from engagement.extract.segment import ReadOptions, read_segment
from engagement.logs.find import find_logs
from engagement.logs.schema import load_schema
from engagement.logs.writer import EventBuilder

SECOND_NS = 10**9
START_NS = 500 * SECOND_NS
SENT_BUS = 128


@cache
def database(dbc_name):
    return parse_dbc(cars.dbc_text(dbc_name), dbc_name)


def encode(dbc_name, message_name, values):
    """The payload of a message, its other signals random."""
    message = database(dbc_name).get_message_by_name(message_name)
    octets = Random(message_name).randbytes(message.length)
    others = message.decode(octets, decode_choices=False, scaling=False)
    raw = {name: value for name, value in others.items() if name not in values}
    for name, value in values.items():
        signal = message.get_signal_by_name(name)
        raw[name] = round((value - signal.offset) / signal.scale)
    return bytes(message.encode(raw, scaling=False, strict=False))


def car_log(
    fingerprint,
    frames,
    *,
    start_ns=START_NS,
    every_ns=10_000_000,
    params=None,
    has_car_params=True,
):
    """A log whose n-th `can` message has the frames of the n-th list, (address, bus, payload).

    `params` go into initData; its carState tells of a car that stands.
    """
    builder = EventBuilder()
    entries = [{"key": key, "value": value} for key, value in (params or {}).items()]
    found = [builder.event("initData", start_ns, {"params": {"entries": entries}})]
    if has_car_params:
        found.append(builder.event("carParams", start_ns, {"carFingerprint": fingerprint}))
    for number, carried in enumerate(frames):
        mono_ns = start_ns + number * every_ns
        found.append(builder.event("carState", mono_ns, {"steeringTorque": 1.0}))
        if carried:
            found.append(builder.can(mono_ns, carried))
    return b"".join(found)


def frame(dbc_name, message_name, values, bus=0):
    """A frame of a message."""
    address = database(dbc_name).get_message_by_name(message_name).frame_id
    return address, bus, encode(dbc_name, message_name, values)


def car_params_bytes(fingerprint):
    """What openpilot's param CarParams holds."""
    car_params = load_schema().event.new_message().init("carParams")
    car_params.carFingerprint = fingerprint
    return car_params.as_reader().as_builder().to_bytes()


def read_in(folder, content, options=None):
    path = folder / "rlog"
    path.write_bytes(content)
    (file,) = find_logs([path]).logs
    return read_segment(file, options or ReadOptions(is_auto=True))


def values_of(log):
    found = {}
    for row in log.tables["can_signal"].to_pylist():
        found.setdefault(row["signal_key"], []).append(row["value"])
    return found


def sources_of(log):
    return {
        row["signal_key"]: f"{row['message']}.{row['signal']}@{row['bus']}"
        for row in log.tables["can_source"].to_pylist()
        if row["entry_num"] == 0
    }
