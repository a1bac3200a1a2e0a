"""What drives are grouped by: each dimension is declared here, once.

`--by` of commands, the parameter of the API, the choices of pages, comparisons and the comments of
views follow from it. A dimension's name is the column of `staging.dimension_cells`, which says what
its groups are called. Two dimensions can be crossed: `model,night`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from engagement.errors import InputError, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Level = Literal["drive", "part", "band", "mode"]

ALL = "all"
UNKNOWN = "unknown"
JOINT = ", "  # between the names of a crossed group
_MAX_CROSSED = 2
_DIGITS = re.compile(r"(\d*)(\D*)")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Dimension:
    """One way to group drives.

    Attributes:
        name: As in SQL.
        about: What drives of a group have in common.
        level: What is in a group: whole drives, the parts into which the dimension splits each,
            what happened at some speed, or in some mode.
        groups: Its groups in the order in which people give them; empty where names tell it.
        is_start_enough: Where a user types a group, the start of its name will do.
    """

    name: str
    about: str
    level: Level = "drive"
    groups: tuple[str, ...] = ()
    is_start_enough: bool = False

    @property
    def words(self) -> str:
        """As people read it, and type it with a hyphen."""
        return self.name.replace("_", " ")

    @property
    def option(self) -> str:
        """As `--by` takes it."""
        return self.name.replace("_", "-")


_DECLARED = (
    Dimension("device", "the device, by its dongle id", is_start_enough=True),
    Dimension("car", "the car's fingerprint"),
    Dimension("version", "the version of openpilot"),
    Dimension("branch", "the software's branch"),
    Dimension("commit", "the software's commit", is_start_enough=True),
    Dimension("fork", "the fork of openpilot"),
    Dimension("model", "the driving model", "part"),
    Dimension("experimental", "experimental mode or chill", "part", ("chill", "experimental")),
    Dimension(
        "personality",
        "how closely it follows",
        "part",
        ("aggressive", "standard", "relaxed"),
    ),
    Dimension("month", "the month of the drive's start"),
    Dimension("week", "the ISO week of its start"),
    Dimension("weekday", "the local day of the week of its start", groups=_WEEKDAYS),
    Dimension("hour", "the hour of the local day", "part"),
    Dimension("night", "the sun more than 6 degrees below the horizon", "part", ("day", "night")),
    Dimension("log_kind", "rlogs, qlogs or both", groups=("rlog", "mixed", "qlog")),
    Dimension("speed_band", "the speed", "band", ("city", "road", "highway")),
    Dimension("mode", "what openpilot did", "mode", ("engaged", "lateral_only", "neither")),
)

DIMENSIONS: Mapping[str, Dimension] = {one.name: one for one in _DECLARED}
OPTIONS = tuple(one.option for one in _DECLARED)


def crossed_pattern(options: Sequence[str]) -> str:
    """A regular expression of one of these options, or two different ones with a comma."""
    others = {one: "|".join(other for other in options if other != one) for one in options}
    return "|".join(f"{one}(,({others[one]}))?" for one in options)


# What `parse_crossing` takes, written with hyphens.
PATTERN = f"{ALL}|{crossed_pattern(OPTIONS)}"


@dataclass(frozen=True, slots=True)
class Crossing:
    """What groups are asked for: by a dimension, by two of them, or all drives as one by none."""

    dimensions: tuple[Dimension, ...] = ()

    @property
    def name(self) -> str:
        """As `grouped_by` has it."""
        return ",".join(one.name for one in self.dimensions) or ALL

    @property
    def option(self) -> str:
        """As `--by` takes it."""
        return ",".join(one.option for one in self.dimensions) or ALL

    @property
    def words(self) -> str:
        """As people read it."""
        return " and ".join(one.words for one in self.dimensions) or ALL

    @property
    def is_start_enough(self) -> bool:
        """Whether the start of a group's name will do."""
        return len(self.dimensions) == 1 and self.dimensions[0].is_start_enough

    def has(self, level: Level) -> bool:
        """Whether one of the dimensions is of this level."""
        return any(one.level == level for one in self.dimensions)

    @property
    def is_of_parts(self) -> bool:
        """Whether a drive may be in several of the groups, in each with a part of it."""
        return any(one.level != "drive" for one in self.dimensions)

    @property
    def cells(self) -> str:
        """The rows of `part_groups` for these groups alone, as a query.

        It has nothing of a user's in it.
        """
        level = next((one for one in ("band", "part") if self.has(one)), "drive")
        names = f" || '{JOINT}' || ".join(f'cells."{one.name}"' for one in self.dimensions)
        mode = "is not null" if self.has("mode") else "is null"
        return (
            f"select drive_id, '{self.name}' as grouped_by, {names or repr(ALL)} as group_name, "
            "part_num, speed_band, mode, columns(cells.* exclude (drive_id, level, part_num, "
            f"speed_band, mode)) from engagement.staging.dimension_cells as cells "
            f"where level = '{level}' and mode {mode}"
        )

    def order(self, group_name: str) -> tuple[tuple[bool, int, tuple[tuple[int, str], ...]], ...]:
        """What its groups are sorted by: as people give them, numbers in names as numbers.

        What is unknown is last.
        """
        names = group_name.split(JOINT) if len(self.dimensions) > 1 else [group_name]
        known = [one.groups for one in self.dimensions] or [()]
        return tuple(
            (name == UNKNOWN, of.index(name) if name in of else len(of), _natural(name))
            for name, of in zip(names, known, strict=False)
        )


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(digits or 0), rest) for digits, rest in _DIGITS.findall(name))


def parse_crossing(text: str) -> Crossing:
    """Parse what `--by` was given: a dimension, or two with a comma; `all` is none.

    Raises:
        InputError: If drives can't be grouped so.
    """
    if text == ALL:
        return Crossing()
    names = [part.strip().replace("-", "_") for part in text.split(",")]
    for name in names:
        if name not in DIMENSIONS:
            near = suggestion(name.replace("_", "-"), OPTIONS)
            raise InputError(
                f"--by {text!r}: drives are grouped by {', '.join((ALL, *OPTIONS))}, or by two of "
                f"these with a comma{near}"
            )
    if len(names) > _MAX_CROSSED or len({*names}) < len(names):
        raise InputError(f"--by {text!r}: groups are made by one dimension, or by two different")
    return Crossing(tuple(DIMENSIONS[name] for name in names))
