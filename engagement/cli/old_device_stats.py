"""What the old script's --device-stats said of each device, by the old definitions."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from engagement.api.legacy_answers import SUMMARISED, summarise
from engagement.cli import render
from engagement.formats import text

if TYPE_CHECKING:
    from engagement.analysis.selection import SelectedDrives
    from engagement.cli.options import Format

_DRIVES = f"""
select device_id, {", ".join(SUMMARISED)}
from legacy_engagement_db
where drive_id in (select drive_id from drives)
order by device_id, drive, drive_id
"""


def read_stats(selected: SelectedDrives) -> list[dict[str, Any]]:
    """Each device's entry, as the old server's `/devices` has it, of the selected drives."""
    found = []
    for device_id, group in groupby(selected.rows(_DRIVES), key=lambda row: row["device_id"]):
        rows = list(group)
        columns = {name: [row[name] for row in rows] for name in SUMMARISED}
        found.append(summarise(device_id, columns))
    return found


def print_stats(entries: list[dict[str, Any]], output: Format, *, nothing: str) -> None:
    """Print them as asked for: a device in lines, or JSON, or CSV."""
    if output == "json":
        render.print_json(entries)
    elif output == "csv":
        render.print_csv(list(entries[0]) if entries else ["device_id"], entries)
    elif not entries:
        render.note(nothing)
    else:
        for entry in entries:
            for name, value in entry.items():
                click.echo(text(f"{name:<38}{'-' if value is None else value}"))
            if entry is not entries[-1]:
                click.echo()
