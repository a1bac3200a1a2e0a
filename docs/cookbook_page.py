"""Write the page of questions, each with its query and its answer on the demo drives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import engagement
from engagement.store.cookbook import recipes

PAGE = Path(__file__).parent / "cookbook.md"
_COMMAND = (sys.executable, "-m", "engagement")
_HEAD = """\
<!-- made by `make docs`; don't edit -->

# Cookbook

Questions that people ask, each with its query over the [views](views.md) and the answer that the
demo drives give (`engagement demo`). `engagement sql --example NAME` runs one on your own database,
`engagement sql --examples` lists them.

How to open the file elsewhere, always for reading only, as the file is replaced while it is open:

| in | how |
| --- | --- |
| the DuckDB shell | `duckdb -readonly engagement.duckdb`, or `engagement shell` |
| Python | `engagement.open()`: [the database from Python](reading.md#the-database-from-python) |
| Python, by DuckDB alone | `duckdb.connect("engagement.duckdb", read_only=True)` |
| polars, pandas | `.pl()`, `.df()` of a relation |
| R | `DBI::dbConnect(duckdb::duckdb(), "engagement.duckdb", read_only = TRUE)` |
| DBeaver, by JDBC | `jdbc:duckdb:engagement.duckdb`, with `access_mode=READ_ONLY` |
| anything else | `engagement export parquet views/`, or the [API](api.md) |

A database that DuckDB 2 wrote is read by DuckDB 1.5.5 and newer.
"""


def page(database: Path) -> str:
    """The page, with the answers of a database."""
    parts = [_HEAD]
    with engagement.open(database) as opened:
        for recipe in recipes().values():
            answer = opened.table(recipe.query)
            parts.append(f"## {recipe.question}\n\n`engagement sql --example {recipe.name}`\n")
            parts.append(f"```sql\n{recipe.query}\n```\n")
            parts.append(_table(answer.column_names, answer.to_pylist()))
    return "\n".join(parts)


def _table(names: list[str], rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "None in the demo drives.\n"
    lines = [names, ["---"] * len(names), *([_cell(row[name]) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    return str(value).replace("|", "\\|")


def make_demo(folder: Path) -> Path:
    """The demo's database, in a folder."""
    database = folder / "engagement.duckdb"
    logs = folder / "rlogs"
    subprocess.run((*_COMMAND, "demo", "--out", logs), check=True, capture_output=True)
    ingest = (*_COMMAND, "ingest", logs, "--db", database, "--profile", "demo")
    subprocess.run(ingest, check=True, capture_output=True)
    return database


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        PAGE.write_text(page(make_demo(Path(temporary))), encoding="utf-8")
