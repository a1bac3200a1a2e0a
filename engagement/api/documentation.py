"""The page about the API: a list of operations, and Swagger UI if scripts run.

Litestar's own page has an inline script, which our content security policy forbids, loads from a
CDN, and is empty without scripts.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from litestar import Litestar, Response, get

from engagement.api.answers import HTML
from engagement.api.handlers import AnyRequest
from engagement.api.middleware import CONTENT_POLICY
from engagement.api.pages.assets import asset_url

if TYPE_CHECKING:
    from collections.abc import Iterator

_BUNDLE = "/vendor/swagger-ui-dist/swagger-ui-bundle.js"
_STYLE = "/vendor/swagger-ui-dist/swagger-ui.css"

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>API of engagement</title>
{links}
</head>
<body>
<main id="api">
<h1>API of engagement</h1>
<p>Everything is read with GET. <a href="/api/openapi.json">openapi.json</a> describes it all;
<a href="/">the dashboard</a> shows it.</p>
<dl>
{operations}
</dl>
</main>
{scripts}
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/api/openapi.json",
  domNode: document.getElementById("api"),
  deepLinking: true,
  validatorUrl: null,
});
"""
# Swagger UI sets styles of elements; scripts still come only from files.
_CONTENT_POLICY = CONTENT_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


@get("/api/docs", include_in_schema=False, sync_to_thread=True)
def get_documentation(request: AnyRequest) -> Response[str]:
    """Show the operations."""
    links = scripts = ""
    if asset_url(_BUNDLE):
        links = f'<link rel="stylesheet" href="{asset_url(_STYLE)}">'
        scripts = (
            f'<script src="{asset_url(_BUNDLE)}"></script><script src="/api/docs.js"></script>'
        )
    page = _PAGE.format(
        links=links, scripts=scripts, operations="\n".join(_operations(request.app))
    )
    headers = {"content-security-policy": _CONTENT_POLICY}
    return Response(page, media_type=HTML, headers=headers)


@get("/api/docs.js", include_in_schema=False, sync_to_thread=False)
def get_documentation_script() -> Response[str]:
    """Start the form."""
    return Response(_START, media_type="text/javascript")


def _operations(app: Litestar) -> Iterator[str]:
    for path, item in sorted((app.openapi_schema.paths or {}).items()):
        operation: Any = item.get
        names = ", ".join(parameter.name for parameter in operation.parameters or [])
        yield f"<dt><code>{escape(path)}</code></dt>"
        yield f"<dd>{escape(operation.description or operation.summary or '')}"
        yield f"{' Parameters: ' + escape(names) + '.' if names else ''}</dd>"
