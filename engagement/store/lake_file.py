"""A lake as a database: what a `lake.toml` names, attached to an instance of DuckDB.

A lake is a DuckLake: tables in Parquet files, and a catalog that says which rows there are. What
reads and writes it comes in wheels, for one version of DuckDB; nothing is downloaded.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import duckdb
import msgspec

from engagement.errors import ConfigError, LakeExtraError, StoreError, StoreMissingError

_EXTENSIONS = ("sqlite_scanner", "ducklake")  # in the order in which they are loaded


class _Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    catalog: str
    data: str


@dataclass(frozen=True, slots=True)
class LakeFile:
    """A file that names a lake.

    Attributes:
        path: The file, as the user named it.
        catalog: The SQLite file that says which rows there are.
        data: The folder of the Parquet files.
    """

    path: Path
    catalog: Path
    data: Path

    def at(self, catalog: Path) -> LakeFile:
        """The same with another catalog."""
        return replace(self, catalog=catalog)


def names_lake(path: Path) -> bool:
    """Whether a database's name is that of a lake."""
    return path.suffix == ".toml"


def refuse_lake(path: Path, refused: str) -> None:
    """Refuse a lake where only a database of one file will do.

    Raises:
        StoreError: If it is one.
    """
    if names_lake(path):
        raise StoreError(
            f"{path}: that is a lake, and {refused} a database of one file; "
            "a lake can be read by most commands, and written by `engagement ingest`"
        )


def read_lake_file(path: Path) -> LakeFile:
    """What a `lake.toml` says; names of files in it are relative to its folder.

    Raises:
        ConfigError: If there is none, or it does not hold.
    """
    try:
        settings = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Settings)
    except FileNotFoundError as error:
        problem = "there is no such file; docs/fleet.md tells what stands in it"
        raise ConfigError(path, problem) from error
    except OSError as error:
        raise ConfigError(path, error.strerror or "can't be read") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise ConfigError(path, str(error)) from error
    for name, value in (("catalog", settings.catalog), ("data", settings.data)):
        if ":" in value or not value:
            raise ConfigError(path, f"{value!r} is no path of a file", where=name)
    folder = path.resolve().parent
    return LakeFile(path, folder / settings.catalog, folder / settings.data)


def attach_lake(
    connection: duckdb.DuckDBPyConnection,
    lake: LakeFile,
    name: str = "engagement",
    *,
    read_only: bool = True,
) -> None:
    """Attach a lake as a database of that name; a reader's stays as it is now, whoever writes.

    Raises:
        LakeExtraError: If what reads lakes is not installed.
        StoreMissingError: If the lake was not made yet.
        StoreError: If DuckDB can't use it.
    """
    load_extensions(connection)
    if read_only and not lake.catalog.exists():
        raise StoreMissingError(lake.path)
    try:
        _attach(connection, lake, name, "read_only" if read_only else "create_if_not_exists")
        if read_only:
            [(newest,)] = connection.execute(
                "select max(snapshot_id) from ducklake_snapshots(?)", [name]
            ).fetchall()
            connection.execute(f"detach {name}")
            _attach(connection, lake, name, f"read_only, snapshot_version {newest}")
    except duckdb.Error as error:
        reason = str(error).split("\n", 1)[0]
        raise StoreError(f"{lake.path}: DuckDB can't use its catalog: {reason}") from error


def load_extensions(connection: duckdb.DuckDBPyConnection) -> None:
    """Load what reads lakes from its wheels.

    Raises:
        LakeExtraError: If a wheel is missing, or is for another version of DuckDB.
    """
    connection.execute("set enable_progress_bar = false")
    for name in _EXTENSIONS:
        connection.execute(f"load {_quoted(_extension(name))}")


def _extension(name: str) -> Path:
    found = find_spec(f"duckdb_extension_{name}")
    if found is None or found.origin is None:
        raise LakeExtraError(f"the wheel of DuckDB's extension {name} is not installed")
    folder = Path(found.origin).parent / "extensions"
    path = folder / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    if not path.exists():
        others = ", ".join(sorted(other.name for other in folder.glob("v*")))
        raise LakeExtraError(
            f"{name} is for DuckDB {others}, and v{duckdb.__version__} is installed"
        )
    return path


def _attach(connection: duckdb.DuckDBPyConnection, lake: LakeFile, name: str, options: str) -> None:
    # The folder may have been moved since the lake was made. Rows in the catalog itself would be in
    # no file that can be listed, counted and copied.
    connection.execute(
        f"attach {_quoted(f'ducklake:sqlite:{lake.catalog}')} as {name} "
        f"(data_path {_quoted(f'{lake.data}/')}, override_data_path true, "
        f"data_inlining_row_limit 0, {options})"
    )


def _quoted(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"
