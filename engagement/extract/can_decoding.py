"""Signals out of CAN frames: numpy bit extraction for all frames of an address at once.

In go the columns of a segment's frames and what the DBC says of each signal; out come the columns
of their values, in file order. The numbers are those of cantools' `decode(decode_choices=False)`
to the last bit, for both byte orders, any alignment, CAN FD and nested multiplexing; a frame for
which cantools raises (too short, an unknown multiplexer id) has no value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engagement.extract.refinement import refine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engagement.extract.refinement import Refinement

    Array = np.ndarray[tuple[int], np.dtype[Any]]
    Rows = np.ndarray[tuple[int], np.dtype[np.int64]]
    Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]

_WORD_BITS = 64
_EXACT_INTEGERS = 2**53  # a float64 holds every integer up to here


@dataclass(frozen=True, slots=True)
class BitField:
    """Where a number lies in a payload, and its linear conversion.

    `start_bit` counts as in a DBC: bit 7 of byte 0 is 7; it is the lowest bit of a little endian
    field and the highest of a big endian one. An int `scale` or `offset` means integer arithmetic.
    """

    start_bit: int
    length_bits: int
    is_big_endian: bool = False
    is_signed: bool = False
    is_float: bool = False
    scale: float = 1
    offset: float = 0

    @property
    def span(self) -> tuple[range, int]:
        """Payload bytes from the least significant on, and the field's lowest bit in the first."""
        if not self.is_big_endian:
            last_byte = (self.start_bit + self.length_bits - 1) // 8
            return range(self.start_bit // 8, last_byte + 1), self.start_bit % 8
        first_byte, bit = divmod(self.start_bit, 8)
        last_byte, last_bit = divmod(8 * first_byte + 7 - bit + self.length_bits - 1, 8)
        return range(last_byte, first_byte - 1, -1), 7 - last_bit


@dataclass(frozen=True, slots=True)
class Multiplexer:
    """A selector of a message: frames whose id is not in `known_ids` are no valid messages.

    It is itself present where the selector `parent` (its place in the message's tuple, which comes
    before; None for always) has one of `parent_ids`.
    """

    field: BitField
    known_ids: tuple[int, ...]
    parent: int | None = None
    parent_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SignalSpec:
    """One signal to extract: entry `entry_num` of the profile's `key`, on `bus` (None for any).

    The signal is present where the selector `multiplexers[selector]` has one of `selector_ids`,
    always if `selector` is None. `multiplexers` are all of the message, since each can void it.
    `message` and `signal` are its names in the DBC; nothing is decoded by them.
    """

    key: str
    entry_num: int
    is_mask: bool
    address: int
    bus: int | None
    message_length_bytes: int
    field: BitField
    transform_scale: float = 1.0
    transform_offset: float = 0.0
    multiplexers: tuple[Multiplexer, ...] = ()
    selector: int | None = None
    selector_ids: tuple[int, ...] = ()
    message: str = ""
    signal: str = ""
    refinement: Refinement | None = None


@dataclass(frozen=True, slots=True)
class CanFrames:
    """CAN frames of one segment, in file order; every column has one value per frame.

    `frame_num` is the frame's place within its `can` message, `start_byte` and `length_bytes`
    its payload in `buffer`, the bytes of the whole log.
    """

    message_num: Array  # int32
    frame_num: Array  # int32
    mono_ns: Array  # int64
    address: Array  # uint32
    bus: Array  # uint8
    start_byte: Array  # int64
    length_bytes: Array  # int32
    buffer: Array  # uint8

    def __len__(self) -> int:
        return len(self.address)


@dataclass(frozen=True, slots=True)
class CanSignals:
    """Values in file order, and of one frame in the order of `keys`; `key_num` counts in `keys`.

    `frame_row` is the frame's row in the CanFrames that they come from.
    """

    keys: tuple[str, ...]
    frame_row: Array  # int64
    message_num: Array  # int32
    frame_num: Array  # int32
    mono_ns: Array  # int64
    bus: Array  # uint8
    key_num: Array  # int16; int32 for more keys than it counts
    value: Array  # float64

    def __len__(self) -> int:
        return len(self.value)


def extract_signals(frames: CanFrames, specs: Sequence[SignalSpec]) -> CanSignals:
    """Extract every signal of `specs` from every frame that carries it.

    A key of several entries has one value per frame that carries at least one of them: bit i is
    set where entry i is non-zero; an entry that is not in the frame counts as zero.
    """
    keys = tuple(dict.fromkeys(spec.key for spec in specs))
    found: dict[str, list[tuple[SignalSpec, Rows, Array]]] = {key: [] for key in keys}
    with np.errstate(all="ignore"):  # floats of a payload may be anything
        for rows, spec, value in _decode_all(frames, specs):
            found[spec.key].append((spec, rows, value))
    columns = [_merge_entries(found[key], len(frames)) for key in keys]
    rows = np.concatenate([rows for rows, _ in columns] or [np.zeros(0, dtype=np.int64)])
    value = np.concatenate([value for _, value in columns] or [np.zeros(0)])
    counts = [len(rows) for rows, _ in columns]
    kind = np.int16 if len(keys) <= np.iinfo(np.int16).max else np.int32
    key_num = np.repeat(np.arange(len(keys), dtype=kind), counts)
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    return CanSignals(
        keys=keys,
        frame_row=rows,
        message_num=frames.message_num[rows],
        frame_num=frames.frame_num[rows],
        mono_ns=frames.mono_ns[rows],
        bus=frames.bus[rows],
        key_num=key_num[order],
        value=value[order],
    )


def _decode_all(
    frames: CanFrames, specs: Sequence[SignalSpec]
) -> Iterator[tuple[Rows, SignalSpec, Array]]:
    """Yield each signal's rows of `frames` and its values there.

    A frame belongs to the entries of its own bus; to those of any bus only if it has none.
    """
    by_address: dict[int, list[SignalSpec]] = {}
    for spec in specs:
        by_address.setdefault(spec.address, []).append(spec)
    for address, of_address in by_address.items():
        buses = {spec.bus for spec in of_address}
        rows = np.flatnonzero(frames.address == address)
        bus = frames.bus[rows]
        named = np.array([b for b in buses if b is not None], dtype=bus.dtype)
        for wanted in buses:
            is_ours = ~np.isin(bus, named) if wanted is None else bus == wanted
            ours = rows if is_ours.all() else rows[is_ours]
            for spec in of_address:
                if spec.bus == wanted:
                    carriers, value = _decode(frames, ours, spec)
                    yield carriers, spec, value


def _decode(frames: CanFrames, rows: Rows, spec: SignalSpec) -> tuple[Rows, Array]:
    """Give the rows that carry the signal, and its values after the profile's transform."""
    is_whole = frames.length_bytes[rows] >= spec.message_length_bytes
    if not is_whole.all():
        rows = rows[is_whole]
    if spec.multiplexers:
        rows = rows[_is_present(frames, rows, spec)]
    raw = _read_raw(frames.buffer, frames.start_byte[rows], spec.field)
    value = _scale(raw, spec.field)
    if (spec.transform_scale, spec.transform_offset) != (1, 0):
        value = value * spec.transform_scale + spec.transform_offset
    if spec.refinement is None:
        return rows, value
    start = frames.start_byte[rows]
    value, is_reading = refine(
        value,
        spec.refinement,
        lambda field: _scale(_read_raw(frames.buffer, start, field), field),
    )
    return rows[is_reading], value[is_reading]


def _is_present(frames: CanFrames, rows: Rows, spec: SignalSpec) -> Bools:
    """Tell in which frames every selector has a known id and the signal's own selects it."""
    start = frames.start_byte[rows]
    is_valid = np.ones(len(rows), dtype=np.bool_)
    ids: list[Array] = []
    reached: list[Bools] = []

    def is_selected(selector: int | None, wanted: tuple[int, ...]) -> Bools:
        if selector is None:
            return np.ones(len(rows), dtype=np.bool_)
        return reached[selector] & _is_in(ids[selector], wanted)

    for multiplexer in spec.multiplexers:
        reached.append(is_selected(multiplexer.parent, multiplexer.parent_ids))
        ids.append(_selector_ids(_read_raw(frames.buffer, start, multiplexer.field), multiplexer))
        if multiplexer.known_ids:
            is_valid &= ~reached[-1] | _is_in(ids[-1], multiplexer.known_ids)
    return is_valid & is_selected(spec.selector, spec.selector_ids)


def _selector_ids(raw: Array, multiplexer: Multiplexer) -> Array:
    """Ids as cantools takes them: of the scaled value, cut off after the point."""
    field = multiplexer.field
    if (field.scale, field.offset) == (1, 0) and not field.is_float:
        return raw
    return np.trunc(_scale(raw, field))


def _is_in(ids: Array, wanted: tuple[int, ...]) -> Bools:
    if ids.dtype.kind == "f":
        return np.isin(ids, np.array(wanted, dtype=np.float64))
    bounds = np.iinfo(ids.dtype)
    possible = [number for number in wanted if bounds.min <= number <= bounds.max]
    return np.isin(ids, np.array(possible, dtype=ids.dtype))


def _read_raw(buffer: Array, start: Rows, field: BitField) -> Array:
    """Read the field of the payloads that begin at `start`: uint64, int64 or float64."""
    length = field.length_bits
    span, shift = field.span
    word = np.zeros(len(start), dtype=np.uint64)
    for place, byte in enumerate(span):
        bits = buffer[start + byte].astype(np.uint64)
        left = 8 * place - shift
        word |= bits << np.uint64(left) if left >= 0 else bits >> np.uint64(-left)
    unused = np.uint64(_WORD_BITS - length)
    if field.is_float:
        return _as_float((word << unused) >> unused, length)
    if field.is_signed:
        return (word << unused).view(np.int64) >> unused.astype(np.int64)
    return (word << unused) >> unused


def _as_float(word: Array, length_bits: int) -> Array:
    size = length_bits // 8
    return word.astype(f"u{size}").view(f"f{size}").astype(np.float64)


def _scale(raw: Array, field: BitField) -> Array:
    """Give raw * scale + offset as Python's numbers give it."""
    if (field.scale, field.offset) == (1, 0):
        return raw.astype(np.float64)
    largest = 2**field.length_bits * abs(field.scale) + abs(field.offset)
    if isinstance(field.scale, int) and not field.is_float and largest > _EXACT_INTEGERS:
        exact = raw.astype(object) * field.scale + field.offset
        return exact.astype(np.float64)
    return raw.astype(np.float64) * float(field.scale) + float(field.offset)


def _merge_entries(
    entries: list[tuple[SignalSpec, Rows, Array]], n_frames: int
) -> tuple[Rows, Array]:
    """Give the rows that carry a key, ascending, and its value: a number, or the mask's bits."""
    if len(entries) == 1 and not entries[0][0].is_mask:
        return entries[0][1:]
    mask = np.zeros(n_frames)
    is_carrier = np.zeros(n_frames, dtype=np.bool_)
    for spec, rows, value in entries:
        mask[rows] += (value != 0) * 2.0**spec.entry_num
        is_carrier[rows] = True
    rows = np.flatnonzero(is_carrier)
    return rows, mask[rows]
