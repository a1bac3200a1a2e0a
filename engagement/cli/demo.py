"""`engagement demo`: made-up drives to try the other commands with."""

from __future__ import annotations

from pathlib import Path

import click

from engagement.cli.options import database_option
from engagement.cli.progress import Bar
from engagement.formats import count, size
from engagement.simulate import simulate

_SHOWN_DATABASE = "engagement.duckdb"


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo/rlogs"),
    metavar="DIR",
    help="The folder for the logs.",
)
@click.option("--drives", type=click.IntRange(min=1), default=8, help="How many drives.")
@click.option("--seed", type=click.IntRange(min=0), default=1, help="Another seed, other drives.")
@click.option("--full-size", is_flag=True, help="As large as real logs: 25 MB a minute.")
@database_option
def demo(*, out: Path, drives: int, seed: int, full_size: bool, database: Path) -> None:
    """Make some drives to try the commands with.

    Several devices, cars and versions of openpilot, with engagements, overrides, disengagements of
    each cause, alerts, GPS and CAN. The same options give the same bytes.

    \b
    Example:
      engagement demo
      engagement demo --out demo/rlogs --drives 20 --seed 7
    """
    n_logs = n_bytes = n_done = 0
    last = None
    with Bar("drives") as bar:
        for drive, path in simulate(out, drives=drives, seed=seed, full_size=full_size):
            n_done += drive.name != last
            last = drive.name
            n_logs += 1
            n_bytes += path.stat().st_size
            bar.show(n_done - 1, drives)
    written = f"wrote {count(drives, 'drive')} as {count(n_logs, 'log')}, {size(n_bytes)}"
    click.echo(f"{written}, to {out}", err=True)
    db = "" if str(database) == _SHOWN_DATABASE else f"--db {database} "
    click.echo(f"now try:\n  engagement {db}ingest {out} --profile demo\n  engagement {db}report")
