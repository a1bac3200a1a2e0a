"""`engagement import`: drives and events of the old system's files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engagement.cli import render
from engagement.cli.exit_codes import ExitCode
from engagement.cli.options import FILE, database_option, json_option
from engagement.formats import count, text
from engagement.legacy.imports import import_files
from engagement.legacy.pulling import MAX_PAGE, pull
from engagement.servers.tokens import VARIABLE, find_token

if TYPE_CHECKING:
    from engagement.legacy.imports import ImportReport
    from engagement.servers.tokens import Token


@click.command("import")
@click.argument(
    "files",
    nargs=-1,
    metavar="FILE...",
    type=click.Path(path_type=Path),
)
@click.option(
    "--pull",
    "url",
    metavar="URL",
    help="Fetch drives from a server that hands them out, from where the last time ended.",
)
@click.option(
    "--token-file",
    type=FILE,
    metavar="FILE",
    help=f"The token for that server; else {VARIABLE} has it.",
)
@click.option(
    "--cursor-file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=".drive_stats_cursor.json",
    show_default=False,
    metavar="FILE",
    help="Where it is noted how far --pull got.  [default: .drive_stats_cursor.json]",
)
@click.option(
    "--page-size",
    type=click.IntRange(1, MAX_PAGE),
    default=100,
    show_default=False,
    metavar="N",
    help="Drives that --pull asks for at once.  [default: 100]",
)
@database_option
@json_option
@click.pass_context
def import_(
    ctx: click.Context,
    files: tuple[Path, ...],
    *,
    url: str | None,
    token_file: Path | None,
    cursor_file: Path,
    page_size: int,
    database: Path,
    as_json: bool,
) -> None:
    """Read drives from the old system's engagement_db.json and debug_events.json.

    An imported drive shows everywhere, marked as imported, until one of its logs is ingested.
    Importing a file again changes nothing; a newer entry for a drive takes the older one's place.
    A file that can't be read is named, and the others are imported.

    With --pull drives come from a server: one of the old kind, or `engagement serve` at its address
    /api/drive-stats/export. Each page is in the database before the cursor is noted; run it again,
    by a timer too, and it asks only for what is newer.

    \b
    Exit status: 0 done, 2 some files were left out, 4 the database can't be written.

    \b
    Example:
      engagement import engagement_db.json debug_events.json
      engagement import --pull https://drives.example.org/api/drive-stats/export
    """
    if bool(files) == bool(url):
        raise click.UsageError("name files to import, or a server with --pull")
    if url:
        token = find_token(token_file)
        _pull(database, url, token, cursor_file=cursor_file, page_size=page_size, as_json=as_json)
        return
    report = import_files(database, files)
    for problem in report.problems:
        render.say(f"left out: {text(problem.path)}: {text(problem.problem)}")
    if as_json:
        render.print_json(asdict(report))
    else:
        render.say(_summary(report))
    if report.problems:
        ctx.exit(ExitCode.USAGE)


def _pull(
    database: Path,
    url: str,
    token: Token | None,
    *,
    cursor_file: Path,
    page_size: int,
    as_json: bool,
) -> None:
    try:
        pulled = pull(database, url, token, cursor_file, page_size=page_size)
    except OSError as error:
        problem = f"{str(cursor_file)!r} can't be written: {error.strerror or error}"
        raise click.BadParameter(problem, param_hint="--cursor-file") from error
    if as_json:
        render.print_json(asdict(pulled))
        return
    n_known = pulled.n_drives - pulled.n_drives_written
    aside = f" ({n_known} already there)" if n_known else ""
    render.say(f"imported {count(pulled.n_drives_written, 'drive')}{aside}")


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
