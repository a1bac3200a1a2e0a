"""`engagement events`: ends of engagements and overrides, one by one, worst first if wanted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from engagement.cli import columns, render
from engagement.cli.emptiness import why_no_events
from engagement.cli.event_filters import all_chosen, event_filters, worst
from engagement.cli.lazy import Lazy, LazyGroup
from engagement.cli.options import database_option, format_options
from engagement.cli.unit_option import chosen_units, units_option
from engagement.formats import count
from engagement.store.event_names import short_name
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from pathlib import Path

    from engagement.cli.event_filters import EventFilters
    from engagement.cli.options import Format

_COMMANDS = {
    "open": Lazy("events_open", "Step through events, each opened at its moment."),
    "label": Lazy("events_label", "Say of events what they were: true, planned, critical."),
    "labels": Lazy("events_label", "List the labels."),
    "redact": Lazy("events_redact", "Export events for sharing, without who and where."),
}


@click.group(
    cls=LazyGroup,
    lazy=_COMMANDS,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND [ARGS]...]",
)
@event_filters
@units_option
@format_options
@database_option
@click.pass_context
def events(ctx: click.Context, /, *, database: Path, filters: EventFilters, output: Format) -> None:
    """List disengagements and overrides: where, why, and how dangerous.

    Newest drives come first, events in the order of their time. Severity is the worst ratio of a
    measure to the threshold that makes it critical. JSON and CSV have every column of `events`;
    a table in a terminal those there is room for.

    What stands under "event" names it for `events open`, `events label` and `clip`.

    \b
    Example:
      engagement events --worst 10
      engagement events --cause system --since 2025-07-01 --csv
      engagement events --critical --unlabelled
    """
    if ctx.invoked_subcommand:
        _refuse_options(ctx)
        return
    with Reader(database) as reader:
        found = all_chosen(reader, filters)
        names = list(reader.comments("events"))
        units = chosen_units(reader)
        nothing = "" if found else why_no_events(reader, filters)
    rows = found if filters.worst is None else worst(found, filters.worst)
    if output == "table":
        rows = named(rows)
    render.print_list(
        columns.EVENTS,
        names,
        rows,
        output,
        definitions=reader.definitions,
        nothing=nothing,
        units=units,
    )
    if output == "table" and any(row["exempt_by"] for row in rows):
        render.note("in brackets: why it is no intervention")
    if output == "table" and len(found) > len(rows) > 0:
        render.note(f"the worst of {count(len(found), 'event')}")


def _refuse_options(ctx: click.Context) -> None:
    """Options of the list do nothing for a subcommand, which is not to be passed over."""
    for parameter in ctx.command.params:
        is_given = ctx.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if is_given and parameter.name != "database":
            option = parameter.opts[0]
            ctx.fail(
                f"{option} is of the list; what {ctx.invoked_subcommand} takes stands after it"
            )


def named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events, each with the shortest name that tells it from the others as its `event`."""
    spellings = [
        [short_name(row) for row in rows],
        [f"{short_name(row)}/{row['kind']}" for row in rows],
        [row["event_id"] for row in rows],
    ]
    times = [Counter(names) for names in spellings]
    return [
        row | {"event": next(name for name, n in zip(names, times, strict=True) if n[name] == 1)}
        for row, *names in zip(rows, *spellings, strict=True)
    ]
