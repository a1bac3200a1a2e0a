"""The tools over HTTP, beside the API: what its middleware checks, it checks of these requests too.

Each request stands alone (the protocol's stateless form), so that there are no sessions to keep.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from litestar import asgi
from litestar.types import Receive, Scope, Send  # noqa: TC002 - read at run time
from mcp.server.transport_security import TransportSecuritySettings

from engagement.api.app import Mounted
from engagement.api.middleware import MAX_BODY_BYTES
from engagement.assistants.server import make_server

if TYPE_CHECKING:
    from engagement.store.serving import Publication

_NOT_ALLOWED = {
    "type": "http.response.start",
    "status": int(HTTPStatus.METHOD_NOT_ALLOWED),
    "headers": [(b"allow", b"POST"), (b"content-length", b"0")],
}


def mount(publication: Publication) -> Mounted:
    """What answers at `/mcp`; without queries of the client's own."""
    server = make_server(publication, has_sql=False)
    server.streamable_http_app(
        json_response=True,
        stateless_http=True,
        max_request_body_size=MAX_BODY_BYTES,
        # Hosts are checked by our middleware; a browser can't send this content type elsewhere.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    sessions = server.session_manager

    @asgi("/mcp", is_mount=True, copy_scope=True)
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") != "POST":  # nothing is pushed to a client
            await send(_NOT_ALLOWED)  # type: ignore[arg-type]
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        await sessions.handle_request(scope, receive, send)  # type: ignore[arg-type]

    return Mounted(answer, sessions.run)
