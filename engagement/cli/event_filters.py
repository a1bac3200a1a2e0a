"""Choosing events: the options that commands on events share, and what they choose."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engagement.analysis.labels import known_labels
from engagement.analysis.selection import select
from engagement.cli.options import drive_filters
from engagement.errors import InputError, suggestion
from engagement.store.causes import load_causes
from engagement.store.event_names import KINDS, MOMENT, check_kinds

if TYPE_CHECKING:
    from collections.abc import Callable

    from engagement.filters import Selection
    from engagement.store.reader import Reader

    Function = TypeVar("Function", bound=Callable[..., Any])
    Row = dict[str, Any]

_CHOSEN = """
select events.*
from events
inner join drives on events.drive_id = drives.drive_id
where (len($kinds) = 0 or list_contains($kinds, events.kind))
    and (len($causes) = 0 or list_contains($causes, events.cause))
    and (events.is_critical or not $is_critical)
    and (
        (len($labels) = 0 and not $is_unlabelled)
        or list_contains($labels, events.label)
        or ($is_unlabelled and events.label is null)
    )
order by
    drives.started_at desc nulls last, drives.drive desc, drives.dongle_id,
    events.mono_ns, events.kind
"""


@dataclass(frozen=True, slots=True)
class EventFilters:
    """What the options say; all of it is nothing where none is given."""

    selection: Selection
    kind: tuple[str, ...]
    cause: tuple[str, ...]
    critical: bool
    worst: int | None
    labels: tuple[str, ...]
    unlabelled: bool

    @property
    def is_any(self) -> bool:
        """Whether one is given."""
        others = (getattr(self, name) for name in self.__slots__ if name != "selection")
        return bool(self.selection.values) or any(others)


class _Kind(click.Choice[str]):
    """A kind of event; which moments are saved, the database knows."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and value.startswith(MOMENT):
            return value
        return super().convert(value, param, ctx)


_OPTIONS = (
    click.option(
        "--kind",
        multiple=True,
        type=_Kind(KINDS),
        help="Only this kind, or moment:NAME of a saved moment; repeatable.",
    ),
    click.option(
        "--cause",
        multiple=True,
        metavar="CAUSE",
        help="Only disengagements of this cause, or of all that begin so: driver, system; "
        "repeatable.",
    ),
    click.option("--critical", is_flag=True, help="Only critical events."),
    click.option(
        "--worst",
        type=click.IntRange(min=1),
        metavar="N",
        help="The N worst: critical ones first, by severity; ends of drives aside.",
    ),
    click.option(
        "--label",
        "labels",
        multiple=True,
        metavar="LABEL",
        help="Only events that were labelled so; repeatable.",
    ),
    click.option(
        "--unlabelled", is_flag=True, help="Only events without a label; or with --label's."
    ),
)


def event_filters(function: Function) -> Function:
    """Add the options; the command gets `filters`."""

    @wraps(function)
    def with_filters(*args: Any, **options: Any) -> Any:
        given = {name: options.pop(name) for name in EventFilters.__slots__}
        return function(*args, filters=EventFilters(**given), **options)

    decorated: Any = with_filters
    for add_option in reversed(_OPTIONS):
        decorated = add_option(decorated)
    return drive_filters(decorated)  # type: ignore[no-any-return]


def chosen_events(reader: Reader, filters: EventFilters) -> list[Row]:
    """The events that fit, newest drives first; the worst ones of them, the worst first.

    Raises:
        NotFoundError: If there is no such drive, device, label or saved moment.
        InputError: If there is no such cause.
    """
    rows = all_chosen(reader, filters)
    return rows if filters.worst is None else worst(rows, filters.worst)


def all_chosen(reader: Reader, filters: EventFilters) -> list[Row]:
    """The same without a look at how many are wanted."""
    check_kinds(reader, filters.kind)
    wanted = {
        "kinds": filters.kind,
        "causes": _causes(filters.cause),
        "is_critical": filters.critical,
        "labels": known_labels(reader, filters.labels),
        "is_unlabelled": filters.unlabelled,
    }
    return select(reader, filters.selection).rows(_CHOSEN, wanted)


def worst(rows: list[Row], n_rows: int) -> list[Row]:
    """The worst events: critical ones first, by severity."""
    moving = [row for row in rows if row["cause"] != "end_of_drive"]
    moving.sort(key=lambda row: (bool(row["is_critical"]), row["severity"] or 0), reverse=True)
    return moving[:n_rows]


def _causes(wanted: tuple[str, ...]) -> list[str]:
    """The causes that were named, in full or by how they begin."""
    causes = load_causes()
    found = []
    for text in wanted:
        alike = [cause for cause in causes if cause == text or cause.startswith(f"{text}_")]
        if not alike:
            near = suggestion(text, causes)
            raise InputError(
                f"--cause: no cause {text!r}{near if 'did you mean' in near else ''}; there are "
                f"{', '.join(causes)}, and driver, system and car for all of theirs"
            )
        found += alike
    return found
