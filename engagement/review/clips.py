"""The clip of an event, in a folder of its own: samples, the log's messages, or the whole log."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow.parquet as pq

from engagement.errors import InputError, LogError
from engagement.export.clip_table import event_window, write_clip
from engagement.logs.codec import decompress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engagement.export.clip_table import ClipWindow
    from engagement.review.settings import Feed, Settings
    from engagement.store.reader import Reader


def write(
    reader: Reader,
    event: Mapping[str, Any],
    settings: Settings,
    feed: Feed | Literal["mcap"],
    out: Path,
) -> ClipWindow:
    """Write what a viewer is fed with, and say what time around the event that is.

    Raises:
        InputError: If there is no sample around the event, or its log is not there any more.
        LogError: If its log can't be read.
        OSError: If the clip can't be written.
    """
    clip = event_window(reader, event, -settings.before_s, settings.after_s)
    if feed == "log":
        _copy_log(event, out)
    elif feed == "raw":
        from engagement.export.raw import write_raw_clip  # noqa: PLC0415 - takes its time

        write_raw_clip(reader, clip, out)
    else:
        write_clip(reader, clip, out)
    if feed == "csv":
        _fill_first_row(out)
    return clip


def columns(clip: Path) -> list[str]:
    """The names of a clip's columns."""
    if clip.suffix == ".parquet":
        return list(pq.read_schema(clip).names)
    with clip.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def _fill_first_row(clip: Path) -> None:
    """Let the first row have each column's first number of the clip.

    Some versions of PlotJuggler take a column that is empty there for text, and plot no text.
    """
    with clip.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    firsts = [next(filter(None, column), "") for column in zip(*rows, strict=True)]
    filled = [
        first if _is_number(first) else cell for cell, first in zip(rows[0], firsts, strict=True)
    ]
    with clip.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, filled, *rows[1:]])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _copy_log(event: Mapping[str, Any], out: Path) -> None:
    """Copy the log of the event's segment, decompressed: the rlog plugin reads nothing else."""
    if not event["path"]:
        raise InputError(f"{event['event_id']}: the database names no log of its segment")
    log = Path(event["path"])
    try:
        found = decompress(log.read_bytes())
    except OSError as error:
        raise LogError(log, f"can't be read: {error.strerror}") from error
    if not found.raw:
        raise LogError(log, found.damage or "it is empty")
    out.write_bytes(found.raw)
