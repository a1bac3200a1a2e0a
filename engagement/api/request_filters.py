"""Which rows of a view are wanted: each filter is a parameter of the URL and one condition in SQL.

Filters that tell of drives leave the rows that are of such drives; a view that sums drives up is
computed over them alone. The others need a column of the view's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any

from litestar.params import QueryParameter

from engagement.analysis.labels import parse_labels
from engagement.api.problems import ParameterError
from engagement.errors import InputError
from engagement.filters import DRIVE_FILTERS, Filter, Selection
from engagement.groupings import ALL, OPTIONS, parse_crossing
from engagement.store.event_names import MOMENT, check_kinds
from engagement.store.fingerprints import read_drives
from engagement.store.given_names import device_called
from engagement.store.serving import Narrowing
from engagement.store.views import load_views

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from engagement.groupings import Crossing
    from engagement.store.serving import Generation

_OF_ROWS = {
    one.name: one
    for one in (
        Filter("kind", "kind", "Kind of event.", label="Kind"),
        Filter("cause", "cause", "Cause of a disengagement.", label="Cause"),
        Filter("cause_event", "cause_event", "The event that says so."),
        Filter(
            "min_severity", "severity", "Least severity; 1 and above is critical.",
            kind=float, operator=">=", label="Severity from",
        ),
        Filter("is_critical", "is_critical", "Critical or not.", kind=bool, label="Critical"),
        Filter("is_planned", "is_planned", "Planned or not.", kind=bool, label="Planned"),
        Filter("grouped_by", "grouped_by", "What groups are made by."),
        Filter("group_name", "group_name", "Name of a group."),
        Filter("event", "event", "Event that is counted."),
        Filter("mode", "mode", "engaged, lateral_only or, of rates, assisted."),
        Filter("label", "label", "What somebody said that an event was.", label="Label"),
        Filter(
            "is_unlabelled", "label", "Whether nobody has said what an event was.",
            kind=bool, operator="is null =", label="Unlabelled",
        ),
    )
}  # fmt: skip
EVENT_FIELDS = {name: one for name, one in _OF_ROWS.items() if one.label}
_OF_FAILURES = "mtbf"  # they are no events, so they have no labels
_LABELS = Filter("labels", "label", "Only events with one of these labels count; with commas.")
_BY = Filter(
    "group_by", "grouped_by",
    f"What groups are made by, instead of each: {', '.join((ALL, *OPTIONS))}; or two with a comma.",
)  # fmt: skip
FILTERS: Mapping[str, Filter] = {
    **DRIVE_FILTERS, **_OF_ROWS, _LABELS.name: _LABELS, _BY.name: _BY,
}  # fmt: skip
MAX_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Filters:
    """The values that a request gave, by the names of the filters."""

    values: Mapping[str, Any]

    @property
    def _selection(self) -> Selection:
        return Selection({n: value for n, value in self.values.items() if n in DRIVE_FILTERS})

    def check(self, view: str, columns: Collection[str]) -> None:
        """Refuse a filter that makes no sense, or none on this view.

        Raises:
            ParameterError: Naming the filter.
        """
        if not self.values:
            return
        check_days(self._selection)
        for name in self.values:
            if not is_applicable(name, view, columns):
                raise ParameterError(name, f"the view {view} can't be filtered by it")
        self._crossing()  # a wrong one is refused before anything is computed

    def on_rows(
        self, generation: Generation, columns: Collection[str]
    ) -> tuple[list[str], dict[str, Any]]:
        """The conditions on a view's own rows, and the values of their parameters.

        Raises:
            NotFoundError: If a drive or a kind of event is asked for that there is not.
        """
        values = {name: value for name, value in self.values.items() if name in _OF_ROWS}
        if kinds := _kinds(values):
            check_kinds(generation, kinds)
        found = [_OF_ROWS[name].condition for name in values]
        if "drive_id" in columns:
            drives = self.drives(generation)
            values |= drives.values
            if list(drives.values) == ["drive"]:
                found += drives.conditions
            elif drives.values:
                kept = generation.in_memory("drives")
                found.append(f"drive_id in (select drive_id from {kept} where {drives.where})")
        return found, values

    def narrowing(self, generation: Generation, columns: Collection[str]) -> Narrowing | None:
        """The drives that a view without drives of its own is to be computed over; None for all.

        Raises:
            NotFoundError: If a drive is asked for that there is not.
            ParameterError: If no label is among the labels.
        """
        if "drive_id" in columns:
            return None
        drives = self.drives(generation)
        labels = _labels(self.values[_LABELS.name]) if _LABELS.name in self.values else None
        crossing = self._crossing()
        if labels is None and crossing is None and not drives.values:
            return None
        return Narrowing(drives.where if drives.values else "", drives.values, labels, crossing)

    def _crossing(self) -> Crossing | None:
        if _BY.name not in self.values:
            return None
        try:
            return parse_crossing(self.values[_BY.name])
        except InputError as error:
            raise ParameterError(_BY.name, str(error).removeprefix("--by ")) from error

    def drives(self, generation: Generation) -> Selection:
        """The drives that are selected: the number of one, the id of a device for its name.

        Raises:
            NotFoundError: If a drive is asked for that there is not.
        """
        given = dict(self._selection.values)
        if "drive" in given:
            given["drive"] = find_drive_id(generation, given["drive"])
        if "device" in given:
            given["device"] = device_called(generation, given["device"])
        return Selection(given)


def check_days(selection: Selection) -> None:
    """Refuse days in the wrong order.

    Raises:
        ParameterError: Naming the later one.
    """
    if selection.is_backwards:
        problem = f"{selection['until']} is before since, {selection['since']}"
        raise ParameterError("until", problem)


def is_applicable(name: str, view: str, columns: Collection[str]) -> bool:
    """Whether a filter makes sense on a view."""
    if name in _OF_ROWS:
        return _OF_ROWS[name].column in columns
    if name == _BY.name:
        return "drive_id" not in columns and view in _over("part_groups")
    if name == _LABELS.name:
        return "drive_id" not in columns and view in _over("event_counts") - {_OF_FAILURES}
    return "drive_id" in columns or view in _over("drives")


@cache
def _over(name: str) -> frozenset[str]:
    """A view, and all views that are computed from it, directly or not."""
    found = {name}
    for view in load_views():
        if view.reads & found:
            found.add(view.name)
    return frozenset(found)


def _kinds(values: Mapping[str, Any]) -> list[str]:
    """The kinds of events that are asked for; what else is counted as an event has no list."""
    named = {name: values[name] for name in ("kind", "event") if name in values}
    return [one for name, one in named.items() if name == "kind" or one.startswith(MOMENT)]


def _labels(text: str) -> tuple[str, ...]:
    try:
        return parse_labels(text)
    except InputError as error:
        raise ParameterError("labels", "it names no label") from error


def find_drive_id(generation: Generation, name: str) -> int:
    """The number of a drive: given as such, as DEVICE|DRIVE, or by its name alone.

    Raises:
        NotFoundError: If there is no such drive.
        ParameterError: If several drives are called so.
    """
    try:
        return read_drives(generation).names.find(name).drive_id
    except InputError as error:
        raise ParameterError("drive", str(error)) from error


def takes(parameters: Iterable[Parameter]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a function of keywords the signature that Litestar reads its parameters from."""

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        declared: Any = function
        declared.__signature__ = Signature(list(parameters))
        declared.__annotations__ = {one.name: one.annotation for one in parameters}
        return function

    return declare


def _parameter(one: Filter) -> Parameter:
    bounds: dict[str, Any] = {"max_length": MAX_LENGTH} if one.kind is str else {}
    about = QueryParameter(description=one.about, **bounds)
    optional: Any = one.kind | None
    annotation = Annotated[optional, about]
    return Parameter(one.name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


@takes([_parameter(one) for one in FILTERS.values()])
def provide_filters(**given: Any) -> Filters:
    """Gather the filters of a URL."""
    return Filters({name: value for name, value in given.items() if value is not None})
