"""What several commands take."""

from __future__ import annotations

import re
from datetime import date
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from engagement.csv_cells import EXACT_KEY
from engagement.errors import InputError
from engagement.filters import DRIVE_FILTERS, Selection, parse_bound
from engagement.groupings import ALL, OPTIONS, parse_crossing
from engagement.names import parse_dongle_id
from engagement.store.database_path import check_database

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])

Format = Literal["table", "json", "csv"]

DATABASE_KEY = "engagement.database"

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?)b?|b)?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class Bound(click.ParamType):  # type: ignore[type-arg]
    """A date, YYYY-MM-DD, or the name of a drive."""

    name = "date"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> date | str:
        """Parse the text."""
        try:
            return value if isinstance(value, date) else parse_bound(value)
        except InputError as error:
            self.fail(str(error), param, ctx)


class ByteSize(click.ParamType):  # type: ignore[type-arg]
    """A number of bytes, or one with a unit: 500MB, 2GiB."""

    name = "bytes"

    def __init__(self, most: int | None = None) -> None:
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parse the text."""
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(value.strip())
        if not match:
            self.fail(f"{value!r} is no size; write it like 500MB or 2GiB", param, ctx)
        base = 1024 if match[3] else 1000
        n_bytes = int(float(match[1]) * base ** _POWERS[(match[2] or "").lower()])
        if self._most is not None and n_bytes > self._most:
            self.fail(f"{value!r} is more than {self._most} bytes", param, ctx)
        return n_bytes


def _of_group(ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path:
    """The command's own --db, else the group's; messages name it."""
    database: Path = value or ctx.meta[DATABASE_KEY]
    ctx.meta[DATABASE_KEY] = database
    check_database(database)
    return database


def database_option(function: Function) -> Function:
    """Add --db; the command gets `database`."""
    return click.option(
        "--db",
        "database",
        type=click.Path(dir_okay=False, path_type=Path),
        callback=_of_group,
        metavar="FILE",
        help="The database.  [default: engagement.duckdb, or ENGAGEMENT_DB]",
    )(function)


def device_option(function: Function) -> Function:
    """Add --device; the command gets `device`, which may be the start of one's name."""
    return click.option(
        "--device", metavar="ID", help="Only this device; the start of its dongle id is enough."
    )(function)


def filter_options(*names: str) -> Callable[[Function], Function]:
    """Add the options of some filters of drives; the command gets a `selection` by them."""

    def add(function: Function) -> Function:
        @wraps(function)
        def with_selection(*args: Any, **options: Any) -> Any:
            selection = Selection.of(**{name: options.pop(name) for name in names})
            if selection.is_backwards:
                problem = f"{selection['until']} is before --since {selection['since']}"
                raise click.BadParameter(problem, param_hint="--until")
            return function(*args, selection=selection, **options)

        decorated: Any = with_selection
        for one in (DRIVE_FILTERS[name] for name in reversed(names)):
            kind = Bound() if one.is_day else one.kind
            option = click.option(one.flag, type=kind, metavar=one.metavar, help=one.option)
            decorated = option(decorated)
        return decorated  # type: ignore[no-any-return]

    return add


drive_filters = filter_options(*DRIVE_FILTERS)


def by_option(function: Function) -> Function:
    """Add `--by`; the command gets a `crossing`."""
    return click.option(
        "--by",
        "crossing",
        default=ALL,
        metavar="WHAT",
        callback=lambda _ctx, _param, text: parse_crossing(text),
        help=f"What a group has in common: {', '.join((ALL, *OPTIONS))}; or two, like model,night.",
    )(function)


def labels_option(function: Function) -> Function:
    """Add --labels, see `parse_labels`; the command gets `labels`."""
    return click.option(
        "--labels",
        metavar="LABELS",
        help="Only events that are labelled so count, like true,critical; see `events label`.",
    )(function)


def dongle_option(about: str) -> Callable[[Function], Function]:
    """Add --device, a whole dongle id, which the database need not know; it gets `device`."""

    def check(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
        dongle_id = parse_dongle_id(value) if value else None
        if value and not dongle_id:
            problem = f"{value!r} is no dongle id, which is 16 hex digits (8 on old devices)"
            raise click.BadParameter(problem, ctx=ctx, param=param)
        return dongle_id

    return click.option("--device", metavar="ID", callback=check, help=about)


def json_option(function: Function) -> Function:
    """Add --json; the command gets `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(
        function
    )


def format_options(function: Function) -> Function:
    """Add --json and --csv; the command gets `output`: table, json or csv."""

    @wraps(function)
    def with_output(
        *args: Any, as_json: bool, as_csv: bool, as_exact_csv: bool, **options: Any
    ) -> Any:
        as_csv = as_csv or as_exact_csv
        if as_json and as_csv:
            raise click.UsageError("--json and --csv exclude each other")
        click.get_current_context().meta[EXACT_KEY] = as_exact_csv
        output: Format = "json" if as_json else "csv" if as_csv else "table"
        return function(*args, output=output, **options)

    add_csv = click.option("--csv", "as_csv", is_flag=True, help="Print CSV with a header.")
    add_exact_csv = click.option(
        "--csv-exact",
        "as_exact_csv",
        is_flag=True,
        help="CSV for programs: a spreadsheet may run texts that begin with = + - @.",
    )
    return json_option(add_csv(add_exact_csv(with_output)))  # type: ignore[return-value]
