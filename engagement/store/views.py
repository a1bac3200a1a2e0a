"""The views and macros of sql/, views in the order in which they read each other.

One view a file; the file's name is the view's. `compute.X` defines numbers, and is written into the
table `result.X` for the drives that an ingest touched; public views read those tables. The order
comes from what stands after `from` and `join` in each text, and in the macros that it calls.
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
_MACRO = re.compile(r"^create or replace macro (\w+)\(", re.MULTILINE)
_CALL = re.compile(r"\b(\w+)\(")
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
def load_macros() -> str:
    """The macros that views call, as one text."""
    return resource_dir("sql").joinpath("macros.sql").read_text(encoding="utf-8")


@cache
def load_views() -> tuple[View, ...]:
    """Every view, upstream first.

    Raises:
        ViewError: If a file defines no view, or views read each other in a circle.
    """
    folder = resource_dir("sql")
    views = {}
    for path in sorted(folder.glob("*/*.sql")):
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
    """One hash of every view and macro; it changes when any number's definition may have."""
    texts = (load_macros(), *(view.text for view in load_views()))
    return sha256("\n".join(texts).encode()).hexdigest()


def _parse(file: str, text: str) -> View:
    found = _NAME.search(text)
    if not found:
        raise ViewError(file, "there is no `create or replace view NAME as` in it")
    reads = _reads(_COMMENT.sub("", text)) - set(_CTE.findall(text))
    return View(file=file, name=found[1], text=text, reads=reads)


def _reads(code: str) -> frozenset[str]:
    """What a text reads from, also by the macros that it calls."""
    called = _macro_reads()
    by_macros = (called[name] for name in set(_CALL.findall(code)) & called.keys())
    return frozenset(_READ.findall(code)).union(*by_macros)


@cache
def _macro_reads() -> dict[str, frozenset[str]]:
    """What each macro reads from; one may call those that stand before it."""
    found: dict[str, frozenset[str]] = {}
    _, *parts = _MACRO.split(_COMMENT.sub("", load_macros()))
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        reads = frozenset(_READ.findall(text))
        found[name] = reads.union(*(found[c] for c in set(_CALL.findall(text)) & found.keys()))
    return found


def _upstream(view: View, views: dict[str, View]) -> list[str]:
    """What a view reads, in an order that is the same in every process, as the hash goes by it."""
    names = {name.replace("result.", "compute.") for name in view.reads}
    return sorted(name for name in names if name in views and name != view.name)
