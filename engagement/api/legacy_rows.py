"""What the old server's answers are made of: a row a drive, by the old definitions.

Rows are of legacy_engagement_db with the counts by speed of legacy_speed_buckets, which older
entries lack. A value that an entry lacks is left out, and so is its distance where a rate goes by
that.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from engagement.api.legacy_answers import SUMMARISED, started_at
from engagement.legacy.json_files import BUCKET_LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Row = Mapping[str, Any]

BUCKETS = tuple(BUCKET_LABELS)
NS_PER_H = 3_600_000_000_000
NS_PER_MIN = 60_000_000_000
_STEERING_SINCE = "2025-07-07"

_OF_BUCKETS = ", ".join(
    f"{key}_{name}"
    for key in BUCKETS
    for name in ("time_ns", "engaged_time_ns", "distance_km_raw", "engaged_distance_km_raw")
)
_SELECT = f"device_id, {', '.join(SUMMARISED)}, git_branch, recorded_at, {_OF_BUCKETS}"
_COUNTS = [
    f"{key}_{name}_count" for key in BUCKETS for name in ("disengagement", "steer_intervention")
]
_COUNTED = ", ".join(
    f"max({name}) filter (where bucket = '{key}') as {key}_{name}"
    for key in BUCKETS
    for name in ("disengagement_count", "steer_intervention_count")
)

# The counts by speed are null for entries before schema version 3.
DRIVES = f"""
with counts as (
    select drive_id, {_COUNTED}
    from (
        select
            * replace (
                coalesce(
                    disengagement_count,
                    intervention_count,
                    raw_disengagement_count - manual_shutdown_removed
                ) as disengagement_count
            )
        from legacy_speed_buckets
    )
    group by drive_id
)

select {_SELECT}, disengagement_count, {", ".join(_COUNTS)}
from legacy_engagement_db
left join counts using (drive_id)
order by device_id, drive, drive_id
"""

# The same of a database of older definitions, which knows no newer entries.
OLDER_DRIVES = f"""
select {_SELECT}, null as disengagement_count, {", ".join(f"null as {name}" for name in _COUNTS)}
from legacy_engagement_db
order by device_id, drive, drive_id
"""


def n_disengagements(row: Row) -> Any:
    """Of a drive: the newer count where there is one."""
    newer = row["disengagement_count"]
    return row["intervention_count"] if newer is None else newer


def counts_steering(row: Row) -> bool:
    """Whether steering was counted at the time: since a day, and where no time is known."""
    date = date_of(row)
    return date is None or date >= _STEERING_SINCE


def date_of(row: Row) -> str | None:
    """When a drive started, ISO 8601: by its name, else by its entry; None where neither tells."""
    named = started_at(row["drive"])
    if named is not None:
        return named
    try:
        return datetime.fromisoformat(row["recorded_at"] or "").isoformat()
    except ValueError:
        return None


def total(drives: Iterable[Row], value_of: Callable[[Row], Any]) -> Any:
    """The sum of a value over the drives that have it."""
    return sum(value for row in drives if (value := value_of(row)) is not None)


def percentage(part: float, whole: float) -> float | None:
    """Hundredths, which rates per 100 km are too; None of nothing."""
    return round(part / whole * 100, 2) if whole else None
