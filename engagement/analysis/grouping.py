"""Which drives belong to the two groups that are compared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from engagement.errors import InputError, NotFoundError, suggestion
from engagement.filters import Selection, parse_day
from engagement.groupings import OPTIONS, crossed_pattern, parse_crossing
from engagement.names import starting_so
from engagement.store.query_types import require_current

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from engagement.groupings import Crossing
    from engagement.store.query_types import Queryable

_PARAM = "param:"
DIMENSIONS_COMPARED = tuple(name for name in OPTIONS if name != "mode")
KINDS = (*DIMENSIONS_COMPARED, "date", f"{_PARAM}NAME")
PATTERN = f"{crossed_pattern(DIMENSIONS_COMPARED)}|date|{_PARAM}.+"  # what `parse_grouping` takes

ALL_DRIVES = "engagement.main.drives"  # also those that a selection leaves out

_MAX_LISTED = 30

_GROUPS = "select drive_id, group_name from drive_groups where grouped_by = ?"
_PARAMS = """
select drive_id, value as group_name from params where name = ? and value is not null
"""
_DAYS = "select drive_id, started_at::date as day from drives"


@dataclass(frozen=True, slots=True)
class Grouping:
    """What drives are grouped by: dimensions, the value of an openpilot param, or days."""

    kind: str
    param: str | None = None

    @property
    def crossing(self) -> Crossing | None:
        """The dimensions, None where there is none."""
        is_named = self.param is None and self.kind != "date"
        return parse_crossing(self.kind) if is_named else None

    def __str__(self) -> str:
        return f"{_PARAM}{self.param}" if self.param else self.kind


@dataclass(frozen=True, slots=True)
class Division:
    """The drives of two groups: A is the baseline, B the candidate.

    With `parts` a drive may be in both, each time with those of its parts that are in the group.
    """

    by: str
    a: str
    b: str
    a_drives: tuple[int, ...]
    b_drives: tuple[int, ...]
    parts: Crossing | None = None


def parse_grouping(text: str) -> Grouping:
    """Parse what `--by` was given.

    Raises:
        InputError: If drives can't be grouped so.
    """
    if text.startswith(_PARAM) and len(text) > len(_PARAM):
        return Grouping("param", text.removeprefix(_PARAM))
    if text == "date":
        return Grouping(text)
    try:
        crossing = parse_crossing(text)
    except InputError as error:
        nearest = suggestion(text, KINDS) if text != "param" else "; did you mean 'param:NAME'?"
        raise InputError(
            f"--by {text!r}: drives are grouped by {', '.join(KINDS)}, or by two{nearest}"
        ) from error
    if crossing.has("mode"):
        raise InputError(
            f"--by {text!r}: what is compared is what was engaged; there is {', '.join(KINDS)}"
        )
    if not crossing.dimensions:
        raise InputError(f"--by {text!r}: all drives are one group; there is {', '.join(KINDS)}")
    return Grouping(crossing.name)


def comparable_drives(
    reader: Queryable, source: str = "drives", selection: Selection | None = None
) -> list[int]:
    """The numbers of the drives that are selected, imported ones included.

    Args:
        reader: Of the database.
        source: What has the rows of the view `drives`.
        selection: Of its rows; all if there is none.
    """
    wanted = selection or Selection()
    query = f"select drive_id from {source} where {wanted.where}"
    return [row["drive_id"] for row in reader.rows(query, wanted.values)]


def divide(
    reader: Queryable, grouping: Grouping, a: str, b: str, drive_ids: Iterable[int]
) -> Division:
    """Find the drives of both groups among those given.

    Raises:
        NotFoundError: If no drive is in a group.
        InputError: If the groups are the same, overlap, or are no ranges of dates.
        OtherDefinitionsError: If the numbers are not of the definitions that the tests are of.
    """
    require_current(reader, "comparison")
    chosen = set(drive_ids)
    if grouping.kind == "date":
        return _divide_by_days(reader, a, b, chosen)
    groups = find_groups(reader, grouping, (a, b), chosen)
    if len(groups) == 1:
        raise InputError(f"A and B are the same {grouping}: {next(iter(groups))!r}")
    (found_a, a_drives), (found_b, b_drives) = groups.items()
    parts = grouping.crossing if grouping.crossing and grouping.crossing.is_of_parts else None
    return Division(str(grouping), found_a, found_b, a_drives, b_drives, parts)


def find_groups(
    reader: Queryable, grouping: Grouping, names: Iterable[str], drive_ids: Collection[int]
) -> dict[str, tuple[int, ...]]:
    """Find the drives of some groups among those given, by the whole names of the groups.

    Raises:
        NotFoundError: If no drive is in a group.
        InputError: If the grouping has no groups of its own, but ranges of dates.
        OtherDefinitionsError: If the numbers are not of the definitions that the tests are of.
    """
    require_current(reader, "comparison")
    if grouping.kind == "date":
        raise InputError("days are no groups of their own")
    drives_by_name, chosen = _drives_by_name(reader, grouping), set(drive_ids)
    found = [_find_name(grouping, name, drives_by_name) for name in names]
    return {name: _among(chosen, drives_by_name[name], grouping, name) for name in found}


def _drives_by_name(reader: Queryable, grouping: Grouping) -> dict[str, list[int]]:
    if grouping.param is None:
        rows = _drives_of_groups(reader, parse_crossing(grouping.kind))
    else:
        rows = reader.rows(_PARAMS, [grouping.param])
        if not rows:
            known = [row["name"] for row in reader.rows("select distinct name from params")]
            raise NotFoundError("param", grouping.param, known)
    drives_by_name: dict[str, list[int]] = {}
    for row in rows:
        drives_by_name.setdefault(row["group_name"], []).append(row["drive_id"])
    return drives_by_name


def _drives_of_groups(reader: Queryable, crossing: Crossing) -> list[dict[str, Any]]:
    if len(crossing.dimensions) == 1:
        return reader.rows(_GROUPS, [crossing.name])
    return reader.rows(f"select distinct drive_id, group_name from ({crossing.cells})")


def _find_name(grouping: Grouping, name: str, drives_by_name: Mapping[str, list[int]]) -> str:
    """The name of a group; the start of a commit or device is enough where it is the only one."""
    if name in drives_by_name:
        return name
    if grouping.crossing and grouping.crossing.is_start_enough and name:
        alike = starting_so(name, drives_by_name)
        if len(alike) == 1:
            return alike[0]
        if alike:
            raise InputError(f"{name!r} is the start of several: {', '.join(alike)}")
    raise _no_group(grouping, name, drives_by_name)


def _no_group(
    grouping: Grouping, name: str, drives_by_name: Mapping[str, list[int]]
) -> NotFoundError:
    """An error that tells the nearest group, and which there are, the largest first."""
    ordered = sorted(drives_by_name, key=lambda known: (-len(drives_by_name[known]), known))
    listed = [
        f"{known} ({len(drives_by_name[known])} drive{'s' * (len(drives_by_name[known]) > 1)})"
        for known in ordered[:_MAX_LISTED]
    ]
    if len(ordered) > _MAX_LISTED:
        listed.append("...")
    near = suggestion(name, drives_by_name)
    tail = f"{near} There is" if near.startswith("; did you mean") else "; there is"
    error = NotFoundError(str(grouping), name)
    error.args = (f"{error}{tail} {', '.join(listed) or 'none'}",)
    return error


def _divide_by_days(reader: Queryable, a: str, b: str, chosen: set[int]) -> Division:
    ranges = _parse_days(a), _parse_days(b)
    (first_a, last_a), (first_b, last_b) = ranges
    if first_a <= last_b and first_b <= last_a:
        raise InputError(f"the dates {a!r} and {b!r} overlap: a drive can't be in both groups")
    grouping = Grouping("date")
    days = {row["drive_id"]: row["day"] for row in reader.rows(_DAYS) if row["day"] is not None}
    found = [
        _among(chosen, [drive_id for drive_id, day in days.items() if first <= day <= last],
               grouping, name)
        for name, (first, last) in zip((a, b), ranges, strict=True)
    ]  # fmt: skip
    return Division("date", a, b, found[0], found[1])


def _parse_days(text: str) -> tuple[date, date]:
    """First and last day, both included, of a day or a range with one end at least."""
    first, dots, last = text.partition("..")
    if dots and not first and not last:
        raise InputError(f"{text!r} is every day; give one end, like 2025-07-01..")
    try:
        if not dots:
            return parse_day(first), parse_day(first)
        days = parse_day(first) if first else date.min, parse_day(last) if last else date.max
    except InputError as error:
        raise InputError(
            f"{text!r} is no range of dates; write it like 2025-07-01..2025-07-31, "
            "and leave out an end to leave it open"
        ) from error
    if days[1] < days[0]:
        raise InputError(f"{text!r} ends before it begins")
    return days


def _among(
    chosen: set[int], drive_ids: Iterable[int], grouping: Grouping, name: str
) -> tuple[int, ...]:
    """Those that were chosen, in order.

    Raises:
        NotFoundError: If none is left.
    """
    left = tuple(sorted(chosen.intersection(drive_ids)))
    if not left:
        raise NotFoundError(f"drive of {grouping}", name)
    return left
