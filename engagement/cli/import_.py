"""`engagement import`: drives and events of the old system's files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engagement.cli import render
from engagement.cli.exit_codes import ExitCode
from engagement.cli.options import database_option, json_option
from engagement.formats import count, text
from engagement.legacy.imports import import_files

if TYPE_CHECKING:
    from engagement.legacy.imports import ImportReport


@click.command("import")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(path_type=Path),
)
@database_option
@json_option
@click.pass_context
def import_(ctx: click.Context, files: tuple[Path, ...], database: Path, *, as_json: bool) -> None:
    """Read drives from the old system's engagement_db.json and debug_events.json.

    An imported drive shows everywhere, marked as imported, until one of its logs is ingested.
    Importing a file again changes nothing; a newer entry for a drive takes the older one's place.
    A file that can't be read is named, and the others are imported.

    \b
    Exit status: 0 done, 2 some files were left out, 4 the database can't be written.

    \b
    Example:
      engagement import engagement_db.json debug_events.json
    """
    report = import_files(database, files)
    for problem in report.problems:
        render.say(f"left out: {text(problem.path)}: {text(problem.problem)}")
    if as_json:
        render.print_json(asdict(report))
    else:
        render.say(_summary(report))
    if report.problems:
        ctx.exit(ExitCode.USAGE)


def _summary(report: ImportReport) -> str:
    imported = (
        f"imported {count(report.n_drives_written, 'drive')} "
        f"and {count(report.n_events_written, 'debug event')}"
    )
    n_known = report.n_drives + report.n_events - report.n_drives_written - report.n_events_written
    n_superseded = report.n_drives_superseded
    asides = [
        f"{n_known} already there" if n_known else "",
        f"{count(report.n_duplicates, 'duplicate')} collapsed" if report.n_duplicates else "",
        f"{count(n_superseded, 'drive')} hidden by ingested logs" if n_superseded else "",
        f"{count(len(report.problems), 'file')} left out" if report.problems else "",
    ]
    said = ", ".join(aside for aside in asides if aside)
    return f"{imported} ({said})" if said else imported
