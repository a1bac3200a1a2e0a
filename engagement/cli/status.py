"""`engagement status`: what is in the database, what is missing, whether it is sound."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import click

from engagement.analysis.checks import load_checks
from engagement.cli import columns, render
from engagement.cli.exit_codes import ExitCode
from engagement.cli.options import database_option, json_option
from engagement.cli.table_parts import Column
from engagement.cli.unit_option import chosen_units, units_option
from engagement.cli.wrapping import is_terminal
from engagement.formats import count, duration, fixed, moment, size, spans, text, three_decimals
from engagement.store.reader import Reader
from engagement.store.saved_moments import read_saved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from engagement.units import Unit

_CONTENTS = """
select
    (select max(version) from store.schema_migration) as schema_version,
    generation,
    published_at_utc,
    (select count(*) from devices) as n_devices,
    (select count(*) from drives) as n_drives,
    (select count(*) from drives where is_imported) as n_imported_drives,
    (select count(*) from segments) as n_segments,
    (select coalesce(sum(known_s), 0)::double from devices) as known_s,
    (select coalesce(sum(distance_km), 0)::double from devices) as distance_km,
from store.state
"""

_LAST_INGEST = "from store.ingest_run order by ended_at_utc desc limit 1"

_DAMAGED = """
select dongle_id, drive, segment_num, status, damage, path
from segments
where status <> 'ok'
order by status, dongle_id, drive, segment_num
"""

_MISSING = """
with read as (
    select drive_id, segment_num from segments where status <> 'failed'
    union all
    select drive_id, segment_num from staging.segment_copies
),
wanted as (
    select drive_id, unnest(range(max(segment_num)::bigint + 1)) as segment_num
    from segments
    group by drive_id
)
select
    drives.dongle_id,
    drives.drive,
    drives.route_name,
    list(wanted.segment_num order by wanted.segment_num) as missing
from wanted
anti join read on wanted.drive_id = read.drive_id and wanted.segment_num = read.segment_num
inner join drives on wanted.drive_id = drives.drive_id
group by drives.dongle_id, drives.drive, drives.route_name
order by drives.dongle_id, drives.drive
"""

_LEFT_OUT = """
select
    drive.dongle_id,
    drive.drive,
    copies.segment_num,
    counted.dongle_id as counted_dongle_id,
    counted.drive as counted_drive,
    copies.counted_segment_num
from staging.segment_copies as copies
inner join log.drive on copies.drive_id = drive.drive_id
inner join log.drive as counted on copies.counted_drive_id = counted.drive_id
where not copies.is_counted
order by all
"""

_JOINED = "from store.device_alias order by old_dongle_id, joined_at_utc"

_MAX_ROWS = 20
_FACTS_AT = 13


@click.command()
@click.option("--check", "with_rows", is_flag=True, help="Also show the rows that checks found.")
@units_option
@json_option
@database_option
@click.pass_context
def status(ctx: click.Context, *, database: Path, as_json: bool, with_rows: bool) -> None:
    """Show what is in the database and whether it is sound.

    Lists damaged logs, missing segments, copies that don't count and saved moments that can't be
    told, and runs the checks of
    sql/checks/. The exit status is 1 if a check of level `fail` finds something; what only warns
    changes nothing. With --check every finding is shown, of which a terminal gets the first 20 of
    a check.

    \b
    Example:
      engagement status
      engagement status --check
      engagement status --check --json
    """
    with Reader(database) as reader:
        found = {
            "database": str(database.absolute()),
            "size_bytes": database.stat().st_size,
            "engagement_version": version("engagement"),
            "definitions": reader.definitions,
            **reader.rows(_CONTENTS)[0],
            "last_ingest": next(iter(reader.rows(_LAST_INGEST)), None),
            "damaged_logs": reader.rows(_DAMAGED),
            "missing_segments": reader.rows(_MISSING),
            "left_out_copies": reader.rows(_LEFT_OUT),
            "joined_devices": reader.rows(_JOINED),
            "saved_moments": [
                asdict(one) for one in (read_saved(reader.rows) if reader.is_current else ())
            ],
        }
        checks = _run_checks(reader)
        units = chosen_units(reader)
    if as_json:
        rows = [{"rows": check.rows} if with_rows else {} for check in checks]
        described = [check.summary() | more for check, more in zip(checks, rows, strict=True)]
        render.print_json(found | {"checks": described})
    else:
        _print_facts(found, units.distance)
        _print_problems(found)
        render.print_rows(columns.CHECKS, [c.summary() | {"state": c.state} for c in checks])
        for check in checks if with_rows else []:
            _print_findings(check)
    # Scripts see a failed check by the status alone.
    if any(check.state == "fail" for check in checks):
        ctx.exit(ExitCode.FAILED)


def _print_facts(found: dict[str, Any], distance: Unit) -> None:
    driven = fixed(distance(found["distance_km"]), 0)
    imported = f", {found['n_imported_drives']} imported" if found["n_imported_drives"] else ""
    facts = {
        "database": f"{text(found['database'])}, {size(found['size_bytes'])}",
        "version": f"engagement {found['engagement_version']}, schema {found['schema_version']}, "
        f"definitions {found['definitions']}",
        "published": f"{moment(found['published_at_utc'])} UTC, generation {found['generation']}",
        "last ingest": _last_ingest(found["last_ingest"]),
        "holds": f"{count(found['n_devices'], 'device')}, "
        f"{count(found['n_drives'], 'drive')}{imported}, "
        f"{count(found['n_segments'], 'segment')}, "
        f"{duration(found['known_s'])} of driving, {driven} {distance.name}",
    }
    for name, fact in facts.items():
        if is_terminal(sys.stdout):
            render.answer(f"{name:<12} {fact}", indent=_FACTS_AT)
        else:
            render.print_tabs([name, fact])
    click.echo()


def _last_ingest(run: dict[str, Any] | None) -> str:
    if run is None:
        return "none"
    return (
        f"{moment(run['ended_at_utc'])} UTC: {run['n_ingested']} ingested, "
        f"{run['n_skipped']} skipped, {run['n_partial']} partial, {run['n_failed']} failed "
        f"(engagement {run['engagement_version']})"
    )


def _print_problems(found: dict[str, Any]) -> None:
    damaged = [
        row | {"segment": f"{row['dongle_id']}|{row['drive']}--{row['segment_num']}"}
        for row in found["damaged_logs"]
    ]
    if damaged:
        render.print_rows(columns.PROBLEMS, damaged, title="Damaged logs")
        click.echo()
    missing = [row | {"missing": spans(row["missing"])} for row in found["missing_segments"]]
    if missing:
        render.print_rows(columns.MISSING, missing, title="Missing segments")
        click.echo()
    left_out = [
        {
            "segment": f"{row['dongle_id']}|{row['drive']}--{row['segment_num']}",
            "counted": f"{row['counted_dongle_id']}|{row['counted_drive']}"
            f"--{row['counted_segment_num']}",
        }
        for row in found["left_out_copies"]
    ]
    if found["joined_devices"]:
        render.print_rows(columns.JOINED, found["joined_devices"], title="Devices that were joined")
        click.echo()
    if left_out:
        render.print_rows(columns.LEFT_OUT, left_out, title="Copies that are left out")
        click.echo()
    untold = [row for row in found["saved_moments"] if row["problem"]]
    if untold:
        render.print_rows(columns.UNTOLD_MOMENTS, untold, title="Saved moments that can't be told")
        click.echo()


@dataclass(frozen=True, slots=True)
class _Finding:
    """A check that ran: `rows` are what it found of what it looks for, by drive."""

    name: str
    title: str
    level: str
    rows: list[dict[str, Any]]

    @property
    def state(self) -> str:
        """`ok`, else the level."""
        return self.level if self.rows else "ok"

    def summary(self) -> dict[str, Any]:
        """Everything but the rows themselves."""
        return {
            "name": self.name,
            "title": self.title,
            "level": self.level,
            "n_rows": len(self.rows),
        }


def _run_checks(reader: Reader) -> list[_Finding]:
    return [
        _Finding(
            check.name, check.title, check.level, reader.rows(f"from {check.query} order by all")
        )
        for check in load_checks()
    ]


def _print_findings(check: _Finding) -> None:
    """Print a check's rows; the names are columns of the views that it reads."""
    if not check.rows:
        return
    shown = check.rows[:_MAX_ROWS] if is_terminal(sys.stdout) else check.rows
    names = [name for name in check.rows[0] if not name.endswith("drive_id")]
    click.echo()
    render.print_rows([_column(name, check.rows) for name in names], shown, title=check.title)
    if len(shown) < len(check.rows):
        render.answer(f"{len(check.rows) - len(shown)} more: --json has them all")


def _column(name: str, rows: Sequence[Mapping[str, Any]]) -> Column:
    is_number = isinstance(next((r[name] for r in rows if r[name] is not None), None), int | float)
    return Column(name, name, _value, is_number=is_number)


def _value(value: Any) -> str:
    return three_decimals(value) if isinstance(value, float) else text(value)
