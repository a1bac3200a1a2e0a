"""The dashboard's pages: each is a template with rows of some views, at a stable address."""

from __future__ import annotations

from litestar import Router
from litestar.di import Provide

from engagement.api.pages.assets import get_favicon, get_static, get_vendor
from engagement.api.pages.compare_page import get_comparison
from engagement.api.pages.drive_page import get_drive
from engagement.api.pages.drives_page import get_drives
from engagement.api.pages.event_page import get_event
from engagement.api.pages.event_selection import provide_event_selection
from engagement.api.pages.events_page import get_events
from engagement.api.pages.glossary_page import get_glossary
from engagement.api.pages.moments_page import get_moments
from engagement.api.pages.overview_page import get_overview
from engagement.api.pages.places_page import get_places
from engagement.api.pages.quality_page import get_quality
from engagement.api.pages.rates_page import get_rates
from engagement.api.pages.rendering import ERROR_HANDLERS
from engagement.api.pages.selection import provide_selection
from engagement.api.pages.unit_choice import choose_units

router = Router(
    "/",
    route_handlers=[
        get_static,
        get_vendor,
        get_favicon,
        get_overview,
        get_drives,
        get_drive,
        get_events,
        get_event,
        get_rates,
        get_moments,
        get_comparison,
        get_places,
        get_quality,
        get_glossary,
        choose_units,
    ],
    dependencies={
        "selection": Provide(provide_selection, sync_to_thread=False),
        "event_selection": Provide(provide_event_selection, sync_to_thread=False),
    },
    exception_handlers=ERROR_HANDLERS,
    include_in_schema=False,
)
