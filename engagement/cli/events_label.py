"""`engagement events label` and `labels`: what people say of events, kept beside the numbers."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from engagement.cli import columns, render
from engagement.cli.options import FILE, database_option, format_options, json_option
from engagement.cli.wrapping import is_terminal
from engagement.formats import count, text
from engagement.store.event_names import short_name
from engagement.store.label_files import read_labels
from engagement.store.labels import bring_labels, label_events, remove_labels
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from pathlib import Path

    from engagement.cli.options import Format
    from engagement.store.labels import LabelReport

_WITHOUT_EVENT = "no event is there for {}; it gets its label when it comes"


@click.command()
@click.argument("words", nargs=-1, metavar="ID... LABEL")
@click.option(
    "--note", metavar="TEXT", help="What else there is to say; without it a note stays, '' ends it."
)
@click.option("--remove", is_flag=True, help="Take the labels of these events away; no LABEL.")
@click.option(
    "--from",
    "source",
    type=FILE,
    metavar="FILE",
    help="Take the labels of this .json, .csv or .parquet file; no ID and no LABEL.",
)
@click.option("--new", "is_new", is_flag=True, help="Take a LABEL that looks like a misspelt one.")
@json_option
@database_option
def label(
    *,
    words: tuple[str, ...],
    note: str | None,
    remove: bool,
    source: Path | None,
    is_new: bool,
    as_json: bool,
    database: Path,
) -> None:
    """Say of events what they were: true, false, critical, uncritical, planned, unsure.

    Any other lower-case word will do. An ID is as `engagement events` lists it. An event has one
    label; another takes its place. Labels outlive `recompute`, logs that are ingested again, and a
    qlog that becomes an rlog, and the views `events` and `event_labels` have them.

    --from reads an export of the view `event_labels`, or one of `events` into which labels were
    written; of two labels for an event the newer one stays. Labels of drives that are not there
    wait for them.

    \b
    Example:
      engagement events label 00000047--e6318bf623@249.4 planned --note "exit ramp"
      engagement events label --remove 00000047--e6318bf623@249.4
      engagement events label --from labels.csv
    """
    if source is not None:
        if words or remove or note is not None or is_new:
            raise click.UsageError("--from stands alone: the file says events, labels and notes")
        report = bring_labels(database, read_labels(source))
    elif remove:
        if not words or note is not None or is_new:
            raise click.UsageError("--remove takes ID..., and neither --note nor --new")
        report = remove_labels(database, words)
    else:
        *names, word = _with_label(words)
        report = label_events(database, names, word, note, is_new=is_new)
    if as_json:
        render.print_json(asdict(report))
    else:
        render.note(_summary(report))


def _with_label(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words, the last of which is a label.

    Raises:
        UsageError: If it is an event, or there is no event.
    """
    if not words:
        raise click.UsageError("label what? write ID... LABEL, --remove ID... or --from FILE")
    if any(mark in words[-1] for mark in "@|/"):
        raise click.UsageError(f"{text(words[-1])} is an event: the label stands last")
    if len(words) == 1:
        raise click.UsageError(f"which events are {text(words[0])}? write ID... LABEL")
    return words


def _summary(report: LabelReport) -> str:
    if report.n_removed:
        return f"removed {count(report.n_removed, 'label')}"
    done = [
        f"labelled {count(report.n_written, 'event')}",
        f"{count(report.n_replaced, 'label')} replaced" if report.n_replaced else "",
        f"{report.n_unchanged} labelled so before" if report.n_unchanged else "",
        f"{report.n_older} not taken, as there is a newer one" if report.n_older else "",
        _WITHOUT_EVENT.format(report.n_without_event) if report.n_without_event else "",
    ]
    return "; ".join(part for part in done if part)


@click.command()
@format_options
@database_option
def labels(*, database: Path, output: Format) -> None:
    """List the labels, newest first, also those whose event is gone.

    JSON and CSV have every column of the view `event_labels`, and `events label --from` takes them.

    \b
    Example:
      engagement events labels
      engagement events labels --csv > labels.csv
    """
    with Reader(database) as reader:
        names = list(reader.comments("event_labels"))
        rows = reader.rows(
            "from event_labels order by labelled_at_utc desc, dongle_id, drive, labelled_mono_ns"
        )
    if output == "table":
        rows = [row | _named(row) for row in rows]
    render.print_list(
        columns.LABELS,
        names,
        rows,
        output,
        definitions=reader.definitions,
        nothing="no event is labelled",
    )
    n_gone = sum(row["event_id"] is None for row in rows)
    if output == "table" and n_gone and is_terminal(sys.stdout):
        render.note(f"{columns.GONE.strip()} no event is there, or none of that kind any more")


def _named(row: dict[str, Any]) -> dict[str, Any]:
    """The event as it is called now, or in full as it was called."""
    if row["event_id"] is not None:
        return {"event": short_name(row)}
    parts = (row["dongle_id"], row["drive"], row["kind"], row["labelled_mono_ns"])
    return {"event": "|".join(map(str, parts))}
