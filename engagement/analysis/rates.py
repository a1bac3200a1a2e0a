"""Rates of groups of drives: in which mode, in which order, and what their intervals rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engagement.analysis.ratios import LEAST_OTHERS
from engagement.formats import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engagement.groupings import Crossing

    Row = Mapping[str, Any]

MODES = ("engaged", "lateral_only", "assisted", "any")
"""The last has saved moments alone: these may happen in manual driving, too."""


def usual_mode(crossing: Crossing) -> str:
    """In which mode events and exposure count if nobody says: groups of modes need both."""
    return "assisted" if crossing.has("mode") else "engaged"


def place(crossing: Crossing, row: Row) -> tuple[Any, ...]:
    """What rows of a view of groups are sorted by: groups as people give them, then events."""
    return crossing.order(row["group_name"]), row.get("event", "")


def shipped_note(rates: Iterable[Row], columns: Iterable[str]) -> str | None:
    """That intervals rest on what public drives showed, and of how many groups; None if none do.

    Args:
        rates: Rows of the view `rates`.
        columns: Which of its rates are shown, as `per_hour`.
    """
    sources = [f"{column}_dispersion_source" for column in columns]
    shown = [row for row in rates if any(row[source] for source in sources)]
    names = {row["group_name"] for row in shown}
    shipped = {row["group_name"] for row in shown if "shipped" in [row[one] for one in sources]}
    if not shipped:
        return None
    groups = "" if shipped == names else f" of {len(shipped)} of {count(len(names), 'group')}"
    return (
        f"intervals{groups} rest on the shipped dispersion, of public drives: fewer than "
        f"{LEAST_OTHERS} other drives tell how much drives differ here, or none has such an event"
    )
