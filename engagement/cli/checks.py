"""The checks of sql/checks/: each file is a query for what is wrong with a database.

Its first line says what it finds, a line `-- level: fail` or `warn` how bad that is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engagement.resources import resource_dir

if TYPE_CHECKING:
    from engagement.store.reader import Reader

_LEVEL = re.compile(r"^-- level: (fail|warn)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check that ran: `n_rows` is how often it found what it looks for."""

    name: str
    title: str
    level: str
    n_rows: int

    @property
    def state(self) -> str:
        """`ok`, else the level."""
        return self.level if self.n_rows else "ok"


def run_checks(reader: Reader) -> list[CheckResult]:
    """Run every check, those that make a database unsound first."""
    results = []
    for path in sorted(resource_dir("sql").joinpath("checks").glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        level = _LEVEL.search(text)
        title = text.split("\n", 1)[0].removeprefix("-- ").removesuffix(".")
        n_rows = reader.table(text).num_rows
        results.append(CheckResult(path.stem, title, level[1] if level else "fail", n_rows))
    return sorted(results, key=lambda result: (result.level, result.name))
