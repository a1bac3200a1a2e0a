"""Questions with their queries: the entries of `sql/cookbook.sql`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from engagement.errors import NotFoundError
from engagement.resources import resource_dir

_ENTRY = re.compile(r"^-- ([a-z]+(?:-[a-z]+)*): ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A question, and the query that answers it."""

    name: str
    question: str
    query: str


@cache
def recipes() -> dict[str, Recipe]:
    """All of them by name, in the order of the file."""
    text = resource_dir("sql").joinpath("cookbook.sql").read_text(encoding="utf-8")
    parts = _ENTRY.split(text)[1:]
    found = {}
    for name, entry in zip(parts[::2], parts[1::2], strict=True):
        question, query = entry.split("\n", 1)
        found[name] = Recipe(name, question.strip(), query.strip().removesuffix(";"))
    return found


def find_recipe(name: str) -> Recipe:
    """The one of a name.

    Raises:
        NotFoundError: If there is none.
    """
    known = recipes()
    if name not in known:
        raise NotFoundError("example", name, known)
    return known[name]
