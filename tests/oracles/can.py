"""CAN signals the plain way: each frame for itself, decoded by cantools."""

from __future__ import annotations

import math
import struct
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from cantools.database.can import Message, Signal
from cantools.database.errors import DecodeError

from engagement.extract.can_decoding import CanFrames
from engagement.extract.profiles import ProfileSignal, SignalEntry, Transform, VehicleProfile

if TYPE_CHECKING:
    from cantools.database.can import Database


def make_frames(frames: list[tuple[int, int, bytes]]) -> CanFrames:
    """Frames of (address, bus, payload), three to a `can` message, with gaps between payloads."""
    rows = np.arange(len(frames))
    buffer = bytearray(b"\xa5" * 3)
    start = []
    for _, _, payload in frames:
        start.append(len(buffer))
        buffer += payload + b"\x5a\xff"
    return CanFrames(
        message_num=(rows // 3 * 7).astype(np.int32),
        frame_num=(rows % 3).astype(np.int32),
        mono_ns=rows // 3 * 10_000_000 + 5,
        address=np.array([address for address, _, _ in frames], dtype=np.uint32),
        bus=np.array([bus for _, bus, _ in frames], dtype=np.uint8),
        start_byte=np.array(start, dtype=np.int64),
        length_bytes=np.array([len(payload) for _, _, payload in frames], dtype=np.int32),
        buffer=np.frombuffer(bytes(buffer), dtype=np.uint8),
    )


def make_profile(dbc_file: Path, signals: dict[str, list[SignalEntry]]) -> VehicleProfile:
    return VehicleProfile(
        name="car",
        description="",
        profiles_file=Path("vehicle_profiles.json"),
        dbc_file=dbc_file,
        signals=tuple(ProfileSignal(key, tuple(entries)) for key, entries in signals.items()),
        remote_device="",
    )


def bits(value: float) -> bytes:
    """The float64 bit by bit; all NaNs are one."""
    return struct.pack("<d", math.nan if math.isnan(value) else value)


def decode_frame(message: Message, payload: bytes) -> dict[str, Any]:
    """Values of a frame's signals; where cantools knows no id of a multiplexer, of the others."""
    try:
        return message.decode(payload, decode_choices=False)
    except DecodeError:
        if len(payload) < message.length or not message.is_multiplexed():
            return {}
    by_name = {signal.name: signal for signal in message.signals}
    values = {}
    for signal in by_name.values():
        plain = copy(signal)
        plain.is_multiplexer, plain.multiplexer_ids, plain.multiplexer_signal = False, None, None
        alone = Message(message.frame_id, "ALONE", message.length, [plain], strict=False,
                        is_extended_frame=message.is_extended_frame)  # fmt: skip
        values |= alone.decode(payload, decode_choices=False)

    def is_there(signal: Signal) -> bool:
        if signal.multiplexer_signal is None:
            return True
        selector = by_name[signal.multiplexer_signal]
        return is_there(selector) and int(values[selector.name]) in (signal.multiplexer_ids or [])

    return {name: value for name, value in values.items() if is_there(by_name[name])}


def read_with_cantools(
    database: Database, signals: dict[str, list[SignalEntry]], frames: list[tuple[int, int, bytes]]
) -> list[tuple[int, str, bytes]]:
    """(frame, key, value) by decoding each frame for itself."""
    found = []
    for row, (address, bus, payload) in enumerate(frames):
        ours = [
            (key, num, entry)
            for key, entries in signals.items()
            for num, entry in enumerate(entries)
            if database.get_message_by_name(entry.message).frame_id == address
        ]
        exact = [item for item in ours if item[2].source == bus]
        values: dict[str, float] = {}
        for key, num, entry in exact or [item for item in ours if item[2].source is None]:
            message = database.get_message_by_name(entry.message)
            decoded = decode_frame(message, payload)
            if entry.signal not in decoded:
                continue
            value = float(decoded[entry.signal])
            if entry.transform != Transform():
                value = value * entry.transform.scale + entry.transform.offset
            if len(signals[key]) > 1:
                value = values.get(key, 0.0) + (2.0**num if value != 0 else 0.0)
            values[key] = value
        found += [(row, key, bits(values[key])) for key in signals if key in values]
    return found
