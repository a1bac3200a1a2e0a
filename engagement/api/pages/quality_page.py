"""Reasons to doubt the numbers: failed checks and their drives, damaged logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from litestar import Response, get
from litestar.di import NamedDependency

from engagement.analysis.checks import load_checks
from engagement.api.pages.rendering import AnyRequest, page
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Row = dict[str, Any]

_MAX_ROWS = 50
_MAX_DRIVES = 200

_DAMAGED = """
from segments where status <> 'ok' order by status, dongle_id, drive, segment_num limit {limit}
"""
_DRIVES = """
select
    quality.*, drives.started_at, drives.clock_source, drives.coverage, drives.n_missing_segments
from {quality} as quality
inner join {drives} as drives on quality.drive_id = drives.drive_id
where
    quality.n_gaps > 0
    or drives.n_missing_segments > 0
    or quality.n_overlapping_segments > 0
    or quality.n_left_out_segments > 0
    or quality.n_clock_jumps > 0
    or abs(quality.clock_difference_s) > (select clock_max_difference_s from result.thresholds)
    or quality.n_impossible_fixes > 0
    or quality.n_unknown_speeds > 0
    or abs(quality.odometer_difference_fraction) > 0.02
order by drives.coverage nulls first, drives.started_at desc nulls last, quality.drive_id
limit {limit}
"""
_RUNS = "from store.ingest_run order by ended_at_utc desc limit 8"


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that ran, and the first of the rows that it found."""

    name: str
    title: str
    level: str
    n_rows: int
    rows: Sequence[Row]


@get("/quality", sync_to_thread=True)
def get_quality(request: AnyRequest, generation: NamedDependency[Generation]) -> Response[bytes]:
    """Show the state of the data."""
    return page(request, generation, "quality.html", lambda: _read(generation))


def _read(generation: Generation) -> Mapping[str, Any]:
    names = {
        "quality": generation.in_memory("data_quality"),
        "drives": generation.in_memory("drives"),
    }
    checks = _checks(generation)
    return {
        "checks": checks,
        "n_failed": sum(1 for check in checks if check.n_rows and check.level == "fail"),
        "n_warned": sum(1 for check in checks if check.n_rows and check.level == "warn"),
        "drives": generation.rows(_DRIVES.format(**names, limit=_MAX_DRIVES)),
        "n_drives": generation.rows(f"select count(*) as n from {names['drives']}")[0]["n"],
        "damaged": generation.rows(_DAMAGED.format(limit=_MAX_DRIVES)),
        "runs": generation.rows(_RUNS),
        "max_rows": _MAX_ROWS,
    }


def _checks(generation: Generation) -> list[Finding]:
    """Every check of sql/checks/: first those that found something, errors before warnings."""
    found = []
    for check in load_checks():
        n_rows = generation.rows(f"select count(*) as n from {check.query}")[0]["n"]
        query = f"from {check.query} order by all limit {_MAX_ROWS}"
        rows = generation.rows(query) if n_rows else []
        found.append(Finding(check.name, check.title, check.level, n_rows, rows))
    return sorted(found, key=lambda check: (not check.n_rows, check.level, check.name))
