"""One event: the ten seconds around it, its cause in words, and what that was read from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from engagement.api.addresses import event_url
from engagement.api.event_routes import EVENT_SERIES, event_row
from engagement.api.pages.charts import Scale, Tick
from engagement.api.pages.drive_page import legend
from engagement.api.pages.evidence import (
    Change,
    flag_changes,
    read_changes,
    read_parameters,
    read_reasons,
)
from engagement.api.pages.page_formats import fixed
from engagement.api.pages.rendering import AnyRequest, page
from engagement.api.pages.road import read_road
from engagement.api.pages.signal_plots import check_plots, choose_plots
from engagement.api.pages.timelines import Pin, Strip
from engagement.api.pages.words import mode_words, title_words
from engagement.api.plots import known_series
from engagement.store import moments, samples
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Row = dict[str, Any]

_BEFORE_S = 5.0
_AFTER_S = 5.0
_STALE_S = 1.0
_MAX_SAMPLES = 200_000
_OF_DRIVE = """
select event_id, kind, cause, time_s, duration_s, is_critical
from {events}
where drive_id = $drive_id
order by mono_ns, kind
"""
_DRIVE = "from {drives} where drive_id = ?"

# Measure, its name, the unit, the parameter that makes it critical, and on which side of it.
_MEASURES = (
    ("min_ttc_s", "Least time to collision, 3 s before", "seconds", "critical_ttc_s", "below"),
    ("min_thw_s", "Least time headway, 3 s before", "seconds", "critical_thw_s", "below"),
    ("max_drac_mps2", "Deceleration needed to avoid a crash", "deceleration", "critical_drac_mps2",
     "above"),
    ("peak_deceleration_mps2", "Hardest braking, 5 s after", "deceleration",
     "critical_deceleration_mps2", "above"),
    ("has_fcw", "Forward collision warning", "yes", None, ""),
    ("has_aeb", "Automatic emergency braking", "yes", None, ""),
    ("lead_distance_m", "Distance of the car ahead", "gap", None, ""),
    ("closing_speed_mps", "Closing speed", "closing", None, ""),
    ("peak_jerk_mps3", "Greatest jerk, 5 s after", "jerk", None, ""),
    ("peak_steering_rate_deg_per_s", "Fastest turn of the wheel, 5 s after", "turn", None, ""),
    ("peak_lateral_acceleration_mps2", "Greatest lateral acceleration, 5 s after", "deceleration",
     None, ""),
    ("time_to_input_s", "First input of the driver after", "seconds", None, ""),
    ("time_to_reengage_s", "Engaged again after", "seconds", None, ""),
)  # fmt: skip


@get("/event/{event_id:str}", sync_to_thread=True)
def get_event(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    event_id: FromPath[str],
    *,
    signals: FromQuery[list[str] | None] = None,
) -> Response[bytes]:
    """Show an event of `events`, with plots of some signals."""
    event = event_row(generation, event_id)
    check_plots(signals or (), known_series(generation))
    return page(request, generation, "event.html", lambda: _read(generation, event, signals or ()))


def _read(generation: Generation, event: Row, plotted: Sequence[str]) -> Mapping[str, Any]:
    time_s = event["time_s"]
    part = samples.window(generation, event["drive_id"], time_s - _BEFORE_S, time_s + _AFTER_S)
    flags = moments.events_in_force(generation, part)
    states = moments.states(generation, part)
    alerts = moments.alerts(generation, part)
    changes = [
        *read_changes(generation, event, _BEFORE_S),
        *flag_changes(flags, time_s),
        *_buttons(moments.buttons(generation, part), time_s),
        *_alerts(alerts, time_s),
    ]
    # All events of the drive: overrides around this one, and the links to its neighbours.
    query = _OF_DRIVE.format(events=generation.in_memory("events"))
    events = generation.rows(query, {"drive_id": event["drive_id"]})
    near = _near(events, part)
    [drive] = generation.rows(
        _DRIVE.format(drives=generation.in_memory("drives")), [event["drive_id"]]
    )
    # The first second of the table may need a sample from before the window.
    longer = replace(part, start_s=part.start_s - _STALE_S)
    signals = samples.whole(generation, longer, EVENT_SERIES, _MAX_SAMPLES)
    return {
        "event": event,
        "drive": drive,
        "title": title_words(event["kind"], event["cause"]),
        "reasons": read_reasons(generation, event),
        "parameters": read_parameters(generation),
        "changes": sorted(changes, key=lambda change: change.after_s),
        "alerts": alerts,
        "measures": _MEASURES,
        "seconds": list(_seconds(signals, states, time_s)),
        "window": (part.start_s, part.end_s),
        "road": read_road(generation, event["drive_id"], part.start_s, part.end_s, time_s),
        "parts": {
            "strips": _strips(states, part),
            "override_strips": _override_strips(near, part),
            "pins": [_pin(row, part, is_self=row["event_id"] == event["event_id"]) for row in near],
            "ticks": _ticks(),
            "legend": legend([_clipped(state, part) for state in states]),
            "chosen": choose_plots(plotted, known_series(generation)),
        },
        **_neighbours(events, event),
    }


def _ticks() -> list[Tick]:
    return [
        Tick((number + _BEFORE_S) * 100 / (_BEFORE_S + _AFTER_S), f"{fixed(number, 0)} s")
        for number in range(-4, 5, 2)
    ]


def _near(events: Sequence[Row], part: samples.Window) -> list[Row]:
    """The events that were going on in the window."""
    return [
        event
        for event in events
        if part.start_s <= event["time_s"] + (event["duration_s"] or 0.0)
        and event["time_s"] <= part.end_s
    ]


def _clipped(state: Row, part: samples.Window) -> Row:
    return {
        "mode": state["mode"],
        "start_s": max(state["start_s"], part.start_s),
        "end_s": min(state["end_s"], part.end_s),
    }


def _strips(states: Sequence[Row], part: samples.Window) -> list[Strip]:
    scale = Scale(part.start_s, part.end_s)
    found = []
    for run in (_clipped(state, part) for state in states):
        x, end = scale(run["start_s"]), scale(run["end_s"])
        title = f"{mode_words(run['mode'])}, {run['end_s'] - run['start_s']:.2f} s"
        found.append(Strip(x, round(end - x, 3), run["mode"], title, run["start_s"], run["end_s"]))
    return found


def _override_strips(events: Sequence[Row], part: samples.Window) -> list[Strip]:
    scale = Scale(part.start_s, part.end_s)
    found = []
    for event in events:
        if event["duration_s"] is not None:
            start_s, end_s = event["time_s"], event["time_s"] + event["duration_s"]
            x, width = scale(start_s), round(scale(end_s) - scale(start_s), 3)
            title = f"{title_words(event['kind'], None)}, {event['duration_s']:.2f} s"
            found.append(Strip(x, width, event["kind"], title, start_s, end_s))
    return found


def _pin(event: Row, part: samples.Window, *, is_self: bool) -> Pin:
    return Pin(
        Scale(part.start_s, part.end_s)(event["time_s"]),
        event["kind"] if event["cause"] != "end_of_drive" else "end_of_drive",
        bool(event["is_critical"]),
        title_words(event["kind"], event["cause"]),
        "#why" if is_self else event_url(event),
        event["time_s"],
    )


def _buttons(rows: Sequence[Row], time_s: float) -> list[Change]:
    return [
        Change(
            row["time_s"] - time_s,
            "button",
            f"{row['button']} {'pressed' if row['is_pressed'] else 'released'}",
        )
        for row in rows
    ]


def _alerts(rows: Sequence[Row], time_s: float) -> list[Change]:
    return [
        Change(
            row["time_s"] - time_s,
            "alert",
            ": ".join(text for text in (row["text1"], row["text2"]) if text) or row["alert_type"],
        )
        for row in rows
    ]


def _seconds(
    signals: Mapping[str, tuple[list[float], list[float | None]]],
    states: Sequence[Row],
    time_s: float,
) -> list[Row]:
    """The last sample at each second of the window; null if it is too old."""
    found = []
    for number in range(-int(_BEFORE_S), int(_AFTER_S) + 1):
        at_s = time_s + number
        row: Row = {"after_s": number}
        for name, (times_s, values) in signals.items():
            last = next((i for i in range(len(times_s) - 1, -1, -1) if times_s[i] <= at_s), None)
            is_fresh = last is not None and at_s - times_s[last] <= _STALE_S
            row[name] = values[last] if is_fresh and last is not None else None
        row["mode"] = next(
            (state["mode"] for state in states if state["start_s"] <= at_s < state["end_s"]),
            "unknown",
        )
        found.append(row)
    return found


def _neighbours(rows: Sequence[Row], event: Row) -> dict[str, Row | None]:
    """The events before and after this one in its drive."""
    place = next(i for i, row in enumerate(rows) if row["event_id"] == event["event_id"])
    return {
        "previous": rows[place - 1] if place else None,
        "next": rows[place + 1] if place + 1 < len(rows) else None,
    }
