"""`engagement ingest`: logs in, and one line that says what became of them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engagement.cli import render
from engagement.cli.exit_codes import ExitCode
from engagement.cli.ingest_report import SignalNotes, document, print_report
from engagement.cli.options import (
    FILE,
    FOLDER,
    ByteSize,
    database_option,
    dongle_option,
    filter_options,
    json_option,
)
from engagement.cli.program import typed
from engagement.cli.progress import Bar
from engagement.cli.wrapping import is_terminal
from engagement.extract.choice import choose_can
from engagement.filters import Selection
from engagement.logs.codec import DEFAULT_LIMIT_BYTES, MAX_LIMIT_BYTES
from engagement.logs.schema import load_schema
from engagement.store import ingestion as store
from engagement.store.ingest_options import IngestOptions
from engagement.store.lake_file import names_lake
from engagement.store.memory import DEFAULT_MEMORY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from engagement.extract.segment import ReadOptions
    from engagement.store.ingest_options import IngestReport
    from engagement.store.ingest_plan import Plan

_EVERY_S = 10.0
_DATABASE = Path("engagement.duckdb")  # where no other is named


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path)
)
@dongle_option("Only logs of this dongle id; also the device of logs that name none.")
@click.option(
    "--drive",
    metavar="NAME",
    help="Only logs of this drive; also the drive of logs whose path names none.",
)
@filter_options("since", "until")
@click.option("--reprocess", is_flag=True, help="Read logs again that have not changed.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Processes that decode.  [default: one a core]",
)
@click.option(
    "--profile",
    metavar="NAME",
    help="Vehicle profile: which CAN signals to read; auto finds them by the car, none reads "
    "none.  [default: the file's default_profile, else auto with the extra `cars`]",
)
@click.option(
    "--vehicle-profiles",
    type=FILE,
    metavar="FILE",
    help="Where profiles are.  [default: config/vehicle_profiles.json here, else the shipped one]",
)
@click.option(
    "--keep-param",
    "keep_params",
    multiple=True,
    metavar="NAME",
    help="Also store this param of the device; repeatable. Of most, the values are private.",
)
@click.option("--schema-dir", type=FOLDER, metavar="DIR", help="A fork's own Cap'n Proto schemas.")
@click.option(
    "--max-log-bytes",
    type=ByteSize(most=MAX_LIMIT_BYTES),
    metavar="SIZE",
    default=DEFAULT_LIMIT_BYTES,
    show_default=False,
    help="Read no more than this of one log, decompressed.  [default: 256MiB]",
)
@click.option(
    "--max-memory",
    type=ByteSize(),
    metavar="SIZE",
    default=DEFAULT_MEMORY_BYTES,
    show_default=False,
    help="For all processes together; more lets more logs be read at once.  [default: 1GB]",
)
@click.option("--parameters", type=FILE, metavar="FILE", help="Thresholds other than the shipped.")
@click.option("--dry-run", is_flag=True, help="Only list the logs that would be read.")
@click.option("--watch", "is_watch", is_flag=True, help="Go on, with what is new, until stopped.")
@click.option(
    "--every",
    "every_s",
    type=click.FloatRange(min=0.05, max=86_400),
    metavar="SECONDS",
    help="With --watch: time between two looks.  [default: 10]",
)
@json_option
@database_option
def ingest(
    *,
    paths: tuple[Path, ...],
    database: Path,
    device: str | None,
    drive: str | None,
    selection: Selection,
    is_watch: bool,
    every_s: float | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Bring the database up to date with folders of logs.

    PATHs are folders, searched at any depth, and log files. Logs that have not changed are
    skipped, so it costs little to ingest everything again. What is damaged is listed, and the
    rest goes on; readers of the database are never held up.

    With --watch, logs are ingested as they appear: once two looks find them unchanged, and no
    longer locked. Each batch is published and said on its own (--json: a line each), and between
    batches others may write. SIGTERM ends it with status 0; nothing half-done is kept.

    \b
    Exit status: 0 done, 2 wrong usage, 3 some logs could not be read or a PATH is
    missing, 4 the database can't be written, 130 interrupted.

    \b
    Example:
      engagement ingest rlogs/
      engagement ingest rlogs/ --since 2025-07-01 --profile demo
      engagement ingest rlogs/ --watch
    """
    _check_watch(is_watch=is_watch, is_dry_run=options["dry_run"], every_s=every_s)
    if names_lake(database) and (is_watch or options["parameters"]):
        raise click.UsageError("--watch and --parameters are not for a lake")
    wanted = IngestOptions(
        read=_read_options(device, drive, options),
        selection=Selection.of(device=device, drive=drive, **selection.values),
        reprocess=options["reprocess"],
        jobs=options["jobs"] or 0,
        memory_bytes=options["max_memory"],
        dry_run=options["dry_run"],
        parameters_file=options["parameters"],
    )
    if is_watch:  # it has its own reports, one per batch
        from engagement.cli.ingest_watch import watch_and_print  # noqa: PLC0415 - rarely needed

        every_s = _EVERY_S if every_s is None else every_s
        watch_and_print(paths, database, wanted, every_s=every_s, as_json=as_json)
        return
    with Bar("segments", has_bytes=True) as bar:

        def show(n_done: int, n_bytes: int, plan: Plan) -> None:
            bar.show(n_done, len(plan.groups), n_bytes, plan.size_bytes)

        report = _ingest(paths, database, wanted, show)
    if as_json:
        render.print_json(document(report, is_dry_run=wanted.dry_run))
    else:
        print_report(report, paths, is_dry_run=wanted.dry_run)
        SignalNotes(wanted.read).tell(report)
        if report.n_ingested:
            _tell_next(database)
    if report.has_failures:
        click.get_current_context().exit(ExitCode.LOGS)


def _ingest(
    paths: tuple[Path, ...],
    database: Path,
    options: IngestOptions,
    show: Callable[[int, int, Plan], None],
) -> IngestReport:
    if names_lake(database):
        from engagement.lake.ingestion import ingest_into_lake  # noqa: PLC0415 - rarely needed

        return ingest_into_lake(paths, database, options, show)
    return store.ingest(paths, database, options, show)


def _tell_next(database: Path) -> None:
    """Say what to do with what is there now, to who typed this and reads along."""
    root = click.get_current_context().find_root()
    if is_terminal(sys.stderr) and root.invoked_subcommand == "ingest":
        named = () if database == _DATABASE else ("--db", database)
        render.note(f"next: `{typed('report', *named)}`, or `{typed('serve', *named)}` for pages")


def _check_watch(*, is_watch: bool, is_dry_run: bool, every_s: float | None) -> None:
    if is_watch and is_dry_run:
        raise click.UsageError("--watch and --dry-run exclude each other")
    if every_s is not None and not is_watch:
        raise click.UsageError("--every is the time between two looks of --watch")


def _read_options(device: str | None, drive: str | None, options: dict[str, Any]) -> ReadOptions:
    if options["schema_dir"]:
        load_schema(options["schema_dir"])  # its errors, even where no log needs it
    chosen = choose_can(
        profiles_file=options["vehicle_profiles"], name=options["profile"], cwd=Path.cwd()
    )
    return replace(
        chosen,
        schema_dir=options["schema_dir"],
        limit_bytes=options["max_log_bytes"],
        device=device,
        drive=drive,
        keep_params=options["keep_params"],
    )
