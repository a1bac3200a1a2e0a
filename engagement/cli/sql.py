"""`engagement sql`: a query in, its rows out."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, cast

import click
import pyarrow as pa

from engagement.cli import render
from engagement.cli.options import database_option, format_options
from engagement.cli.queries import print_query, rows_of, run_query
from engagement.cli.table_parts import Column
from engagement.store.cookbook import find_recipe, recipes
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from io import IOBase
    from pathlib import Path

    from engagement.cli.options import Format

_EXAMPLES = (Column("name", "name", is_whole=True), Column("question", "question"))


@click.command()
@click.argument("query", required=False, default="-")
@click.option(
    "--example", metavar="NAME", help="A query of the cookbook, in place of one of yours."
)
@click.option("--examples", is_flag=True, help="List the cookbook's queries.")
@click.option("--arrow", is_flag=True, help="Write an Arrow IPC stream.")
@format_options
@database_option
def sql(
    *,
    query: str,
    example: str | None,
    examples: bool,
    database: Path,
    output: Format,
    arrow: bool,
) -> None:
    """Run a query on the views.

    QUERY is SQL as DuckDB has it; without one, or with -, it is read from stdin. Nothing is
    written, and no other file is read. A table stops after 200 rows, --csv, --json and --arrow give
    all. An Arrow stream has the number of the definitions as metadata; `select definitions from
    store.state` is it.

    \b
    Example:
      engagement sql "select cause, count(*) from disengagements group by all"
      engagement sql --csv < query.sql
      engagement sql "show tables"
      engagement sql --example worst-moments
    """
    if examples:
        render.print_rows(_EXAMPLES, [asdict(recipe) for recipe in recipes().values()])
        return
    if example is not None:
        query = find_recipe(example).query
    if query == "-":
        query = sys.stdin.read()
    if arrow and sys.stdout.isatty():
        raise click.UsageError("--arrow writes bytes: send them to a file or a program")
    with Reader(database) as reader:
        if output == "table" and not arrow:
            print_query(reader, query)
            return
        table = run_query(reader, query)
    if arrow:
        table = table.replace_schema_metadata({"definitions": str(reader.definitions)})
        with pa.ipc.new_stream(cast("IOBase", sys.stdout.buffer), table.schema) as stream:
            stream.write_table(table)
    elif output == "json":
        render.print_json(rows_of(table))
    else:
        render.print_csv(table.column_names, rows_of(table))
