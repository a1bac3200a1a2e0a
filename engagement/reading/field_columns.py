"""Fields of one log's messages as Arrow arrays, read together: each struct is gone down to once.

Values are those of Cap'n Proto's own reader, but that null is what its writer did not have or set:
a field that its schema lacked, one of a union's other members, what lies behind a null pointer.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from engagement.errors import InputError
from engagement.extract.fields import element_of_each, named, offsets_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engagement.logs.arrays import Bool, Int, PerRow
    from engagement.logs.columns import Bytes, Structs
    from engagement.logs.log import Log
    from engagement.logs.schema import Field
    from engagement.reading.field_names import Frames, Step, Wanted

    Array = pa.Array[Any]


def read_messages(log: Log, service: str, wanted: Sequence[Wanted]) -> tuple[PerRow[Int], pa.Table]:
    """Fields of one service, a row a message, or a frame where frames are wanted.

    Damage may be found in any field, so messages are left out after all are read.

    Returns:
        The logMonoTime of each row, in the order of time, and a column for each wanted field.
    """
    frames = wanted[0].frames
    if frames:
        rows, arrays = _read_frames(log, service, frames)
        columns = [arrays] * len(wanted)
    else:
        rows = log.numbers_of(service)
        ways = [each.steps for each in wanted]
        found = _read(log.roots().take(rows), list(enumerate(ways)))
        columns = [found[number] for number in range(len(ways))]
    kept = np.flatnonzero(~log.is_damaged[rows])
    kept = kept[np.argsort(log.mono_ns[rows[kept]], kind="stable")]
    names = [each.name for each in wanted]
    table = pa.table(dict(zip(names, columns, strict=True)))
    is_all = len(kept) == len(rows) and bool((np.diff(kept) == 1).all())
    return log.mono_ns[rows[kept]], table if is_all else table.take(kept)


def _read_frames(log: Log, service: str, frames: Frames) -> tuple[PerRow[Any], Array]:
    """The message of each frame of an address, and its bytes."""
    items = log.items(service)
    is_meant = items.column("address") == frames.address
    if frames.bus is not None:
        is_meant &= items.column("src") == frames.bus
    items = items.take(np.flatnonzero(is_meant))
    return items.message_num, _binary(items.octets("dat"))


def _read(structs: Structs, ways: list[tuple[int, tuple[Step, ...]]]) -> dict[int, Array]:
    """The arrays that ways down from the structs lead to, by the number of the way."""
    found: dict[int, Array] = {}
    ordered = sorted(ways, key=lambda way: way[1][0].name)
    for name, group in groupby(ordered, key=lambda way: way[1][0].name):
        field = structs.layout.fields[name] if structs.layout else None
        if field is None:
            raise InputError(f"{name} is in no schema that the log is read with")
        here = list(group)
        below = [(number, steps[1:]) for number, steps in here if len(steps) > 1]
        if field.kind == "struct":
            found |= _read(structs.struct(name), below)
        elif field.kind != "list":
            value = _scalar(structs, field)
            found |= dict.fromkeys((number for number, _ in here), value)
        else:
            found |= _read_lists(structs, field, here, below)
    return found


def _read_lists(
    structs: Structs,
    field: Field,
    ways: list[tuple[int, tuple[Step, ...]]],
    below: list[tuple[int, tuple[Step, ...]]],
) -> dict[int, Array]:
    if field.element_kind == "struct":
        items = structs.items(field.name)
        parent, elements = items.parent, _read(items, below)
    else:
        parent, values = _elements(structs, field)
        elements = {number: values for number, _ in ways}
    offsets = offsets_of(parent, len(structs))
    is_there = structs.has(field.name)
    return {
        number: _of_lists(elements[number], offsets, is_there, steps[0].index)
        for number, steps in ways
    }


def _of_lists(
    elements: Array, offsets: PerRow[Any], is_there: PerRow[Bool], index: int | None
) -> Array:
    """Lists of the elements, or one element of each list, null where it is shorter."""
    if index is None:
        nulls = None if is_there.all() else pa.array(~is_there)
        return pa.ListArray.from_arrays(pa.array(offsets), elements, mask=nulls)
    return element_of_each(elements, offsets, index)


def _take(values: Array, places: PerRow[Any], is_there: PerRow[Bool]) -> Array:
    """Some of the values, null where it is not there."""
    chosen: Array = pa.array(places, mask=~is_there)
    return values.take(chosen)


def _scalar(structs: Structs, field: Field) -> Array:
    is_there = structs.has(field.name)
    nulls = None if is_there.all() else ~is_there
    if field.kind == "text":
        codes, texts = structs.texts(field.name, keeps_message=True)
        return named(codes, texts, nulls)
    if field.kind == "data":
        rows: PerRow[Int] = np.arange(len(structs))
        return _take(_binary(structs.octets(field.name)), rows, is_there)
    column = structs.column(field.name)
    if field.kind == "enum":
        return named(column, structs.enumerants(field.name), nulls)
    values: Array = pa.array(column, mask=nulls)
    return values


def _elements(structs: Structs, field: Field) -> tuple[PerRow[Any], Array]:
    """The row and the value of each element of lists of anything but structs."""
    if field.element_kind == "bool":
        parent, flags = structs.bools(field.name)
        return parent, pa.array(flags)
    if field.element_kind in ("text", "data"):
        parent, octets = structs.octets_of_each(field.name)
        values = _binary(octets)
        return parent, _texts(values) if field.element_kind == "text" else values
    parent, numbers = structs.numbers(field.name)
    if field.element_kind != "enum":
        return parent, pa.array(numbers)
    return parent, named(numbers, field.enumerants).cast(pa.string())


def _binary(octets: Bytes) -> Array:
    """Byte strings copied out of the log."""
    memory = octets.buffer.data
    starts, stops = octets.start.tolist(), (octets.start + octets.length).tolist()
    values = [memory[a:b].tobytes() for a, b in zip(starts, stops, strict=True)]
    return pa.array(values, pa.binary())


def _texts(values: Array) -> Array:
    """The texts of a list; one that is not UTF-8 is null."""
    return pa.array([_decoded(value) for value in values.to_pylist()], pa.string())


def _decoded(content: bytes | None) -> str | None:
    try:
        return None if content is None else content.decode()
    except UnicodeDecodeError:
        return None
