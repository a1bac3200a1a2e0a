"""`engagement drives`: which drives there are."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from engagement.analysis.selection import select
from engagement.cli import columns, render
from engagement.cli.emptiness import why_no_drives
from engagement.cli.options import database_option, drive_filters, format_options
from engagement.cli.unit_option import chosen_units, units_option
from engagement.cli.wrapping import is_terminal
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from pathlib import Path

    from engagement.cli.options import Format
    from engagement.filters import Selection


@click.command()
@drive_filters
@units_option
@format_options
@database_option
def drives(*, database: Path, selection: Selection, output: Format) -> None:
    """List the drives, newest first: when, in which car, with which software, from which logs.

    JSON and CSV have every column of the view `drives`.

    \b
    Example:
      engagement drives --device 7f0e --since 2025-07-01
      engagement drives --csv
    """
    with Reader(database) as reader:
        rows = select(reader, selection).drives()
        names = list(reader.comments("drives"))
        units = chosen_units(reader)
        nothing = "" if rows else why_no_drives(reader, selection)
    shown = render.print_list(
        columns.DRIVE_LIST,
        names,
        rows,
        output,
        definitions=reader.definitions,
        nothing=nothing,
        units=units,
    )
    has_starts = any(column.name == "started_at" for column in shown)
    if has_starts and is_terminal(sys.stdout) and any(columns.is_local(row) for row in rows):
        render.note(f"{columns.LOCAL_TIME.strip()} the device's local time: its name has no other")
