"""Labels from a file: an export of `event_labels`, or of `events` with labels written into it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.parquet

from engagement.csv_cells import as_written
from engagement.errors import InputError
from engagement.store.label_words import check_note, check_word
from engagement.store.labels import Key, Label

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_SUFFIXES = (".json", ".csv", ".parquet")
_NAMES = ("dongle_id", "drive", "kind", "mono_ns", "label")
_FIRST_ROW = {".csv": 2}  # the header is line 1
_MAX_BYTES = 256 << 20
_MAX_ROWS = 1_000_000  # a small Parquet file may say that it has more than memory holds

# A part of an `event_id`, which keeps its parts apart by |, and which `/` may be written for.
_Name = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f-\x9f|/]{1,200}\Z")]
_Nanoseconds = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]


class _Row(msgspec.Struct, frozen=True):
    """The columns that are read of a row; others of an export are ignored."""

    dongle_id: _Name
    drive: _Name
    kind: Literal["disengagement", "lateral_override", "longitudinal_override"]
    label: str
    mono_ns: _Nanoseconds
    note: str | None = None
    labelled_at_utc: datetime | None = None


def read_labels(path: Path) -> list[Label]:
    """The labels of a .json, .csv or .parquet file; rows without a label are none.

    Raises:
        InputError: If it is no such file, or a row of it is no label; nothing of it is taken then.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise InputError(f"{path}: labels come from a file that ends in {', '.join(_SUFFIXES)}")
    try:
        if not path.is_file():
            raise InputError(f"{path}: it is no regular file")
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path}: it has more than {_MAX_BYTES >> 20} MB")
        rows = _read_rows(path)
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from error
    except RecursionError as error:
        raise InputError(f"{path}: the JSON is nested too deeply") from error
    except (ValueError, csv.Error, pa.ArrowException) as error:
        raise InputError(f"{path}: it is no such file: {str(error)[:200]}") from error
    first = _FIRST_ROW.get(path.suffix.lower(), 1)
    found = {}
    for number, row in enumerate(rows, start=first):
        label = _label(row, f"{path}: row {number}")
        if label is not None:
            found[label.event] = label
    return list(found.values())


def _read_rows(path: Path) -> list[Any]:
    kind = path.suffix.lower()
    if kind == ".parquet":
        return _parquet_rows(path)
    text = path.read_text(encoding="utf-8-sig")
    if kind == ".csv":
        return list(_csv_rows(path, text))
    rows = msgspec.json.decode(text)
    if not isinstance(rows, list):
        raise InputError(f"{path}: it is no list of rows")
    return rows


def _parquet_rows(path: Path) -> list[Any]:
    with pa.parquet.ParquetFile(path) as file:
        groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
        n_bytes = sum(group.total_byte_size for group in groups)
        if file.metadata.num_rows > _MAX_ROWS or n_bytes > _MAX_BYTES:
            raise InputError(
                f"{path}: it has more than {_MAX_ROWS} rows, or {_MAX_BYTES >> 20} MB of values"
            )
        wanted = {*_Row.__struct_fields__, "labelled_mono_ns"}
        names = [name for name in file.schema_arrow.names if name in wanted]
        rows: list[Any] = file.read(columns=names).to_pylist()
    return rows


def _csv_rows(path: Path, text: str) -> Iterator[dict[str, str]]:
    lines = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    for number, row in enumerate(lines, start=_FIRST_ROW[".csv"]):
        if None in row or None in row.values():
            raise InputError(f"{path}: row {number}: it has not a value for each column")
        yield {name: as_written(cell) for name, cell in row.items()}


def _label(row: Any, where: str) -> Label | None:
    if not isinstance(row, dict):
        raise InputError(f"{where}: it is no row with columns")
    missing = [name for name in _NAMES if name not in row]
    if "labelled_mono_ns" in row and "mono_ns" in missing:
        missing.remove("mono_ns")
    if missing:
        raise InputError(
            f"{where}: there is no column {', '.join(missing)}; "
            "an export of `event_labels` or `events` has them"
        )
    if not row["label"]:
        return None
    _refuse_rounded(row, where)
    try:
        found = msgspec.convert(_plain(row), _Row, strict=False)
        word = check_word(found.label)
        note = check_note(found.note or "")
    except (msgspec.ValidationError, InputError) as error:
        raise InputError(f"{where}: {error}") from error
    key = Key(found.dongle_id, found.drive, found.kind, found.mono_ns)
    return Label(key, word, note, _in_utc(found.labelled_at_utc))


def _refuse_rounded(row: Mapping[Any, Any], where: str) -> None:
    """Refuse a number that a spreadsheet has rounded, as 1.23E+12: it is another moment.

    Raises:
        InputError: If it has.
    """
    for name in ("mono_ns", "labelled_mono_ns"):
        value = row.get(name) or 0
        if not (isinstance(value, int) or (isinstance(value, str) and value.isdecimal())):
            raise InputError(f"{where}: {name} is {value!r}, which is no whole number")


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The columns that are read; an empty field of a CSV file is null."""
    values = {name: row.get(name) or None for name in _Row.__struct_fields__}
    # For a label whose event has moved or is gone: the time that it was labelled at.
    values["mono_ns"] = row.get("labelled_mono_ns") or row.get("mono_ns")
    return values


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is None:
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None)
