"""`engagement clip`: samples, or the log's messages, around a moment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engagement.cli import render
from engagement.cli.options import database_option, json_option
from engagement.cli.output_files import spare_database, writing
from engagement.errors import InputError, NotFoundError
from engagement.export.clip_table import (
    ClipReport,
    ClipWindow,
    drive_window,
    event_window,
    write_clip,
)
from engagement.export.raw import log_name, write_raw_clip
from engagement.export.window import AFTER_S, BEFORE_S
from engagement.files import replacing
from engagement.formats import count, size, text
from engagement.store.drive_names import find_drive
from engagement.store.event_names import find_events
from engagement.store.reader import Reader
from engagement.video.clips import video_clip

if TYPE_CHECKING:
    from engagement.store.drive_names import NamedDrive


@click.command()
@click.argument("name", metavar="EVENT|DRIVE")
@click.option(
    "--from",
    "from_s",
    type=float,
    metavar="S",
    help="Seconds from the event, or from the drive's first sample.  "
    "[default: -10 for an event, else where its logs begin]",
)
@click.option(
    "--to",
    "to_s",
    type=float,
    metavar="S",
    help="The same; the moment itself is left out.  [default: 10 for an event, else the end]",
)
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The file: .csv, .parquet or .mcap; with --raw a log: rlog.zst, rlog.bz2 or rlog; "
    "with --video .mp4.",
)
@click.option("--raw", is_flag=True, help="Write the messages of the logs instead of samples.")
@click.option("--video", is_flag=True, help="Write the road's pictures, cut at a key frame.")
@click.option("--overlay", is_flag=True, help="With --video: speed, mode and cause drawn on it.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@json_option
@database_option
def clip(
    *,
    name: str,
    from_s: float | None,
    to_s: float | None,
    out: Path,
    raw: bool,
    video: bool,
    overlay: bool,
    force: bool,
    database: Path,
    as_json: bool,
) -> None:
    """Write the samples, or the log's messages, around a moment.

    An event is named by its event_id or the start of it, or by DRIVE@SECONDS or DRIVE@M:SS; `/` may
    stand for the `|` in an id. CSV and Parquet are tables that PlotJuggler reads without a plugin,
    their time is the column time_s; MCAP is for Foxglove. With --raw the messages come from the
    logs that were ingested, byte for byte, and a folder as FILE gets a log compressed as they are.
    With --video it is MP4 of the small videos beside the logs, as they are; --overlay draws on it.

    \b
    Example:
      engagement clip 00000047--e6318bf623@249.4 --out moment.csv
      engagement clip 00000047--e6318bf623 --from 60 --to 90 --out part.mcap
      engagement clip 00000046@54.3 --from -5 --to 5 --raw --out rlog.zst
      engagement clip 00000046@54.3 --video --overlay --out moment.mp4
    """
    _check_kind(out, raw=raw, video=video, overlay=overlay)
    with Reader(database) as reader:
        window = window_named(reader, name, from_s, to_s)
        if raw and out.is_dir():
            out /= log_name(reader, window)
        _check(out, database, force=force)
        with writing(out):
            if video:
                report = _write_video(reader, window, out, has_overlay=overlay)
            else:
                report = (write_raw_clip if raw else write_clip)(reader, window, out)
    _print(report, window, as_json=as_json)


def _check_kind(out: Path, *, raw: bool, video: bool, overlay: bool) -> None:
    if raw and video:
        raise click.UsageError("--raw and --video are two kinds of clips; name one")
    if overlay and not video:
        raise click.UsageError("--overlay is for --video")
    if video and out.suffix.lower() != ".mp4":
        raise InputError(f"--out: {out} is no name for a video, which ends in .mp4")


def _write_video(reader: Reader, window: ClipWindow, out: Path, *, has_overlay: bool) -> ClipReport:
    made, n_segments = video_clip(reader, window.part, has_overlay=has_overlay)
    with replacing(out) as file:
        file.write(made)
    return ClipReport(out, "mp4", {"segment": n_segments}, len(made))


def window_named(reader: Reader, name: str, from_s: float | None, to_s: float | None) -> ClipWindow:
    """The window of an event, or of a drive where the name is that of one."""
    if "@" not in name:
        try:
            drive = find_drive(reader, name)
        except NotFoundError:
            if not {"|", "/"} & set(name):
                raise
        else:
            return _drive_window(reader, drive, from_s, to_s)
    [event] = find_events(reader, [name])
    return event_window(
        reader,
        event,
        -BEFORE_S if from_s is None else from_s,
        AFTER_S if to_s is None else to_s,
    )


def _drive_window(
    reader: Reader, drive: NamedDrive, from_s: float | None, to_s: float | None
) -> ClipWindow:
    try:
        return drive_window(reader, drive.drive_id, from_s, to_s)
    except NotFoundError as error:
        raise NotFoundError("samples of drive", drive.drive) from error


def _check(out: Path, database: Path, *, force: bool) -> None:
    """Spare what is there already, and the database in any case."""
    if str(out) == "-":
        raise InputError("--out: a clip is a file, whose name says its format; - is none")
    try:
        out.stat()
    except FileNotFoundError:
        return
    spare_database(out, database)
    if not out.is_file():
        raise InputError(f"--out: {out} is no regular file")
    if not force:
        raise InputError(f"--out: {out} is there already; --force replaces it")


def _print(report: ClipReport, window: ClipWindow, *, as_json: bool) -> None:
    if as_json:
        counts = {f"n_{noun}s": number for noun, number in report.counts.items()}
        render.print_json(_document(report, window) | counts)
        return
    counted = ", ".join(count(number, noun) for noun, number in report.counts.items())
    part = window.part
    moment = ""
    if window.event:
        cause = window.event["cause"]
        moment = f" around a {window.event['kind']}" + (f" ({cause})" if cause else "")
    render.say(
        f"{text(report.path)}: {counted}, {size(report.size_bytes)}: "
        f"{window.drive} from {part.start_s:z.1f} s to {part.end_s:z.1f} s{moment}"
    )


def _document(report: ClipReport, window: ClipWindow) -> dict[str, Any]:
    return {
        "path": str(report.path),
        "format": report.format,
        "size_bytes": report.size_bytes,
        **window.facts(),
    }
