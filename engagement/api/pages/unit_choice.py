"""Kilometres or miles on pages: a visitor's choice, kept in a cookie; no script is needed."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from litestar import Request, Response, get
from litestar.datastructures import Cookie, State
from litestar.params import FromQuery

from engagement.analysis.device_units import read_units
from engagement.api.problems import ParameterError
from engagement.store.given_names import read_device_names
from engagement.units import UNITS

if TYPE_CHECKING:
    from engagement.store.serving import Generation
    from engagement.units import Units

COOKIE = "units"
_YEAR_S = 365 * 24 * 3600
# An address of this site: one slash, as two would lead to another, and nothing that ends a header.
_OWN_ADDRESS = re.compile(r"/(?![/\\])[!-~]*")


def page_units(request: Request[Any, Any, State], generation: Generation) -> Units:
    """What the visitor has chosen, else what the server was told, else what the devices say."""
    chosen = UNITS.get(request.cookies.get(COOKIE, ""))
    told = UNITS.get(request.app.state.settings.units or "")
    units = chosen or told or device_units(generation)
    names = generation.cached("names of devices", lambda: read_device_names(generation))
    return units.naming(names)


def device_units(generation: Generation) -> Units:
    """What the devices say, read once."""
    return generation.cached("units of devices", lambda: read_units(generation))


@get("/units", sync_to_thread=False)
def choose_units(to: FromQuery[str], back: FromQuery[str] = "/") -> Response[bytes]:
    """Remember a choice, and lead back to the page where it was made."""
    if to not in UNITS:
        raise ParameterError("to", f"{to!r} is neither {' nor '.join(UNITS)}")
    address = back if _OWN_ADDRESS.fullmatch(back) else "/"
    return Response(
        b"",
        status_code=HTTPStatus.SEE_OTHER,
        headers={"location": address, "cache-control": "no-store"},
        cookies=[Cookie(key=COOKIE, value=to, max_age=_YEAR_S, samesite="lax", httponly=True)],
    )
