"""What every column of every view means, and the thresholds behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar import Response, get
from litestar.di import NamedDependency

from engagement.api.pages.rendering import AnyRequest, page
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping


@get("/glossary", sync_to_thread=True)
def get_glossary(request: AnyRequest, generation: NamedDependency[Generation]) -> Response[bytes]:
    """Explain the views."""
    return page(request, generation, "glossary.html", lambda: _read(generation))


def _read(generation: Generation) -> Mapping[str, Any]:
    return {
        "views": [
            (name, comment, list(generation.columns(name).values()))
            for name, comment in generation.views().items()
        ],
        "parameters": generation.rows("from store.parameter order by name"),
    }
