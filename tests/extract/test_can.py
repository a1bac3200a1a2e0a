"""Values of CAN signals, against cantools' own decode and a reader that goes frame by frame."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.extract.can_decoding import extract_signals
from engagement.extract.dbc import load_dbc, load_signal_specs
from engagement.extract.profiles import SignalEntry, Transform, load_profile
from engagement.extract.signal_specs import BitField, SignalSpec
from tests.oracles.can import bits, make_frames, make_profile, read_with_cantools

LEGACY = Path(__file__).parents[1] / "data" / "legacy"


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


@pytest.mark.parametrize("conversion", ["3,7", "3.0,7.0", "4000000007,-0.5", "1,0", "1,1", "0.1,3"])
@pytest.mark.parametrize("sign", ["+", "-"])
def test_large_integers_are_rounded_once(tmp_path: Path, conversion: str, sign: str) -> None:
    signal = f' SG_ T : 0|64@1{sign} ({conversion}) [0|0] "" XXX\n'
    numbers = [2**64 - 1, 2**53 + 1, 2**63 + 1025, 6148914691236517205, 9007199254740995]

    names = 'VAL_ 1 T 0 "zero" ;\n'
    check(tmp_path, [signal, names], [number.to_bytes(8, "little") for number in numbers])


NESTED = [
    ' SG_ Outer M : 0|2@1+ (0.5,0) [0|0] "" XXX\n',
    ' SG_ Inner m0M : 2|2@1+ (1,0) [0|0] "" XXX\n',
    ' SG_ Other m1 : 8|8@1+ (1,0) [0|0] "" XXX\n',
    ' SG_ T m1 : 8|8@1+ (1,0) [0|0] "" XXX\n',
    ' SG_ Plain : 16|8@1+ (1,0) [0|0] "" XXX\n',
    "SG_MUL_VAL_ 1 Inner Outer 0-0;\n",
    "SG_MUL_VAL_ 1 Other Outer 1-1;\n",
    "SG_MUL_VAL_ 1 T Inner 1-1;\n",
]


@pytest.mark.parametrize("name", ["T", "Other", "Inner", "Outer", "Plain"])
def test_nested_multiplexers_with_fractions_of_ids(tmp_path: Path, name: str) -> None:
    check(tmp_path, NESTED, [bytes([first, 7, 9]) for first in range(16)], name=name)


def check(tmp_path: Path, lines: list[str], payloads: list[bytes], *, name: str = "T") -> None:
    """Compare values of the signal `name` of a message with those lines."""
    dbc_file = tmp_path / "car.dbc"
    size = len(payloads[0])
    dbc_file.write_text(f'VERSION ""\nBU_: XXX\nBO_ 1 Only: {size} XXX\n{"".join(lines)}')
    signals = {"key": [SignalEntry("Only", name)]}
    frames = [(1, 0, payload) for payload in payloads]

    expected = read_with_cantools(load_dbc(dbc_file), signals, frames)

    assert read_with_numpy(load_signal_specs(make_profile(dbc_file, signals)), frames) == expected
    assert expected


def test_values_of_one_frame_are_in_the_order_of_the_keys() -> None:
    specs = load_signal_specs(load_profile(profiles_file=None, name=None, cwd=LEGACY))

    got = extract_signals(make_frames([(1264, 0, bytes(8))] * 200), specs)

    assert got.frame_row.tolist() == [row for row in range(200) for _ in range(2)]
    assert got.key_num.tolist() == [0, 1] * 200


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
