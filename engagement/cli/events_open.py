"""`engagement events open`: events one by one, each in a viewer at its moment."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, get_args

import click
import msgspec

from engagement.analysis.selection import select
from engagement.cli import render
from engagement.cli.emptiness import why_no_events
from engagement.cli.event_filters import chosen_events, event_filters
from engagement.cli.options import FILE, FOLDER, database_option, json_option
from engagement.cli.unit_option import chosen_units, units_option
from engagement.extract.choice import choose_can
from engagement.filters import Selection
from engagement.formats import count, text
from engagement.review import settings as review_settings
from engagement.review.imported import make_database
from engagement.review.opening import make_opener
from engagement.review.video import find_video, player_command
from engagement.review.viewer import NoViewerError
from engagement.store.event_names import find_events, short_name
from engagement.store.ingest_options import IngestOptions
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from engagement.cli.event_filters import EventFilters
    from engagement.review.opening import Opener
    from engagement.review.plans import Plan
    from engagement.review.settings import Settings

    Row = dict[str, Any]

# What stands for the folder of a clip that is not written.
_FOLDER = Path("CLIP_FOLDER")

_IMPORTED = """
from legacy_debug_events
where
    is_imported
    and segment_num is not null
    and abs(time_in_segment_s) < 1e9
    and (not $is_chosen or drive_id in (select drive_id from drives))
order by device_id, drive, event_num
"""


@click.command("open")
@click.argument("names", nargs=-1, metavar="[ID]...")
@event_filters
@click.option(
    "--with",
    "kind_of_viewer",
    type=click.Choice(get_args(review_settings.Viewer)),
    help="What to look at events with.  [default: as config/viewer.toml says, plotjuggler]",
)
@click.option("--video", is_flag=True, help="Play the segment's video too, from the event on.")
@click.option("--url", metavar="URL", help="Where `engagement serve` runs, for --with browser.")
@click.option(
    "--imported",
    "is_imported",
    is_flag=True,
    help="Events of an old debug_events.json that was imported, whose logs are where it says.",
)
@click.option(
    "--logs", type=FOLDER, metavar="DIR", help="With --imported: the logs are in this rlogs folder."
)
@click.option("--keep-open", is_flag=True, help="Leave the last event open at the end.")
@click.option(
    "--config",
    "settings_file",
    type=FILE,
    metavar="FILE",
    help="In the place of config/viewer.toml.",
)
@units_option
@json_option
@database_option
def open_(
    *,
    names: tuple[str, ...],
    filters: EventFilters,
    kind_of_viewer: review_settings.Viewer | None,
    video: bool,
    url: str | None,
    is_imported: bool,
    logs: Path | None,
    keep_open: bool,
    settings_file: Path | None,
    as_json: bool,
    database: Path,
) -> None:
    """Step through events, each opened at its moment: in PlotJuggler, the dashboard or Foxglove.

    Events are named by ID, as `engagement events` lists them, or chosen by its filters. A key goes
    to the next or the previous one, opens it again, labels it, notes something, or ends: ? tells
    them all. A viewer gets a clip of some seconds, which is removed as soon as you go on.

    Imported events of drives that are not ingested are opened with --imported, where their logs are
    there: these are read for the time of the review, and nothing is kept of it, no label either.

    Which programs there are, and how they are started, is in config/viewer.toml; where PlotJuggler
    is not, the browser is used. With --json, and
    where there is no terminal, nothing is opened: what would be is printed.

    \b
    Example:
      engagement events open 00000047--e6318bf623@249.4
      engagement events open --critical --worst 10 --with browser
      engagement events open --drive 00000046 --video
      engagement events open --imported --drive 2025-07-30--08-00-00
    """
    settings = _settings(settings_file, url)
    kind = kind_of_viewer or settings.viewer
    if url is not None and kind != "browser":
        raise click.UsageError(f"--url is for --with browser, not {kind}")
    if url is not None and is_imported:
        raise click.UsageError("--url is for events that are ingested, which its server has")
    if logs and not is_imported:
        raise click.UsageError("--logs goes with --imported")
    with ExitStack() as stack:
        if is_imported:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="engagement-")))
            wanted = _imported(database, names, filters)
            database = folder / "imported.duckdb"
            events, nothing = _made(database, wanted, logs)
        else:
            events, nothing = _choose(database, names, filters)
        _open(
            database, events, nothing, kind, settings,
            is_wanted=kind_of_viewer is not None,
            video=video, keep_open=keep_open, as_json=as_json,
        )  # fmt: skip


def _imported(
    database: Path, names: tuple[str, ...], filters: EventFilters
) -> list[dict[str, Any]]:
    """The imported events of the drives that are selected."""
    if names or replace(filters, selection=Selection()).is_any:
        raise click.UsageError("with --imported only drives are chosen: --device, --drive, --since")
    is_chosen = bool(filters.selection.values)
    with Reader(database) as reader:
        return select(reader, filters.selection).rows(_IMPORTED, {"is_chosen": is_chosen})


def _made(database: Path, wanted: list[dict[str, Any]], logs: Path | None) -> tuple[list[Row], str]:
    """The imported events whose logs are there, as events of a database of their own."""
    options = IngestOptions(choose_can(profiles_file=None, name=None, cwd=Path.cwd()))
    events, missing = make_database(database, wanted, logs, options)
    if missing:
        render.note(text(f"{count(len(missing), 'event')} without its log, as {missing[0]}"))
    if events:
        render.note("labels of these events are not kept: ingest their logs to label them")
    return events, "no imported event has its log there; --logs names their folder"


def _open(
    database: Path,
    events: list[Row],
    nothing: str,
    kind: review_settings.Viewer,
    settings: Settings,
    *,
    is_wanted: bool,
    video: bool,
    keep_open: bool,
    as_json: bool,
) -> None:
    """Go through events of a database, or print what would be opened."""
    if not events and not as_json:
        render.note(nothing)
        return
    opener = _opener(kind, database, settings, is_wanted=is_wanted)
    if as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        _print_plans(events, opener, settings if video else None, as_json=as_json)
        return
    # For a terminal alone.
    from engagement.cli.keys import Keys  # noqa: PLC0415
    from engagement.cli.review_prompt import Review  # noqa: PLC0415

    with Reader(database) as reader:
        units = chosen_units(reader)
    keys = Keys()
    review = Review(
        database, settings, opener, keys, with_video=video, keep_open=keep_open, units=units
    )
    review.run(events)


def _opener(
    kind: review_settings.Viewer, database: Path, settings: Settings, *, is_wanted: bool
) -> Opener:
    """What opens events; without PlotJuggler the browser, unless that was asked for."""
    try:
        return make_opener(kind, database, settings)
    except NoViewerError:
        if is_wanted:
            raise
        render.note("no PlotJuggler is here: the browser is used; `--with plotjuggler` says more")
        return make_opener("browser", database, settings)


def _choose(database: Path, names: tuple[str, ...], filters: EventFilters) -> tuple[list[Row], str]:
    """The events that are named or chosen; one of both is needed. Where there are none: why."""
    if not (names or filters.is_any):
        raise click.UsageError("name events by ID, or choose some: --drive NAME, --worst N")
    if names and filters.is_any:
        raise click.UsageError("an ID stands alone: the filters choose among all events")
    with Reader(database) as reader:
        if names:
            return find_events(reader, names), ""
        events = chosen_events(reader, filters)
        return events, "" if events else why_no_events(reader, filters)


def _settings(file: Path | None, url: str | None) -> Settings:
    settings = review_settings.load_settings(file, Path.cwd())
    if url is None:
        return settings
    return msgspec.structs.replace(settings, browser=review_settings.Browser(url))


def _print_plans(
    events: list[Row], opener: Opener, settings: Settings | None, *, as_json: bool
) -> None:
    """Print what would be opened; `settings` are given where video is wanted."""
    documents = [_document(event, opener.plan(event, _FOLDER), settings) for event in events]
    if as_json:
        render.print_json(documents)
        return
    for event, document in zip(events, documents, strict=True):
        click.echo(text(f"{short_name(event)} {event['kind']} {event['cause'] or ''}".rstrip()))
        what = document["url"] or " ".join(document["command"] or document["files"])
        click.echo(f"  {text(what)}")
        for name, value in (document["video"] or {}).items():
            click.echo(text(f"  video {name}: {_listed(value)}"))
    render.note("no terminal: nothing was opened")


def _listed(value: list[str] | None) -> str:
    return " ".join(value or ["-"])


def _document(event: Row, plan: Plan, settings: Settings | None) -> dict[str, Any]:
    return {
        "event_id": event["event_id"],
        "drive": event["drive"],
        "kind": event["kind"],
        "cause": event["cause"],
        "time_s": event["time_s"],
        "segment_num": event["segment_num"],
        "segment_time_s": event["segment_time_s"],
        "path": event["path"],
        "way": plan.way,
        "command": list(plan.start.command) if plan.start else None,
        "environment": dict(plan.start.environment) if plan.start else {},
        "files": list(plan.files),
        "url": plan.url,
        "video": _video(event, settings) if settings else None,
    }


def _video(event: Row, settings: Settings) -> dict[str, Any]:
    found = find_video(event, settings.video)
    command = None
    if found.files:
        command = player_command(found.files[0], found.second, settings.video)
    return {
        "files": [str(file) for file in found.files],
        "missing": list(found.missing),
        "folders": [str(folder) for folder in found.folders],
        "command": command,
    }
