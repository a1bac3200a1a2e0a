"""`engagement demo`: made-up drives to try the other commands with."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from engagement.cli import render
from engagement.cli.options import DATABASE_KEY
from engagement.cli.program import typed
from engagement.cli.progress import Bar
from engagement.formats import count, size
from engagement.simulate import simulate
from engagement.store.database_path import check_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from socket import socket

_PORT = 8000


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
@click.option("--serve", "is_served", is_flag=True, help="Ingest them, and show them in a browser.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help=f"With --serve.  [default: {_PORT}, or a free one]",
)
@click.option("--no-browser", is_flag=True, help="With --serve: open none.")
@click.option(
    "--db",
    "database",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The database, never that of your own drives.  [default: demo.duckdb beside --out]",
)
@click.pass_context
def demo(
    ctx: click.Context,
    *,
    out: Path,
    drives: int,
    seed: int,
    full_size: bool,
    is_served: bool,
    port: int | None,
    no_browser: bool,
    database: Path | None,
) -> None:
    """Make some drives to try the commands with.

    Several devices, cars and versions of openpilot, with engagements, overrides, disengagements of
    each cause, alerts, GPS and CAN. The same options give the same bytes.

    With --serve they are ingested and shown in the browser, until Ctrl-C.

    \b
    Example:
      engagement demo --serve
      engagement demo --out demo/rlogs --drives 20 --seed 7
    """
    if not is_served and (port is not None or no_browser):
        raise click.UsageError("--port and --no-browser are for --serve")
    database = database or _database_of_group(ctx) or out.parent / "demo.duckdb"
    ctx.meta[DATABASE_KEY] = database
    check_database(database)
    _make(out, drives, seed, is_full_size=full_size)
    if is_served:
        _serve(ctx, out, database, port, has_browser=not no_browser)
    else:
        ingest = typed("ingest", out, "--profile", "demo", "--db", database)
        click.echo(f"now try:\n  {ingest}\n  {typed('report', '--db', database)}")


def _database_of_group(ctx: click.Context) -> Path | None:
    """What `engagement --db` names. ENGAGEMENT_DB is of drives that were driven."""
    group = ctx.find_root()
    is_typed = group.get_parameter_source("database") is ParameterSource.COMMANDLINE
    return group.params["database"] if is_typed else None


def _make(out: Path, drives: int, seed: int, *, is_full_size: bool) -> None:
    n_logs = n_bytes = n_done = 0
    last = None
    with Bar("drives") as bar:
        for drive, path in simulate(out, drives=drives, seed=seed, full_size=is_full_size):
            n_done += drive.name != last
            last = drive.name
            n_logs += 1
            n_bytes += path.stat().st_size
            bar.show(n_done - 1, drives)
    written = f"wrote {count(drives, 'drive')} as {count(n_logs, 'log')}, {size(n_bytes)}"
    render.say(f"{written}, to {out}")


def _serve(
    ctx: click.Context, out: Path, database: Path, port: int | None, *, has_browser: bool
) -> None:
    from engagement.api.settings import Settings  # noqa: PLC0415 - takes a second
    from engagement.cli.ingest import ingest  # noqa: PLC0415
    from engagement.cli.serve import address_of, run  # noqa: PLC0415
    from engagement.review.server import show_page  # noqa: PLC0415

    with _listener(port) as listener:
        ctx.invoke(ingest, paths=(out,), database=database, profile="demo")
        render.note(f"in the terminal: {typed('report', '--db', database)}")
        if has_browser and not show_page(address_of(listener)):
            render.note("there is no browser here; open this address in yours:")
        run(database, listener, Settings())


@contextmanager
def _listener(port: int | None) -> Iterator[socket]:
    from engagement.cli.serve import listen  # noqa: PLC0415
    from engagement.errors import InputError  # noqa: PLC0415

    try:
        found = listen("127.0.0.1", _PORT if port is None else port)
    except InputError:
        if port is not None:
            raise
        found = listen("127.0.0.1", 0)
    with found:
        yield found
