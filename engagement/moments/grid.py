"""Ticks of a grid with the columns that an expression needs, and no others.

It is what the macros of sql/grids.sql say, written out: DuckDB plans a macro with all columns of
all services, which takes longer than to find the moments of a drive. The definition stays theirs:
their text is taken, without the services and columns that are not needed, and narrowed to drives.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from engagement.resources import resource_dir

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from engagement.moments.expressions import Signal

HZ = 10
STEP_NS = 10**9 // HZ
OUT_OF_ORDER = "samples do not lie in order"  # said by a query that takes them as they lie
_COMMENT = re.compile(r"--[^\n]*")
_MACRO = re.compile(
    r"^create or replace macro (\w+)\([\w, ]*\) as table\n(.*?);$", re.MULTILINE | re.DOTALL
)
_BRANCH = re.compile(
    r"select \*, '(?P<service>\w+)' as service\s+from (?P<macro>\w+)\((?P<given>.*)\)\n"
    r"\s+where list_contains\(services, '(?P<asked>\w+)'\)"
)
_ARGUMENTS = re.compile(r"'(\w+)', hz, (.*)")
_ALL_COLUMNS = re.compile(r"columns\(\* exclude \([\w, ]+\)\)")
_MAX_AGE = re.compile(r"\bmax_age_ns\b")
_AS_LOGGED = re.compile(r"\bas_logged as \(partition by [^()]*\)")
_OF_DRIVES = re.compile(r"\bfrom (result\.(state_intervals|overrides))\b")
_OF_TICKS = re.compile(r"\bticks\.(\w+)")
_NAMED = re.compile(r"(?P<value>.*\S)\s+as (?P<name>\w+)", re.DOTALL)
_OF_SAMPLES = ("drive_id", "segment_num", "message_num", "mono_ns", "tick_num")
_NO_COLUMNS = {"and", "false", "is", "not", "null", "or", "true"}
# Of all services this one alone may have two rows a tick: of two overrides at once.
_OVERLAPPING = "override"
_EACH_TICK = (
    "select drive_id, tick_num, any_value(columns(* exclude (drive_id, tick_num))) from ({}) "
    "group by drive_id, tick_num"
)
# It asks whether a service said anything, whatever others say: of all of them.
_OF_ALL_SERVICES = "is_lead_known"


def grid_of(signals: Iterable[Signal], more: Collection[str] = ()) -> str:
    """The ticks of drives with all that some columns need, as a query of them and `tick_num`.

    `{drives}` in the text stands for a condition on drives.

    Args:
        signals: The columns.
        more: Names of further columns of the same services.
    """
    wanted = [*signals]
    absent = {word for one in wanted for word in re.findall(r"\w+", one.absent)}
    names = {one.name for one in wanted} | {*more} | (absent - _NO_COLUMNS)
    services = {service for one in wanted for service in one.services}
    if _OF_ALL_SERVICES in names:
        listed = ", ".join(sorted(names))
        return (
            f"select drive_id, mono_ns // {STEP_NS} as tick_num, {listed} "
            f"from services_at({HZ}, {sorted(services)}) where {{drives}}"
        )
    made = {name: value for name, value in _computed().items() if name in names}
    of_ticks = {one for value in made.values() for one in _OF_TICKS.findall(value)}
    selected = [f"({value}) as {name}" for name, value in sorted(made.items())]
    selected += [f"ticks.{name}" for name in sorted(names - made.keys())]
    told = _told(services, sorted((names - made.keys()) | of_ticks))
    ticks = " full join ".join(
        f"({each}) as of_{number}{' using (drive_id, tick_num)' if number else ''}"
        for number, each in enumerate(told)
    )
    columns = ", ".join(["ticks.drive_id", "ticks.tick_num", *selected])
    return f"select {columns} from (select * from {ticks}) as ticks"


def as_logged(query: str) -> str:
    """The same query where samples lie in order: nothing is sorted. It fails where they do not."""
    return _AS_LOGGED.sub("as_logged as ()", query)


def _told(services: Collection[str], names: list[str]) -> list[str]:
    """What each service says: a query for each."""
    found = []
    for branch in _BRANCH.finditer(_macros()["services_at"]):
        if branch["asked"] in services:
            body = _macros()[branch["macro"]]
            arguments = _ARGUMENTS.fullmatch(branch["given"])
            if arguments:
                samples = f"(select * from {arguments[1]} where {{drives}}) as samples"
                body = body.replace("query_table(samples)", samples)
                body = _MAX_AGE.sub(arguments[2], body)
                kept = sorted({*names, *_OF_SAMPLES})
                body = _ALL_COLUMNS.sub(f"columns(lambda c: list_contains({kept}, c))", body)
            body = _OF_DRIVES.sub(r"from (select * from \1 where {drives}) as \2", body)
            told = f"select * from ({_at_hz(body)})"
            found.append(_EACH_TICK.format(told) if branch["service"] == _OVERLAPPING else told)
    return found


@cache
def _computed() -> Mapping[str, str]:
    """What follows from the samples of a tick, by the name of its column."""
    _, _, last = _macros()["services_at"].rpartition("\n    select\n")
    selected, _, _ = last.partition("\n    from ticks\n")
    named = [_NAMED.fullmatch(part.strip()) for part in _parts(selected)]
    return {
        one["name"]: _at_hz(one["value"])
        for one in named
        if one and not {"facts", "identity"} & {*re.findall(r"\w+", one["value"])}
    }


def _parts(text: str) -> list[str]:
    """The parts between commas that stand in no brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _at_hz(text: str) -> str:
    return re.sub(r"\bhz\b", str(HZ), text)


@cache
def _macros() -> Mapping[str, str]:
    """The macros of grids, by name."""
    text = resource_dir("sql").joinpath("grids.sql").read_text(encoding="utf-8")
    return dict(_MACRO.findall(_COMMENT.sub("", text)))
