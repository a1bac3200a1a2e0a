"""`find` over a fleet at 20 samples a second, and over one drive of it.

A twentieth of 1 000 hours is searched, and the time scaled: batches of 25 hours are searched one
after the other, so it grows with the hours. What names the moments is part of it.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from bench.output import print_table, seconds
from bench.scale import fleet_database
from engagement.analysis.selection import select
from engagement.filters import Selection
from engagement.find.moments import find_moments, read_expression
from engagement.store.ingestion import recompute
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from pathlib import Path

    from bench.runs import Setting

_HOURS, _HOURS_QUICK = 50, 10
_OF_ALL = 1000
_DRIVE = 7
_ALL_COMPUTED = """
select (select count(*) from result.drive_facts) = (select count(*) from log.drive) as is_all
"""
_EXPRESSIONS = {
    "one service: v_ego_mps > 30 and brake_pressed": "5 s",
    "two services: abs(torque_command) >= 0.99 and v_ego_mps > 15 for 1s": "20 s",
    "three: engaged and lead_ttc_s < 2, then brake_pressed within 3s": "",
}


def run(setting: Setting) -> None:
    """Measure and print."""
    path = fleet_database("20 samples/s", _HOURS_QUICK if setting.is_quick else _HOURS)
    with Reader(path) as reader:
        is_computed = reader.is_current and reader.rows(_ALL_COMPUTED)[0]["is_all"]
    if not is_computed:
        recompute(path)
    rows = []
    for title, aim in _EXPRESSIONS.items():
        expression = title.partition(": ")[2]
        all_s, hours = _times(path, expression, None, setting)
        one_s, _ = _times(path, expression, _DRIVE, setting)
        scaled = seconds(all_s / hours * _OF_ALL)
        rows.append((title, f"{hours:.0f}", seconds(all_s), scaled, aim, seconds(one_s)))
    print_table(
        "Finding moments, the expression read anew each time; aim for one drive: 50 ms",
        ("", "hours", "wall", f"scaled to {_OF_ALL} h", "aim", "one drive"),
        rows,
    )


def _times(
    path: Path, expression: str, drive_id: int | None, setting: Setting
) -> tuple[float, float]:
    """Seconds to find an expression's moments, and the hours in which it could be told."""
    times, hours = [], 0.0
    with Reader(path) as reader:
        if drive_id is not None:
            query = "select route_name from drives where drive_id = ?"
            select(reader, Selection({"drive": reader.rows(query, [drive_id])[0]["route_name"]}))
        for _ in range(setting.repetitions):
            started_s = time.perf_counter()
            found = find_moments(reader, read_expression(reader, expression))
            times.append(time.perf_counter() - started_s)
            hours = sum(found.exposures_s.values()) / 3600
    return median(times), hours
