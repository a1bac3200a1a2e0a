"""`engagement report`: what the drives were like, grouped by device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engagement.analysis.selection import select
from engagement.cli import columns, render
from engagement.cli.emptiness import why_no_drives
from engagement.cli.old_device_stats import print_stats, read_stats
from engagement.cli.options import database_option, drive_filters, format_options
from engagement.cli.table_parts import Column, Line
from engagement.cli.unit_option import chosen_units, units_option
from engagement.formats import count
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engagement.analysis.selection import SelectedDrives
    from engagement.cli.options import Format
    from engagement.filters import Selection
    from engagement.units import Units


@click.command()
@drive_filters
@click.option("--device-stats", is_flag=True, help="Only the totals per device.")
@click.option(
    "--legacy", "is_old", is_flag=True, help="With --device-stats: by the old system's definitions."
)
@click.option("--speed-bands", is_flag=True, help="Also time and distance by speed, per device.")
@click.option("--sort", metavar="COLUMN", help="Order of the drives: any column of `drives`.")
@units_option
@format_options
@database_option
def report(
    *,
    database: Path,
    selection: Selection,
    output: Format,
    sort: str | None,
    device_stats: bool,
    is_old: bool,
    speed_bands: bool,
) -> None:
    """Show what the drives were like, and totals per device.

    Newest drives come first; with --sort text goes from A, numbers from the greatest. `engagement
    glossary` explains the columns. JSON and CSV have every column of the views, in SI units.

    \b
    Example:
      engagement report --since 2025-07-01 --speed-bands
      engagement report --sort interventions_per_100km --csv
      engagement report --device-stats --legacy
    """
    if is_old and (not device_stats or speed_bands or sort):
        raise click.UsageError("--legacy goes with --device-stats alone")
    with Reader(database) as reader:
        selected = select(reader, selection)
        if is_old:
            entries = read_stats(selected)
            nothing = "" if entries else why_no_drives(reader, selection)
            print_stats(entries, output, nothing=nothing)
            return
        parts = {"drives": selected.drives(sort), "devices": selected.devices()}
        if device_stats:
            del parts["drives"]
        if speed_bands:
            parts["speed_bands"] = selected.speed_bands()
        if output == "json":
            render.print_json(parts | {"definitions": reader.definitions})
        elif output == "csv":
            _print_csv(reader, parts, speed_bands=speed_bands)
        elif not parts["devices"]:
            render.note(why_no_drives(reader, selection))
        else:
            _print_tables(selected, parts, chosen_units(reader))


def _print_csv(reader: Reader, parts: dict[str, Any], *, speed_bands: bool) -> None:
    """One table: the speed bands if they were asked for, else the drives or the devices."""
    name = "speed_bands" if speed_bands else next(iter(parts))
    names = [column.name for column in columns.SPEED_BANDS]
    shown = names if speed_bands else list(reader.comments(name))
    render.print_view_csv(shown, parts[name], reader.definitions)


def _print_tables(selected: SelectedDrives, parts: dict[str, Any], units: Units) -> None:
    counts = selected.counts()
    if "drives" in parts:
        wanted: Sequence[Column] = columns.DRIVES
        groups = _groups(parts["drives"], parts["devices"], units)
        shown = render.print_table(wanted, groups, units=units)
    else:
        wanted = columns.DEVICES
        shown = render.print_rows(wanted, parts["devices"], units=units)
    if "speed_bands" in parts:
        click.echo()
        render.print_rows(columns.SPEED_BANDS, parts["speed_bands"], units=units)
    has_starts = any(column.name == "started_at" for column in shown)
    n_local = sum(map(columns.is_local, parts["drives"])) if has_starts else 0
    render.footer(_footer(counts, n_local))
    render.note_left_out(render.n_left_out(wanted, shown), "--csv")


def _groups(
    drives: list[dict[str, Any]], devices: list[dict[str, Any]], units: Units
) -> list[list[Line]]:
    """Per device, in the order of its first drive here: its name, its drives, its totals."""
    totals = {row["dongle_id"]: row for row in devices}
    groups: dict[str, list[Line]] = {}
    for row in drives:
        title = Line({"drive": units.device(row["dongle_id"])}, "bold", is_extra=True)
        groups.setdefault(row["dongle_id"], [title]).append(Line(row))
    for dongle_id, lines in groups.items():
        total = totals[dongle_id]
        label = f"total of {count(total['n_drives'], 'drive')}"
        lines.append(Line(total | {"drive": label}, "bold", is_extra=True))
    return list(groups.values())


def _footer(counts: dict[str, int], n_local: int) -> str:
    parts = [f"{count(counts['n_drives'], 'drive')} of {count(counts['n_devices'], 'device')}"]
    parts.append(f"{count(counts['n_missing_segments'], 'segment')} missing")
    parts.append(f"{count(counts['n_damaged_logs'], 'log')} damaged")
    if counts["n_imported"]:
        parts.append(f"{counts['n_imported']} imported from an old file (*)")
    if counts["n_decimated"]:
        parts.append(f"{counts['n_decimated']} with qlogs, which are coarser (~)")
    if n_local:
        parts.append(f"{n_local} started by the device's local time ({columns.LOCAL_TIME.strip()})")
    return ", ".join(parts)
