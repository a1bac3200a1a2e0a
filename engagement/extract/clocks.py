"""The wall clock of one log: when it was recorded, before the database knows its drive.

The rule is that of `staging.wall_times`, which decides for a whole drive: GPS time with a fix, the
newest `clocks` message, initData; of each only what was set.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

# As in config/engagement.toml, which a database may differ from: here it is about names and days.
EARLIEST = datetime(2018, 1, 1)  # noqa: DTZ001 - UTC, as all that is compared with it
MAX_AHEAD = timedelta(days=1)


def is_set(wall_time: datetime, now: datetime) -> bool:
    """Whether a clock that shows a time was set, now being when its log is read; both in UTC."""
    return wall_time >= EARLIEST and wall_time.date() <= now.date() + MAX_AHEAD


def wall_time(tables: Mapping[str, pa.Table], mono_ns: int, now: datetime) -> datetime | None:
    """UTC at a logMonoTime, by the best clock of a log that was set; None without one.

    Args:
        tables: Of the log.
        mono_ns: The logMonoTime.
        now: When the log is read, in UTC.
    """
    for offset_ns in _offsets_ns(tables):
        try:
            found = datetime.fromtimestamp((mono_ns + offset_ns) // 1_000_000_000, UTC)
        except (OverflowError, ValueError, OSError):
            continue
        if is_set(found.replace(tzinfo=None), now):
            return found.replace(tzinfo=None)
    return None


def _offsets_ns(tables: Mapping[str, pa.Table]) -> Iterator[int]:
    """What is to be added to logMonoTime, by each clock of a log, the best first."""
    if "gps" in tables:
        gps = tables["gps"]
        fixes = gps.filter(pc.and_kleene(gps["has_fix"], pc.is_valid(gps["unix_ms"])))
        if fixes.num_rows:
            yield fixes["unix_ms"][-1].as_py() * 1_000_000 - fixes["mono_ns"][-1].as_py()
    for table in ("clock", "init_data"):
        if table in tables and tables[table].num_rows:
            last = tables[table].slice(tables[table].num_rows - 1).to_pylist()[0]
            if last["wall_time_ns"] is not None:
                yield last["wall_time_ns"] - last["mono_ns"]
