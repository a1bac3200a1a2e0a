"""`engagement rates`: how often drivers intervene and openpilot disengages, in groups of drives."""

from __future__ import annotations

import sys
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from engagement.analysis.labels import count_labelled, parse_labels, tally
from engagement.analysis.rates import MODES, place, shipped_note, usual_mode
from engagement.analysis.selection import select
from engagement.cli import columns, render
from engagement.cli.emptiness import why_no_drives
from engagement.cli.options import (
    by_option,
    database_option,
    drive_filters,
    format_options,
    labels_option,
)
from engagement.cli.table_parts import Column
from engagement.cli.unit_option import chosen_units, units_option
from engagement.cli.wrapping import is_terminal
from engagement.errors import NotFoundError
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from engagement.analysis.labels import Tally
    from engagement.analysis.selection import SelectedDrives
    from engagement.cli.options import Format
    from engagement.filters import Selection
    from engagement.groupings import Crossing
    from engagement.units import Units

    Row = dict[str, Any]
    Parts = dict[str, list[Row]]


@click.command()
@by_option
@click.option(
    "--event",
    "events",
    multiple=True,
    metavar="NAME",
    help="Only the rates of this event: one of `rates`, or a failure of `mtbf`.",
)
@click.option(
    "--mode",
    type=click.Choice(MODES),
    help="In which mode events and exposure count: engaged without; assisted is either, any is all "
    "driving, of saved moments alone.",
)
@labels_option
@drive_filters
@units_option
@format_options
@database_option
def rates(
    *,
    database: Path,
    crossing: Crossing,
    events: tuple[str, ...],
    mode: str | None,
    labels: str | None,
    selection: Selection,
    output: Format,
) -> None:
    """Show how often drivers intervene and openpilot disengages, in groups of drives.

    Every rate stands with its 95 % interval: where two overlap widely, the groups may well be the
    same. JSON has the rows of the views `rates`, `groups` and `mtbf`; CSV those of `groups`, with
    --event those of `rates`, or of `mtbf` where only failures were named.

    A drive whose model, hour and so on change is in each of these groups with its part there: what
    it drove then, and what happened then. Two dimensions are crossed: --by model,night.

    With --mode lateral_only, or assisted, the rates of each event are those while openpilot only
    steered, or did anything; without, those while it was engaged.

    With --labels, events count only if somebody confirmed them; hours and kilometres stay as they
    are, those of drives that nobody looked at included. Then there are the rows of `rates` alone.

    \b
    Example:
      engagement rates --by version
      engagement rates --by model,night
      engagement rates --by car --event critical_event --event lateral_override
      engagement rates --by version --labels true,critical
    """
    is_of_events = bool(events) or labels is not None or mode not in (None, "engaged")
    mode = mode or usual_mode(crossing)
    with Reader(database) as reader:
        selected = select(reader, selection)
        reader.group_by(crossing)
        counted = None if labels is None else _count_labelled(reader, labels)
        # A clean drive and a failure are of all events, whatever they are labelled.
        views = ("rates", "groups", "mtbf") if counted is None else ("rates",)
        parts = {view: _rows(selected, view, crossing) for view in views}
        parts["rates"] = [row for row in parts["rates"] if row["mode"] == mode]
        if mode == "lateral_only":
            parts.pop("mtbf", None)
        names = {view: list(reader.comments(view)) for view in parts}
        units = chosen_units(reader)
        definitions = reader.definitions
        nothing = "" if parts["rates"] else why_no_drives(reader, selection)
    groups = parts.get("groups", parts["rates"])
    if events:
        parts = _of_events(events, parts)
    if output == "json":
        said = {} if counted is None else {"labels": asdict(counted)}
        render.print_json(parts | said | {"definitions": definitions})
    elif output == "csv":
        in_rates = counted is not None or (events and parts["rates"])
        view = "rates" if in_rates else "mtbf" if events else "groups"
        render.print_view_csv(names[view], parts[view], definitions)
    elif not groups:
        render.note(nothing)
    else:
        _print_tables(parts, crossing.words, units, has_events=is_of_events)
        if is_of_events:
            note = shipped_note(parts["rates"], ["per_hour", "per_100km"])
        else:
            note = shipped_note(_in_groups(parts["rates"]), ["per_100km"])
        if note:
            render.note(note)
    if counted is not None:
        render.note(str(counted))
    if any(columns.has_qlogs(row) for row in groups):
        mark = f"{columns.DECIMATED.strip()} " if is_terminal(sys.stdout) else ""
        render.note(f"{mark}some of these drives were read from qlogs, which are coarser")


def _count_labelled(reader: Reader, labels: str) -> Tally:
    return tally(reader, count_labelled(reader, parse_labels(labels)))


def _rows(selected: SelectedDrives, view: str, crossing: Crossing) -> list[Row]:
    """A view's rows, groups in the order in which people give them."""
    rows = selected.rows(f"from {view} where grouped_by = $by", {"by": crossing.name})
    return sorted(rows, key=partial(place, crossing))


def _of_events(events: Iterable[str], parts: Parts) -> Parts:
    """The parts with the rows of some events alone.

    Raises:
        NotFoundError: If there is no row of one of them.
    """
    of_events = [view for view in ("rates", "mtbf") if view in parts]
    known = {row["event"] for view in of_events for row in parts[view]}
    for event in events:
        if known and event not in known:
            raise NotFoundError("event", event, known)
    chosen = {view: [row for row in parts[view] if row["event"] in events] for view in of_events}
    return parts | chosen


def _print_tables(parts: Parts, by: str, units: Units, *, has_events: bool) -> None:
    tables: list[tuple[Sequence[Column], list[Row]]]
    if not has_events:
        tables = [(columns.GROUPS, _with_rates(parts["groups"], parts["rates"]))]
    else:
        tables = [
            (columns.RATES, [_limited(row, "per_hour", "per_100km") for row in parts["rates"]]),
            (columns.MTBF, [_limited_time(row) for row in parts.get("mtbf", [])]),
        ]
    group = Column(by, "group_name", is_whole=True, unit="device")
    n_left_out = 0
    for number, (wanted, rows) in enumerate(table for table in tables if table[1]):
        if number:
            click.echo()
        shown = render.print_rows([group, *wanted], rows, units=units)
        n_left_out += render.n_left_out([group, *wanted], shown)
    render.note_left_out(n_left_out, "--csv")


def _with_rates(groups: Iterable[Row], rates: Iterable[Row]) -> list[Row]:
    """Groups as the table shows them: estimates with their limits, and the rates of some events."""
    rates_by_group: dict[str, Row] = {}
    sources_by_group: dict[str, set[str]] = {}
    for row in _in_groups(rates):
        rate = {f"{row['event']}_per_100km": _limited(row, "per_100km")["per_100km"]}
        rates_by_group.setdefault(row["group_name"], {}).update(rate)
        if row["per_100km_dispersion_source"]:
            sources = sources_by_group.setdefault(row["group_name"], set())
            sources.add(row["per_100km_dispersion_source"])
    untold = {name: (None,) * 3 for found in rates_by_group.values() for name in found}
    return [
        _limited(group, "clean_drive_fraction")
        | untold
        | rates_by_group.get(group["group_name"], {})
        | {"dispersion_sources": ", ".join(sorted(sources_by_group.get(group["group_name"], ())))}
        for group in groups
    ]


def _in_groups(rates: Iterable[Row]) -> list[Row]:
    """The rows of `rates` that stand in the table of groups."""
    shown = {column.name for column in columns.GROUPS}
    return [row for row in rates if f"{row['event']}_per_100km" in shown]


def _limited(row: Row, *names: str) -> Row:
    """A row whose estimates stand with their limits."""
    limits = {name: (row[name], row[f"{name}_lower"], row[f"{name}_upper"]) for name in names}
    return row | limits


def _limited_time(row: Row) -> Row:
    return row | {"mtbf_h": (row["mtbf_h"], row["mtbf_lower_h"], row["mtbf_upper_h"])}
