"""Signals out of CAN frames: numpy bit extraction for all frames of an address at once.

The input is the columns of a segment's frames and the spec of each signal; the output is the
columns of their values, in file order. The values equal those of cantools'
`decode(decode_choices=False)` to the last bit, for both byte orders, any alignment, CAN FD and
nested multiplexing. A frame that is too short for its message has no value; one whose multiplexer
has an id that selects nothing, for which cantools raises, has those of its other signals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engagement.extract.signal_specs import BitField, Multiplexer, Refinement, SignalSpec
    from engagement.logs.arrays import Bool, Int, PerElement, PerFrame, PerValue

_WORD_BITS = 64
_EXACT_INTEGERS = 2**53  # a float64 holds every integer up to here


@dataclass(frozen=True, slots=True)
class CanFrames:
    """CAN frames of one segment, in file order; every column has one value per frame.

    `frame_num` is the frame's place within its `can` message, `start_byte` and `length_bytes`
    its payload in `buffer`, the bytes of the whole log.
    """

    message_num: PerFrame[np.int32]
    frame_num: PerFrame[np.int32]
    mono_ns: PerFrame[np.int64]
    address: PerFrame[np.uint32]
    bus: PerFrame[np.uint8]
    start_byte: PerFrame[np.int64]
    length_bytes: PerFrame[np.int32]
    buffer: PerElement[np.uint8]

    def __len__(self) -> int:
        return len(self.address)


@dataclass(frozen=True, slots=True)
class CanSignals:
    """Values in file order, and of one frame in the order of `keys`; `key_num` counts in `keys`.

    `frame_row` is the frame's row in the CanFrames that they come from.
    """

    keys: tuple[str, ...]
    frame_row: PerValue[np.int64]
    message_num: PerValue[np.int32]
    frame_num: PerValue[np.int32]
    mono_ns: PerValue[np.int64]
    bus: PerValue[np.uint8]
    key_num: PerValue[Any]  # int16; int32 for more keys than it counts
    value: PerValue[np.float64]

    def __len__(self) -> int:
        return len(self.value)


def extract_signals(frames: CanFrames, specs: Sequence[SignalSpec]) -> CanSignals:
    """Extract every signal of `specs` from every frame that carries it.

    A key of several entries has one value per frame that carries at least one of them: bit i is
    set where entry i is non-zero; an entry that is not in the frame counts as zero.
    """
    keys = tuple(dict.fromkeys(spec.key for spec in specs))
    found: dict[str, list[tuple[SignalSpec, PerFrame[Int], PerFrame[Any]]]] = {
        key: [] for key in keys
    }
    with np.errstate(all="ignore"):  # floats of a payload may be anything
        for rows, spec, value in _decode_all(frames, specs):
            found[spec.key].append((spec, rows, value))
    # Signals are decoded key by key, so a stable sort by row restores the order of the file.
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
) -> Iterator[tuple[PerFrame[Int], SignalSpec, PerFrame[Any]]]:
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


def _decode(
    frames: CanFrames, rows: PerFrame[Int], spec: SignalSpec
) -> tuple[PerFrame[Int], PerFrame[Any]]:
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


def _is_present(frames: CanFrames, rows: PerFrame[Int], spec: SignalSpec) -> PerFrame[Bool]:
    """Tell in which frames the signal's selectors select it.

    An id that selects nothing costs nothing: the signals that are always there are still there.
    """
    start = frames.start_byte[rows]
    ids: list[PerFrame[Any]] = []
    reached: list[PerFrame[Bool]] = []

    def is_selected(selector: int | None, wanted: tuple[int, ...]) -> PerFrame[Bool]:
        if selector is None:
            return np.ones(len(rows), dtype=np.bool_)
        return reached[selector] & _is_in(ids[selector], wanted)

    for multiplexer in spec.multiplexers:
        reached.append(is_selected(multiplexer.parent, multiplexer.parent_ids))
        ids.append(_selector_ids(_read_raw(frames.buffer, start, multiplexer.field), multiplexer))
    return is_selected(spec.selector, spec.selector_ids)


def _selector_ids(raw: PerFrame[Any], multiplexer: Multiplexer) -> PerFrame[Any]:
    """Ids as cantools has them: the scaled value, truncated."""
    field = multiplexer.field
    if (field.scale, field.offset) == (1, 0) and not field.is_float:
        return raw
    ids: PerFrame[Any] = np.trunc(_scale(raw, field))
    return ids


def _is_in(ids: PerFrame[Any], wanted: tuple[int, ...]) -> PerFrame[Bool]:
    if ids.dtype.kind == "f":
        return np.isin(ids, np.array(wanted, dtype=np.float64))
    bounds = np.iinfo(ids.dtype)
    possible = [number for number in wanted if bounds.min <= number <= bounds.max]
    return np.isin(ids, np.array(possible, dtype=ids.dtype))


def _read_raw(buffer: PerElement[Any], start: PerFrame[Int], field: BitField) -> PerFrame[Any]:
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


def _as_float(word: PerFrame[Any], length_bits: int) -> PerFrame[Any]:
    size = length_bits // 8
    return word.astype(f"u{size}").view(f"f{size}").astype(np.float64)


def _scale(raw: PerFrame[Any], field: BitField) -> PerFrame[Any]:
    """Give raw * scale + offset as Python's numbers give it."""
    if (field.scale, field.offset) == (1, 0):
        return raw.astype(np.float64)
    largest = 2**field.length_bits * abs(field.scale) + abs(field.offset)
    if isinstance(field.scale, int) and not field.is_float and largest > _EXACT_INTEGERS:
        exact = raw.astype(object) * field.scale + field.offset
        return exact.astype(np.float64)
    return raw.astype(np.float64) * float(field.scale) + float(field.offset)


def _merge_entries(
    entries: list[tuple[SignalSpec, PerFrame[Int], PerFrame[Any]]], n_frames: int
) -> tuple[PerFrame[Int], PerFrame[Any]]:
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


def refine(
    value: PerFrame[Any], refinement: Refinement, read: Callable[[BitField], PerFrame[Any]]
) -> tuple[PerFrame[Any], PerFrame[Bool]]:
    """Give the refined values, and which of them are readings.

    A torque whose sign is a signal of its own, an odometer in the unit that another signal names,
    a pedal that is pressed from some value on, readings that mean "not available".

    Args:
        value: One a frame.
        refinement: What to do.
        read: Gives another field of the same frames, one value a frame.
    """
    if refinement.factor is not None:
        said = read(refinement.factor)
        for wanted, factor in refinement.factors:
            value = np.where(said == wanted, value * factor, value)
    is_reading = (value >= refinement.lowest) & (value <= refinement.highest)
    if refinement.one_of is not None:
        value = np.isin(value, refinement.one_of).astype(np.float64)
    elif refinement.above is not None:
        value = (value > refinement.above).astype(np.float64)
    return value, is_reading
