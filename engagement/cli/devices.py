"""`engagement devices`: which devices there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engagement.analysis.selection import select
from engagement.cli import columns, render
from engagement.cli.emptiness import why_no_drives
from engagement.cli.options import database_option, format_options
from engagement.cli.unit_option import chosen_units, units_option
from engagement.filters import Selection
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from pathlib import Path

    from engagement.cli.options import Format


@click.command()
@units_option
@format_options
@database_option
def devices(*, database: Path, output: Format) -> None:
    """List the devices, with how much is known of each.

    JSON and CSV have every column of the view `devices`.

    \b
    Example:
      engagement devices
      engagement devices --json
    """
    with Reader(database) as reader:
        rows = select(reader).devices()
        names = list(reader.comments("devices"))
        units = chosen_units(reader)
        nothing = "" if rows else why_no_drives(reader, Selection(), "device")
    render.print_list(columns.DEVICE_LIST, names, rows, output, nothing=nothing, units=units)
