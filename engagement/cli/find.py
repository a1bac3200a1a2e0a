"""`engagement find`: moments that a user describes, listed or counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from engagement.analysis.selection import select
from engagement.cli import columns, render
from engagement.cli.emptiness import why_no_drives
from engagement.cli.options import by_option, database_option, drive_filters, format_options
from engagement.cli.progress import Bar
from engagement.definitions import DEFINITIONS
from engagement.find.moments import find_moments, named_expression, read_expression
from engagement.find.rates import check_crossing, moment_rates
from engagement.formats import count
from engagement.moments.shipped import Shipped, shipped_moments
from engagement.store.moment_book import forget_moment, save_moment
from engagement.store.reader import Reader
from engagement.store.saved_moments import Saved, read_saved

if TYPE_CHECKING:
    from pathlib import Path

    from engagement.cli.options import Format
    from engagement.filters import Selection
    from engagement.groupings import Crossing

_MOMENTS = (
    "moment", "drive_id", "dongle_id", "drive", "mono_ns", "end_mono_ns", "time_s", "duration_s",
    "at_utc", "car_fingerprint", "git_branch", "version", "latitude", "longitude",
)  # fmt: skip
_RATES = (
    "grouped_by", "group_name", "n_drives", "n_qlog_drives", "n_events", "exposure_h", "per_hour",
    "per_hour_lower", "per_hour_upper", "per_hour_dispersion", "per_hour_dispersion_source",
)  # fmt: skip


_NO_EXPRESSION = "Missing argument 'EXPRESSION'; --names lists those that have one"


@click.command()
@click.argument("expression", required=False)
@click.option("--names", is_flag=True, help="List the moments that have names.")
@click.option("--save", metavar="NAME", help="Count it as an event from now on, called so.")
@click.option("--forget", metavar="NAME", help="Forget a saved one.")
@click.option("--rate", is_flag=True, help="Count them, with the rate and its interval.")
@click.option(
    "--time-limit",
    "limit_s",
    type=click.FloatRange(0.1, 86_400),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="Stop after so long.",
)
@by_option
@drive_filters
@format_options
@database_option
def find(
    *,
    expression: str | None,
    names: bool,
    save: str | None,
    forget: str | None,
    rate: bool,
    limit_s: float,
    crossing: Crossing,
    database: Path,
    selection: Selection,
    output: Format,
) -> None:
    """Find the moments that an expression describes, or that have a name: --names.

    EXPRESSION is over the columns of `samples`, ten times a second: comparisons, `and`, `or`,
    `not`, arithmetic, `for 2s`, `, then ... within 3s`, rises(...), falls(...), the modes engaged,
    lateral_only, pre_enabled, manual, and `planned`. What is shorter than 0.3 s is none, and what
    is closer than 1 s is one moment, but where `for` and `merge` say otherwise: docs/find.md.

    With --rate they are counted, per hour in which the logs tell whether the expression holds, with
    a 95 % interval; --by gives groups of whole drives.

    With --save it is an event from then on: in `events` (kind moment:NAME), `rates`, comparisons
    and the API, computed by each ingest.

    \b
    Example:
      engagement find "abs(torque_command) >= 0.99 and v_ego_mps > 15 for 1s"
      engagement find "engaged and lead_ttc_s < 2, then brake_pressed within 3s, not planned"
      engagement find "engaged and a_ego_mps2 < -3" --rate --by branch
      engagement find phantom_braking
      engagement find "abs(steering_torque) > 300 and v_ego_mps > 25" --save wrestling
    """
    if names:
        _list_names(database, output)
        return
    if save is not None or forget is not None:
        if rate or crossing.dimensions or selection.values:
            raise click.UsageError(
                "A saved moment is counted in all drives: --save and --forget go without --rate, "
                "--by and filters of drives"
            )
        _keep(database, expression, save, forget)
        return
    if expression is None:
        raise click.UsageError(_NO_EXPRESSION)
    if crossing.dimensions and not rate:
        raise click.UsageError("--by goes with --rate")
    check_crossing(crossing)
    with Reader(database) as reader, reader.limited(limit_s), Bar("drives") as bar:
        query = read_expression(reader, named_expression(reader, expression))
        if rate:
            found = find_moments(reader, query, on_progress=bar.show)
            select(reader, selection)
            reader.group_by(crossing)
            rows = moment_rates(reader, found, crossing)
            if output == "table":
                rows = [_limited(row) for row in rows]
        else:
            select(reader, selection)
            found = find_moments(reader, query, on_progress=bar.show)
            rows = found.moments
        selected = {row["drive_id"] for row in reader.rows("select drive_id from drives")}
        nothing = "" if selected else why_no_drives(reader, selection)
    hours = sum(s for drive_id, s in found.exposures_s.items() if drive_id in selected) / 3600
    render.print_list(
        columns.of_moment_rates(crossing.words) if rate else columns.MOMENTS,
        _RATES if rate else _MOMENTS,
        rows,
        output,
        definitions=reader.definitions,
        nothing=nothing or f"no such moment in the {hours:.1f} h in which it could be told",
    )
    if output == "table" and rows and not rate:
        render.note(f"{count(len(rows), 'moment')} in {hours:.1f} h in which they could be told")


def _keep(database: Path, expression: str | None, save: str | None, forget: str | None) -> None:
    """Save an expression, or forget a saved one."""
    if save is None:
        _forget(database, expression, forget or "")
    elif forget is not None:
        raise click.UsageError("--save and --forget are two commands")
    elif expression is None:
        raise click.UsageError(_NO_EXPRESSION)
    elif save_moment(database, save, expression):
        render.note(f"saved: moment:{save.strip().lower()} is counted from now on")
    else:
        render.note("it is saved already")


def _forget(database: Path, expression: str | None, name: str) -> None:
    if expression is not None:
        raise click.UsageError("--forget takes the name of a saved moment, and no expression")
    forget_moment(database, name)
    render.note(f"forgotten: moment:{name.strip().lower()}")


def _said_of(one: Saved) -> str:
    return f"unknown: {one.problem}" if one.problem else f"saved: {one.expression}"


def _list_names(database: Path, output: Format) -> None:
    rows = [
        {"name": name, **msgspec.structs.asdict(one), "is_saved": False, "problem": None}
        for name, one in shipped_moments().items()
    ]
    if database.exists():
        with Reader(database) as reader:
            saved = read_saved(reader.rows) if reader.is_current else []
        rows = [
            {"name": one.name, "find": one.expression, "says": _said_of(one), "why": "",
             "is_saved": True, "problem": one.problem or None}
            for one in saved
        ] + [row for row in rows if row["name"] not in {one.name for one in saved}]  # fmt: skip
    render.print_list(
        columns.NAMED_MOMENTS,
        ("name", *Shipped.__struct_fields__, "is_saved", "problem"),
        rows,
        output,
        definitions=DEFINITIONS,
        nothing="",
    )


def _limited(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose rate stands with its limits."""
    return row | {"per_hour": (row["per_hour"], row["per_hour_lower"], row["per_hour_upper"])}
