"""Which events the inbox lists: of which drives, and what an event itself can be asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from litestar.params import FromQuery

from engagement.api.pages.cells import HAS_PLACE, bounds, read_cell
from engagement.api.pages.selection import FIELDS as DRIVE_FIELDS
from engagement.api.pages.selection import provide_selection, read_choices, read_value
from engagement.api.request_filters import EVENT_FIELDS, takes
from engagement.errors import NotFoundError
from engagement.filters import Filter, Selection
from engagement.store.causes import load_causes
from engagement.store.event_names import known_kinds
from engagement.store.given_names import read_places
from engagement.store.label_words import shipped_words

if TYPE_CHECKING:
    from engagement.store.serving import Generation

# An end of a drive is no event to look at, unless it is asked for.
_NO_END = "(cause is distinct from 'end_of_drive' or $asks_for_ends)"
_END = "end_of_drive"


@dataclass(frozen=True, slots=True)
class _Within(Filter):
    """A filter by what an event lies in."""

    within: str = ""

    @property
    def condition(self) -> str:
        """In SQL; the value is the parameter of the filter's name."""
        return self.within


_MODEL = """
exists (
from result.part_spans as spans
where
    spans.drive_id = events.drive_id
    and spans.model = $model
    and spans.start_mono_ns < events.mono_ns
    and events.mono_ns <= spans.end_mono_ns
)
"""
_PLACE = """
exists (
from store.place_name as places
where
    places.name = $place
    and ground_distance_m(
        events.latitude, events.longitude, places.latitude, places.longitude
    ) <= places.radius_m
)
"""
_OF_EVENTS: Mapping[str, Filter] = {
    **EVENT_FIELDS,
    "model": _Within("model", "", "The driving model.", label="Model", within=_MODEL),
    "place": _Within("place", "", "A place that has a name.", label="Place", within=_PLACE),
    "cell": _Within("cell", "", "A cell of the map.", within=HAS_PLACE),
}
FIELDS: Mapping[str, Filter] = {**_OF_EVENTS, **DRIVE_FIELDS}

_MODELS = "select distinct model from result.part_spans order by model"
_LABELS = "select distinct label from event_labels order by label"
_ANSWERS = ("true", "false")


@dataclass(frozen=True, slots=True)
class EventSelection:
    """Which events are asked for.

    Attributes:
        drives: Of which drives they are.
        own: The values of the other filters, by name.
    """

    drives: Selection
    own: Mapping[str, Any]

    def cell(self, generation: Generation) -> dict[str, Any] | None:
        """The cell of the map that they are in, its row of `places`; None for all.

        Raises:
            ParameterError: If it is named by what is no name.
            NotFoundError: If no drive passed there.
        """
        return read_cell(generation, self.own["cell"]) if "cell" in self.own else None

    def parameters_in(self, generation: Generation) -> dict[str, Any]:
        """The values of all parameters of a query."""
        cell = self.cell(generation)
        asks_for_ends = self.own.get("cause") == _END
        values = {name: value for name, value in self.values.items() if name != "cell"}
        return values | {"asks_for_ends": asks_for_ends} | (bounds(cell) if cell else {})

    @property
    def values(self) -> dict[str, Any]:
        """All values by their filters' names."""
        return {**self.own, **self.drives.values}

    def __getitem__(self, name: str) -> Any:
        """The value of a filter, None where it is not given."""
        return self.values.get(name)

    @property
    def where(self) -> str:
        """The condition on rows of `events`."""
        return " and ".join([_NO_END, *(_OF_EVENTS[name].condition for name in self.own)])


@takes(
    [
        Parameter(name, Parameter.KEYWORD_ONLY, default="", annotation=FromQuery[str])
        for name in FIELDS
    ]
)
def provide_event_selection(**given: str) -> EventSelection:
    """Gather what the fields of the inbox's form say."""
    drives = provide_selection(**{name: given[name] for name in DRIVE_FIELDS})
    own = {name: read_value(one, given[name]) for name, one in _OF_EVENTS.items() if given[name]}
    return EventSelection(drives, own)


def read_event_form(generation: Generation, selection: EventSelection) -> dict[str, Any]:
    """What the template of the form needs.

    Raises:
        NotFoundError: If no event can have what is selected.
        ParameterError: If a cell is named by what is no name of one.
    """
    choices = {
        **generation.cached("choices of events", lambda: _read_choices(generation)),
        **read_choices(generation),
    }
    selection.cell(generation)
    for name, known in choices.items():
        is_text = FIELDS[name].kind is str
        if is_text and name in selection.values and selection[name] not in known:
            raise NotFoundError(name, selection[name], known)
    return {"selection": selection, "fields": FIELDS, "choices": choices}


def _read_choices(generation: Generation) -> dict[str, list[str]]:
    """What there is to choose from; an older engagement's file lacks models and places."""
    in_use = [row["label"] for row in generation.rows(_LABELS)]
    models = generation.rows(_MODELS) if generation.is_current else []
    return {
        "kind": known_kinds(generation),
        "cause": [*load_causes()],
        "label": [*dict.fromkeys((*shipped_words(), *in_use))],
        "model": [row["model"] for row in models],
        "place": sorted(place["name"] for place in read_places(generation)),
        **{name: [*_ANSWERS] for name, one in EVENT_FIELDS.items() if one.kind is bool},
    }
