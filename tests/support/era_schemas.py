"""The schemas as an era had them, so that messages get that era's struct sizes.

A field or a name that came later than the era is left out of the shipped schemas. Its ordinal
tells: ordinals only ever grow, and era_history.tsv says from which date on each struct had which
highest one, and how large that made it. Forks replace a struct by one of their own.
"""

from __future__ import annotations

import csv
import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import capnp

from engagement.resources import resource_dir

if TYPE_CHECKING:
    from collections.abc import Mapping

_HISTORY = Path(__file__).with_name("era_history.tsv")
_OPENING = re.compile(r"(?:(?:struct|enum) (?P<type>\w+)|(?:\w+ :)?(?:union|group)) \{")
_MEMBER = re.compile(r"(?P<name>\w+) @(?P<ordinal>\d+)[ ;]")
_EMPTY_UNION = re.compile(r"\n *\w+ :union \{\s*\}")
_NOT_YET = -1


@dataclass(frozen=True, slots=True)
class Change:
    """A struct as it was from a date on; sizes in words, None where they stayed."""

    struct: str
    since: str
    highest: int
    size: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Fork:
    """What a fork writes otherwise: fields in the place of upstream's, and structs of its own.

    `extended` maps a struct to its highest upstream ordinal and the fork's fields beyond; `slots`
    maps a member of Event to its type, defined in `structs`.
    """

    name: str
    extended: Mapping[str, tuple[int, str]]
    slots: Mapping[str, str]
    structs: str = ""


UPSTREAM = Fork("openpilot", {}, {})

# The 107th slot held a struct of two flags, not the one that sunnypilot has had there since 2025.
FROGPILOT = Fork(
    "frogpilot",
    {},
    {"selfdriveStateSP": "FrogPilotCarControl"},
    """
struct FrogPilotCarControl {
  alwaysOnLateral @0 :Bool;
  speedLimitChanged @1 :Bool;
}
""",
)

# Its carState had ordinals that upstream later gave to other fields, and one pointer more.
OLD_SUNNYPILOT = Fork(
    "sunnypilot",
    {
        "CarState": (
            47,
            """
  madsEnabled @48 :Bool;
  leftBlinkerOn @49 :Bool;
  rightBlinkerOn @50 :Bool;
  disengageByBrake @51 :Bool;
  belowLaneChangeSpeed @52 :Bool;
  accEnabled @53 :Bool;
  latActive @54 :Bool;
  gapAdjustCruiseTr @55 :Int32;
  endToEndLong @56 :Bool;
  customStockLong @57 :AnyPointer;
""",
        )
    },
    {"selfdriveStateSP": "AnyPointer"},
)

_SUNNYPILOT_EVENT = """
struct OnroadEventSP {
  name @0 :UInt16;
  enable @1 :Bool;
}
"""

# Its own events were a list at first; on 2025-03-29 a struct with that list took the slot over.
SUNNYPILOT_2025 = Fork(
    "sunnypilot", {}, {"onroadEventsSP": "List(OnroadEventSP)"}, _SUNNYPILOT_EVENT
)
SUNNYPILOT = Fork(
    "sunnypilot",
    {},
    {"onroadEventsSP": "OnroadEventsSP"},
    _SUNNYPILOT_EVENT
    + """
struct OnroadEventsSP {
  events @0 :List(OnroadEventSP);
}
""",
)


@functools.cache
def history() -> tuple[Change, ...]:
    """Every change of every struct that the era logs are made of, by struct and date."""
    with _HISTORY.open(encoding="utf-8", newline="") as file:
        return tuple(
            Change(row["struct"], row["since"], int(row["highest"]), _size(row))
            for row in csv.DictReader(file, delimiter="\t")
        )


def _size(row: dict[str, str]) -> tuple[int, int] | None:
    return (int(row["data_words"]), int(row["pointers"])) if row["data_words"] else None


def highest_ordinals(date: str) -> dict[str, int]:
    """The highest ordinal that each struct or enum had on a date, -1 if it did not exist."""
    found: dict[str, int] = {}
    for change in history():
        previous = found.get(change.struct, _NOT_YET)
        found[change.struct] = max(previous, change.highest if change.since <= date else _NOT_YET)
    return found


def cut(text: str, highest: Mapping[str, int]) -> str:
    """A schema without the members beyond the highest ordinal of their struct or enum."""
    scopes: list[str] = []
    kept = []
    for line in text.splitlines():
        stripped = line.strip()
        opening, member = _OPENING.match(stripped), _MEMBER.match(stripped)
        if opening:
            scopes.append(opening["type"] or "")
        elif stripped.startswith("}"):
            scopes.pop()
        elif member:
            limit = highest.get(".".join(filter(None, scopes)))
            if limit is not None and int(member["ordinal"]) > limit:
                continue
        kept.append(line)
    return _EMPTY_UNION.sub("", "\n".join(kept) + "\n")


def apply_fork(text: str, fork: Fork, limits: Mapping[str, int]) -> str:
    """Put a fork's fields, and its structs for reserved slots, into a schema that was cut."""
    for struct, (_, fields) in fork.extended.items():
        text = text.replace(f"struct {struct} {{\n", f"struct {struct} {{{fields}", 1)
    if not re.search(r"^struct Event \{", text, re.MULTILINE):
        return text
    for slot, type_name in fork.slots.items():
        pattern = rf"({slot} @(\d+) :)[\w.]+;"
        found = re.search(pattern, text)
        if found and int(found[2]) <= limits["Event"]:
            text = text.replace(found[0], f"{found[1]}{type_name};")
    return text + fork.structs


def write_schemas(folder: Path, date: str, fork: Fork = UPSTREAM) -> None:
    """Write the schemas of a date, as a fork had them, into a folder."""
    limits = highest_ordinals(date)
    limits |= {struct: highest for struct, (highest, _) in fork.extended.items()}
    for path in resource_dir("schemas").glob("*.capnp"):
        text = apply_fork(cut(path.read_text(encoding="utf-8"), limits), fork, limits)
        (folder / path.name).write_text(text, encoding="utf-8")


class EraSchemas:
    """The schemas of a date, compiled apart from all others, whose ids they share.

    The parser owns what the types point to, so both live as long as this does.
    """

    def __init__(self, folder: Path, date: str, fork: Fork = UPSTREAM) -> None:
        self._folder = folder
        self._parser = capnp.SchemaParser()
        write_schemas(folder, date, fork)

    def load(self, file: str) -> Any:
        """The types of one of the files."""
        path = self._folder / f"{file}.capnp"
        return self._parser.load(str(path), imports=[str(self._folder)])
