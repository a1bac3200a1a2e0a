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
from engagement.formats import count, text
from engagement.names import parse_dongle_id
from engagement.store.devices import join_devices, unjoin_device
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
    help="Make the drives of device OLD those of NEW, as it is one device, now and later.",
)
@click.option(
    "--unjoin", "joined", metavar="OLD", help="Take a --join back: OLD is a device of its own."
)
@units_option
@format_options
@database_option
def devices(
    *,
    folders: tuple[Path, ...],
    database: Path,
    output: Format,
    pair: tuple[str, str] | None,
    joined: str | None,
) -> None:
    """List the devices, with how much is known of each.

    JSON and CSV have every column of the view `devices`. With FOLDERs also the devices that only
    these have, and how many drives of each are not ingested yet.

    A device that folders or old files name by the last or first 8 characters of its dongle id is
    joined with it by itself, where just one device can be meant; --join does it where you know, and
    is remembered: what is ingested, imported or collected under OLD later is of NEW, too.

    \b
    Example:
      engagement devices
      engagement devices --json
      engagement devices rlogs/
      engagement devices --join 89abcdef 0123456789abcdef
      engagement devices --unjoin 89abcdef
    """
    if sum(map(bool, (pair, joined, folders))) > 1:
        raise click.UsageError("--join, --unjoin and FOLDERs exclude each other")
    if pair:
        _join(database, *map(_as_stored, pair))
        return
    if joined:
        _unjoin(database, _as_stored(joined))
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


def _as_stored(name: str) -> str:
    return parse_dongle_id(name) or name


def _join(database: Path, old: str, new: str) -> None:
    joined = join_devices(database, old, new)
    n_drives, device = joined.n_drives, text(joined.dongle_id)
    render.say(
        f"{count(n_drives, 'drive')} of {text(old)} {_are(n_drives)} of {device} from now on, "
        "and so is what comes under that name later"
    )
    if not joined.is_known:
        render.note(f"no other drive is of {device} yet")


def _unjoin(database: Path, old: str) -> None:
    n_drives = unjoin_device(database, old).n_drives
    render.say(
        f"{text(old)} is a device of its own again, and {count(n_drives, 'drive')} "
        f"{_are(n_drives)} of it"
    )


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
