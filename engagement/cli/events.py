"""`engagement events`: ends of engagements and overrides, one by one, worst first if wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engagement.analysis.selection import select
from engagement.cli import columns, render
from engagement.cli.formats import count
from engagement.cli.options import database_option, date_options, device_option, format_options
from engagement.errors import InputError, NotFoundError, suggestion
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from engagement.analysis.selection import Selection
    from engagement.cli.options import Format

KINDS = ("disengagement", "lateral_override", "longitudinal_override")
CAUSES = (
    "system_immediate", "system_soft", "driver_soft", "driver_brake", "driver_gas", "driver_steer",
    "driver_cancel", "driver_main", "driver_park", "driver_other", "car_cruise", "end_of_drive",
    "unknown",
)  # fmt: skip

_CHOSEN = """
select events.*
from events
inner join drives on events.drive_id = drives.drive_id
where ($drive::varchar is null or starts_with(events.drive, $drive))
    and (len($kinds) = 0 or list_contains($kinds, events.kind))
    and (len($causes) = 0 or list_contains($causes, events.cause))
    and (events.is_critical or not $is_critical)
order by
    drives.started_at_utc desc nulls last, drives.drive desc, drives.dongle_id,
    events.mono_ns, events.kind
"""


@click.command()
@click.option("--drive", metavar="NAME", help="Only this drive; the start of its name is enough.")
@device_option
@click.option("--kind", multiple=True, type=click.Choice(KINDS), help="Only this kind; repeatable.")
@click.option(
    "--cause",
    multiple=True,
    metavar="CAUSE",
    help="Only disengagements of this cause, or of all that begin so: driver, system; repeatable.",
)
@click.option("--critical", is_flag=True, help="Only critical events.")
@click.option(
    "--worst",
    type=click.IntRange(min=1),
    metavar="N",
    help="The N worst: critical ones first, by severity; ends of drives aside.",
)
@date_options
@format_options
@database_option
def events(
    *,
    database: Path,
    device: str | None,
    drive: str | None,
    since: date | None,
    until: date | None,
    kind: tuple[str, ...],
    cause: tuple[str, ...],
    critical: bool,
    worst: int | None,
    output: Format,
) -> None:
    """List disengagements and overrides: where, why, and how dangerous.

    Newest drives come first, events in the order of their time. Severity is the worst ratio of a
    measure to the threshold that makes it critical. JSON and CSV have every column of `events`.

    \b
    Example:
      engagement events --worst 10
      engagement events --cause system --since 2025-07-01 --csv
    """
    with Reader(database) as reader:
        selection = select(reader, device, since, until)
        rows = _chosen(selection, drive, kind, _causes(cause), is_critical=critical)
        names = list(reader.comments("events"))
    n_found = len(rows)
    if worst is not None:
        rows = _worst(rows, worst)
    render.print_list(columns.EVENTS, names, rows, output, noun="event")
    if output == "table" and worst is not None and n_found > len(rows) > 0:
        render.note(f"the worst of {count(n_found, 'event')}")


def _causes(wanted: tuple[str, ...]) -> list[str]:
    """The causes that were named, in full or by how they begin."""
    found = []
    for text in wanted:
        alike = [cause for cause in CAUSES if cause == text or cause.startswith(f"{text}_")]
        if not alike:
            raise InputError(
                f"--cause: no cause {text!r}{suggestion(text, CAUSES)}; there are "
                f"{', '.join(CAUSES)}, and driver and system for all of theirs"
            )
        found += alike
    return found


def _chosen(
    selection: Selection,
    drive: str | None,
    kinds: tuple[str, ...],
    causes: list[str],
    *,
    is_critical: bool,
) -> list[dict[str, Any]]:
    """The events of the selected drives that fit, newest drives first."""
    names = [row["drive"] for row in selection.drives()]
    if drive is not None and not any(name.startswith(drive) for name in names):
        raise NotFoundError("drive", drive, names)
    wanted = {"drive": drive, "kinds": kinds, "causes": causes, "is_critical": is_critical}
    return selection.rows(_CHOSEN, wanted)


def _worst(rows: list[dict[str, Any]], n_rows: int) -> list[dict[str, Any]]:
    moving = [row for row in rows if row["cause"] != "end_of_drive"]
    moving.sort(key=lambda row: (bool(row["is_critical"]), row["severity"] or 0), reverse=True)
    return moving[:n_rows]
