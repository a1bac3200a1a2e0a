"""`engagement name`: what devices and places are called."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

import click

from engagement.cli import columns, render
from engagement.cli.options import database_option, json_option
from engagement.export.places import parse_place
from engagement.formats import text
from engagement.store.given_names import name_device, name_place, read_names, remove_name
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from pathlib import Path

_RADIUS_M = 200


@click.command()
@click.argument("words", nargs=-1, metavar="[DEVICE] [NAME]")
@click.option(
    "--place",
    metavar="LAT,LON[,RADIUS_M]",
    help=f"Name what is about a point instead of a device, up to {_RADIUS_M} m from it.",
)
@click.option("--remove", is_flag=True, help="Take away the name of a DEVICE or a place.")
@json_option
@database_option
def name(
    *, words: tuple[str, ...], place: str | None, remove: bool, as_json: bool, database: Path
) -> None:
    """Give a device a name, which is shown instead of its dongle id; or list the names.

    No two are called alike. Names outlive `recompute` and logs that are ingested again. The views
    `devices`, `drives` and `places` have them beside what they name; no file that `redact` makes
    has one.

    \b
    Example:
      engagement name a1b2c3d4e5f60718 "Blue Civic"
      engagement name --place 52.5163,13.3777,300 "the gate"
      engagement name --remove "Blue Civic"
      engagement name
    """
    n_words = 1 if remove or place is not None else 2 if words else 0
    if len(words) != n_words or (remove and place is not None):
        raise click.UsageError("it takes DEVICE NAME, --place LAT,LON NAME, or --remove NAME")
    if not words:
        _list(database, as_json=as_json)
        return
    if remove:
        said = {"name": remove_name(database, words[0]), "is_removed": True}
        words_for = f"nothing is called {said['name']} any more"
    elif place is not None:
        is_whole = place.count(",") != 1
        found = parse_place(place if is_whole else f"{place},{_RADIUS_M}")
        said = {"name": name_place(database, astuple(found), words[0]), "is_removed": False}
        words_for = f"what is up to {found.radius_m:g} m from there is called {said['name']}"
    else:
        dongle_id, given = name_device(database, *words)
        said = {"name": given, "dongle_id": dongle_id, "is_removed": False}
        words_for = f"{dongle_id} is called {given}"
    if as_json:
        render.print_json(said)
    else:
        render.say(text(words_for))


def _list(database: Path, *, as_json: bool) -> None:
    with Reader(database) as reader:
        rows = read_names(reader)
    if as_json:
        render.print_json(rows)
    elif rows:
        render.print_rows(columns.NAMES, rows)
    else:
        render.note("nothing has a name")
