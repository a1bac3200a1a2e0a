"""What a review prints of an event; names from logs can't tell the terminal anything."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

from engagement.cli import render
from engagement.formats import decimal, duration, text, two_decimals
from engagement.store.event_names import short_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engagement.review.settings import Video
    from engagement.review.steps import Walk
    from engagement.review.video import Found
    from engagement.units import Units

    Row = dict[str, Any]


def print_event(walk: Walk, units: Units) -> None:
    """Print what is known of the event at hand."""
    event = walk.event
    click.echo()
    place = f"event {walk.number} of {len(walk)}"
    click.secho(f"{place}: {text(short_name(event))}", bold=True)
    render.answer(f"  {text(_what(event))}")
    render.answer(f"  {text(_where(event))}")
    render.answer(f"  {text(_measures(event, units))}")
    if event["label"]:
        render.answer(f"  {text(label_words(event))}")
    if event["path"]:
        render.answer(f"  log: {text(event['path'])}")


def _what(event: Row) -> str:
    words = [event["kind"].replace("_", " ")]
    if event["cause"]:
        by = f" ({event['cause_event']})" if event["cause_event"] else ""
        words.append(f"by {event['cause']}{by}")
    marks = [name for name in ("critical", "planned") if event[f"is_{name}"]]
    return " ".join(words) + "".join(f", {mark}" for mark in marks)


def _where(event: Row) -> str:
    """Its place in the drive and in the segment."""
    segment = f"segment {event['segment_num']}"
    if event["segment_time_s"] is not None:
        segment = f"{event['segment_time_s']:.1f} s into {segment}"
    return f"{duration(event['time_s'])} into the drive, {segment}, of device {event['dongle_id']}"


def _measures(event: Row, units: Units) -> str:
    """What is known of how dangerous it was."""
    known: tuple[tuple[str, str, Callable[[float], str], str], ...] = (
        ("severity", "severity", two_decimals, ""),
        ("speed", "speed_mps", lambda mps: decimal(units.speed(mps)), f" {units.speed.name}"),
        ("time to collision", "min_ttc_s", decimal, " s"),
        ("headway", "min_thw_s", decimal, " s"),
        ("braking", "peak_deceleration_mps2", decimal, " m/s2"),
    )
    shown = [
        f"{name} {show(event[column])}{unit}"
        for name, column, show, unit in known
        if event[column] is not None
    ]
    return ", ".join(shown) or "no measure is known"


def label_words(event: Row) -> str:
    """What was said of an event."""
    note = f': "{event["note"]}"' if event["note"] else ""
    return f"labelled {event['label']}{note}"


def video_lines(
    event: Row, found: Found, command: Sequence[str] | None, settings: Video
) -> list[str]:
    """What is played and what is missing; where nothing is there, where it was looked for."""
    missing = ", ".join(found.missing)
    if not found.folders:
        return ["no video: its log's folder is not known, and config/viewer.toml names no tree"]
    if not found.files:
        of = f"no video of segment {event['segment_num']}: no {missing} in"
        return [of, *(f"  {folder}" for folder in found.folders)]
    at = "" if found.second is None else f"; the event is at {found.second:.1f} s"
    if command is None:
        names = ", ".join(player.command[0] for player in settings.players)
        with_what = f"; no player is installed: {names}"
    else:
        with_what = f", played by {PurePath(command[0]).name}"
    lines = [f"video: {found.files[0]}{with_what}{at}"]
    others = [file.name for file in found.files[1:]]
    if others:
        lines.append(f"also there: {', '.join(others)}")
    return [*lines, f"no {missing}"] if missing else lines
