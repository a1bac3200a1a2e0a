"""`engagement shell`: DuckDB's own shell where there is one, else a small prompt."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

from engagement.cli import render
from engagement.cli.options import database_option
from engagement.cli.prompt import Prompt
from engagement.store.lake_file import refuse_lake
from engagement.store.reader import Reader


@click.command()
@click.option("--plain", is_flag=True, help="Our own prompt, even if DuckDB's shell is there.")
@database_option
def shell(*, database: Path, plain: bool) -> None:
    """Open a SQL prompt on the views, read-only.

    It is DuckDB's shell if `duckdb` is installed (`pip install 'engagement[shell]'` does that),
    else a prompt with history, `.tables` and `.schema`. An ingest meanwhile is not held up:
    DuckDB's shell keeps the database as it was when it was opened, our prompt reads the newest.

    \b
    Example:
      engagement shell
      engagement shell --plain
    """
    refuse_lake(database, "the shell is for")
    Reader(database).close()  # errors as any command reports them
    binary = None if plain else find_duckdb()
    if binary is None:
        Prompt(database).run()
        return
    render.note(f"{binary} -readonly {database}")
    sys.stderr.flush()
    os.execv(binary, [binary, "-readonly", str(database)])  # noqa: S606 - the point of the command


def find_duckdb() -> str | None:
    """DuckDB's shell: on the PATH, else beside this Python, where the extra puts it."""
    beside = shutil.which("duckdb", path=str(Path(sys.executable).parent))
    return shutil.which("duckdb") or beside
