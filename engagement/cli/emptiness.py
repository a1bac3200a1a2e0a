"""Why an answer is empty: there is nothing yet, or which options left nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engagement.analysis.selection import select
from engagement.cli.event_filters import chosen_events
from engagement.cli.program import typed
from engagement.filters import Selection
from engagement.formats import text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from engagement.cli.event_filters import EventFilters
    from engagement.store.reader import Reader

_N_DRIVES = "select count(*) as n from drives"


def why_no_drives(reader: Reader, selection: Selection, noun: str = "drive") -> str:
    """Why a selection has no drives."""
    without = {
        option: _count_of(reader, rest) for option, rest in _selections_without_one(selection)
    }
    return _no_drives_at_all(reader) or _blame(noun, without)


def why_no_events(reader: Reader, filters: EventFilters) -> str:
    """Why filters leave no event."""
    without = {option: _events_of(reader, rest) for option, rest in _filters_without_one(filters)}
    nothing = "there are no events: openpilot was never overridden, and ended no engagement"
    return _no_drives_at_all(reader) or (_blame("event", without) if without else nothing)


def _no_drives_at_all(reader: Reader) -> str:
    _forget_selection(reader)
    if reader.rows(_N_DRIVES)[0]["n"]:
        return ""
    command = typed("ingest", "FOLDER", "--db", reader.path)
    return f"there are no drives in the database yet: `{command}` reads those of a folder"


def _blame(noun: str, without: Mapping[str, Callable[[], int]]) -> str:
    """Name the options that would leave something if they were not there."""
    if len(without) == 1:
        [(option, count)] = without.items()
        return f"no {noun} fits {option}; without it there would be {count()}"
    told = [f"{n} without {option}" for option, count in without.items() if (n := count())]
    together = f"no {noun} fits {' and '.join(without)} together"
    if told:
        return f"{together}; there would be {', '.join(told)}"
    return f"{together}, nor without one of them"


def _selections_without_one(selection: Selection) -> Iterator[tuple[str, Selection]]:
    for name, value in selection.values.items():
        rest = {other: known for other, known in selection.values.items() if other != name}
        yield f"--{name} {text(value)}", Selection(rest)


def _filters_without_one(filters: EventFilters) -> Iterator[tuple[str, EventFilters]]:
    for option, rest in _selections_without_one(filters.selection):
        yield option, replace(filters, selection=rest)
    if filters.kind:
        yield " ".join(f"--kind {kind}" for kind in filters.kind), replace(filters, kind=())
    if filters.cause:
        causes = " ".join(f"--cause {text(cause)}" for cause in filters.cause)
        yield causes, replace(filters, cause=())
    if filters.critical:
        yield "--critical", replace(filters, critical=False)
    if filters.labels:
        labels = " ".join(f"--label {text(label)}" for label in filters.labels)
        yield labels, replace(filters, labels=())
    if filters.unlabelled:
        yield "--unlabelled", replace(filters, unlabelled=False)
    if filters.worst:
        yield f"--worst {filters.worst}", replace(filters, worst=None)


def _count_of(reader: Reader, selection: Selection) -> Callable[[], int]:
    def count() -> int:
        _forget_selection(reader)
        found: int = select(reader, selection).rows(_N_DRIVES)[0]["n"]
        return found

    return count


def _events_of(reader: Reader, filters: EventFilters) -> Callable[[], int]:
    def count() -> int:
        _forget_selection(reader)
        return len(chosen_events(reader, filters))

    return count


def _forget_selection(reader: Reader) -> None:
    """Values are looked up among the drives that are selected: let these be all."""
    select(reader)
