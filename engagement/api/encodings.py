"""Whether a client takes an answer packed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from litestar import Request


def takes_gzip(request: Request[Any, Any, Any]) -> bool:
    """Whether a request's Accept-Encoding allows gzip; `gzip;q=0` forbids it."""
    weights = dict(map(_weighed, request.headers.get("accept-encoding", "").lower().split(",")))
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def _weighed(part: str) -> tuple[str, float]:
    """A coding and its weight, which is 1 where it is left out, and 0 where it can't be read."""
    name, _, parameter = part.partition(";")
    key, _, value = parameter.partition("=")
    if not key.strip():
        return name.strip(), 1.0
    try:
        return name.strip(), float(value) if key.strip() == "q" else 1.0
    except ValueError:
        return name.strip(), 0.0
