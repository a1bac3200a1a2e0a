"""The causes of a disengagement, as `sql/staging/causes.sql` lists them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import duckdb

from engagement.store.views import load_views

if TYPE_CHECKING:
    from collections.abc import Mapping

_VIEW = "staging.causes"


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause: its name, who it was (driver, system, car, end, unknown), and words for it."""

    name: str
    who: str
    words: str


@cache
def load_causes() -> Mapping[str, Cause]:
    """Every cause by its name, in the order in which they are listed."""
    text = next(view.text for view in load_views() if view.name == _VIEW)
    with duckdb.connect() as connection:
        connection.execute(f"create schema staging; {text}")
        rows = connection.execute(f"select cause, who, words from {_VIEW} order by cause_order")
        return {row[0]: Cause(*row) for row in rows.fetchall()}
