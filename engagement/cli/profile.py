"""`engagement profile`: which CAN signals of a car are read, and how to find them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engagement.cli import render
from engagement.cli.options import json_option
from engagement.cli.profile_check import check
from engagement.cli.profile_new import new
from engagement.cli.profile_options import profiles_option
from engagement.cli.profile_suggest import suggest
from engagement.cli.table_parts import Column, Line
from engagement.errors import ConfigError, InputError
from engagement.extract.dbc import load_dbc
from engagement.extract.frames import list_signals
from engagement.extract.profile_files import read_profiles
from engagement.extract.profiles import find_profiles, load_profile
from engagement.formats import count, text

if TYPE_CHECKING:
    from engagement.extract.frames import DbcSignal
    from engagement.extract.profiles import SignalEntry, VehicleProfile

_PROFILES = (
    Column("profile", "name", is_whole=True),
    Column("default", "is_default", lambda value: "yes" if value else ""),
    Column("DBC", "dbc_file"),
    Column("keys", "keys", ", ".join),
    Column("description", "description", rank=1),
    Column("problem", "problem", lambda value: value or ""),
)
_ENTRIES = (
    Column("key", "key"),
    Column("message", "message"),
    Column("signal", "signal"),
    Column("bus", "bus", lambda value: "any" if value is None else str(value)),
    Column("scale", "scale", is_number=True),
    Column("offset", "offset", is_number=True),
    Column("unit", "unit"),
    Column("address", "address_hex", rank=1),
    Column("meaning", "comment", rank=2),
)


@click.group(short_help="List, make, check and suggest profiles of a car's CAN signals.")
def profile() -> None:
    """List, make, check and suggest profiles of a car's CAN signals.

    A profile names a DBC and, per key, the signal that carries it: the odometer, the cruise
    switch, the torques. They are in config/vehicle_profiles.json of the folder, else the shipped
    one; `engagement ingest --profile NAME` reads with one.

    \b
    Example:
      engagement profile suggest rlog.zst --dbc car.dbc --write mycar
      engagement profile check rlog.zst --profile mycar
    """


@profile.command("list")
@profiles_option
@json_option
def list_(*, profiles_file: Path | None, as_json: bool) -> None:
    """List the profiles: their DBC and what they have.

    \b
    Example:
      engagement profile list
      engagement profile list --json
    """
    path = find_profiles(profiles_file, Path.cwd())
    document = read_profiles(path)
    rows = [_summary(path, name, document) for name in document.get("profiles", {})]
    if as_json:
        render.print_json(rows)
        return
    shown = [
        each for each in _PROFILES if each.name != "problem" or any(r["problem"] for r in rows)
    ]
    if rows:
        render.print_rows(shown, rows)
    render.note(f"{count(len(rows), 'profile')} in {path}")


def _summary(path: Path, name: str, document: dict[str, Any]) -> dict[str, Any]:
    """A row of the list; what does not hold is said in it."""
    row: dict[str, Any] = {
        "name": name,
        "description": "",
        "dbc_file": None,
        "keys": [],
        "is_default": document.get("default_profile") == name,
        "problem": None,
    }
    try:
        found = load_profile(profiles_file=path, name=name, cwd=Path.cwd())
    except ConfigError as error:
        return row | {"problem": error.problem}
    if found is None:  # one without a name
        return row | {"problem": "it has no name"}
    keys = [signal.key for signal in found.signals]
    return row | {
        "description": found.description,
        "dbc_file": str(found.dbc_file),
        "keys": keys,
    }


@profile.command()
@click.argument("name", required=False)
@profiles_option
@json_option
def show(*, name: str | None, profiles_file: Path | None, as_json: bool) -> None:
    """Show a profile, by default the file's own default: each key's signals and what they become.

    \b
    Example:
      engagement profile show demo
    """
    found = load_profile(profiles_file=profiles_file, name=name, cwd=Path.cwd())
    if found is None:
        raise InputError("no profile is the default; name one, `engagement profile list` has them")
    dbc = list_signals(load_dbc(found.dbc_file), found.dbc_file.name)
    described = {(each.message, each.signal): each for each in dbc.signals}
    rows = [
        _entry_row(signal.key, entry, described.get((entry.message, entry.signal)))
        for signal in found.signals
        for entry in signal.entries
    ]
    if as_json:
        render.print_json(_document(found, rows))
        return
    render.print_table(_ENTRIES, [[Line(row) for row in rows]])
    render.note(text(f"{found.name}: {found.description or '-'}; DBC {found.dbc_file}"))
    if dbc.note:
        render.note(text(f"{found.dbc_file}: {dbc.note}"))
    absent = [row for row in rows if row["address"] is None]
    if absent:
        render.note(f"not in the DBC: {absent[0]['message']}.{absent[0]['signal']}")


def _document(found: VehicleProfile, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": found.name,
        "description": found.description,
        "profiles_file": str(found.profiles_file),
        "dbc_file": str(found.dbc_file),
        "signals": rows,
    }


def _entry_row(key: str, entry: SignalEntry, described: DbcSignal | None) -> dict[str, Any]:
    return {
        "key": key,
        "message": entry.message,
        "signal": entry.signal,
        "bus": entry.source,
        "scale": entry.transform.scale,
        "offset": entry.transform.offset,
        "unit": described.unit if described else "",
        "comment": described.comment if described else "",
        "address": described.spec.address if described else None,
        "address_hex": f"0x{described.spec.address:x}" if described else None,
    }


profile.add_command(check)
profile.add_command(suggest)
profile.add_command(new)
