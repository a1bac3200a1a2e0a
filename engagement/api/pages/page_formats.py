"""What pages add to `engagement.formats`: typography, and the whole value with what is shown.

Every function takes None, which means not known, and gives a dash.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from engagement import formats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

    from engagement.units import DeviceNames, Units

    Styles = Mapping[str, Callable[[Any], str]]

UNKNOWN = "\N{EN DASH}"

_NARROW = "\N{NARROW NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"
_S_PER_H = 3600
_NOTHING = 1e-3


def typeset(text: str) -> str:
    """A number as a page has it: with a minus, and its unit close to it."""
    if text == formats.UNKNOWN:
        return UNKNOWN
    sign = _MINUS if text.startswith("-") else ""
    return sign + text.removeprefix("-").replace(" ", _NARROW)


def number(value: float | None) -> str:
    """Three digits, more before the point, thousands apart."""
    return typeset(formats.significant(value, 3, thousands=_NARROW))


def measure(value: float | None) -> str:
    """The same of what was measured: less than a thousandth of its unit is nothing."""
    return number(0.0 if value is not None and abs(value) < _NOTHING else value)


def fixed(value: float | None, decimals: int) -> str:
    """So many decimals, thousands apart."""
    return typeset(formats.fixed(value, decimals, thousands=_NARROW))


def with_unit(text: str, unit: str) -> str:
    """A number with its unit, what is not known without."""
    return text if text == UNKNOWN else f"{text}{_NARROW}{unit}"


def percent(value: float | None) -> str:
    """A fraction as percent."""
    return with_unit(typeset(formats.percent(value)), "%")


def duration(seconds: float | None) -> str:
    """Hours, minutes and seconds: 1:02:03, or 2:03 below an hour."""
    return typeset(formats.short_duration(seconds, thousands=_NARROW))


def hours(value: float | None) -> str:
    """Hours as a duration."""
    return duration(None if value is None else value * _S_PER_H)


def span(value: float | None) -> str:
    """Hours as they are said: 42 min, 3.5 h."""
    return typeset(formats.hours(value, thousands=_NARROW))


def seconds(value: float | None) -> str:
    """Seconds with their unit."""
    return with_unit(number(value), "s")


def count(value: int | None) -> str:
    """A whole number."""
    return fixed(value, 0)


def moment(value: datetime | None) -> str:
    """Date and time to the minute."""
    return UNKNOWN if value is None else formats.moment(value)


def day_words(value: date | None) -> str:
    """A day as a heading: Saturday, 6 December 2025."""
    return "Without a date" if value is None else f"{value:%A}, {value.day} {value:%B %Y}"


def month_words(value: date) -> str:
    """A month by its first day: December 2025."""
    return f"{value:%B %Y}"


def degrees(value: float | None) -> str:
    """Degrees of latitude or longitude, to a metre."""
    return typeset(formats.five_decimals(value))


def yes(value: bool | None) -> str:  # noqa: FBT001 - a filter has one value
    """Whether it is so."""
    return typeset(formats.yes(value))


def plain(value: Any) -> str:
    """Text, or whatever else it is."""
    return UNKNOWN if value is None else str(value)


STYLES: Mapping[str, Callable[[Any], str]] = {
    "number": number,
    "measure": measure,
    "deceleration": lambda value: with_unit(measure(value), "m/s²"),
    "closing": lambda value: with_unit(measure(value), "m/s"),
    "jerk": lambda value: with_unit(measure(value), "m/s³"),
    "turn": lambda value: with_unit(measure(value), "°/s"),
    "percent": percent,
    "duration": duration,
    "hours": hours,
    "span": span,
    "seconds": seconds,
    "count": count,
    "moment": moment,
    "degrees": degrees,
    "yes": yes,
    "text": plain,
}


def styles(units: Units) -> dict[str, Callable[[Any], str]]:
    """All styles; `distance`, `rate`, `speed` and `gap` convert what is stored in SI.

    A distance and a rate per distance have their units elsewhere, as headings do.
    """
    return {
        **STYLES,
        "distance": lambda km: fixed(units.distance(km), 1),
        "rate": lambda per_100km: number(units.per_distance(per_100km)),
        "speed": lambda mps: with_unit(fixed(units.road_speed(mps), 0), units.road_speed.name),
        "gap": lambda m: with_unit(fixed(units.length(m), 1), units.length.name),
    }


def exact(value: Any) -> str:
    """The whole value, as JSON would have it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def value(styles: Styles, row: Mapping[str, Any], column: str, style: str = "number") -> Markup:
    """A value of a row, as people read it, with its column and all its digits."""
    found = row[column]
    text = styles[style](found)
    if found is None:
        return Markup('<span class="none" data-column="{}" data-value="">{}</span>').format(
            column, text
        )
    return Markup('<span data-column="{0}" data-value="{1}" title="{0}: {1}">{2}</span>').format(
        column, exact(found), text
    )


def interval(styles: Styles, row: Mapping[str, Any], column: str, style: str = "number") -> Markup:
    """The 95 % interval of a value, from the columns beside it."""
    lower, upper = row[f"{column}_lower"], row[f"{column}_upper"]
    if lower is None and upper is None:
        return Markup("")
    if upper is None:
        return Markup("over {}").format(value(styles, row, f"{column}_lower", style))
    return Markup("{} to {}").format(
        value(styles, row, f"{column}_lower", style), value(styles, row, f"{column}_upper", style)
    )


def device(names: DeviceNames, dongle_id: str | None) -> Markup:
    """A device by its given name, else by as much of its id as tells it from all others."""
    if dongle_id is None or not names.is_named(dongle_id):
        return short(dongle_id, names.letters_of(dongle_id or "", 8))
    return Markup('<span title="{}">{}</span>').format(dongle_id, names(dongle_id))


def mark_of(names: DeviceNames) -> str:
    """What tells pages with these names from pages with others."""
    return sha256(repr(names).encode()).hexdigest()[:8]


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
    limits = f"{number(lower)} to {number(upper)} s" if upper else f"over {number(lower)} s"
    # A file of an older engagement does not tell.
    bias = row.get("engagement_median_bias")
    return f"{limits}; rather {bias}" if bias else limits
