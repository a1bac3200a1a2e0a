"""The checks of sql/checks/: each file is a query for what is wrong with a database.

Its first line says what it finds, a line `-- level: fail` or `warn` how bad that is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engagement.resources import resource_dir

if TYPE_CHECKING:
    from engagement.store.reader import Reader

_LEVEL = re.compile(r"^-- level: (fail|warn)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check that ran: `rows` are what it found of what it looks for."""

    name: str
    title: str
    level: str
    rows: list[dict[str, Any]]

    @property
    def state(self) -> str:
        """`ok`, else the level."""
        return self.level if self.rows else "ok"

    def summary(self) -> dict[str, Any]:
        """Everything but the rows themselves."""
        return {
            "name": self.name,
            "title": self.title,
            "level": self.level,
            "n_rows": len(self.rows),
        }


def run_checks(reader: Reader) -> list[CheckResult]:
    """Run every check, those that make a database unsound first; rows by drive."""
    results = []
    for path in sorted(resource_dir("sql").joinpath("checks").glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        level = _LEVEL.search(text)
        title = text.split("\n", 1)[0].removeprefix("-- ").removesuffix(".")
        rows = reader.rows(f"from (\n{text.strip().removesuffix(';')}\n) order by all")
        results.append(CheckResult(path.stem, title, level[1] if level else "fail", rows))
    return sorted(results, key=lambda result: (result.level, result.name))
