"""Values as people read them; only here do fractions become percent and seconds hours.

Every function takes None, which means not known, and gives a dash. What a page needs besides, as
its own minus sign, `engagement.api.pages.page_formats` puts on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

UNKNOWN = "-"
ENDLESS = "any number"

_BYTES_PER_UNIT = 1000
_TENTHS_BELOW = 10
_ANY_BEYOND = 100
_TINY = 0.001  # below, powers of ten are easier to read than zeros
_MANY_HOURS = 100


def text(value: Any) -> str:
    """Text or a count; what a terminal would obey instead of show is written as an escape."""
    if value is None:
        return UNKNOWN
    shown = str(value)
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)


def yes(value: bool | None) -> str:  # noqa: FBT001 - the value of a cell
    """Whether it is so."""
    return UNKNOWN if value is None else "yes" if value else "no"


def fixed(value: float | None, decimals: int, *, thousands: str = "") -> str:
    """So many decimals; `thousands` is what stands between groups of digits."""
    if value is None:
        return UNKNOWN
    return f"{value:z,.{decimals}f}".replace(",", thousands)


def decimal(value: float | None) -> str:
    """One decimal, which is enough for kilometres and rates."""
    return fixed(value, 1)


def two_decimals(value: float | None) -> str:
    """Two decimals, for ratios."""
    return fixed(value, 2)


def three_decimals(value: float | None) -> str:
    """Three decimals, for what a check finds."""
    return fixed(value, 3)


def five_decimals(value: float | None) -> str:
    """Five decimals, a metre of latitude."""
    return fixed(value, 5)


def percent(fraction: float | None) -> str:
    """A fraction as percent, without the sign: the heading has it."""
    return UNKNOWN if fraction is None else fixed(fraction * 100, 1)


def significant(value: float | None, digits: int, *, thousands: str = "") -> str:
    """So many digits at least, none after the point that it does not take; tiny ones as powers."""
    if value is None:
        return UNKNOWN
    if math.isinf(value):
        return ENDLESS
    if value == 0:
        return "0"
    if abs(value) < _TINY:
        return power(value, digits - 1)
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return fixed(value, max(0, digits - 1 - exponent), thousands=thousands)


def number(value: float | None) -> str:
    """Three digits, more before the point: rates and times of any size."""
    return significant(value, 3)


def two_digits(value: float | None) -> str:
    """Two digits, more before the point: estimates of a comparison, and p."""
    return significant(value, 2)


def power(value: float, digits: int) -> str:
    """So many digits and a power of ten: 1.5e-6."""
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def ratio_number(value: float | None) -> str:
    """Two decimals, fewer from 10 on; ratios stand beside their limits."""
    if value is None or math.isinf(value) or value >= _TENTHS_BELOW:
        return two_digits(value)
    return two_decimals(value)


def about(value: float) -> str:
    """Two significant digits, whatever its size, thousands apart: 12 000."""
    if value <= 0:
        return "0"
    whole = float(f"{value:.1e}")
    return fixed(whole, 0, thousands=" ") if whole >= _TENTHS_BELOW else f"{whole:g}"


def reading(value: float | None) -> str:
    """A value as a display would show it: up to seven digits."""
    return UNKNOWN if value is None else f"{value:.7g}"


def fitted(value: float | None) -> str:
    """A number that was fitted: four digits say all that it knows."""
    return UNKNOWN if value is None else f"{value:.4g}"


def setting(value: float | None) -> str:
    """A threshold, with no digit more than it has."""
    return UNKNOWN if value is None else f"{value:g}"


def interval(estimate: tuple[float | None, float | None, float | None] | None) -> str:
    """An estimate with its limits: 1.25 (0.800-1.95); what has no upper one: over 0.800.

    Limits a hundred times apart from the estimate say that the drives are too few to tell.
    """
    value, lower, upper = estimate or (None, None, None)
    if lower is None:
        return number(value)
    if value is None or upper is None:
        return f"over {number(lower)}"
    if is_any(value, upper):
        return f"{number(value)} (any)"
    return f"{number(value)} ({number(lower)}-{number(upper)})"


def percent_interval(estimate: tuple[float | None, float | None, float | None]) -> str:
    """A fraction with its limits as percent: 62.5 (40.1-80.0)."""
    value, lower, upper = (percent(fraction) for fraction in estimate)
    return value if estimate[1] is None else f"{value} ({lower}-{upper})"


def is_any(value: float, upper: float) -> bool:
    """Whether a limit is so far beyond its estimate that it says nothing."""
    return upper > _ANY_BEYOND * value > 0


def duration(seconds: float | None) -> str:
    """Hours, minutes and seconds: 1:02:03."""
    if seconds is None:
        return UNKNOWN
    sign, hours, minutes, rest = _clock(seconds)
    return f"{sign}{hours}:{minutes:02}:{rest:02}"


def short_duration(seconds: float | None, *, thousands: str = "") -> str:
    """The same, below an hour without one: 2:03."""
    if seconds is None:
        return UNKNOWN
    sign, hours, minutes, rest = _clock(seconds)
    if hours:
        return f"{sign}{fixed(hours, 0, thousands=thousands)}:{minutes:02}:{rest:02}"
    return f"{sign}{minutes}:{rest:02}"


def _clock(seconds: float) -> tuple[str, int, int, int]:
    minutes, rest = divmod(round(abs(seconds)), 60)
    return "-" if round(seconds) < 0 else "", minutes // 60, minutes % 60, rest


def hours(value: float | None, *, thousands: str = "") -> str:
    """Hours as they are said: 42 min, 3.5 h."""
    if value is None:
        return UNKNOWN
    if value < 1:
        return f"{fixed(value * 60, 0)} min"
    return f"{fixed(value, 1 if value < _MANY_HOURS else 0, thousands=thousands)} h"


def moment(time: datetime | None) -> str:
    """Date and time to the minute."""
    return UNKNOWN if time is None else f"{time:%Y-%m-%d %H:%M}"


def size(n_bytes: int | None) -> str:
    """Bytes in a unit that leaves up to three digits: 61 MB."""
    if n_bytes is None:
        return UNKNOWN
    amount = float(n_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if round(amount) < _BYTES_PER_UNIT:
            digits = 1 if unit != "bytes" and amount < _TENTHS_BELOW else 0
            return f"{amount:.{digits}f} {unit}"
        amount /= _BYTES_PER_UNIT
    return f"{amount:.1f} TB"


def plural(number: float | None) -> str:
    """What a noun ends with after a number."""
    return "" if number == 1 else "s"


def count(number: int, noun: str) -> str:
    """A number of things: 1 drive, 2 drives."""
    return f"{number} {noun}{plural(number)}"


def spans(numbers: list[int]) -> str:
    """Ascending numbers, runs of them shortened: 0, 3-5, 9."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
