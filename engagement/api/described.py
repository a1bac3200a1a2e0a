"""Completes the OpenAPI document with what the views define: filters and column names.

Handlers that list a view share their parameters; here each operation keeps only those that apply to
its view, and gets the allowed values.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Reference, Schema

from engagement.api.paging import MAX_SORT_COLUMNS
from engagement.api.request_filters import FILTERS, is_applicable
from engagement.groupings import PATTERN
from engagement.store.samples import SERIES
from engagement.store.views import public_views

if TYPE_CHECKING:
    from collections.abc import Iterator

    from litestar import Litestar

_BOUNDS = ("minimum", "maximum", "min_length", "max_length", "pattern")
VIEW = "view"


def complete(app: Litestar) -> None:
    """Complete an application's document."""
    for operation, view in _operations(app):
        operation.summary = (operation.description or "").partition("\n")[0].rstrip(".")
        if view is not None:
            _narrow(operation, view)
        for parameter in operation.parameters or []:
            if isinstance(parameter, Parameter):
                _name_values(parameter)


def _operations(app: Litestar) -> Iterator[tuple[Operation, str | None]]:
    """Each operation, and the view that it lists."""
    paths = app.openapi_schema.paths or {}
    for route in app.routes:
        item = paths.get(route.path_format)
        if item is None or item.get is None:
            continue
        handlers = getattr(route, "route_handlers", [])
        yield item.get, next((one.opt[VIEW] for one in handlers if VIEW in one.opt), None)


def _narrow(operation: Operation, view: str) -> None:
    """Keep the filters that apply to a view, and name its columns."""
    columns = [*public_views()[view].comments]
    names = "|".join(columns)
    patterns = {
        "sort": f"^-?({names})(,-?({names})){{0,{MAX_SORT_COLUMNS - 1}}}$",
        "fields": f"^({names})(,({names}))*$",
        "group_by": f"^({PATTERN})$",
    }
    kept: list[Parameter | Reference] = []
    for parameter in operation.parameters or []:
        if not isinstance(parameter, Parameter):
            continue
        if parameter.name in FILTERS and not is_applicable(parameter.name, view, columns):
            continue
        if parameter.name in patterns:
            pattern = patterns[parameter.name]
            parameter.schema = Schema(type=OpenAPIType.STRING, pattern=pattern, max_length=300)
        kept.append(parameter)
    operation.parameters = kept


def _name_values(parameter: Parameter) -> None:
    """Remove null from a parameter's type, and list the allowed names."""
    schema: Any = parameter.schema
    given = [kind for kind in schema.one_of or [] if kind.type != OpenAPIType.NULL]
    if len(given) == 1:
        # The bounds are beside the choice between a value and null, not in it.
        bounds = {n: bound for n in _BOUNDS if (bound := getattr(schema, n)) is not None}
        parameter.schema = replace(given[0], **bounds)
    if parameter.name == VIEW and isinstance(parameter.schema, Schema):
        parameter.schema.enum = sorted(public_views())
    if parameter.name == "series":
        names = "|".join(SERIES)
        parameter.schema = Schema(
            type=OpenAPIType.STRING, pattern=f"^({names})(,({names}))*$", max_length=300
        )
