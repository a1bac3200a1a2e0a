"""`engagement events redact`: events for others to look at, without who drove and where from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engagement.analysis.selection import select
from engagement.cli import render
from engagement.cli.options import FILE, database_option, drive_filters, json_option
from engagement.cli.output_files import spare_database, writing
from engagement.export.ends import found_places
from engagement.export.places import parse_place, read_places
from engagement.export.pseudonyms import Pseudonyms, load_key
from engagement.export.redact import Redaction, write_redacted
from engagement.formats import count, text
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engagement.export.places import Place
    from engagement.export.redact import RedactionReport, Times
    from engagement.export.tables import Format
    from engagement.filters import Selection


_SHOWN = 5
_ENDS_M = 500.0


def places_of(_ctx: click.Context, _param: click.Parameter, value: Sequence[str]) -> list[Place]:
    """The places of an option that may be repeated."""
    return [parse_place(text) for text in value]


def ends_option(words: str) -> Callable[..., Any]:
    """Add --ends; the command gets `ends_m`."""
    return click.option(
        "--ends",
        "ends_m",
        type=click.FloatRange(0, 100_000),
        default=_ENDS_M,
        show_default=True,
        metavar="METRES",
        help=words,
    )


@click.command()
@click.option(
    "--out",
    required=True,
    metavar="FILE|FOLDER",
    type=click.Path(path_type=Path),
    help="A .json file, or a folder of CSV or Parquet files.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["json", "csv", "parquet"]),
    help="Of what is written.  [default: json for FILE.json, else csv]",
)
@click.option(
    "--place",
    "places",
    multiple=True,
    metavar="LAT,LON,RADIUS_M",
    callback=places_of,
    help="No positions within this many metres of here; repeatable.",
)
@click.option(
    "--places",
    "places_file",
    type=FILE,
    metavar="FILE",
    help="More such places, one a line.",
)
@ends_option("With a place: nor within so far of where drives begin and end; 0 shows it.")
@click.option(
    "--all-positions", is_flag=True, help="Positions everywhere; without this and a place, none."
)
@click.option(
    "--times",
    type=click.Choice(["shift", "keep", "none"]),
    default="shift",
    help="When drives started: by a clock set wrong, by the right one, or not at all.",
)
@click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The key of pseudonyms, made where there is none.  [default: redaction.key beside the "
    "database]",
)
@drive_filters
@json_option
@database_option
def redact(
    *,
    out: Path,
    kind: Format | None,
    places: list[Place],
    places_file: Path | None,
    ends_m: float,
    all_positions: bool,
    times: Times,
    key_file: Path | None,
    selection: Selection,
    as_json: bool,
    database: Path,
) -> None:
    """Export events for sharing, with their drives, segments and labels.

    Devices, drives, branches and commits get names made with a key: the same key gives the same
    names, so that exports go together, and who lacks it can't tell whose they are. Keep it.
    Left out are paths, vehicle numbers, hosts, repositories, notes and labels of your own;
    positions are cut off around the places you name and where drives begin and end, and without a
    place there are none.

    \b
    Example:
      engagement events redact --out shared.json --place 52.5163,13.3777,500
      engagement redact events --out shared/ --format parquet --places places.txt
    """
    shown = _positions(places, places_file, all_positions=all_positions)
    kind = kind or ("json" if out.suffix.lower() == ".json" else "csv")
    key_path = key_file or database.with_name("redaction.key")
    with Reader(database) as reader:
        select(reader, selection)
        refuse_own(out, database, key_path)
        key, is_new = load_key(key_path)
        pseudonyms = Pseudonyms(key)
        redaction = Redaction(pseudonyms, shown, times, _ends(reader, shown, ends_m, pseudonyms))
        with writing(out):
            report = write_redacted(reader, redaction, out, kind)
    if as_json:
        render.print_json({"path": str(out), **asdict(report)})
    else:
        render.note(f"{text(out)}: {_summary(report)}")
    if is_new:
        render.note(f"{text(key_path)}: made this key; with it the names can be told, so keep it")
    if shown is None:
        render.note("no positions: name places to cut off with --place, or give --all-positions")
    _warn(report, out)


def _positions(
    places: list[Place], places_file: Path | None, *, all_positions: bool
) -> list[Place] | None:
    """Where positions are cut off; None for everywhere."""
    if all_positions and (places or places_file):
        raise click.UsageError("--all-positions cuts nothing off: it goes with no --place")
    found = [*places, *(read_places(places_file) if places_file else [])]
    return found if found or all_positions else None


def _ends(
    reader: Reader, shown: list[Place] | None, ends_m: float, pseudonyms: Pseudonyms
) -> list[Place]:
    """Where drives begin and end, if some positions are to be shown, but not all."""
    return found_places(reader, ends_m, pseudonyms) if shown else []


def refuse_own(out: Path, database: Path, key_path: Path) -> None:
    """Spare the database and the key, which must not be shared with the export either."""
    spare_database(out, database)
    resolved = out.resolve()
    if resolved in (key_path.resolve(), *key_path.resolve().parents):
        raise click.BadParameter(
            f"the key {str(key_path)!r} would be shared with {str(out)!r}", param_hint="--key-file"
        )


def _warn(report: RedactionReport, out: Path) -> None:
    """Say what may be shared by mistake."""
    for number in report.idle_places:  # not where: what is shown here may be shared as well
        render.note(f"place {number} of those given cuts nothing off: is it LAT,LON,RADIUS_M?")
    if report.other_files:
        shown = ", ".join(map(text, report.other_files[:_SHOWN]))
        more = " ..." if len(report.other_files) > _SHOWN else ""
        render.note(f"{text(out)} also holds what is not redacted: {shown}{more}")


def _summary(report: RedactionReport) -> str:
    n_rows: dict[str, Any] = report.n_rows
    parts = [count(n_rows[name], name.removesuffix("s")) for name in n_rows]
    return f"{', '.join(parts)}; {count(report.n_positions, 'position')}, {report.n_cut} cut off"
