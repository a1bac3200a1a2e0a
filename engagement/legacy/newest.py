"""Entries of schema version 3, which the newest version of the old system writes, from the views.

Rows come from `staging.legacy_newest_drives` and `legacy_speed_buckets`. What is of whole drives is
rounded here, by Python's `round` as the old system did.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from engagement.legacy.json_files import BUCKET_LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    class Rows(Protocol):
        """What a query can be asked of."""

        def rows(self, query: str) -> list[dict[str, Any]]:
            """Its rows."""

    Row = Mapping[str, Any]
    Entry = dict[str, Any]

_BUCKET_FIELDS = (
    "min_speed_mps",
    "max_speed_mps",
    "time_ns",
    "engaged_time_ns",
    "drive_time_ns",
    "engaged_drive_time_ns",
    "time_min",
    "engaged_time_min",
    "distance_km_raw",
    "engaged_distance_km_raw",
    "distance_km",
    "engaged_distance_km",
    "engagement_pct",
    "drive_time_engagement_pct",
    "distance_engagement_pct",
    "steer_intervention_count",
    "steer_interventions_per_100km",
    "raw_disengagement_count",
    "disengagement_count",
    "disengagements_per_100km",
    "disengagements_per_drive_hour",
    "manual_shutdown_removed",
)
_OF_ENGAGED = tuple(
    name
    for name in _BUCKET_FIELDS
    if name == "manual_shutdown_removed" or "engage" in name or "steer" in name
)
_SUMMED = (
    "drive_time_ns",
    "engaged_drive_time_ns",
    "steer_intervention_count",
    "raw_disengagement_count",
    "disengagement_count",
    "manual_shutdown_removed",
)
_NS_PER_H = 3_600_000_000_000


def newest_entries(
    reader: Rows, drive_ids: Sequence[int], *, is_exact: bool = False
) -> dict[int, Entry]:
    """The entries of some ingested drives, by drive_id; one drive is computed at a time.

    Args:
        reader: The database.
        drive_ids: Which drives.
        is_exact: With nothing engaged where the flag that the old system read is dead.
    """
    entries = {}
    for drive_id in drive_ids:
        of_drive = f"where drive_id = {int(drive_id)}"
        [drive] = reader.rows(f"from staging.legacy_newest_drives {of_drive}")
        buckets = reader.rows(f"from legacy_speed_buckets {of_drive}")
        is_dead = is_exact and drive["is_dead"]
        entries[drive_id] = newest_entry(drive, buckets, is_dead=is_dead)
    return entries


def newest_entry(drive: Row, rows: Iterable[Row], *, is_dead: bool = False) -> Entry:
    """The entry of a drive.

    Args:
        drive: Its row of `staging.legacy_newest_drives`.
        rows: Those of `legacy_speed_buckets`.
        is_dead: Whether to take it that nothing was engaged.
    """
    by_bucket = {row["bucket"]: _bucket(row, is_dead=is_dead) for row in rows}
    buckets = {key: by_bucket[key] for key in BUCKET_LABELS}
    sums = {name: sum(bucket[name] for bucket in buckets.values()) for name in _SUMMED}
    active_ns = 0 if is_dead else drive["active_time"]
    distance_km = drive["distance_km"]
    engaged_km = 0.0 if is_dead else drive["engaged_distance_km"]
    return {
        "schema_version": 3,
        "host": "device",
        "device_id": drive["device_id"],
        "drive": drive["drive"],
        "recorded_at": _utc(drive["wall_time_ns"]),
        "segment_count": drive["segment_count"],
        "vehicle_profile": drive["vehicle_profile"],
        "car_name": None,
        "car_fingerprint": drive["car_fingerprint"],
        "total_time": drive["total_time"],
        "active_time": active_ns,
        "drive_time": sums["drive_time_ns"],
        "drive_time_active": sums["engaged_drive_time_ns"],
        "engagement_pct": _pct(active_ns, drive["total_time"]) or 0.0,
        "drive_time_engagement_pct": _pct(sums["engaged_drive_time_ns"], sums["drive_time_ns"])
        or 0.0,
        "odo_distance": _rounded(distance_km, 3),
        "engaged_distance": _rounded(engaged_km, 3),
        "engagement_pct_odo": _pct(engaged_km, distance_km),
        "distance_source": "odometer" if drive["has_odometer"] else "integrated_v_ego",
        "steer_intervention_count": sums["steer_intervention_count"],
        "steer_interventions_per_100km": _pct(sums["steer_intervention_count"], distance_km),
        "steer_intervention_source": "steering_pressed",
        "total_state_changes": 0 if is_dead else drive["total_state_changes"],
        **_disengagements(sums, distance_km),
        "speed_bucket_version": 1,
        "speed_buckets": buckets,
        "openpilot_longitudinal": drive["openpilot_longitudinal"],
        "steering_mode": "unknown",
        "version": drive["version"],
        "git_branch": drive["git_branch"],
        "git_commit": drive["git_commit"],
        "git_commit_date": None,
        "git_dirty": drive["git_dirty"],
        "device_type": drive["device_type"],
        "generated_at": drive["ingested_at_utc"].replace(tzinfo=UTC).isoformat(),
    }


def _bucket(row: Row, *, is_dead: bool) -> Entry:
    """A bucket's fields; with nothing engaged, what is known of it is 0."""
    found = {name: row[name] for name in _BUCKET_FIELDS}
    if is_dead:
        known = [name for name in _OF_ENGAGED if found[name] is not None]
        found |= {name: type(found[name])(0) for name in known}
    return {"label": row["label"], **found}


def _disengagements(sums: Row, distance_km: float) -> Entry:
    n_raw, n_counted = sums["raw_disengagement_count"], sums["disengagement_count"]
    drive_ns = sums["drive_time_ns"]
    return {
        "raw_disengagement_count": n_raw,
        "disengagement_count": n_counted,
        "disengagements_per_100km": _pct(n_counted, distance_km),
        "disengagements_per_drive_hour": round(n_counted / drive_ns * _NS_PER_H, 2)
        if drive_ns
        else None,
        "disengagement_corrections": {
            "version": 1,
            "raw_count": n_raw,
            "corrected_count": n_counted,
            "manual_shutdown_removed": sums["manual_shutdown_removed"],
        },
    }


def _pct(part: float, whole: float) -> float | None:
    """Hundredths, which rates per 100 km are too; None of nothing, and of what is no number."""
    return _rounded(part / whole * 100, 2) if whole > 0 else None


def _rounded(value: float, n_decimals: int) -> float | None:
    return round(float(value), n_decimals) if math.isfinite(value) else None


def _utc(wall_time_ns: int | None) -> str | None:
    """The time of initData; None where its clock says nothing, or nothing possible."""
    if not wall_time_ns:
        return None
    try:
        time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=wall_time_ns // 1000)
    except OverflowError:
        return None
    return time.isoformat()
