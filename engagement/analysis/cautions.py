"""What makes two groups hard to compare, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engagement.analysis.ratios import LEAST_OTHERS
from engagement.analysis.wording import bands_text, listed, obstacle_text
from engagement.formats import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engagement.analysis.comparison import Comparison, Group
    from engagement.analysis.differences import Difference

_MOST_COMPARED = 0.95
_MAX_CARS = 4


def warnings(comparison: Comparison) -> list[str]:
    """What makes the groups hard to compare."""
    return [
        *_label_warnings(comparison),
        *_log_warnings(comparison),
        *_group_warnings(comparison),
        *_speed_warnings(comparison),
        *_basis_warnings(comparison),
    ]


def _label_warnings(comparison: Comparison) -> Iterator[str]:
    for name, counted in zip("AB", comparison.labels or (), strict=False):
        yield f"of {name} {counted}"


def _log_warnings(comparison: Comparison) -> Iterator[str]:
    a, b = comparison.a, comparison.b
    n_qlog_drives = a.n_qlog_drives + b.n_qlog_drives
    if n_qlog_drives:
        yield (
            f"logs are decimated: {a.n_qlog_drives} of {a.n_drives} drives of A and "
            f"{b.n_qlog_drives} of {b.n_drives} of B have qlogs, which are coarser"
        )


def _group_warnings(comparison: Comparison) -> Iterator[str]:
    a, b = comparison.a, comparison.b
    if set(a.cars) != set(b.cars):
        yield f"the cars differ: A has {_cars(a)}; B has {_cars(b)}"


def _cars(group: Group) -> str:
    if not group.cars:
        return "none that is known"
    more = len(group.cars) - _MAX_CARS
    return ", ".join(group.cars[:_MAX_CARS]) + (f" and {more} more" if more > 0 else "")


def _basis_warnings(comparison: Comparison) -> Iterator[str]:
    """Which tests rest on the groups alone, as few other drives tell of the measure."""
    alone = [one for one in comparison.differences if one.basis == "drives"]
    if comparison.n_others < LEAST_OTHERS:
        others = count(comparison.n_others, "other drive")
        yield f"the database has {others}, fewer than {LEAST_OTHERS}: {_basis(alone, '')}"
        return
    any_of_it = [one for one in alone if one.ratio.value is not None]
    few = [one for one in any_of_it if one.n_others < LEAST_OTHERS]
    if few:
        n_others = max(one.n_others for one in few)
        yield (
            f"of {count(comparison.n_others, 'other drive')} only {n_others} tell of "
            f"{_labels(few)}, fewer than {LEAST_OTHERS}: {_basis(few)}"
        )
    none = [one for one in any_of_it if one.n_others >= LEAST_OTHERS]
    if none:
        yield f"no other drive has any {_labels(none)}: {_basis(none)}"


def _basis(differences: Iterable[Difference], which: str = "these ") -> str:
    """What p and limits rest on instead."""
    if all(one.p_value is None for one in differences):
        return f"limits of {which}rates of A and B rest on the shipped dispersion, of public drives"
    return (
        f"p and intervals of {which}ratios rest on these drives' own dispersion only, limits of "
        f"{which}rates of A and B on the shipped one, of public drives"
    )


def _labels(differences: Iterable[Difference]) -> str:
    """What measures are of, rates by distance and by time once."""
    return listed(list(dict.fromkeys(one.label for one in differences)))


def _speed_warnings(comparison: Comparison) -> Iterator[str]:
    first = comparison.differences[0]
    if first.obstacle == "few_alike":
        yield f"{obstacle_text(first)}: {bands_text(first)}"
    elif first.compared_fraction is not None and 0 < first.compared_fraction < _MOST_COMPARED:
        yield (
            f"only {first.compared_fraction * 100:.0f} % of the engaged distance is at speeds that "
            "both groups have; ratios leave out the rest"
        )
