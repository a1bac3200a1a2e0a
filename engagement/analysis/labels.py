"""Rates of what people confirmed: only the events that have some label count.

Everything that reads the view `event_counts` - `rates`, and the measures of a comparison - then
counts those alone, while hours and kilometres stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engagement.errors import InputError
from engagement.store.label_words import known_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engagement.store.query_types import Queryable
    from engagement.store.reader import Reader

_TALLY = """
select
    count(*) filter (where list_contains($labels, events.label)) as n_counted,
    count(*) filter (where not list_contains($labels, events.label)) as n_otherwise,
    count(*) filter (where events.label is null) as n_unlabelled
from events
semi join drives on events.drive_id = drives.drive_id
where
    events.cause is distinct from 'end_of_drive'
    and ($drives is null or list_contains($drives, events.drive_id))
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many events count; ends of drives never do, and are in none of these.

    Attributes:
        labels: What an event must be labelled as to count.
        n_counted: Events that are labelled so.
        n_otherwise: Events that have another label.
        n_unlabelled: Events without a label: nobody has looked at them, so they don't count.
    """

    labels: tuple[str, ...]
    n_counted: int
    n_otherwise: int
    n_unlabelled: int

    def __str__(self) -> str:
        of = self.n_counted + self.n_otherwise + self.n_unlabelled
        return (
            f"only events labelled {' or '.join(self.labels)} count: {self.n_counted} of {of}; "
            f"{self.n_otherwise} are labelled otherwise, and {self.n_unlabelled} not at all"
            f"{', so rates may be too low' if self.n_unlabelled else ''}"
        )


def parse_labels(text: str) -> tuple[str, ...]:
    """Labels from a list with commas.

    Raises:
        InputError: If there is none.
    """
    found = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    if not found:
        raise InputError("--labels names no label; write it like true,critical")
    return found


def count_labelled(reader: Reader, labels: Sequence[str]) -> tuple[str, ...]:
    """Have `event_counts`, and what reads it, count only events with one of these labels.

    Returns:
        The labels.

    Raises:
        NotFoundError: If no event has a label of that name, and it is no usual one.
    """
    known = known_labels(reader, labels)
    reader.count_labelled(known)
    return known


def known_labels(reader: Queryable, labels: Sequence[str]) -> tuple[str, ...]:
    """The labels, each as it is kept.

    Raises:
        NotFoundError: If no event has one of them, and it is no usual one.
    """
    in_use = [row["label"] for row in reader.rows("select distinct label from event_labels")]
    return tuple(known_word(label, in_use) for label in labels)


def tally(
    reader: Queryable, labels: Sequence[str], drive_ids: Sequence[int] | None = None
) -> Tally:
    """How many events count of the drives, which are all that the reader sees if none are given."""
    drives = None if drive_ids is None else list(drive_ids)
    [row] = reader.rows(_TALLY, {"labels": list(labels), "drives": drives})
    return Tally(tuple(labels), **row)
