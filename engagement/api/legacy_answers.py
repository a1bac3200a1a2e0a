"""Devices and drives as the old server described them, from rows of legacy_engagement_db.

The old numbers are sums and means of numbers that were rounded before, rounded as Python does. A
value that an old entry lacks is left out of sums and means.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Row = Mapping[str, Any]
    Columns = Mapping[str, Sequence[Any]]

_NS_PER_H = 3_600_000_000_000
_NAME_FORMAT = "%Y-%m-%d--%H-%M-%S"
_LIKE_A_TIME = re.compile(r"\d{4}-\d\d-\d\d--\d\d-\d\d-\d\d", re.ASCII)

SUMMARISED = (
    "drive",
    "total_time",
    "drive_time",
    "drive_time_active",
    "odo_distance",
    "engaged_distance",
    "engagement_pct",
    "engagement_pct_odo",
    "intervention_count",
    "interventions_per_100km",
    "steer_intervention_count",
)

_COPIED = (
    "intervention_count",
    "interventions_per_100km",
    "steer_intervention_count",
    "steer_interventions_per_100km",
    "cruise_press_seconds",
    "cruise_press_seconds_per_hour",
    "openpilot_longitudinal",
    "car_fingerprint",
    "device_type",
    "version",
    "git_branch",
    "git_commit",
)


def summarise(device_id: str, drives: Columns) -> dict[str, Any]:
    """A device's entry: its fields in the old order.

    Args:
        device_id: The device.
        drives: The columns `SUMMARISED` of its drives.
    """
    distance_km = _total(drives, "odo_distance")
    engaged_km = _total(drives, "engaged_distance")
    active_ns = _total(drives, "drive_time_active")
    total_ns = _total(drives, "total_time")
    n_interventions = _total(drives, "intervention_count")
    n_steered = _total(drives, "steer_intervention_count")
    names = sorted(filter(_LIKE_A_TIME.fullmatch, drives["drive"]))
    return {
        "device_id": device_id,
        "drive_count": len(drives["drive"]),
        "average_engagement_pct": _mean(drives, "engagement_pct"),
        "average_engagement_pct_odo": _mean(drives, "engagement_pct_odo"),
        "average_interventions_per_100km": _mean(drives, "interventions_per_100km"),
        "total_distance_km": round(distance_km, 2),
        "total_engaged_distance_km": round(engaged_km, 2),
        "total_drive_time_hours": round(_total(drives, "drive_time") / _NS_PER_H, 2),
        "total_active_time_hours": round(active_ns / _NS_PER_H, 2),
        "total_time_hours": round(total_ns / _NS_PER_H, 2),
        "overall_engagement_pct": _per_100(engaged_km, distance_km),
        "overall_time_engagement_pct": _per_100(active_ns, total_ns),
        "total_intervention_count": n_interventions,
        "total_interventions_per_100km": _per_100(n_interventions, distance_km),
        "total_steer_intervention_count": n_steered,
        "total_steer_interventions_per_100km": _per_100(n_steered, distance_km),
        "first_drive": _first_time(names),
        "latest_drive": _first_time(reversed(names)),
    }


def without_signs_of_zero(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer in which every zero is one that people read as such: 0.0, not -0.0."""
    return {name: _without_sign(value) for name, value in answer.items()}


def _without_sign(value: Any) -> Any:
    if isinstance(value, dict):
        return without_signs_of_zero(value)
    if isinstance(value, list):
        return [_without_sign(one) for one in value]
    return value + 0.0 if isinstance(value, float) else value


def describe(row: Row) -> dict[str, Any]:
    """A drive's entry: its fields in the old order."""
    return {
        "drive": row["drive"],
        "drive_started_at": started_at(row["drive"]),
        "engagement_pct": row["engagement_pct"],
        "engagement_pct_odo": row["engagement_pct_odo"],
        "drive_time_hours": _hours(row["drive_time"]),
        "active_time_hours": _hours(row["drive_time_active"]),
        "odo_distance_km": row["odo_distance"],
        "engaged_distance_km": row["engaged_distance"],
        **{name: row[name] for name in _COPIED},
    }


def newest_first(drives: Iterable[Row]) -> list[Row]:
    """Drives by the time in their names, those without one last."""
    return sorted(
        drives, key=lambda row: (started_at(row["drive"]) or "", row["drive"]), reverse=True
    )


def started_at(drive: str) -> str | None:
    """The time in a drive's name as if it were UTC, ISO 8601; None if there is none."""
    if not _LIKE_A_TIME.fullmatch(drive):
        return None
    try:
        return datetime.strptime(drive, _NAME_FORMAT).replace(tzinfo=UTC).isoformat()
    except ValueError:
        return None


def _first_time(names: Iterable[str]) -> str | None:
    """Of names that look like times, the first that is one."""
    return next(filter(None, map(started_at, names)), None)


def _total(drives: Columns, name: str) -> Any:
    return sum(value for value in drives[name] if value is not None)


def _mean(drives: Columns, name: str) -> float | None:
    values = [value for value in drives[name] if value is not None]
    return round(sum(values) / len(values), 2) if values else None


def _per_100(part: float, whole: float) -> float | None:
    return round(part / whole * 100, 2) if whole else None


def _hours(time_ns: int | None) -> float | None:
    return None if time_ns is None else round(time_ns / _NS_PER_H, 3)
