"""Values of CAN signals, against cantools' own decode and a reader that goes frame by frame."""

from __future__ import annotations

import math
import pickle
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from cantools.database.errors import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.extract.can import BitField, CanFrames, SignalSpec, extract_signals
from engagement.extract.dbc import load_dbc, load_signal_specs
from engagement.extract.profiles import (
    ProfileSignal,
    SignalEntry,
    Transform,
    VehicleProfile,
    load_profile,
)

if TYPE_CHECKING:
    from cantools.database.can import Database

LEGACY = Path(__file__).parents[1] / "data" / "legacy"


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
            try:
                decoded = message.decode(payload, decode_choices=False)
            except DecodeError:
                continue
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


def read_with_numpy(
    specs: tuple[SignalSpec, ...], frames: list[tuple[int, int, bytes]]
) -> list[tuple[int, str, bytes]]:
    got = extract_signals(make_frames(frames), specs)
    keys = [got.keys[num] for num in got.key_num]
    values = [bits(value) for value in got.value]
    return list(zip(got.frame_row.tolist(), keys, values, strict=True))


NUMBERS = st.one_of(
    st.integers(-300, 300).map(str),
    st.sampled_from(["1", "1.0", "3.0", "0.1", "0.0078125", "1e-3", "-20.48", "4000000007"]),
    st.floats(-1e6, 1e6).filter(bool).map(lambda x: f"{x:.6f}"),
)


@st.composite
def signal_text(draw: st.DrawFn, name: str, first_bit: int, n_bits: int) -> tuple[str, int]:
    """A signal's place and conversion in DBC words, within n_bits from first_bit; its length."""
    is_big = draw(st.booleans())
    length = draw(st.integers(1, min(64, n_bits)) | st.just(min(64, n_bits)))
    low = first_bit + draw(st.integers(0, n_bits - length))
    start = 8 * (low // 8) + 7 - low % 8 if is_big else low
    sign = draw(st.sampled_from("+-"))
    scale, offset = draw(st.just(("1", "0")) | st.tuples(NUMBERS, NUMBERS))
    order = 0 if is_big else 1
    place = f"{start}|{length}@{order}{sign} ({scale},{offset}) [0|0]"
    return f' SG_ {name} : {place} "" XXX', length


@st.composite
def message_text(draw: st.DrawFn, address: int) -> tuple[str, str, int]:
    """BO_ lines of one message with signal T, the lines that go after, and its length."""
    n_bytes = draw(st.integers(3, 64) | st.sampled_from([8, 8, 12, 64]))
    depth = draw(st.integers(0, 2))
    head, tail = [f"BO_ {address} M{address}: {n_bytes} XXX"], []
    ids = st.integers(0, 3)
    for level in range(depth):
        line, _ = draw(signal_text(f"S{level}", 8 * level, draw(st.integers(1, 3))))
        if draw(st.booleans()):
            line = line[: line.index("(")] + "(1,0) " + line[line.index("[") :]
        mark = "M" if level == 0 else f"m{draw(ids)}M"
        head.append(line.replace(f"S{level} ", f"S{level} {mark} ", 1))
        if level:
            low = int(mark[1])
            tail.append(f"SG_MUL_VAL_ {address} S1 S0 {low}-{low + draw(st.integers(0, 1))};")
        if draw(st.booleans()):
            tail.append(f'VAL_ {address} S{level} {draw(ids)} "named" ;')
    text, length = draw(signal_text("T", 8 * depth, 8 * (n_bytes - depth)))
    if depth and draw(st.booleans()):
        low = draw(ids)
        text = text.replace("T ", f"T m{low} ", 1)
        tail.append(f"SG_MUL_VAL_ {address} T S{depth - 1} {low}-{low + draw(ids)};")
    if length in {16, 32, 64} and draw(st.booleans()):
        tail.append(f"SIG_VALTYPE_ {address} T : {1 if length < 64 else 2};")
    return "\n".join([*head, text]), "\n".join(tail), n_bytes


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_values_are_those_of_cantools(tmp_path_factory: pytest.TempPathFactory, data) -> None:
    messages = [data.draw(message_text(address)) for address in (0x10, 0x7FF)]
    dbc_file = tmp_path_factory.getbasetemp() / "random.dbc"
    heads, tails, lengths = zip(*messages, strict=True)
    dbc_file.write_text("\n\n".join(['VERSION ""', "BU_: XXX", *heads, *tails]) + "\n")
    frames = []
    for _ in range(12):
        message = data.draw(st.integers(0, 1))
        size = lengths[message] + data.draw(st.sampled_from([0, 0, 0, 0, 0, -1, 1]))
        payload = bytearray(data.draw(st.binary(min_size=size, max_size=size)))
        payload[:2] = data.draw(st.tuples(*[st.integers(0, 7) | st.integers(0, 255)] * 2))
        frames.append(([0x10, 0x7FF][message], 0, bytes(payload)))
    signals = {"low": [SignalEntry("M16", "T")], "high": [SignalEntry("M2047", "T")]}

    specs = load_signal_specs(make_profile(dbc_file, signals))

    assert read_with_numpy(specs, frames) == read_with_cantools(load_dbc(dbc_file), signals, frames)


MASK_DBC = """VERSION ""
BU_: XXX
BO_ 1 Keys: 2 XXX
 SG_ Set : 0|1@1+ (1,0) [0|0] "" XXX
 SG_ Level : 4|4@1- (0.5,1) [0|0] "" XXX
BO_ 2 Wheel: 3 XXX
 SG_ Page M : 0|1@1+ (1,0) [0|0] "" XXX
 SG_ Resume m0 : 8|2@1+ (1,0) [0|0] "" XXX
 SG_ Cancel m1 : 15|2@0+ (1,0) [0|0] "" XXX
"""
ENTRIES = st.builds(
    lambda names, source, transform: SignalEntry(*names, source=source, transform=transform),
    st.sampled_from([("Keys", "Set"), ("Keys", "Level"), ("Wheel", "Resume"), ("Wheel", "Cancel")]),
    st.sampled_from([None, 0, 1]),
    st.sampled_from([Transform(), Transform(scale=-1.5, offset=1.5)]),
)
FRAMES = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 2), st.binary(min_size=0, max_size=4))
)


@settings(max_examples=150, deadline=None)
@given(
    first=st.lists(ENTRIES, min_size=1, max_size=4),
    second=st.lists(ENTRIES, min_size=1, max_size=1),
    frames=FRAMES,
)
def test_masks_and_buses_agree_with_a_reader_of_single_frames(
    tmp_path_factory: pytest.TempPathFactory,
    first: list[SignalEntry],
    second: list[SignalEntry],
    frames: list[tuple[int, int, bytes]],
) -> None:
    dbc_file = tmp_path_factory.getbasetemp() / "mask.dbc"
    dbc_file.write_text(MASK_DBC)
    signals = {"first": first, "second": second}

    specs = load_signal_specs(make_profile(dbc_file, signals))

    assert read_with_numpy(specs, frames) == read_with_cantools(load_dbc(dbc_file), signals, frames)


def test_an_entry_that_is_not_in_the_frame_counts_as_off() -> None:
    def entry(num: int, address: int) -> SignalSpec:
        field = BitField(start_bit=0, length_bits=8)
        return SignalSpec("cruise_state", num, True, address, None, 1, field)  # noqa: FBT003

    frames = [(1, 0, b"\x07"), (2, 0, b"\x01"), (3, 0, b"\x01"), (1, 0, b"\x00"), (1, 0, b"")]

    got = extract_signals(make_frames(frames), [entry(0, 1), entry(1, 2), entry(2, 1)])

    assert got.frame_row.tolist() == [0, 1, 3]
    assert got.value.tolist() == [0b101, 0b010, 0]


def test_the_example_profile_reads_the_four_legacy_signals() -> None:
    profile = load_profile(profiles_file=None, name=None, cwd=LEGACY)
    clu1 = bytes([0b1011, 0, 0, 0, 0]) + (1_234_567).to_bytes(3, "little")
    frames = [
        (1264, 0, clu1),
        (1264, 1, clu1),  # another bus
        (357, 0, (2148).to_bytes(2, "little") + bytes(6)),
        (559, 1, bytes([0, 0, 0xF8, 0, 0, 0, 0, 0])),
        (559, 1, bytes([0, 0, 0xF8])),  # too short
    ]

    got = extract_signals(make_frames(frames), load_signal_specs(profile))

    assert got.frame_row.tolist() == [0, 0, 2, 3]
    assert [got.keys[num] for num in got.key_num] == [
        "odometer", "cruise_state", "steering_driver_torque", "steering_motor_torque",
    ]  # fmt: skip
    assert got.value.tolist() == [1_234_567 * 0.1, 3.0, (2148 * 0.01 - 20.48) * -1.0 - 0.2, -1.0]
    assert got.message_num.tolist() == [0, 0, 0, 7]
    assert got.frame_num.tolist() == [0, 0, 2, 0]
    assert got.mono_ns.tolist() == [5, 5, 5, 10_000_005]
    assert got.bus.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("frames", [[], [(9, 0, b"12345678")]])
def test_frames_without_signals_give_no_rows(frames: list[tuple[int, int, bytes]]) -> None:
    specs = load_signal_specs(load_profile(profiles_file=None, name=None, cwd=LEGACY))

    assert len(extract_signals(make_frames(frames), specs)) == 0
    assert len(extract_signals(make_frames(frames), [])) == 0


def test_specs_survive_pickling() -> None:
    specs = load_signal_specs(load_profile(profiles_file=None, name=None, cwd=LEGACY))

    pickled = pickle.dumps(specs)

    assert pickle.loads(pickled) == specs  # noqa: S301
    assert b"cantools" not in pickled
