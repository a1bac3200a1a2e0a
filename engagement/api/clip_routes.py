"""The samples around an event as a file."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Annotated, Any

from litestar import Response, Router
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from engagement.api.answers import respond
from engagement.api.downloads import CSV, PARQUET
from engagement.api.event_routes import event_row
from engagement.api.handlers import AnyRequest, read
from engagement.export.clip_table import event_window, write_table
from engagement.export.window import AFTER_S, BEFORE_S
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from engagement.api.downloads import FileKind

_MAX_S = 60.0
_NO_FILE_NAME = re.compile(r"[^0-9A-Za-z_.-]+")

Before = Annotated[
    float, QueryParameter(ge=0, le=_MAX_S, description="Seconds before the event to begin at.")
]
After = Annotated[
    float, QueryParameter(gt=0, le=_MAX_S, description="Seconds after the event to end before.")
]


def _clip(kind: FileKind) -> Any:
    @read(
        f"/{{event_id:str}}/clip/{kind.suffix}",
        bytes,
        operation_id=f"clip{kind.suffix.title()}",
        tags=["events"],
        media_type=kind.media_type,
    )
    def clip(
        request: AnyRequest,
        generation: NamedDependency[Generation],
        event_id: FromPath[str],
        before_s: Before = BEFORE_S,
        after_s: After = AFTER_S,
    ) -> Response[Any]:
        """Give the samples around an event as a table, one row a sample time."""
        event = event_row(generation, event_id)
        window = event_window(generation, event, -before_s, after_s)

        def make() -> bytes:
            file = io.BytesIO()
            write_table(generation, window, f".{kind.suffix}", file)
            return file.getvalue()

        name = _NO_FILE_NAME.sub("_", event_id)
        headers = {"content-disposition": f'attachment; filename="{name}.{kind.suffix}"'}
        return respond(request, generation, make, media_type=kind.media_type, headers=headers)

    return clip


router = Router("/events", route_handlers=[_clip(CSV), _clip(PARQUET)])
