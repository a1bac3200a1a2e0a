"""Values as people read them; what is shown always carries the whole value with it.

Every function takes None, which means not known, and gives a dash.
"""

from __future__ import annotations

import re
from math import floor, log10
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

UNKNOWN = "\N{EN DASH}"

_NARROW = "\N{NARROW NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"
_SAFE_NAME = re.compile(r"[A-Za-z0-9._|-]+")
_KMH_PER_MPS = 3.6
_S_PER_H = 3600
_TINY = 1e-4
_MANY_HOURS = 100


def number(value: float | None, digits: int = 3) -> str:
    """So many significant digits, more before the point, thousands apart."""
    if value is None:
        return UNKNOWN
    size = floor(log10(abs(value))) if value else 0
    if value and abs(value) < _TINY:
        return f"{value:.1e}"
    return fixed(value, max(0, digits - 1 - size) if value else 0)


def fixed(value: float | None, decimals: int) -> str:
    """So many decimals, thousands apart."""
    if value is None:
        return UNKNOWN
    text = f"{value:,.{decimals}f}".replace(",", _NARROW)
    return text.replace("-", _MINUS if text.strip("-0.") else "")


def short_number(value: float) -> str:
    """A threshold, with no digit more than it has."""
    return f"{value:g}"


def percent(value: float | None) -> str:
    """A fraction as percent."""
    return UNKNOWN if value is None else f"{fixed(value * 100, 1)}{_NARROW}%"


def speed(value: float | None) -> str:
    """Metres per second as kilometres per hour."""
    return UNKNOWN if value is None else f"{fixed(value * _KMH_PER_MPS, 0)}{_NARROW}km/h"


def duration(seconds: float | None) -> str:
    """Hours, minutes and seconds: 1:02:03, or 2:03 below an hour."""
    if seconds is None:
        return UNKNOWN
    minutes, rest = divmod(round(abs(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    sign = _MINUS if seconds < 0 else ""
    if hours:
        return f"{sign}{fixed(hours, 0)}:{minutes:02}:{rest:02}"
    return f"{sign}{minutes}:{rest:02}"


def hours(value: float | None) -> str:
    """Hours as a duration."""
    return duration(None if value is None else value * _S_PER_H)


def span(value: float | None) -> str:
    """Hours as they are said: 42 min, 3.5 h."""
    if value is None:
        return UNKNOWN
    if value < 1:
        return f"{fixed(value * 60, 0)}{_NARROW}min"
    return f"{fixed(value, 1 if value < _MANY_HOURS else 0)}{_NARROW}h"


def seconds(value: float | None) -> str:
    """Seconds with their unit."""
    return UNKNOWN if value is None else f"{number(value)}{_NARROW}s"


def metres(value: float | None) -> str:
    """Metres with their unit."""
    return UNKNOWN if value is None else f"{fixed(value, 1)}{_NARROW}m"


def km(value: float | None) -> str:
    """Kilometres with one decimal."""
    return fixed(value, 1)


def plural(value: float | None) -> str:
    """What a noun ends with after a number."""
    return "" if value == 1 else "s"


def count(value: int | None) -> str:
    """A whole number."""
    return fixed(value, 0)


def moment(value: datetime | None) -> str:
    """Date and time to the minute."""
    return UNKNOWN if value is None else f"{value:%Y-%m-%d %H:%M}"


def degrees(value: float | None) -> str:
    """Degrees of latitude or longitude, to a metre."""
    return fixed(value, 5)


def yes(value: bool | None) -> str:  # noqa: FBT001 - a filter has one value
    """Whether it is so."""
    return UNKNOWN if value is None else ("yes" if value else "no")


def plain(value: Any) -> str:
    """Text, or whatever else it is."""
    return UNKNOWN if value is None else str(value)


STYLES: Mapping[str, Callable[[Any], str]] = {
    "number": number,
    "percent": percent,
    "speed": speed,
    "duration": duration,
    "hours": hours,
    "span": span,
    "seconds": seconds,
    "metres": metres,
    "km": km,
    "count": count,
    "moment": moment,
    "degrees": degrees,
    "yes": yes,
    "text": plain,
}


def exact(value: Any) -> str:
    """The whole value, as JSON would have it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def value(row: Mapping[str, Any], column: str, style: str = "number") -> Markup:
    """A value of a row, as people read it, with its column and all its digits."""
    found = row[column]
    text = STYLES[style](found)
    if found is None:
        return Markup('<span class="none" data-column="{}" data-value="">{}</span>').format(
            column, text
        )
    return Markup('<span data-column="{0}" data-value="{1}" title="{0}: {1}">{2}</span>').format(
        column, exact(found), text
    )


def interval(row: Mapping[str, Any], column: str, style: str = "number") -> Markup:
    """The 95 % interval of a value, from the columns beside it."""
    lower, upper = row[f"{column}_lower"], row[f"{column}_upper"]
    if lower is None and upper is None:
        return Markup("")
    if upper is None:
        return Markup("over {}").format(value(row, f"{column}_lower", style))
    return Markup("{} to {}").format(
        value(row, f"{column}_lower", style), value(row, f"{column}_upper", style)
    )


def drive_url(row: Mapping[str, Any]) -> str:
    """The page of a drive: by its route's name, by its number where that is no plain name."""
    name = f"{row['dongle_id']}|{row['drive']}"
    return f"/drive/{quote(name)}" if _SAFE_NAME.fullmatch(name) else f"/drive/{row['drive_id']}"


def event_url(row: Mapping[str, Any]) -> str:
    """The page of an event."""
    return f"/event/{quote(row['event_id'], safe='')}"


def short(name: str | None, letters: int = 8) -> Markup:
    """The start of a long identifier; all of it is its title."""
    if name is None:
        return escape(UNKNOWN)
    if len(name) <= letters:
        return Markup('<span class="id">{}</span>').format(name)
    return Markup('<span class="id" title="{}">{}…</span>').format(name, name[:letters])


def wrapped(name: str) -> Markup:
    """A name that may break after each underscore or point."""
    return Markup(re.sub(r"([_.|])", r"\1<wbr>", str(escape(name))))  # noqa: S704 - escaped above


def median_limits(row: Mapping[str, Any]) -> str:
    """Between which times the median length of engagements lies; nothing where that is open."""
    lower, upper = row["engagement_median_lower_s"], row["engagement_median_upper_s"]
    if lower is None:
        return ""
    return f"{number(lower)} to {number(upper)} s" if upper else f"over {number(lower)} s"
