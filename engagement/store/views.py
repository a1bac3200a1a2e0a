"""The views of sql/, in the order in which they read each other.

One view a file; the file's name is the view's. `compute.X` defines numbers, and is written into the
table `result.X` for the drives that an ingest touched; public views read those tables. The order
comes from what stands after `from` and `join` in each text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from hashlib import sha256

from engagement.errors import ViewError
from engagement.resources import resource_dir

_COMMENT = re.compile(r"--[^\n]*")
_NAME = re.compile(r"^create or replace view ([\w.]+) as$", re.MULTILINE)
_ONE_ROW = re.compile(r"^-- grain:   one row$", re.MULTILINE)
_CTE = re.compile(r"^(\w+) as \($", re.MULTILINE)
_READ = re.compile(r"\b(?:from|join)\s+([a-z_][\w.]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class View:
    """A file of sql/: its place, the view's name with its schema, its text, and what it reads."""

    file: str
    name: str
    text: str
    reads: frozenset[str]

    @property
    def result(self) -> str | None:
        """The table that the view's rows are kept in, None if they aren't."""
        schema, _, name = self.name.rpartition(".")
        return f"result.{name}" if schema == "compute" else None

    @property
    def is_per_drive(self) -> bool:
        """Whether its rows are those of drives; else it has one row for the database."""
        return not _ONE_ROW.search(self.text)

    @property
    def title(self) -> str:
        """The file's first line: what the view holds."""
        return self.text.split("\n", 1)[0].removeprefix("-- ")


@cache
def load_views() -> tuple[View, ...]:
    """Every view, upstream first.

    Raises:
        ViewError: If a file defines no view, or views read each other in a circle.
    """
    folder = resource_dir("sql")
    views = {}
    for path in sorted(folder.rglob("*.sql")):
        if path.parent.name != "checks":
            file = path.relative_to(folder.parent).as_posix()
            view = _parse(file, path.read_text(encoding="utf-8"))
            views[view.name] = view
    upstream = {name: _upstream(view, views) for name, view in views.items()}
    try:
        order = list(TopologicalSorter(upstream).static_order())
    except CycleError as error:
        raise ViewError(" -> ".join(error.args[1]), "these views read each other") from error
    return tuple(views[name] for name in order)


@cache
def sql_hash() -> str:
    """One hash of every view; it changes when any number's definition may have."""
    return sha256("\n".join(view.text for view in load_views()).encode()).hexdigest()


def _parse(file: str, text: str) -> View:
    found = _NAME.search(text)
    if not found:
        raise ViewError(file, "there is no `create or replace view NAME as` in it")
    reads = frozenset(_READ.findall(_COMMENT.sub("", text))) - set(_CTE.findall(text))
    return View(file=file, name=found[1], text=text, reads=reads)


def _upstream(view: View, views: dict[str, View]) -> list[str]:
    """What a view reads, in an order that is the same in every process, as the hash goes by it."""
    names = {name.replace("result.", "compute.") for name in view.reads}
    return sorted(name for name in names if name in views and name != view.name)
