"""`engagement mcp`: the database for assistants, over stdin and stdout."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from engagement.cli.options import ByteSize, database_option
from engagement.errors import InputError, StoreMissingError
from engagement.store.serving import Limits, Publication

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.option(
    "--time-limit",
    type=click.FloatRange(0.1, 3600),
    default=30.0,
    metavar="SECONDS",
    help="For all queries of one question.",
)
@click.option(
    "--memory-limit", type=ByteSize(), default="1GB", metavar="SIZE", help="For all queries."
)
@database_option
def mcp(*, database: Path, time_limit: float, memory_limit: int) -> None:
    """Answer an assistant's questions about drives, over stdin and stdout.

    It speaks the Model Context Protocol; an assistant starts it. Its tools list and describe the
    views, list drives and events, give rates with their intervals, compare two groups, rank groups
    where the drives tell them apart, and run SQL that only reads. Nothing is ever written. Needs
    the extra `mcp`; other machines reach the same tools, but for SQL, by `engagement serve --mcp`.

    \b
    Example:
      engagement mcp --db drives.duckdb
    """
    if not database.exists():
        raise StoreMissingError(database)
    make_server = assistants("server").make_server
    limits = Limits(memory_limit=f"{memory_limit}B", time_limit_s=time_limit)
    make_server(Publication(database, limits), has_sql=True).run("stdio")


def assistants(module: str) -> Any:
    """A module of `engagement.assistants`.

    Raises:
        InputError: If the extra that it needs is not installed.
    """
    try:
        return import_module(f"engagement.assistants.{module}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "pydantic"):
            raise
        raise InputError("assistants need a library: pip install 'engagement[mcp]'") from error
