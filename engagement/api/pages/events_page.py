"""The inbox of events: filtered, sorted and paged by its address; labelled where allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from engagement.api.pages.event_selection import EventSelection, read_event_form
from engagement.api.pages.rendering import AnyRequest, page
from engagement.api.pages.road import pictured
from engagement.api.pages.selection import page_number, read_presets
from engagement.api.pages.words import title_words
from engagement.api.problems import ParameterError
from engagement.errors import suggestion
from engagement.export.places import nearest_name
from engagement.store.given_names import read_places
from engagement.store.label_words import shipped_words
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Row = dict[str, Any]

PAGE_ROWS = 40

_IN_TIME = "started_at desc nulls last, drive desc, dongle_id, mono_ns, kind"
SORTS = {
    "newest": _IN_TIME,
    "worst": f"coalesce(is_critical, false) desc, severity desc nulls last, {_IN_TIME}",
}
_EVENTS = """
with

chosen_drives as (
    select drive_id, started_at, clock_source
    from {drives}
    where {of_drives}
)

select {columns}
from {events} as events
inner join chosen_drives on events.drive_id = chosen_drives.drive_id
where {where}
"""
_COUNTS = """
count(*) as n_events,
count(*) filter (where events.label is null) as n_unlabelled
"""
_COLUMNS = "events.*, chosen_drives.started_at, chosen_drives.clock_source"


@get("/events", sync_to_thread=True)
def get_events(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    event_selection: NamedDependency[EventSelection],
    *,
    sort: FromQuery[str] = "newest",
    number: FromQuery[str] = "1",
) -> Response[bytes]:
    """List events, a page at a time."""
    form = read_event_form(generation, event_selection)
    if sort not in SORTS:
        raise ParameterError("sort", f"can't sort by {sort!r}{suggestion(sort, SORTS)}")
    wanted = page_number(number)
    may_label = request.app.state.settings.allow_labels

    def make() -> Mapping[str, Any]:
        found = _read(generation, event_selection, sort, wanted)
        return form | found | {"may_label": may_label, "label_words": shipped_words()}

    return page(request, generation, "events.html", make)


def _read(
    generation: Generation, selection: EventSelection, sort: str, number: int
) -> dict[str, Any]:
    def query(columns: str) -> str:
        return _EVENTS.format(
            columns=columns,
            drives=generation.in_memory("drives"),
            events=generation.in_memory("events"),
            of_drives=selection.drives.where,
            where=selection.where,
        )

    parameters = selection.parameters_in(generation)
    [counts] = generation.rows(query(_COUNTS), parameters)
    offset = (number - 1) * PAGE_ROWS
    part = f"order by {SORTS[sort]} limit {PAGE_ROWS} offset {offset}"
    rows = generation.rows(f"{query(_COLUMNS)} {part}", parameters)
    return counts | {
        "rows": rows,
        "cell": selection.cell(generation),
        "presets": read_presets(generation),
        "titles": {row["event_id"]: title_words(row["kind"], row["cause"]) for row in rows},
        "pictures": pictured(generation, rows),
        "places": _places(generation, rows),
        "number": number,
        "n_pages": max(-(-counts["n_events"] // PAGE_ROWS), 1),
        "first": offset + 1,
        "sort": sort,
    }


def _places(generation: Generation, rows: Sequence[Row]) -> dict[str, str]:
    """What the place of each event is called, by event."""
    named = read_places(generation)
    located = [row for row in rows if row["latitude"] is not None] if named else []
    found = {
        row["event_id"]: nearest_name(row["latitude"], row["longitude"], named) for row in located
    }
    return {event_id: name for event_id, name in found.items() if name is not None}
