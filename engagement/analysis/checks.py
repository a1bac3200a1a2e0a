"""The checks of sql/checks/: each file is a query for what is wrong with a database.

Its first line says what it finds, a line `-- level: fail` or `warn` how bad that is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engagement.resources import resource_dir

_LEVEL = re.compile(r"^-- level: (fail|warn)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Check:
    """A check: what it finds, how bad that is, and its query as text to stand after `from`."""

    name: str
    title: str
    level: str
    query: str


def load_checks() -> tuple[Check, ...]:
    """Every check, those that make a database unsound first."""
    checks = []
    for path in sorted(resource_dir("sql").joinpath("checks").glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        level = _LEVEL.search(text)
        title = text.split("\n", 1)[0].removeprefix("-- ").removesuffix(".")
        query = f"(\n{text.strip().removesuffix(';')}\n)"
        checks.append(Check(path.stem, title, level[1] if level else "fail", query))
    return tuple(sorted(checks, key=lambda check: (check.level, check.name)))
