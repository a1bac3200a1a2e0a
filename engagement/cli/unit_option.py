"""`--units`: kilometres or miles, for what people read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from engagement.analysis.device_units import read_units
from engagement.store.given_names import read_device_names
from engagement.units import UNITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from engagement.store.reader import Reader
    from engagement.units import Units

    Function = TypeVar("Function", bound=Callable[..., Any])

_KEY = "engagement.units"


def _remember(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    ctx.meta[_KEY] = value


def units_option(function: Function) -> Function:
    """Add --units, which `chosen_units` goes by."""
    return click.option(
        "--units",
        type=click.Choice(list(UNITS)),
        envvar="ENGAGEMENT_UNITS",
        show_envvar=True,
        expose_value=False,
        callback=_remember,
        help="What tables and sentences are in; JSON and CSV are in SI.  [default: what the "
        "devices are set to, where they agree, else metric]",
    )(function)


def chosen_units(reader: Reader) -> Units:
    """The units that the command was given, else those that the devices are set to."""
    name = click.get_current_context().meta.get(_KEY)
    units = read_units(reader) if name is None else UNITS[name]
    return units.naming(read_device_names(reader))
