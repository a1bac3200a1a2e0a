"""What tables are made of: columns, and lines of values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engagement import formats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engagement.units import Units

    Row = Mapping[str, Any]

_NUMBERS = (
    formats.percent,
    formats.percent_interval,
    formats.decimal,
    formats.two_decimals,
    formats.three_decimals,
    formats.five_decimals,
    formats.number,
    formats.interval,
    formats.duration,
    formats.size,
)


def _nothing(_row: Row) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        heading: What stands over it; `{unit}` is where the unit goes, a line break may be in it.
        name: Of its value in a row.
        show: The value as people read it.
        rank: How soon it is left out where there is no room: the highest first, 0 never.
        unit: Of the value, as a name of `Units`: it is shown in the reader's own; `device` of a
            dongle id, which is shown as the name that it has.
        is_number: Whether it is one, where `show` does not say so.
        is_whole: Whether it is never wrapped.
        is_piped: Whether it is for pipes alone; on a terminal the table says it otherwise.
        more: What else of the row belongs to the value.
        mark: What the footer explains; pipes lack it, so that names can be cut out of a line.
        style: How it looks on a terminal, as Rich names it: red, bold.
    """

    heading: str
    name: str
    show: Callable[[Any], str] = formats.text
    rank: int = 0
    unit: str = ""
    is_number: bool = False
    is_whole: bool = False
    is_piped: bool = False
    more: Callable[[Row], str] = _nothing
    mark: Callable[[Row], str] = _nothing
    style: Callable[[Row], str] = _nothing

    @property
    def is_right(self) -> bool:
        """Whether values stand at the right edge."""
        return self.is_number or self.show in _NUMBERS

    @property
    def title(self) -> str:
        """The heading on one line, the hyphen at its break undone."""
        return self.heading.replace("-\n", "").replace("\n", " ") or self.name

    def of(self, units: Units) -> Column:
        """The column as who reads these units has it."""
        if not self.unit:
            return self
        unit, show = units[self.unit], self.show
        heading = self.heading.replace("{unit}", unit.name)
        return replace(
            self,
            heading=heading,
            show=lambda value: show(unit.each(value) if isinstance(value, tuple) else unit(value)),
            is_number=self.is_right,
            unit="",
        )

    def cell(self, row: Row) -> str:
        """What stands in a row, empty where the row has no such value."""
        return self.show(row[self.name]) + self.more(row) if self.name in row else ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table; a name that `values` lacks leaves its cell empty.

    `is_extra` says that it is no row of the answer, but a heading or a total: pipes lack it.
    """

    values: Row
    style: str = ""
    is_extra: bool = False
