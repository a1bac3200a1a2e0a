"""`engagement redact`: what others may see, of events, a moment, a drive or all of them."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engagement.analysis.selection import select
from engagement.cli import events_redact, render
from engagement.cli.clip import window_named
from engagement.cli.options import FILE, database_option, drive_filters, json_option
from engagement.cli.output_files import spare_database, writing
from engagement.errors import InputError, NotFoundError
from engagement.export.clip_table import drive_window, write_clip
from engagement.export.places import read_places
from engagement.export.pseudonyms import Pseudonyms, load_key
from engagement.export.raw import codec_of
from engagement.export.redact import Redaction
from engagement.export.redact_database import write_redacted_database
from engagement.export.redact_raw import write_redacted_raw_clip
from engagement.export.tables import write_table
from engagement.formats import count, text
from engagement.store.drive_names import find_drive
from engagement.store.lake_file import refuse_lake
from engagement.store.query_types import require_current
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engagement.export.places import Place
    from engagement.export.redact import Times
    from engagement.export.redact_database import DatabaseReport
    from engagement.export.window import ClipWindow
    from engagement.filters import Selection

_TRACK = """
select round((mono_ns - min(mono_ns) over ()) / 1e9, 3) as time_s, latitude, longitude, speed_mps
from log.gps
where has_fix and latitude is not null
order by mono_ns
"""


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What every kind of redaction is told, but for the one of events, which shows no place."""
    for option in reversed(
        (
            events_redact.ends_option(
                "About where drives begin and end, nothing is shown; 0 shows it."
            ),
            click.option(
                "--place",
                "places",
                multiple=True,
                metavar="LAT,LON,RADIUS_M",
                callback=events_redact.places_of,
                help="Nor within this many metres of here; repeatable.",
            ),
            click.option(
                "--places", "places_file", type=FILE, metavar="FILE", help="More, one a line."
            ),
            click.option(
                "--times",
                type=click.Choice(["shift", "keep", "none"]),
                default="shift",
                help="By a clock set wrong, by the right one, or none at all.",
            ),
            click.option(
                "--key-file",
                type=click.Path(dir_okay=False, path_type=Path),
                metavar="FILE",
                help="The key of pseudonyms, made where there is none.  [default: redaction.key "
                "beside the database]",
            ),
            click.option("--force", is_flag=True, help="Replace the file if it is there."),
            json_option,
            database_option,
        )
    ):
        function = option(function)
    return function


def _out_option(words: str) -> Callable[..., Any]:
    path = click.Path(dir_okay=False, path_type=Path)
    return click.option("--out", required=True, metavar="FILE", type=path, help=words)


@click.group()
def redact() -> None:
    """Make events, clips, a track or a database that others may see.

    Nothing in them says who drove and where they live. Devices, drives, branches and commits get
    names made with a key; drives are cut off where they begin and end. Look at what you send all
    the same: a rare car, or a long stretch of road, may still tell.

    \b
    Example:
      engagement redact database --out shared.duckdb
      engagement redact clip 00000047--e6318bf623@249.4 --out moment.csv
    """


redact.add_command(events_redact.redact, "events")


@redact.command("database")
@_out_option("The new database.")
@drive_filters
@_options
def database_(*, out: Path, selection: Selection, as_json: bool, **options: Any) -> None:
    """Write a database of its own for others to ask, with every view.

    Numbers are computed from what is in it: of drives without their ends, so they differ a little.
    CAN signals, imported drives, notes, paths and texts of alerts stay behind.

    \b
    Example:
      engagement redact database --out shared.duckdb
      engagement redact database --out shared.duckdb --since 2025-07-01 --ends 1000
    """
    with _source(out, options) as (reader, redaction):
        select(reader, selection)
        with writing(out):
            report = write_redacted_database(reader, redaction, out, ends_m=options["ends_m"])
    _say(out, report, as_json=as_json)


@redact.command("track")
@click.argument("drive", metavar="DRIVE")
@_out_option("A file of CSV.")
@_options
def track(*, drive: str, out: Path, as_json: bool, **options: Any) -> None:
    """Write where a drive was, but for its ends and the places named.

    \b
    Example:
      engagement redact track 00000047--e6318bf623 --out track.csv
    """
    with _source(out, options) as (reader, redaction):
        found = find_drive(reader, drive)
        with (
            _shared(reader, redaction, found.drive_id, options["ends_m"]) as (shared, report),
            writing(out),
        ):
            write_table(shared.table(_TRACK), out, "csv")
    _say(out, report, as_json=as_json)


@redact.command("clip")
@click.argument("name", metavar="EVENT|DRIVE")
@click.option("--from", "from_s", type=float, metavar="S", help="As of `engagement clip`.")
@click.option("--to", "to_s", type=float, metavar="S", help="As of `engagement clip`.")
@_out_option("The file: .csv, .parquet or .mcap; with --raw a log: rlog.zst, rlog.bz2 or rlog.")
@click.option("--raw", is_flag=True, help="Write messages of the logs instead of samples.")
@_options
def clip(*, name: str, out: Path, raw: bool, as_json: bool, **options: Any) -> None:
    """Write the samples, or messages of the log, around a moment.

    With --raw only messages are written that hold numbers of driving: no initData but one of the
    redacted names, no positions, no CAN, no texts, no pictures.

    \b
    Example:
      engagement redact clip 00000047--e6318bf623@249.4 --out moment.csv
      engagement redact clip 00000047--e6318bf623@249.4 --raw --out rlog.zst
    """
    if raw:
        codec_of(out)
    with _source(out, options) as (reader, redaction):
        window = window_named(reader, name, options["from_s"], options["to_s"])
        drive_id = window.part.drive_id
        with _shared(reader, redaction, drive_id, options["ends_m"]) as (shared, report):
            new = _same_window(shared, window)
            with writing(out):
                if raw:
                    write_redacted_raw_clip(shared, new, out)
                else:
                    write_clip(shared, new, out)
    _say(out, report, as_json=as_json)


def _same_window(shared: Reader, window: ClipWindow) -> ClipWindow:
    """The same moments in the redacted database, whose drive may begin later."""
    try:
        part = drive_window(shared, window.part.drive_id).part
    except NotFoundError as error:
        raise _nothing_left() from error
    later_s = (part.first_mono_ns - window.part.first_mono_ns) / 1e9
    start_s, end_s = window.part.start_s - later_s, window.part.end_s - later_s
    if end_s <= part.start_s or start_s >= part.end_s:
        raise _nothing_left()
    return drive_window(shared, window.part.drive_id, start_s, end_s)


def _nothing_left() -> InputError:
    return InputError("all of that is where the drive begins or ends, or in a place; see --ends")


@contextmanager
def _shared(
    reader: Reader, redaction: Redaction, drive_id: int, ends_m: float
) -> Iterator[tuple[Reader, DatabaseReport]]:
    """A redacted database of one drive, for as long as the context lasts."""
    reader.narrow("drive_id = $drive_id", {"drive_id": drive_id})
    with tempfile.TemporaryDirectory(prefix="engagement-redact-") as folder:
        path = Path(folder) / "engagement.duckdb"
        report = write_redacted_database(reader, redaction, path, ends_m=ends_m)
        if not report.n_drives:
            raise _nothing_left()
        with Reader(path) as shared:
            yield shared, report


@contextmanager
def _source(out: Path, options: dict[str, Any]) -> Iterator[tuple[Reader, Redaction]]:
    """The database, and what to hide of it; the file may be written."""
    database: Path = options["database"]
    refuse_lake(database, "this makes a copy of")
    key_path: Path = options["key_file"] or database.with_name("redaction.key")
    places: Sequence[Place] = [
        *options["places"],
        *(read_places(options["places_file"]) if options["places_file"] else []),
    ]
    with ExitStack() as stack:
        reader = stack.enter_context(Reader(database))
        require_current(reader, "redacted copy")
        spare_database(out, database)
        events_redact.refuse_own(out, database, key_path)
        if out.exists() and not options["force"]:
            raise InputError(f"--out: {out} is there already; --force replaces it")
        key, is_new = load_key(key_path)
        times: Times = options["times"]
        yield reader, Redaction(Pseudonyms(key), places, times)
    if is_new:
        render.note(f"{text(key_path)}: made this key; with it the names can be told, so keep it")


def _say(out: Path, report: DatabaseReport, *, as_json: bool) -> None:
    if as_json:
        render.print_json({"path": str(out), **asdict(report)})
        return
    left_out = ""
    if report.n_left_out:
        left_out = f", {report.n_left_out} left out that never left the places"
    render.note(
        f"{text(out)}: {count(report.n_drives, 'drive')}{left_out}; "
        f"{count(report.n_positions, 'position')}, {report.n_cut} cut off"
    )
