"""`engagement events`: ends of engagements and overrides, one by one, worst first if wanted."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from engagement.cli import columns, render
from engagement.cli.event_filters import all_chosen, event_filters, worst
from engagement.cli.formats import count
from engagement.cli.options import database_option, format_options
from engagement.errors import suggestion
from engagement.store.events import short_name
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from pathlib import Path

    from engagement.cli.event_filters import Filters
    from engagement.cli.options import Format

# By name: the module and attribute of each, and what it does.
_COMMANDS = {
    "open": ("events_open", "open_", "Step through events, each opened at its moment."),
    "label": ("events_label", "label", "Say of events what they were: true, planned, critical."),
    "labels": ("events_label", "labels", "List the labels."),
    "redact": ("events_redact", "redact", "Export events for sharing, without who and where."),
}


class _Group(click.Group):
    """The list of events, and commands that are imported when they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[cmd_name]
        name = f"engagement.cli.{module}"
        try:
            command: click.Command = getattr(import_module(name), attribute)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            ctx.fail(f"{cmd_name}: this installation has no such command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in _COMMANDS:
            ctx.fail(f"no command {args[0]!r}{suggestion(args[0], _COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, title) for name, (_, _, title) in _COMMANDS.items()])


@click.group(cls=_Group, invoke_without_command=True, subcommand_metavar="[COMMAND [ARGS]...]")
@event_filters
@format_options
@database_option
@click.pass_context
def events(ctx: click.Context, /, *, database: Path, filters: Filters, output: Format) -> None:
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
    rows = found if filters.worst is None else worst(found, filters.worst)
    if output == "table":
        rows = named(rows)
    render.print_list(columns.EVENTS, names, rows, output, noun="event")
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
