"""Makes SQL of an expression: its runs, moments and exposure over a grid.

Only names of columns that the database has stand in the text; numbers and texts that a user wrote
are parameters. Each part that looks at other ticks is a column of a layer of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any

from engagement.errors import InputError
from engagement.moments.expressions import (
    Arithmetic,
    Comparison,
    Edge,
    Junction,
    Lasting,
    Negative,
    Not,
    Number,
    Signal,
    Text,
    children,
    parts,
)
from engagement.moments.grid import STEP_NS, grid_of

if TYPE_CHECKING:
    from engagement.moments.expressions import Condition, Pattern, Step, Value

LEAST_S = 0.3
MERGE_S = 1.0
_BY_TIME = "partition by drive_id order by tick_num"


@dataclass(frozen=True, slots=True)
class Query:
    """What gives the moments of an expression (`start_mono_ns`, `end_mono_ns`), and its exposure.

    `{drives}` in the texts stands for a condition on drives.

    Attributes:
        runs: The moments alone: `drive_id`, `start_mono_ns`, `end_mono_ns`.
        known: The ticks at which the expression can be told: `drive_id`, `tick_num`.
        text: Both at once; a row of exposure has `exposure_s` of a drive, and no moment.
        parameters: Of each of them.
    """

    runs: str
    known: str
    text: str
    parameters: dict[str, Any]


def compiled(pattern: Pattern, grid: str | None = None) -> Query:
    """The query of an expression.

    Args:
        pattern: The expression.
        grid: A table that has its columns and `tick_num`; without one they are laid on a grid.

    Raises:
        InputError: If it names no column.
    """
    if not pattern.signals:
        raise InputError("the expression names no column of samples")
    layers = _Layers(pattern, grid)
    judged = layers.judged(pattern)
    tables = [*layers.tables, f"judged as materialized ({judged})"]
    to_judge = ", ".join(tables)
    for number, step in enumerate(pattern.steps):
        tables += _runs(number, step)
    tables += [_found(number, pattern) for number in range(len(pattern.steps))]
    holds = " and ".join(f"judged.h{number}" for number in range(len(pattern.conditions)))
    known = [f"s{number} is not null" for number in range(len(pattern.steps))]
    known += [f"h{number} is not null" for number in range(len(pattern.conditions))]
    runs = f"""select
    found.drive_id,
    found.moment_tick * {STEP_NS} as start_mono_ns,
    found.until_tick * {STEP_NS} as end_mono_ns
from found_{len(pattern.steps) - 1} as found
inner join judged on found.drive_id = judged.drive_id and found.moment_tick = judged.tick_num
where {holds or "true"}"""
    told = f"select drive_id, tick_num from judged where {' and '.join(known)}"
    text = f"""with {", ".join(tables)}
select *, null::double as exposure_s from ({runs}) as runs
union all
select drive_id, null, null, count(*) * {STEP_NS} / 1e9
from ({told}) as told
group by drive_id
order by drive_id, start_mono_ns nulls last"""
    return Query(
        f"with {', '.join(tables)} {runs}", f"with {to_judge} {told}", text, layers.parameters
    )


def ticks_of(seconds: float) -> int:
    """How many ticks take at least so long."""
    return ceil(round(seconds * 10**9) / STEP_NS)


def least_s(step: Step) -> float:
    """How long a run of a step lasts at least: an edge is but one tick."""
    if step.least_s is not None:
        return step.least_s
    is_instant = any(isinstance(part, Edge) for part in parts(step.condition))
    return 0.0 if is_instant else LEAST_S


@dataclass(slots=True)
class _Layers:
    """Ticks with the columns that are needed, and a layer for each part that looks at others."""

    pattern: Pattern
    grid: str | None = None
    tables: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    columns: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        source = f"from {self.grid}" if self.grid else grid_of(self.pattern.signals)
        self.tables.append(f"ticks as ({source})")

    @property
    def _top(self) -> str:
        return self.tables[-1].partition(" as ")[0]

    def judged(self, pattern: Pattern) -> str:
        """The ticks, each with whether it fits a step, and what has to hold."""
        for condition in pattern.all_conditions:
            self._look_around(condition)
        steps = [f"{self.sql(step.condition)} as s{i}" for i, step in enumerate(pattern.steps)]
        others = [f"{self.sql(one)} as h{i}" for i, one in enumerate(pattern.conditions)]
        return f"select drive_id, tick_num, {', '.join([*steps, *others])} from {self._top}"

    def _look_around(self, node: Value | Condition) -> None:
        """Add the layers of a node, innermost first."""
        for child in children(node):
            self._look_around(child)
        if isinstance(node, Edge | Lasting) and id(node) not in self.columns:
            number = len(self.columns)
            self._layer(f"x{number}", f"*, {self.sql(node.of)} as x{number}")
            if isinstance(node, Edge):
                self._add_edge(number, is_rise=node.is_rise)
            else:
                self._add_lasting(number, ticks_of(node.least_s))
            self.columns[id(node)] = f"c{number}"

    def _layer(self, name: str, selected: str) -> None:
        self.tables.append(f"l{name} as (select {selected} from {self._top})")

    def _add_edge(self, number: int, *, is_rise: bool) -> None:
        before = (
            f"case when lag(tick_num) over ({_BY_TIME}) = tick_num - 1 "
            f"then lag(x{number}) over ({_BY_TIME}) end"
        )
        now = f"x{number} and not {before}" if is_rise else f"not x{number} and {before}"
        self._layer(f"c{number}", f"*, {now} as c{number}")

    def _add_lasting(self, number: int, n_ticks: int) -> None:
        run = (
            f"tick_num - row_number() over (partition by drive_id, x{number} order by tick_num) "
            f"as r{number}"
        )
        self._layer(f"r{number}", f"*, {run}")
        length = f"count(*) over (partition by drive_id, x{number}, r{number})"
        lasts = f"case when x{number} then {length} >= {n_ticks} else x{number} end as c{number}"
        self._layer(f"c{number}", f"*, {lasts}")

    def sql(self, node: Value | Condition) -> str:  # noqa: PLR0911 - a kind of node each
        """A node over the columns of the top layer."""
        match node:
            case Edge() | Lasting():
                return self.columns[id(node)]
            case Number(value) | Text(value):
                return self._parameter(value)
            case Signal():
                return self._signal(node)
            case Negative(of, is_absolute):
                return f"abs({self.sql(of)})" if is_absolute else f"(-{self.sql(of)})"
            case Arithmetic():
                return self._arithmetic(node)
            case Comparison():
                return self._comparison(node)
            case Not(of):
                return f"(not {self.sql(of)})"
            case Junction(operator, left, right):
                return f"({self.sql(left)} {operator} {self.sql(right)})"

    def _parameter(self, value: float | str) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}::double" if isinstance(value, float) else f"${name}::varchar"

    def _signal(self, signal: Signal) -> str:
        if signal.sort == "flag" and signal.absent:
            return f"coalesce({signal.name}, case when {signal.absent} then false end)"
        return f"{signal.name}::double" if signal.sort == "number" else signal.name

    def _arithmetic(self, node: Arithmetic) -> str:
        left, right = self.sql(node.left), self.sql(node.right)
        value = f"{left} {node.operator} {f'nullif({right}, 0)' if node.operator == '/' else right}"
        return f"only_finite({value})"

    def _comparison(self, node: Comparison) -> str:
        compared = f"({self.sql(node.left)} {node.operator} {self.sql(node.right)})"
        absent = sorted(
            {part.absent for part in parts(node) if isinstance(part, Signal) and part.absent}
        )
        if not absent:
            return compared
        return f"coalesce({compared}, case when {' or '.join(absent)} then false end)"


def _runs(number: int, step: Step) -> list[str]:
    """The runs of a step that are long enough, those that are near one another as one."""
    least = max(ticks_of(least_s(step)), 1)
    merge_ns = round((MERGE_S if step.merge_s is None else step.merge_s) * 10**9)
    numbered = (
        f"numbered_{number} as (select drive_id, tick_num, tick_num - row_number() over "
        f"({_BY_TIME}) as run_num from judged where s{number})"
    )
    runs = (
        f"runs_{number} as (select drive_id, min(tick_num) as start_tick, "
        f"max(tick_num) + 1 as end_tick from numbered_{number} group by drive_id, run_num "
        f"having count(*) >= {least})"
    )
    apart = (
        f"apart_{number} as (select *, coalesce((start_tick - lag(end_tick) over nearby) * "
        f"{STEP_NS} >= {merge_ns}, true) as is_apart from runs_{number} "
        "window nearby as (partition by drive_id order by start_tick))"
    )
    groups = (
        f"groups_{number} as (select *, sum(is_apart::int) over (partition by drive_id "
        f"order by start_tick) as group_num from apart_{number})"
    )
    merged = (
        f"merged_{number} as (select drive_id, min(start_tick) as start_tick, "
        f"max(end_tick) as end_tick from groups_{number} group by drive_id, group_num)"
    )
    return [numbered, runs, apart, groups, merged]


def _found(number: int, pattern: Pattern) -> str:
    """What has been found after a step: the moment's start, and the step's own run."""
    if number == 0:
        return (
            "found_0 as (select *, start_tick as moment_tick, end_tick as until_tick from merged_0)"
        )
    before, step = pattern.steps[number - 1], pattern.steps[number]
    held = max(ticks_of(least_s(before)), 1)
    within = int(round(step.within_s * 10**9) // STEP_NS)
    return (
        f"found_{number} as (select found.drive_id, found.moment_tick, "
        "min(runs.start_tick) as start_tick, "
        "arg_min(runs.end_tick, runs.start_tick) as end_tick, "
        "greatest(any_value(found.until_tick), arg_min(runs.end_tick, runs.start_tick)) "
        f"as until_tick from found_{number - 1} as found inner join merged_{number} as runs "
        "on found.drive_id = runs.drive_id "
        f"and found.start_tick + {held} <= runs.start_tick "
        f"and found.end_tick + {within} >= runs.start_tick "
        "group by found.drive_id, found.moment_tick)"
    )
