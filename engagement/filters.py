"""What drives are selected by: each filter is declared here, once.

From a declaration follow the option of every command that reads drives, the parameter of the API
with its description, and the field in the forms of pages. Values only ever are parameters of a
query.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

from engagement.errors import InputError
from engagement.groupings import DIMENSIONS
from engagement.names import drive_started_at, parse_drive

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMPARISONS = {"=": operator.eq, ">=": operator.ge, "<=": operator.le}
_IS_TIME = "drive like '____-%'"  # the name of a drive, which is a counter otherwise


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter.

    Attributes:
        name: Of the parameter, and of the option.
        column: Of the view that is filtered; `drives` for those below.
        about: What its value is, as the API describes it.
        option: What it leaves, as the help of commands says it.
        metavar: What stands for its value there.
        kind: The type of its values: str, date, float or bool.
        operator: Between the column and the value.
        label: Its field in the forms of pages; they have none without.
        is_start_enough: Where a user types it, the start of a value will do.
    """

    name: str
    column: str
    about: str
    option: str = ""
    metavar: str = "NAME"
    kind: type = str
    operator: str = "="
    label: str = ""
    is_start_enough: bool = False

    @property
    def flag(self) -> str:
        """The option of commands."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def is_day(self) -> bool:
        """Whether its values are days."""
        return self.kind is date

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        return self.kind is float

    @property
    def condition(self) -> str:
        """In SQL; the value is the parameter of the filter's name."""
        column = f"{self.column}::date" if self.is_day else self.column
        return f"{column} {self.operator} ${self.name}"

    def condition_for(self, value: Any) -> str:
        """The same of a value that may be the name of a drive in the place of a day."""
        if not (self.is_day and isinstance(value, str)):
            return self.condition
        by_name = f"drive {self.operator} ${self.name}"
        if drive_started_at(value):
            by_day = f"{self.column}::date {self.operator} left(${self.name}, 10)::date"
            return f"case when {_IS_TIME} then {by_name} else {by_day} end"
        if self.operator == ">=":
            return f"(not {_IS_TIME} and {by_name})"
        return f"({_IS_TIME} or {by_name})"

    def fits(self, found: Any, wanted: Any) -> bool:
        """The same of a value that is no row's yet."""
        return bool(_COMPARISONS[self.operator](found, wanted))

    def fits_drive(self, drive: str, day: date | None, wanted: str) -> bool:
        """The same of a drive, where the name of one is wanted in the place of a day."""
        if drive_started_at(wanted) and not drive_started_at(drive):
            return day is None or self.fits(day, _day_of(wanted))
        return self.fits(_order(drive), _order(wanted))


_DECLARED = (
    Filter(
        "device", "dongle_id", "Dongle id of a device, or its name.",
        "Only this device, by its name or the start of its dongle id.", "ID",
        label="Device", is_start_enough=True,
    ),
    Filter(
        "drive", "drive_id", "A drive: DEVICE|DRIVE, or its name or number.",
        "Only this drive; the start of its name is enough.",
    ),
    Filter(
        "car", "car_fingerprint", "Car fingerprint.",
        "Only drives of this car, by its fingerprint.", label="Car",
    ),
    Filter(
        "branch", "git_branch", "Branch of the software.",
        "Only drives with this branch.", label="Branch",
    ),
    Filter(
        "version", "version", "Version of openpilot.",
        "Only drives with this version of openpilot.", label="Version",
    ),
    Filter(
        "commit", "git_commit", "Commit of the software.",
        "Only drives with this commit; its start is enough.", "HASH",
        is_start_enough=True,
    ),
    Filter("fork", "fork", "Fork of openpilot.", "Only drives with this fork."),
    Filter(
        "since", "started_at",
        "First day: UTC, or local time where the drive's name alone tells it.",
        "Only drives of this day (YYYY-MM-DD) or later; or a drive's name.", "DATE",
        kind=date, operator=">=", label="From",
    ),
    Filter(
        "until", "started_at",
        "Last day: UTC, or local time where the drive's name alone tells it.",
        "Only drives of this day (YYYY-MM-DD) or before; or a drive's name.", "DATE",
        kind=date, operator="<=", label="to",
    ),
)  # fmt: skip

DRIVE_FILTERS: Mapping[str, Filter] = {one.name: one for one in _DECLARED}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which drives are asked for: the values of the filters that are given, by their names."""

    values: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, **values: Any) -> Self:
        """A selection by what is not None."""
        return cls({name: value for name, value in values.items() if value is not None})

    def __getitem__(self, name: str) -> Any:
        """The value of a filter, None where it is not given."""
        return self.values.get(name)

    @property
    def is_backwards(self) -> bool:
        """Whether the last day is before the first."""
        since, until = self["since"], self["until"]
        if since is None or until is None:
            return False
        if isinstance(since, str) and isinstance(until, str):
            return _order(until) < _order(since)
        first, last = _day_of(since), _day_of(until)
        return first is not None and last is not None and last < first

    @property
    def group(self) -> tuple[str, str] | None:
        """The group of `drive_groups` that this is, by its kind and name; None if it is none."""
        if not self.values:
            return "all", "all"
        [(name, value), *others] = self.values.items()
        return (name, value) if not others and name in DIMENSIONS else None

    @property
    def conditions(self) -> list[str]:
        """The conditions on rows of `drives`; their parameters are the values."""
        return [DRIVE_FILTERS[name].condition_for(value) for name, value in self.values.items()]

    @property
    def where(self) -> str:
        """All of them as one."""
        return " and ".join(self.conditions) or "true"

    def admits(self, **known: Any) -> bool:
        """Whether a drive may be wanted, by what is known of it; None is not known."""
        return all(
            _admits(DRIVE_FILTERS[name], known, value) for name, value in self.values.items()
        )


def _admits(one: Filter, known: Mapping[str, Any], wanted: Any) -> bool:
    found = known.get(one.name)
    if one.is_day and isinstance(wanted, str):
        drive = known.get("drive")
        return drive is None or one.fits_drive(drive, found, wanted)
    return found is None or one.fits(found, wanted)


def _order(drive: str) -> tuple[bool, str]:
    """What names of drives are ordered by: those that are counters came later."""
    return drive_started_at(drive) is None, drive


def _day_of(bound: date | str) -> date | None:
    """The day of a bound; None for the name of a drive that tells none."""
    if isinstance(bound, date):
        return bound
    started_at = drive_started_at(bound)
    return started_at.date() if started_at else None


def parse_day(text: str) -> date:
    """Parse a day.

    Raises:
        InputError: If it is none.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise InputError(f"{text!r} is no date; write it like 2025-07-31") from error


def parse_bound(text: str) -> date | str:
    """Parse a day, or the name of a drive or route, which stands for the drive.

    Drives are before or after a named one by their names: those that are times come first, those
    that are counters follow. Only a counter has no order with a time: there the day counts.

    Raises:
        InputError: If it is neither.
    """
    drive = parse_drive(text)
    if drive:
        return drive
    try:
        return parse_day(text)
    except InputError as error:
        raise InputError(f"{error}, or name a drive") from error
