"""Tables that go together: one JSON file of all, or a folder with a file of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from engagement.errors import InputError
from engagement.export.csv_tables import inert_table
from engagement.export.numbered import COLUMN, numbered_table
from engagement.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Format = Literal["json", "csv", "parquet"]


def check_out(out: Path, kind: Format, names: Iterable[str]) -> None:
    """A file for JSON, a folder for the files of any other format; devices are neither.

    A link in the folder might lead anywhere, to the database too.

    Raises:
        InputError: If something else is in the place of the file, the folder, or one in it.
    """
    if out.exists() and not (out.is_file() or out.is_dir()):
        raise InputError(f"{out}: this is no regular file")
    if kind == "json":
        if out.is_dir():
            raise InputError(f"{out}: JSON goes to a file, and this is a folder")
        return
    if out.is_file() or out.suffix.lower() in (".csv", ".parquet", ".json"):
        raise InputError(f"{out}: {kind} goes to a folder, as there are several files of it")
    for name in names:
        file = out / f"{name}.{kind}"
        if file.is_symlink() or (file.exists() and not file.is_file()):
            raise InputError(f"{file}: this is no regular file; remove it, or name another folder")


def write_tables(
    tables: Mapping[str, pa.Table], out: Path, kind: Format, about: Mapping[str, str]
) -> list[str]:
    """Write tables, each file whole or not at all; folders are made.

    Args:
        tables: By their names.
        out: As `check_out` takes it.
        kind: The format.
        about: What is said of the tables in JSON, and as metadata of Parquet files; CSV has only
            the number of the definitions, as a column.

    Returns:
        What else lies in the folder.

    Raises:
        OSError: If the files can't be written.
    """
    if kind == "json":
        out.parent.mkdir(parents=True, exist_ok=True)
        _write_json({"about": about} | {name: tables[name].to_pylist() for name in tables}, out)
        return []
    out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        said = table.replace_schema_metadata(dict(about))
        write_table(said, out / f"{name}.{kind}", kind)
    return sorted({path.name for path in out.iterdir()} - {f"{name}.{kind}" for name in tables})


def _write_json(document: object, out: Path) -> None:
    with replacing(out) as file:
        file.write(msgspec.json.format(msgspec.json.encode(document), indent=2))


def write_table(table: pa.Table, out: Path, kind: Format) -> None:
    """Write one table, whole or not at all; `kind` is csv or parquet.

    CSV has of the table's metadata only the number of the definitions, as its last column.
    """
    definitions = (table.schema.metadata or {}).get(COLUMN.encode())
    with replacing(out) as file:
        if kind == "csv":
            numbered = table if definitions is None else numbered_table(table, int(definitions))
            pa.csv.write_csv(inert_table(numbered), file)
        else:
            pa.parquet.write_table(table, file, compression="zstd")
