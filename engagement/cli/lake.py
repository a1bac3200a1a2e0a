"""`engagement lake`: a store for the drives of many machines made, and what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engagement.cli import render
from engagement.cli.options import FILE, database_option, json_option
from engagement.cli.table_parts import Column
from engagement.errors import InputError
from engagement.formats import count
from engagement.lake.catalog import make_lake
from engagement.lake.contents import read_contents
from engagement.store.lake_file import names_lake

if TYPE_CHECKING:
    from pathlib import Path

_TABLES = (
    Column("table", "table", is_whole=True),
    Column("rows", "n_rows", is_number=True),
    Column("files", "n_files", is_number=True),
    Column("MB", "size_bytes", lambda value: f"{value / 1e6:.1f}", is_number=True),
)


@click.group(short_help="Make a store for the drives of many machines, or say what is in it.")
def lake() -> None:
    """Make a store for the drives of many machines, or say what is in it.

    A lake is Parquet files and a catalog of them, named by a file lake.toml, as docs/fleet.md
    explains; `pip install 'engagement[fleet]'` has what it takes. `engagement ingest` fills it, and
    every command that only reads takes it as --db.

    \b
    Example:
      engagement lake init --db lake.toml
      engagement ingest rlogs/ --db lake.toml
      engagement rates --db lake.toml
      engagement lake status --db lake.toml
    """


@lake.command()
@click.option("--parameters", type=FILE, metavar="FILE", help="Thresholds other than the shipped.")
@json_option
@database_option
def init(*, parameters: Path | None, database: Path, as_json: bool) -> None:
    """Make the lake that a file names: its catalog and its folder, without drives.

    \b
    Example:
      engagement lake init --db lake.toml
    """
    _check_name(database)
    made = make_lake(database, parameters)
    if as_json:
        render.print_json({"catalog": made.catalog, "data": made.data})
    else:
        render.say(f"made a lake without drives: catalog {made.catalog}, data {made.data}")


@lake.command()
@json_option
@database_option
def status(*, database: Path, as_json: bool) -> None:
    """Say what is in a lake: drives, snapshots, and the rows and files of each table.

    \b
    Example:
      engagement lake status --db lake.toml
    """
    _check_name(database)
    found = read_contents(database)
    if as_json:
        render.print_json(found)
        return
    render.print_rows(_TABLES, found["tables"])
    render.note(
        f"{count(found['n_drives'], 'drive')} in {count(found['n_snapshots'], 'snapshot')}, "
        f"the last one of {found['committed_at_utc']:%Y-%m-%d %H:%M:%S} UTC"
    )


def _check_name(database: Path) -> None:
    if not names_lake(database):
        raise InputError(f"{database}: the file that names a lake ends in .toml; name it with --db")
