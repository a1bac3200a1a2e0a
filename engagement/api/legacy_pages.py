"""The old server's two pages, without its looks: readable in any browser, script or none."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from litestar import Response, get
from litestar.di import NamedDependency

from engagement.api.answers import HTML, respond
from engagement.api.handlers import AnyRequest
from engagement.api.legacy import drives_of, loaded_at, summaries
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
<p>Data of {loaded_at}. <a href="/">Dashboard</a></p>
</body>
</html>
"""

_DEVICE_LINES = {
    "drive_count": "Drives",
    "total_time_hours": "Time (h)",
    "total_drive_time_hours": "Driving (h)",
    "total_active_time_hours": "Engaged while driving (h)",
    "overall_time_engagement_pct": "Engaged by time (%)",
    "total_distance_km": "Distance (km)",
    "total_engaged_distance_km": "Engaged distance (km)",
    "overall_engagement_pct": "Engaged by distance (%)",
    "average_engagement_pct": "Mean engagement of drives (%)",
    "total_intervention_count": "Interventions",
    "total_interventions_per_100km": "Interventions per 100 km",
    "total_steer_intervention_count": "Steering interventions",
    "total_steer_interventions_per_100km": "Steering interventions per 100 km",
    "first_drive": "First drive",
    "latest_drive": "Latest drive",
}
_DRIVE_COLUMNS = {
    "drive": "Drive",
    "engagement_pct": "Engaged (%)",
    "engagement_pct_odo": "Engaged by distance (%)",
    "drive_time_hours": "Driving (h)",
    "odo_distance_km": "Distance (km)",
    "engaged_distance_km": "Engaged (km)",
    "intervention_count": "Interventions",
    "interventions_per_100km": "per 100 km",
    "steer_intervention_count": "Steering interventions",
    "car_fingerprint": "Car",
    "version": "Version",
    "git_branch": "Branch",
}


@get("/stats", include_in_schema=False, sync_to_thread=True)
def get_stats(request: AnyRequest, generation: NamedDependency[Generation]) -> Response[bytes]:
    """Sum up each device in text, as the console did."""
    return _page(request, generation, "Engagement statistics", _summary)


@get("/stats_mod", include_in_schema=False, sync_to_thread=True)
def get_stats_mod(request: AnyRequest, generation: NamedDependency[Generation]) -> Response[bytes]:
    """Show the devices and their drives in tables."""
    return _page(request, generation, "Devices and drives", _tables)


def _page(
    request: AnyRequest,
    generation: Generation,
    title: str,
    make: Callable[[Generation], str],
) -> Response[bytes]:
    def answer() -> str:
        body = make(generation) or "<p>There are no drives in the database.</p>"
        return _PAGE.format(title=title, body=body, loaded_at=loaded_at(generation))

    return respond(request, generation, answer, media_type=HTML)


def _summary(generation: Generation) -> str:
    lines = []
    for device_id, device in summaries(generation).items():
        lines += [f"Device {device_id}", *_lines(device), "", _text_header()]
        lines += [_text_row(drive) for drive in drives_of(generation, device_id)]
        lines.append("")
    text = escape("\n".join(lines))
    return f"<pre>{text}</pre>" if text else ""


def _lines(device: Row) -> list[str]:
    return [f"  {label + ':':<36}{_shown(device[name])}" for name, label in _DEVICE_LINES.items()]


def _text_header() -> str:
    return f"  {'Drive':<24}{'Engaged %':>10}{'km':>9}{'Interventions':>15}{'per 100 km':>12}"


def _text_row(drive: Row) -> str:
    shown = [
        _shown(drive[name])
        for name in (
            "engagement_pct",
            "odo_distance_km",
            "intervention_count",
            "interventions_per_100km",
        )
    ]
    return f"  {drive['drive']:<24}{shown[0]:>10}{shown[1]:>9}{shown[2]:>15}{shown[3]:>12}"


def _tables(generation: Generation) -> str:
    parts = []
    for device_id, device in summaries(generation).items():
        drives = drives_of(generation, device_id)
        parts += [
            f"<h2>{escape(device_id)}</h2>",
            _table([(label, device[name]) for name, label in _DEVICE_LINES.items()]),
            _table(
                [[drive[name] for name in _DRIVE_COLUMNS] for drive in drives],
                list(_DRIVE_COLUMNS.values()),
            ),
        ]
    return "\n".join(parts)


def _table(rows: Iterable[Sequence[Any]], header: Sequence[str] = ()) -> str:
    head = "".join(f'<th scope="col">{escape(label)}</th>' for label in header)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{escape(_shown(value))}</td>" for value in row) + "</tr>"
        for row in rows
    )
    top = f"<thead><tr>{head}</tr></thead>" if head else ""
    return f"<table>{top}<tbody>{body}</tbody></table>"


def _shown(value: Any) -> str:
    return "-" if value is None else str(value)
