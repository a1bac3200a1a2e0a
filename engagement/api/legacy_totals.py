"""Each device of the old server summed up, and all of them together.

Sums of a device are of raw values; those of all devices are of their rounded ones, as the old
server's.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from engagement.api.legacy_answers import SUMMARISED, summarise
from engagement.api.legacy_rows import (
    BUCKETS,
    NS_PER_MIN,
    counts_steering,
    n_disengagements,
    percentage,
    total,
)
from engagement.legacy.json_files import BUCKET_LABELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Row = Mapping[str, Any]
    Answer = dict[str, Any]

_EVENTS = ("intervention", "steer_intervention", "disengagement")


def summaries(drives: Sequence[Row]) -> dict[str, Answer]:
    """Each device's entry, by its name: the old fields, and those of the newest server after them.

    Args:
        drives: Rows of `DRIVES`, of which devices are together.
    """
    return {
        device_id: _summary(device_id, list(of_device))
        for device_id, of_device in groupby(drives, key=lambda row: row["device_id"])
    }


def total_stats(devices: Sequence[Row]) -> Answer:
    """All devices together, of their entries; empty without any."""
    if not devices:
        return {}

    def of_all(name: str) -> Any:
        return sum(device[name] for device in devices)

    km = round(of_all("total_distance_km"), 2)
    engaged_km = round(of_all("total_engaged_distance_km"), 2)
    active_h = round(of_all("total_active_time_hours"), 2)
    time_h = round(of_all("total_time_hours"), 2)
    found = {
        "drive_count": of_all("drive_count"),
        "total_distance_km": km,
        "total_engaged_distance_km": engaged_km,
        "total_drive_time_hours": round(of_all("total_drive_time_hours"), 2),
        "total_active_time_hours": active_h,
        "total_time_hours": time_h,
        "overall_engagement_pct": percentage(engaged_km, km),
        "overall_time_engagement_pct": percentage(active_h, time_h),
    }
    over_km = {"steer_intervention": of_all("total_steer_intervention_km")}
    for name in ("intervention", "disengagement", "steer_intervention"):
        count = of_all(f"total_{name}_count")
        found[f"total_{name}_count"] = count
        found[f"total_{name}s_per_100km"] = percentage(count, over_km.get(name, km))
    buckets = [device["speed_bucket_summary"] for device in devices]
    found["speed_bucket_summary"] = {
        key: _of_all_devices(key, [bucket[key] for bucket in buckets], km, time_h)
        for key in BUCKETS
    }
    return found


def _summary(device_id: str, drives: Sequence[Row]) -> Answer:
    columns = {name: [row[name] for row in drives] for name in SUMMARISED}
    old = summarise(device_id, columns)
    km = total(drives, lambda row: row["odo_distance"])
    n_ends = total(drives, n_disengagements)
    steered = [
        row
        for row in drives
        if row["steer_intervention_count"] is not None and counts_steering(row)
    ]
    return old | {
        "total_disengagement_count": n_ends,
        "total_disengagements_per_100km": percentage(n_ends, km),
        "total_steer_intervention_km": total(steered, lambda row: row["odo_distance"]),
        "speed_bucket_summary": {
            key: _of_device(drives, key, km, old["total_time_hours"]) for key in BUCKETS
        },
    }


def _of_device(drives: Sequence[Row], key: str, km: float, time_h: float) -> Answer:
    def of_bucket(name: str) -> Any:
        return total(drives, lambda row: row[f"{key}_{name}"])

    names = ("time_ns", "engaged_time_ns", "distance_km_raw", "engaged_distance_km_raw")
    raw = {name: of_bucket(name) for name in names}
    n_ends = float(of_bucket("disengagement_count"))
    sums = {
        "time_min": round(raw["time_ns"] / NS_PER_MIN, 2),
        "engaged_time_min": round(raw["engaged_time_ns"] / NS_PER_MIN, 2),
        "distance_km": round(raw["distance_km_raw"], 2),
        "engaged_distance_km": round(raw["engaged_distance_km_raw"], 2),
        "intervention_count": n_ends,
        "steer_intervention_count": float(of_bucket("steer_intervention_count")),
        "disengagement_count": n_ends,
    }
    return _bucket(key, sums, km, time_h) | raw


def _of_all_devices(key: str, buckets: Sequence[Row], km: float, time_h: float) -> Answer:
    summed = (
        "time_min", "engaged_time_min", "distance_km", "engaged_distance_km",
        *(f"{name}_count" for name in _EVENTS),
    )  # fmt: skip
    sums = {name: round(sum(bucket[name] for bucket in buckets), 2) for name in summed}
    return _bucket(key, sums, km, time_h)


def _bucket(key: str, sums: Row, km: float, time_h: float) -> Answer:
    return {
        "label": BUCKET_LABELS[key],
        **sums,
        "engagement_pct": percentage(sums["engaged_time_min"], sums["time_min"]),
        "dist_engagement_pct": percentage(sums["engaged_distance_km"], sums["distance_km"]),
        **{
            f"{name}s_per_100km": percentage(sums[f"{name}_count"], sums["distance_km"])
            for name in _EVENTS
        },
        "distance_pct_of_total": percentage(sums["distance_km"], km),
        "time_pct_of_total": percentage(sums["time_min"], time_h * 60),
    }
