"""What the commands of `engagement profile` have in common."""

from __future__ import annotations

import re
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engagement.extract.profiles import SignalEntry, Transform

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])

PROFILES_FILE = Path("config/vehicle_profiles.json")

_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_KEY = re.compile(
    rf"(?P<key>[^=]+)=(?P<message>\w+)\.(?P<signal>\w+)(?:@(?P<bus>\d{{1,9}}))?"
    rf"(?:\*(?P<scale>[-+]?{_NUMBER}))?(?P<offset>[-+]{_NUMBER})?"
)
MAX_BUS = 255


def profiles_option(function: Function) -> Function:
    """Add --vehicle-profiles; the command gets `profiles_file`, which may be None."""
    return click.option(
        "--vehicle-profiles",
        "profiles_file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="The file of profiles.  [default: config/vehicle_profiles.json here]",
    )(function)


class KeyEntry(click.ParamType):  # type: ignore[type-arg]
    """A key and its signal: odometer=CLU1.CF_Clu_Odometer@0*0.1+0; bus, scale, offset optional."""

    name = "key"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, SignalEntry]:
        """Parse the text."""
        if isinstance(value, tuple):
            return value
        found = _KEY.fullmatch(value.replace(" ", ""))
        if found is None:
            self.fail(
                f"{value!r} is no signal of a key; write it like "
                "odometer=MESSAGE.SIGNAL@0*0.1+5, bus, scale and offset as needed",
                param,
                ctx,
            )
        bus = int(found["bus"]) if found["bus"] else None
        if bus is not None and bus > MAX_BUS:
            self.fail(f"{value!r}: there is no bus {bus}; the last is {MAX_BUS}", param, ctx)
        transform = Transform(float(found["scale"] or 1), float(found["offset"] or 0))
        if not (isfinite(transform.scale) and isfinite(transform.offset)):
            self.fail(f"{value!r}: the scale or the offset is too large", param, ctx)
        return found["key"], SignalEntry(found["message"], found["signal"], bus, transform)
