"""`engagement devices`: which devices there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engagement.analysis.selection import select
from engagement.cli import columns, render
from engagement.cli.emptiness import why_no_drives
from engagement.cli.options import database_option, format_options
from engagement.cli.unit_option import chosen_units, units_option
from engagement.cli.waiting_drives import WAITING, with_folders
from engagement.filters import Selection
from engagement.formats import count
from engagement.store.devices import join_devices
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from engagement.cli.options import Format


@click.command()
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", type=click.Path(path_type=Path))
@click.option(
    "--join",
    "pair",
    nargs=2,
    metavar="OLD NEW",
    help="Make the drives of device OLD those of NEW, as it is one device.",
)
@units_option
@format_options
@database_option
def devices(
    *, folders: tuple[Path, ...], database: Path, output: Format, pair: tuple[str, str] | None
) -> None:
    """List the devices, with how much is known of each.

    JSON and CSV have every column of the view `devices`. With FOLDERs also the devices that only
    these have, and how many drives of each are not ingested yet.

    A device that folders or old files name by the last or first 8 characters of its dongle id is
    joined with it by itself, where just one device can be meant; --join does it where you know.

    \b
    Example:
      engagement devices
      engagement devices --json
      engagement devices rlogs/
      engagement devices --join 89abcdef 0123456789abcdef
    """
    if pair and folders:
        raise click.UsageError("--join and FOLDERs exclude each other")
    if pair:
        old, new = (name.lower() for name in pair)
        n_drives = join_devices(database, old, new)
        render.say(f"{count(n_drives, 'drive')} of {old} are of {new} from now on")
        return
    with Reader(database) as reader:
        rows = select(reader).devices()
        names, shown = list(reader.comments("devices")), [*columns.DEVICE_LIST]
        if folders:
            rows = with_folders(reader, rows, folders)
            names, shown = [*names, WAITING], [*shown, columns.WAITING_DRIVES]
        units = chosen_units(reader)
        nothing = "" if rows else why_no_drives(reader, Selection(), "device")
    render.print_list(
        shown,
        names,
        rows,
        output,
        definitions=reader.definitions,
        nothing=nothing,
        units=units,
    )
