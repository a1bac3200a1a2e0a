"""What an expression says, as a tree: what `grammar` reads, and `compiling` makes SQL of.

Values are numbers, texts or truths at a tick of the grid, null where the logs don't say. `and`,
`or` and `not` are Kleene's: false and null is false, true and null is null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Sort = Literal["number", "flag", "text"]


@dataclass(frozen=True, slots=True)
class Number:
    """A number that was written."""

    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """A word of a column of texts, as it was written."""

    value: str


@dataclass(frozen=True, slots=True)
class Signal:
    """A column of `samples`.

    Attributes:
        name: The column.
        sort: Of its values.
        services: What has to be read for it, as `services_at` names it.
        absent: A condition in SQL under which it has no value though it is known that it has
            none, as a distance without a car in front; a comparison with it is false then.
    """

    name: str
    sort: Sort
    services: frozenset[str]
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Negative:
    """A number with the other sign; with `is_absolute`, without one."""

    of: Value
    is_absolute: bool = False


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two numbers, with `+`, `-`, `*` or `/` between them; null where one is divided by 0."""

    operator: str
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two numbers or texts, with `=`, `<>`, `<`, `<=`, `>` or `>=` between them."""

    operator: str
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    of: Condition


@dataclass(frozen=True, slots=True)
class Junction:
    """Conditions with `and`, or with `or`, between them."""

    operator: Literal["and", "or"]
    left: Condition
    right: Condition


@dataclass(frozen=True, slots=True)
class Edge:
    """The one tick at which a condition has become true (`is_rise`) or false."""

    of: Condition
    is_rise: bool


@dataclass(frozen=True, slots=True)
class Lasting:
    """A condition where it holds for so long without a break, from the first tick of that on."""

    of: Condition
    least_s: float


Value = Number | Text | Signal | Negative | Arithmetic
Condition = Signal | Comparison | Not | Junction | Edge | Lasting


@dataclass(frozen=True, slots=True)
class Step:
    """A condition whose runs are looked for.

    Attributes:
        condition: What holds in them.
        least_s: A shorter run is dropped; None is the usual least.
        merge_s: Runs closer than this are one; None is the usual distance.
        within_s: It begins at most so long after the end of the step before; 0 of the first.
    """

    condition: Condition
    least_s: float | None = None
    merge_s: float | None = None
    within_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Pattern:
    """A whole expression: steps that follow one another, and what holds when the first begins."""

    steps: tuple[Step, ...]
    conditions: tuple[Condition, ...] = ()

    @property
    def all_conditions(self) -> tuple[Condition, ...]:
        """Those of the steps, then the others."""
        return (*(step.condition for step in self.steps), *self.conditions)

    @property
    def signals(self) -> frozenset[Signal]:
        """The columns in it."""
        return frozenset(
            part
            for condition in self.all_conditions
            for part in parts(condition)
            if isinstance(part, Signal)
        )


def parts(node: Value | Condition) -> Iterator[Value | Condition]:
    """A node and all that is in it; no recursion, as a user decides how deep it is."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        yield here
        waiting += children(here)


def children(node: Value | Condition) -> tuple[Value | Condition, ...]:
    """What a node is made of."""
    match node:
        case Arithmetic() | Comparison() | Junction():
            return (node.left, node.right)
        case Negative() | Not() | Edge() | Lasting():
            return (node.of,)
        case _:
            return ()
