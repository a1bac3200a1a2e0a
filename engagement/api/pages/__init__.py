"""The dashboard's pages: each is a template, the rows of some views, and an address that keeps."""

from __future__ import annotations

from litestar import Router

from engagement.api.pages.assets import get_favicon, get_static, get_vendor
from engagement.api.pages.compare import get_comparison
from engagement.api.pages.drive import get_drive
from engagement.api.pages.drives import get_drives
from engagement.api.pages.event import get_event
from engagement.api.pages.glossary import get_glossary
from engagement.api.pages.overview import get_overview
from engagement.api.pages.places import get_places
from engagement.api.pages.quality import get_quality
from engagement.api.pages.rendering import ERROR_HANDLERS

router = Router(
    "/",
    route_handlers=[
        get_static,
        get_vendor,
        get_favicon,
        get_overview,
        get_drives,
        get_drive,
        get_event,
        get_comparison,
        get_places,
        get_quality,
        get_glossary,
    ],
    exception_handlers=ERROR_HANDLERS,
    include_in_schema=False,
)
