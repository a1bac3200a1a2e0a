"""The old server's pages, without its looks: readable in any browser, script or none.

Columns are chosen by a form and ordered by links, so both are in the address.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from engagement.api.answers import HTML, respond
from engagement.api.handlers import AnyRequest
from engagement.api.legacy import compared, drives_of, loaded_at, summaries, totalled
from engagement.api.legacy_markup import select, shown, table, table_of, text_table
from engagement.errors import NotFoundError
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Row = Mapping[str, Any]

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title}</title></head>
<body>
<h1>{title}</h1>
{body}
<p>Data of {loaded_at}. <a href="/stats">Statistics</a> <a href="/stats_mod">Devices</a>
<a href="/compare?speed_bucket=all">Comparison</a> <a href="/total_stats">Totals</a>
<a href="/">Dashboard</a></p>
</body>
</html>
"""

_DEVICE_LINES = {
    "drive_count": "Drives",
    "total_time_hours": "Time (h)",
    "total_drive_time_hours": "Driving (h)",
    "total_active_time_hours": "Engaged while driving (h)",
    "overall_time_engagement_pct": "Engaged by time (%)",
    "total_distance_km": "Distance by odometer (km)",
    "total_engaged_distance_km": "Engaged distance by odometer (km)",
    "overall_engagement_pct": "Engaged by distance (%)",
    "average_engagement_pct": "Mean engagement of drives (%)",
    "average_engagement_pct_odo": "Mean engagement of drives by distance (%)",
    "average_interventions_per_100km": "Mean interventions per 100 km of drives",
    "total_intervention_count": "Interventions",
    "total_interventions_per_100km": "Interventions per 100 km",
    "total_disengagement_count": "Disengagements",
    "total_disengagements_per_100km": "Disengagements per 100 km",
    "total_steer_intervention_count": "Steering interventions",
    "total_steer_interventions_per_100km": "Steering interventions per 100 km",
    "cruise_press_seconds": "Cruise buttons held (s)",
    "cruise_press_seconds_per_hour": "Cruise buttons held per hour of driving (s)",
    "first_drive": "First drive",
    "latest_drive": "Latest drive",
}
_DRIVE_COLUMNS = {
    "drive": "Drive",
    "drive_started_at": "Started",
    "engagement_pct": "Engaged (%)",
    "engagement_pct_odo": "Engaged by distance (%)",
    "drive_time_hours": "Driving (h)",
    "active_time_hours": "Engaged while driving (h)",
    "odo_distance_km": "Distance (km)",
    "engaged_distance_km": "Engaged (km)",
    "intervention_count": "Interventions",
    "interventions_per_100km": "Interventions per 100 km",
    "steer_intervention_count": "Steering interventions",
    "steer_interventions_per_100km": "Steering interventions per 100 km",
    "cruise_press_seconds": "Cruise buttons (s)",
    "cruise_press_seconds_per_hour": "Cruise buttons per hour (s)",
}
_BUCKET_COLUMNS = {
    "label": "Speed",
    "time_min": "Time (min)",
    "engaged_time_min": "Engaged (min)",
    "engagement_pct": "Engaged by time (%)",
    "distance_km": "Distance (km)",
    "engaged_distance_km": "Engaged (km)",
    "dist_engagement_pct": "Engaged by distance (%)",
    "disengagement_count": "Disengagements",
    "disengagements_per_100km": "Disengagements per 100 km",
    "steer_intervention_count": "Steering interventions",
    "steer_interventions_per_100km": "Steering interventions per 100 km",
}
_COMPARED = {
    "device_id": "Device",
    "branch": "Branch",
    "drive_count": "Drives",
    "distance_km": "Distance (km)",
    "engaged_distance_km": "Engaged (km)",
    "time_hours": "Time (h)",
    "engaged_time_hours": "Engaged (h)",
    "time_engagement_pct": "Engaged by time (%)",
    "distance_engagement_pct": "Engaged by distance (%)",
    "disengagement_count": "Disengagements",
    "disengagements_per_100km": "Disengagements per 100 km",
    "steer_intervention_count": "Steering interventions",
    "steer_interventions_per_100km": "Steering interventions per 100 km",
    "speed_mix_pct": "Distance by speed (%)",
    "first_drive": "First drive",
    "latest_drive": "Latest drive",
}
_STYLES = tuple(f"style{number}" for number in range(1, 5))


@get("/stats", include_in_schema=False, sync_to_thread=True)
def get_stats(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    *,
    column: FromQuery[list[str] | None] = None,
    sort: FromQuery[str] = "",
) -> Response[bytes]:
    """Sum up each device in text, as the console did."""

    def make() -> str:
        return _summary(generation, column or [], sort)

    return _page(request, generation, "Engagement statistics", make)


@get("/stats_mod", include_in_schema=False, sync_to_thread=True)
def get_stats_mod(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    *,
    column: FromQuery[list[str] | None] = None,
    sort: FromQuery[str] = "",
) -> Response[bytes]:
    """Show the devices and their drives in tables."""

    def make() -> str:
        return _tables(generation, column or [], sort)

    return _page(request, generation, "Devices and drives", make)


@get("/total_stats", include_in_schema=False, sync_to_thread=True)
def get_total_stats(
    request: AnyRequest, generation: NamedDependency[Generation]
) -> Response[bytes]:
    """Show all devices together."""
    return _page(request, generation, "All devices", lambda: _totals(totalled(generation)))


@get("/total_stats/{style:str}", include_in_schema=False, sync_to_thread=True)
def get_styled_total_stats(
    request: AnyRequest, generation: NamedDependency[Generation], style: FromPath[str]
) -> Response[bytes]:
    """Show the same page in each of the old styles."""
    if style not in _STYLES:
        raise NotFoundError("style", style, _STYLES)
    return _page(request, generation, "All devices", lambda: _totals(totalled(generation)))


def old_comparison(
    request: AnyRequest,
    generation: Generation,
    devices: Sequence[str],
    branches: Sequence[str],
    speed_bucket: str,
) -> Response[bytes]:
    """The page that `/compare` was."""

    def make() -> str:
        return _comparison(compared(generation, devices, branches, speed_bucket))

    return _page(request, generation, "Devices compared", make)


def _page(
    request: AnyRequest, generation: Generation, title: str, make: Callable[[], str]
) -> Response[bytes]:
    def answer() -> str:
        body = make() or "<p>There are no drives in the database.</p>"
        return _PAGE.format(title=title, body=body, loaded_at=loaded_at(generation))

    return respond(request, generation, answer, media_type=HTML, is_numbered=False)


def _columns(asked: Sequence[str]) -> list[str]:
    """The columns that are asked for, in their order; all unless one is."""
    return [name for name in _DRIVE_COLUMNS if name in set(asked)] or list(_DRIVE_COLUMNS)


def _in_order(drives: Sequence[Row], sort: str) -> list[Row]:
    """Drives by a column, `-` before it for the greatest first; else as they are, newest first."""
    name = sort.removeprefix("-")
    if name not in _DRIVE_COLUMNS:
        return list(drives)
    known = [drive for drive in drives if drive[name] is not None]
    unknown = [drive for drive in drives if drive[name] is None]
    known.sort(key=lambda drive: drive[name], reverse=sort.startswith("-"))
    return known + unknown


def _devices(generation: Generation, sort: str) -> Iterable[tuple[str, Row, list[Row]]]:
    """Each device, its numbers and its drives in order."""
    for device_id, device in summaries(generation).items():
        drives = drives_of(generation, device_id)
        pressed_s = sum(drive["cruise_press_seconds"] or 0 for drive in drives)
        hours = sum(drive["drive_time_hours"] or 0 for drive in drives)
        presses = {
            "cruise_press_seconds": round(pressed_s, 2),
            "cruise_press_seconds_per_hour": round(pressed_s / hours, 2) if hours else None,
        }
        yield device_id, {**device, **presses}, _in_order(drives, sort)


def _speeds(device: Row) -> list[Row]:
    """What a device drove in each speed bucket."""
    return list(device["speed_bucket_summary"].values())


def _summary(generation: Generation, asked: Sequence[str], sort: str) -> str:
    columns = _columns(asked)
    lines = []
    for device_id, device, drives in _devices(generation, sort):
        lines += [f"Device {device_id}", *_lines(device), ""]
        lines += text_table(list(_BUCKET_COLUMNS), _BUCKET_COLUMNS, _speeds(device))
        lines += ["", *text_table(columns, _DRIVE_COLUMNS, drives), ""]
    text = escape("\n".join(lines))
    return f"{_choices(columns, sort)}<pre>{text}</pre>" if text else ""


def _lines(device: Row) -> list[str]:
    return [f"  {label + ':':<46}{shown(device[name])}" for name, label in _DEVICE_LINES.items()]


def _tables(generation: Generation, asked: Sequence[str], sort: str) -> str:
    columns = _columns(asked)
    parts = []
    for device_id, device, drives in _devices(generation, sort):
        parts += [
            f"<h2>{escape(device_id)}</h2>",
            table([(label, device[name]) for name, label in _DEVICE_LINES.items()]),
            table_of(_BUCKET_COLUMNS, _speeds(device)),
            table(
                [[drive[name] for name in columns] for drive in drives],
                [_ordering(name, columns, sort) for name in columns],
            ),
        ]
    return "\n".join([_choices(columns, sort), *parts]) if parts else ""


def _choices(columns: Sequence[str], sort: str) -> str:
    """A form that shows and hides columns."""
    boxes = "\n".join(
        f'<label><input type="checkbox" name="column" value="{name}"'
        f"{' checked' if name in columns else ''}>{escape(label)}</label>"
        for name, label in _DRIVE_COLUMNS.items()
    )
    order = f'<input type="hidden" name="sort" value="{escape(sort)}">' if sort else ""
    return (
        f"<form><fieldset><legend>Columns</legend>{boxes}{order}"
        "<button>Show</button></fieldset></form>"
    )


def _ordering(name: str, columns: Sequence[str], sort: str) -> str:
    """A column's heading, which orders by it; once more, the other way round."""
    chosen = [] if len(columns) == len(_DRIVE_COLUMNS) else [("column", each) for each in columns]
    query = urlencode([*chosen, ("sort", name if sort == f"-{name}" else f"-{name}")])
    return f'<a href="?{escape(query)}">{escape(_DRIVE_COLUMNS[name])}</a>'


def _comparison(answer: Row) -> str:
    rows = [*answer["rows"], *([answer["totals"]] if answer["totals"] else [])]
    if not rows:
        return f"{_filters(answer)}<p>There are no such drives.</p>"
    columns = {name: label for name, label in _COMPARED.items() if name in rows[0]}
    told = [{name: _mixed(row[name]) for name in columns} for row in rows]
    return _filters(answer) + table_of(columns, told)


def _mixed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return " / ".join(shown(share) for share in value.values())


def _filters(answer: Row) -> str:
    """The form that chooses devices, branches and a speed."""
    options = answer["options"]
    bucket = answer["selected_speed_bucket"]
    speeds = [(one["key"], one["label"], one["key"] == bucket) for one in options["speed_buckets"]]
    devices, branches = set(answer["selected_devices"]), set(answer["selected_branches"])
    return (
        "<form>"
        + select("device", [(one, one, one in devices) for one in options["devices"]], " multiple")
        + select(
            "branch", [(one, one, one in branches) for one in options["branches"]], " multiple"
        )
        + select("speed_bucket", speeds)
        + "<button>Compare</button></form>"
    )


def _totals(answer: Row) -> str:
    if not answer:
        return ""
    lines = [
        (name.replace("_", " ").capitalize(), value)
        for name, value in answer.items()
        if name != "speed_bucket_summary"
    ]
    buckets = list(answer["speed_bucket_summary"].values())
    columns = {name: _BUCKET_COLUMNS.get(name, name.replace("_", " ")) for name in buckets[0]}
    return table(lines) + table_of(columns, buckets)
