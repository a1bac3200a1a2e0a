"""`engagement recompute`: every number anew, without reading a log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from engagement.cli import render
from engagement.cli.ingest_report import recomputed_text
from engagement.cli.options import FILE, database_option, json_option
from engagement.definitions import DEFINITIONS
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
    definitions = store.definitions_of(database)
    has_older_tables = store.has_older_tables(database)
    n_drives = store.recompute(database, parameters)
    duration_s = time.monotonic() - started_at_s
    if as_json:
        said = {"definitions": DEFINITIONS, "definitions_before": definitions}
        render.print_json({"n_drives": n_drives, "duration_s": duration_s} | said)
    else:
        render.say(recomputed_text(n_drives, definitions, f" in {duration_s:.1f} s"))
    if has_older_tables and n_drives:
        render.note(
            "fields that the older engagement did not read stay empty until "
            "`engagement ingest --reprocess` with the logs"
        )
