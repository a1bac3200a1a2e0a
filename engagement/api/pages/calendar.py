"""A year of days as a strip: how far was driven on each, and the way to its drives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from engagement.filters import Selection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engagement.store.serving import Generation

STEP = 13  # from a day to the next, in units of the strip
_N_WEEKS = 53
_SHADES = 4
_EARLIEST = date(2016, 1, 1)  # of openpilot; dates end, and addresses may name the first
_DAYS = """
select started_at::date as day, count(*) as n_drives, sum(distance_km)::double as distance_km
from {drives}
where {where} and started_at::date between $calendar_first and $calendar_last
group by day
order by day
"""
_LAST = "select max(started_at)::date as day from {drives} where {where}"


@dataclass(frozen=True, slots=True)
class Day:
    """A day with drives: its corner, its shade from 1 to 4 for the longest, and what it was."""

    x: int
    y: int
    shade: int
    day: date
    n_drives: int
    distance_km: float | None


@dataclass(frozen=True, slots=True)
class Month:
    """Where a month begins on the strip, and its days."""

    x: int
    words: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Calendar:
    """The year up to the last day that is asked for, or that has a drive.

    Attributes:
        days: Those with drives.
        months: In order.
        first: The first day.
        last: The last day.
    """

    days: Sequence[Day]
    months: Sequence[Month]
    first: date
    last: date


def read_calendar(generation: Generation, selection: Selection) -> Calendar | None:
    """The calendar of the drives of a selection, whatever its days; None where none has a date."""
    drives = generation.in_memory("drives")
    others = {n: one for n, one in selection.values.items() if n not in ("since", "until")}
    where = Selection(others).where
    [row] = generation.rows(_LAST.format(drives=drives, where=where), others)
    if row["day"] is None:
        return None
    last = max(min(selection["until"] or row["day"], row["day"]), _EARLIEST)
    first = last - timedelta(days=last.weekday(), weeks=_N_WEEKS - 1)
    between = {"calendar_first": first, "calendar_last": last}
    rows = generation.rows(_DAYS.format(drives=drives, where=where), others | between)
    most_km = max((row["distance_km"] or 0.0 for row in rows), default=0.0) or 1.0
    return Calendar(
        [_day(row, first, most_km) for row in rows], list(_months(first, last)), first, last
    )


def _day(row: Mapping[str, Any], first: date, most_km: float) -> Day:
    week, weekday = divmod((row["day"] - first).days, 7)
    shade = min(int((row["distance_km"] or 0.0) / most_km * _SHADES) + 1, _SHADES)
    return Day(week * STEP, weekday * STEP, shade, row["day"], row["n_drives"], row["distance_km"])


def _months(first: date, last: date) -> list[Month]:
    found = []
    day = first
    while day <= last:
        after = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
        week = (day - first).days // 7
        # A month of which the strip has only some days has no room for its name.
        if (min(after, last) - day).days > 14:  # noqa: PLR2004 - two columns
            found.append(Month(week * STEP, f"{day:%b}", day, min(after - timedelta(days=1), last)))
        day = after
    return found
