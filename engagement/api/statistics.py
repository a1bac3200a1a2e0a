"""Rates of groups of drives, and where interventions happen."""

from __future__ import annotations

from litestar import Router

from engagement.api.view_routes import listing

_LISTED = {
    "rates": "List how often each event happens in groups of drives, with intervals.",
    "groups": "List groups of drives with their engagement.",
    "mtbf": "List the mean time between failures of each event name.",
    "places": "List the cells of ground that drives passed, with their interventions.",
}

routers = [
    Router(f"/{view}", route_handlers=[listing(view, description, "statistics")])
    for view, description in _LISTED.items()
]
