"""What happened: disengagements, overrides, interventions and alerts."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, Router
from litestar.di import NamedDependency
from litestar.params import FromPath

from engagement.api import plots
from engagement.api.answers import respond
from engagement.api.handlers import AnyRequest, read
from engagement.api.rows import Row, listing, one_row
from engagement.store import moments, samples
from engagement.store.serving import Generation

_TAGS = ["events"]
_WINDOW_S = 10.0
_N_BUCKETS = 1000
EVENT_SERIES = (
    "speed_mps",
    "acceleration_mps2",
    "steering_angle_deg",
    "steering_torque",
    "steering_pressed",
    "gas_pressed",
    "brake_pressed",
    "lead_distance_m",
    "lead_speed_mps",
)


class EventDocument(msgspec.Struct, frozen=True):
    """An event and the ten seconds around it.

    Attributes:
        generation: Of the database.
        definitions: Number of those that its numbers are of.
        event: Its row of `events`.
        states: What openpilot was doing.
        flags: openpilot's events in force, with the flags that the cause is read from.
        buttons: Buttons pressed or let go of.
        alerts: Alerts that were up.
        plot: Signals, in buckets.
    """

    generation: int
    definitions: int
    event: Row
    states: list[Row]
    flags: list[Row]
    buttons: list[Row]
    alerts: list[Row]
    plot: plots.Plot


@read("/{event_id:str}", EventDocument, operation_id="getEvent", tags=_TAGS)
def get_event(
    request: AnyRequest, generation: NamedDependency[Generation], event_id: FromPath[str]
) -> Response[Any]:
    """Give an event, ten seconds of signals around it, and the flags that tell its cause."""
    event = event_row(generation, event_id)
    return respond(request, generation, lambda: event_document(generation, event))


def event_row(generation: Generation, event_id: str) -> Row:
    """An event's row of `events`.

    Raises:
        NotFoundError: If there is no such event.
    """
    query = f"select * from {generation.in_memory('events')} where event_id = $event_id"
    return one_row(generation, "event", event_id, query, event_id=event_id)


def event_document(generation: Generation, event: Row) -> EventDocument:
    """An event with what was around it."""
    start_s = max(event["time_s"] - _WINDOW_S, 0.0)
    end_s = event["time_s"] + _WINDOW_S
    part = samples.window(generation, event["drive_id"], start_s, end_s)
    return EventDocument(
        generation.number,
        generation.definitions,
        event,
        moments.states(generation, part),
        moments.events_in_force(generation, part),
        moments.buttons(generation, part),
        moments.alerts(generation, part),
        plots.in_buckets(generation, part, list(EVENT_SERIES), _N_BUCKETS),
    )


_LISTED = {
    "disengagements": "List the ends of engagements, with their causes.",
    "overrides": "List the driver's input while engaged.",
    "interventions": "List what the driver did to change the car's motion.",
    "alerts": "List the alerts that asked something of the driver.",
}
_EVENTS = "List disengagements and overrides, with cause and severity."

routers = [
    Router("/events", route_handlers=[listing("events", _EVENTS, "events"), get_event]),
    *(
        Router(f"/{view}", route_handlers=[listing(view, description, "events")])
        for view, description in _LISTED.items()
    ),
]
