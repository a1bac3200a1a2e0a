"""The number of the set of definitions that results are computed by.

It stands in the database beside the results, and on what is made of them, so that numbers of two
sets are never taken for numbers of one. `docs/definitions.md` says what the set is; it goes up by
one whenever an answer to the same question may become another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DEFINITIONS = 2

# Of databases that do not say so, as they are older than the number.
UNNUMBERED = 1


def other_numbers(found: int) -> str:
    """What is to be said of numbers that this program would not compute, and what to do."""
    newer = "`engagement recompute`, or the next ingest, computes them anew"
    if found == DEFINITIONS:
        return f"an older engagement made its numbers, and those that it had not are null; {newer}"
    remedy = newer if found < DEFINITIONS else "update engagement"
    return (
        f"its numbers are of definitions {found}, those of this engagement are {DEFINITIONS}; "
        f"{remedy}"
    )


class OtherDefinitionsWarning(UserWarning):
    """A database's results are of other definitions than this program's, or of older tables."""

    def __init__(self, path: Path, found: int) -> None:
        super().__init__(f"{path}: {other_numbers(found)}")
