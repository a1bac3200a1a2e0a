"""The old server's devices side by side.

A device's numbers are sums of raw values, totals are sums of rounded ones, as the old server's.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any

from engagement.api.legacy_rows import (
    BUCKETS,
    NS_PER_H,
    counts_steering,
    date_of,
    n_disengagements,
    percentage,
    total,
)
from engagement.legacy.json_files import BUCKET_LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Row = Mapping[str, Any]
    Answer = dict[str, Any]

ALL = "all"
SPEEDS = {ALL: "All speeds", **BUCKET_LABELS}
_UNKNOWN = "unknown"
_NONE = "—"
_N_BRANCHES = 3


def compare(
    drives: Sequence[Row],
    devices: Sequence[str],
    branches: Sequence[str],
    speed_bucket: str,
    last_loaded: str,
) -> Answer:
    """Each device's numbers, for the drives of some branches and at some speed.

    Args:
        drives: Rows of `DRIVES`.
        devices: The devices that are asked for; unknown ones are dropped, and none stands for all.
        branches: Likewise; `unknown` has the drives that don't say.
        speed_bucket: A bucket; any other text stands for all speeds.
        last_loaded: When the data were published.
    """
    known_devices = sorted({row["device_id"] for row in drives})
    known_branches = sorted(set(map(_branch, drives)))
    chosen = _known(devices, known_devices) or known_devices
    chosen_branches = _known(branches, known_branches)
    bucket = speed_bucket if speed_bucket in BUCKETS else ALL
    rows = []
    for device_id, of_device in groupby(drives, key=lambda row: row["device_id"]):
        if device_id not in chosen:
            continue
        mine = [row for row in of_device if not chosen_branches or _branch(row) in chosen_branches]
        if bucket != ALL:
            mine = [row for row in mine if _is_there(row, bucket)]
        if mine:
            rows.append(_row(device_id, mine, bucket))
    return {
        "options": {
            "devices": known_devices,
            "branches": known_branches,
            "speed_buckets": [{"key": key, "label": label} for key, label in SPEEDS.items()],
        },
        "selected_devices": chosen,
        "selected_branches": chosen_branches,
        "selected_branch": ", ".join(chosen_branches) or ALL,
        "selected_speed_bucket": bucket,
        "selected_speed_bucket_label": SPEEDS[bucket],
        "rows": rows,
        "totals": _totals(rows, bucket) if rows else None,
        "last_loaded": last_loaded,
    }


def _row(device_id: str, drives: Sequence[Row], bucket: str) -> Answer:
    if bucket == ALL:
        measured = ("odo_distance", "engaged_distance", "total_time", "drive_time_active")
    else:
        names = ("distance_km_raw", "engaged_distance_km_raw", "time_ns", "engaged_time_ns")
        measured = tuple(f"{bucket}_{name}" for name in names)  # type: ignore[assignment]
    km_name = measured[0]
    km, engaged_km, time_ns, engaged_ns = (
        total(drives, lambda row, name=name: row[name])  # type: ignore[misc]
        for name in measured
    )
    counted = [row for row in drives if _disengagements_at(row, bucket) is not None]
    steered = [
        row for row in drives if _steers_at(row, bucket) is not None and counts_steering(row)
    ]
    n_ends = total(counted, lambda row: _disengagements_at(row, bucket))
    n_steers = total(steered, lambda row: _steers_at(row, bucket))
    ends_km = km if bucket == ALL else total(counted, lambda row: row[km_name])
    steer_km = total(steered, lambda row: row[km_name])
    in_order = sorted((row["drive"] for row in drives), key=_by_date(drives))
    return {
        "device_id": device_id,
        "branch": _branches(drives),
        "drive_count": len(drives),
        "distance_km": round(km, 2),
        "engaged_distance_km": round(engaged_km, 2),
        "time_hours": round(time_ns / NS_PER_H, 2),
        "engaged_time_hours": round(engaged_ns / NS_PER_H, 2),
        "time_engagement_pct": percentage(engaged_ns, time_ns),
        "distance_engagement_pct": percentage(engaged_km, km),
        "disengagement_count": n_ends,
        "disengagements_per_100km": percentage(n_ends, ends_km),
        "disengagement_distance_km": round(ends_km, 2),
        "steer_intervention_count": n_steers,
        "steer_interventions_per_100km": percentage(n_steers, steer_km),
        "steer_distance_km": round(steer_km, 2),
        **_mix(drives, bucket),
        "first_drive": in_order[0],
        "latest_drive": in_order[-1],
    }


def _mix(drives: Sequence[Row], bucket: str) -> Answer:
    if bucket != ALL:
        return {}
    km = {
        key: total(drives, lambda row, key=key: row[f"{key}_distance_km_raw"])  # type: ignore[misc]
        for key in BUCKETS
    }
    return {"speed_bucket_distance_km": km, "speed_mix_pct": _shares(km)}


def _shares(km: Mapping[str, float]) -> dict[str, float | None]:
    whole = sum(km.values())
    return {key: percentage(value, whole) for key, value in km.items()}


def _totals(rows: Sequence[Row], bucket: str) -> Answer:
    def of_all(name: str) -> Any:
        value = sum(row[name] for row in rows)
        return round(value, 2) if isinstance(value, float) else value

    km, ends_km, steer_km = map(
        of_all, ("distance_km", "disengagement_distance_km", "steer_distance_km")
    )
    mix: Answer = {"speed_bucket_distance_km": None, "speed_mix_pct": None}
    if bucket == ALL:
        sums = {key: sum(row["speed_bucket_distance_km"][key] for row in rows) for key in BUCKETS}
        mix = {"speed_bucket_distance_km": sums, "speed_mix_pct": _shares(sums)}
    return {
        "device_id": "Total",
        "branch": _NONE,
        "drive_count": of_all("drive_count"),
        "distance_km": km,
        "engaged_distance_km": of_all("engaged_distance_km"),
        "time_hours": of_all("time_hours"),
        "engaged_time_hours": of_all("engaged_time_hours"),
        "time_engagement_pct": percentage(of_all("engaged_time_hours"), of_all("time_hours")),
        "distance_engagement_pct": percentage(of_all("engaged_distance_km"), km),
        "disengagement_count": of_all("disengagement_count"),
        "disengagements_per_100km": percentage(of_all("disengagement_count"), ends_km),
        "disengagement_distance_km": ends_km,
        "steer_intervention_count": of_all("steer_intervention_count"),
        "steer_interventions_per_100km": percentage(of_all("steer_intervention_count"), steer_km),
        "steer_distance_km": steer_km,
        **mix,
        "first_drive": None,
        "latest_drive": None,
    }


def _is_there(row: Row, bucket: str) -> bool:
    return (row[f"{bucket}_time_ns"] or 0) > 0 or (row[f"{bucket}_distance_km_raw"] or 0) > 0


def _disengagements_at(row: Row, bucket: str) -> Any:
    return n_disengagements(row) if bucket == ALL else row[f"{bucket}_disengagement_count"]


def _steers_at(row: Row, bucket: str) -> Any:
    name = "steer_intervention_count"
    return row[name if bucket == ALL else f"{bucket}_{name}"]


def _by_date(drives: Iterable[Row]) -> Callable[[str], tuple[str, str]]:
    dates = {row["drive"]: date_of(row) for row in drives}
    return lambda drive: (dates[drive] or drive, drive)


def _branch(row: Row) -> str:
    return row["git_branch"] or _UNKNOWN


def _branches(drives: Sequence[Row]) -> str:
    counts = Counter(row["git_branch"] for row in drives if row["git_branch"])
    if len(counts) <= 1:
        return next(iter(counts), _NONE)
    return ", ".join(f"{name} ({n})" for name, n in counts.most_common(_N_BRANCHES))


def _known(asked: Sequence[str], known: Sequence[str]) -> list[str]:
    return [name for name in known if name in set(asked)]
