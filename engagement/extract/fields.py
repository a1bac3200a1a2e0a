"""Fields of messages as columns of a table: numpy arrays, or Arrow ones where there are nulls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engagement.extract.sources import Source
    from engagement.logs.arrays import Bool, PerElement, PerRow
    from engagement.logs.columns import Structs

    Column = PerRow[Any] | pa.Array[Any]

MAX_TEXT_BYTES = 1000
"""Of a text in the store: longer ones are cut. The longest that openpilot writes are URLs."""


def read_columns(structs: Structs, source: Source) -> dict[str, Column]:
    """Read fields by path; a path's longest prefix that is a field is followed first."""
    reached = {"": structs}

    def reach(start: str, path: str) -> tuple[Structs, str]:
        here = reached[start]
        heads = [path[:place] for place, letter in enumerate(path) if letter == "."]
        for head in reversed([] if here.field(path) else heads):
            if here.field(head):
                end = f"{start}{head}."
                reached[end] = reached[end] if end in reached else here.struct(head)
                return reach(end, path[len(head) + 1 :])
        return here, path

    columns = {column: _read(*reach("", path)) for column, path in source.columns.items()}
    return columns | {name: constant(text, len(structs)) for name, text in source.constants.items()}


def _read(structs: Structs, name: str) -> Column:
    if name.endswith("]"):
        return _element(structs, *name.removesuffix("]").split("["))
    field = structs.field(name)
    if field is None:
        return pa.nulls(len(structs))
    if field.kind == "text":
        codes, texts = structs.texts(name, most_bytes=MAX_TEXT_BYTES, keeps_message=True)
        indices: pa.Array[Any] = pa.array(codes.astype(np.int32), mask=codes == 0)
        return pa.DictionaryArray.from_arrays(indices, pa.array(texts, pa.string()))
    if field.kind == "enum":
        return named(structs.column(name), structs.enumerants(name))
    return structs.column(name)


def _element(structs: Structs, name: str, number: str) -> pa.Array[Any]:
    """An element of each list of numbers."""
    parent, values = structs.numbers(name)
    return element_of_each(nullable(values), offsets_of(parent, len(structs)), int(number))


def offsets_of(parent: PerElement[Any], n_rows: int) -> PerRow[Any]:
    """Where each row's list begins among the elements of all, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(np.bincount(parent, minlength=n_rows))]).astype(np.int32)


def element_of_each(elements: pa.Array[Any], offsets: PerRow[Any], number: int) -> pa.Array[Any]:
    """An element of each list, null where the list is shorter; below 0 from its end."""
    places = (offsets[:-1] if number >= 0 else offsets[1:]) + number
    is_inside = (places >= offsets[:-1]) & (places < offsets[1:])
    chosen: pa.Array[Any] = pa.array(places, mask=~is_inside)
    return elements.take(chosen)


def named(
    codes: PerRow[Any], names: Iterable[str], is_null: PerRow[Bool] | None = None
) -> pa.DictionaryArray[Any, Any]:
    """Enum numbers as their names; one that the schema has no name for is its number."""
    known = list(names)
    highest = int(codes.max()) if len(codes) else -1
    unknown = [str(code) for code in range(len(known), highest + 1)]
    names_ = pa.array(known + unknown, pa.string())  # untyped, pyarrow looks for more libraries
    indices: pa.Array[Any] = pa.array(codes.astype(np.int32), mask=is_null)
    return pa.DictionaryArray.from_arrays(indices, names_)


def constant(value: str, length: int) -> pa.DictionaryArray[Any, Any]:
    """The same text for every row."""
    texts = pa.array([value], pa.string())
    return pa.DictionaryArray.from_arrays(np.zeros(length, dtype=np.int32), texts)


def nullable(values: PerRow[Any], is_null: PerRow[Bool] | None = None) -> pa.Array[Any]:
    """An array with nulls, which numbers that are not finite become too."""
    if values.dtype.kind == "f":
        is_finite = np.isfinite(values)
        if not is_finite.all():
            is_null = ~is_finite if is_null is None else is_null | ~is_finite
    array: pa.Array[Any] = pa.array(values, mask=is_null)
    return array
