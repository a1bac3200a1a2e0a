"""`engagement recompute`: every number anew, without reading a log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from engagement.cli import render
from engagement.cli.options import FILE, database_option, json_option
from engagement.formats import count
from engagement.store import ingestion as store

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.option("--parameters", type=FILE, metavar="FILE", help="Thresholds other than the shipped.")
@json_option
@database_option
def recompute(*, parameters: Path | None, database: Path, as_json: bool) -> None:
    """Compute every number anew from the logs' contents.

    For a database made by an older engagement, and to try other thresholds: the logs are not read
    again. Whoever has the database open goes on undisturbed.

    \b
    Example:
      engagement recompute
      engagement recompute --parameters strict.toml
    """
    started_at_s = time.monotonic()
    n_drives = store.recompute(database, parameters)
    duration_s = time.monotonic() - started_at_s
    if as_json:
        render.print_json({"n_drives": n_drives, "duration_s": duration_s})
    else:
        render.say(f"recomputed {count(n_drives, 'drive')} in {duration_s:.1f} s")
