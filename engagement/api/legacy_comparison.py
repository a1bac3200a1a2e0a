"""The newer answers of the old server: devices side by side, and all of them together.

Made of rows of legacy_engagement_db and of the counts by speed that newer entries have. Sums are of
raw values, totals are sums of rounded ones, as the old server's; a value that an entry lacks is
left out, and so is its distance where a rate goes by that.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from engagement.api.legacy_answers import SUMMARISED, started_at, summarise
from engagement.legacy.json_files import BUCKET_LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Row = Mapping[str, Any]
    Answer = dict[str, Any]

ALL = "all"
BUCKETS = tuple(BUCKET_LABELS)
SPEEDS = {ALL: "All speeds", **BUCKET_LABELS}
_NS_PER_H = 3_600_000_000_000
_NS_PER_MIN = 60_000_000_000
_UNKNOWN = "unknown"
_NONE = "—"
_STEERING_SINCE = "2025-07-07"
_N_BRANCHES = 3

_OF_BUCKETS = ", ".join(
    f"{key}_{name}"
    for key in BUCKETS
    for name in ("time_ns", "engaged_time_ns", "distance_km_raw", "engaged_distance_km_raw")
)

_SELECT = f"device_id, {', '.join(SUMMARISED)}, git_branch, recorded_at, {_OF_BUCKETS}"
_COUNTS = [
    "disengagement_count",
    *(f"{key}_{name}_count" for key in BUCKETS for name in ("disengagement", "steer_intervention")),
]

# What a comparison needs of each drive; the counts by speed are null but for newer entries.
DRIVES = f"""
select {_SELECT}, {", ".join(_COUNTS)}
from legacy_engagement_db
left join staging.imported_bucket_counts using (drive_id)
order by device_id, drive, drive_id
"""

# The same of a database of older definitions, which knows no newer entries.
OLDER_DRIVES = f"""
select {_SELECT}, {", ".join(f"null as {name}" for name in _COUNTS)}
from legacy_engagement_db
order by device_id, drive, drive_id
"""


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


def total_stats(drives: Sequence[Row]) -> Answer:
    """All devices together: sums of what each one's summary has, which is rounded."""
    if not drives:
        return {}
    devices = [
        _summary(device_id, list(rows))
        for device_id, rows in groupby(drives, key=lambda row: row["device_id"])
    ]

    def total(name: str) -> Any:
        return sum(device[name] for device in devices)

    km = round(total("total_distance_km"), 2)
    engaged_km = round(total("total_engaged_distance_km"), 2)
    active_h = round(total("total_active_time_hours"), 2)
    time_h = round(total("total_time_hours"), 2)
    counts = {
        name: total(f"total_{name}_count")
        for name in ("intervention", "disengagement", "steer_intervention")
    }
    found = {
        "drive_count": total("drive_count"),
        "total_distance_km": km,
        "total_engaged_distance_km": engaged_km,
        "total_drive_time_hours": round(total("total_drive_time_hours"), 2),
        "total_active_time_hours": active_h,
        "total_time_hours": time_h,
        "overall_engagement_pct": _pct(engaged_km, km),
        "overall_time_engagement_pct": _pct(active_h, time_h),
    }
    for name, count in counts.items():
        found[f"total_{name}_count"] = count
        found[f"total_{name}s_per_100km"] = _pct(count, km)
    buckets = [device["speed_bucket_summary"] for device in devices]
    found["speed_bucket_summary"] = {
        key: _bucket_total(key, [bucket[key] for bucket in buckets], km, time_h) for key in BUCKETS
    }
    return found


def n_disengagements(row: Row) -> Any:
    """Of a drive: the newer count where there is one."""
    newer = row["disengagement_count"]
    return row["intervention_count"] if newer is None else newer


def _summary(device_id: str, drives: Sequence[Row]) -> Answer:
    columns = {name: [row[name] for row in drives] for name in drives[0]}
    return summarise(device_id, columns) | {
        "total_disengagement_count": _sum(drives, n_disengagements),
        "speed_bucket_summary": {key: _bucket(drives, key) for key in BUCKETS},
    }


def _bucket(drives: Sequence[Row], key: str) -> Answer:
    def total(name: str) -> Any:
        return _sum(drives, lambda row: row[f"{key}_{name}"])

    return {
        "time_min": round(total("time_ns") / _NS_PER_MIN, 2),
        "engaged_time_min": round(total("engaged_time_ns") / _NS_PER_MIN, 2),
        "distance_km": round(total("distance_km_raw"), 2),
        "engaged_distance_km": round(total("engaged_distance_km_raw"), 2),
        "intervention_count": float(total("disengagement_count")),
        "steer_intervention_count": float(total("steer_intervention_count")),
        "disengagement_count": float(total("disengagement_count")),
    }


def _bucket_total(key: str, buckets: Sequence[Row], km: float, time_h: float) -> Answer:
    sums = {name: round(sum(bucket[name] for bucket in buckets), 2) for name in buckets[0]}
    return {
        "label": BUCKET_LABELS[key],
        **sums,
        "engagement_pct": _pct(sums["engaged_time_min"], sums["time_min"]),
        "dist_engagement_pct": _pct(sums["engaged_distance_km"], sums["distance_km"]),
        **{
            f"{name}s_per_100km": _pct(sums[f"{name}_count"], sums["distance_km"])
            for name in ("intervention", "steer_intervention", "disengagement")
        },
        "distance_pct_of_total": _pct(sums["distance_km"], km),
        "time_pct_of_total": _pct(sums["time_min"], time_h * 60),
    }


def _row(device_id: str, drives: Sequence[Row], bucket: str) -> Answer:
    if bucket == ALL:
        measured = ("odo_distance", "engaged_distance", "total_time", "drive_time_active")
    else:
        names = ("distance_km_raw", "engaged_distance_km_raw", "time_ns", "engaged_time_ns")
        measured = tuple(f"{bucket}_{name}" for name in names)  # type: ignore[assignment]
    km_name = measured[0]
    km, engaged_km, time_ns, engaged_ns = (
        _sum(drives, lambda row, name=name: row[name])  # type: ignore[misc]
        for name in measured
    )
    counted = [row for row in drives if _disengagements_at(row, bucket) is not None]
    steered = [
        row for row in drives if _steers_at(row, bucket) is not None and _counts_steering(row)
    ]
    n_ends = _sum(counted, lambda row: _disengagements_at(row, bucket))
    n_steers = _sum(steered, lambda row: _steers_at(row, bucket))
    ends_km = km if bucket == ALL else _sum(counted, lambda row: row[km_name])
    steer_km = _sum(steered, lambda row: row[km_name])
    in_order = sorted((row["drive"] for row in drives), key=_by_date(drives))
    return {
        "device_id": device_id,
        "branch": _branches(drives),
        "drive_count": len(drives),
        "distance_km": round(km, 2),
        "engaged_distance_km": round(engaged_km, 2),
        "time_hours": round(time_ns / _NS_PER_H, 2),
        "engaged_time_hours": round(engaged_ns / _NS_PER_H, 2),
        "time_engagement_pct": _pct(engaged_ns, time_ns),
        "distance_engagement_pct": _pct(engaged_km, km),
        "disengagement_count": n_ends,
        "disengagements_per_100km": _pct(n_ends, ends_km),
        "disengagement_distance_km": round(ends_km, 2),
        "steer_intervention_count": n_steers,
        "steer_interventions_per_100km": _pct(n_steers, steer_km),
        "steer_distance_km": round(steer_km, 2),
        **_mix(drives, bucket),
        "first_drive": in_order[0],
        "latest_drive": in_order[-1],
    }


def _mix(drives: Sequence[Row], bucket: str) -> Answer:
    if bucket != ALL:
        return {}
    km = {
        key: _sum(drives, lambda row, key=key: row[f"{key}_distance_km_raw"])  # type: ignore[misc]
        for key in BUCKETS
    }
    return {"speed_bucket_distance_km": km, "speed_mix_pct": _shares(km)}


def _shares(km: Mapping[str, float]) -> dict[str, float | None]:
    whole = sum(km.values())
    return {key: _pct(value, whole) for key, value in km.items()}


def _totals(rows: Sequence[Row], bucket: str) -> Answer:
    def total(name: str) -> Any:
        value = sum(row[name] for row in rows)
        return round(value, 2) if isinstance(value, float) else value

    km, ends_km, steer_km = map(
        total, ("distance_km", "disengagement_distance_km", "steer_distance_km")
    )
    mix: Answer = {"speed_bucket_distance_km": None, "speed_mix_pct": None}
    if bucket == ALL:
        sums = {key: sum(row["speed_bucket_distance_km"][key] for row in rows) for key in BUCKETS}
        mix = {"speed_bucket_distance_km": sums, "speed_mix_pct": _shares(sums)}
    return {
        "device_id": "Total",
        "branch": _NONE,
        "drive_count": total("drive_count"),
        "distance_km": km,
        "engaged_distance_km": total("engaged_distance_km"),
        "time_hours": total("time_hours"),
        "engaged_time_hours": total("engaged_time_hours"),
        "time_engagement_pct": _pct(total("engaged_time_hours"), total("time_hours")),
        "distance_engagement_pct": _pct(total("engaged_distance_km"), km),
        "disengagement_count": total("disengagement_count"),
        "disengagements_per_100km": _pct(total("disengagement_count"), ends_km),
        "disengagement_distance_km": ends_km,
        "steer_intervention_count": total("steer_intervention_count"),
        "steer_interventions_per_100km": _pct(total("steer_intervention_count"), steer_km),
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


def _counts_steering(row: Row) -> bool:
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


def _sum(drives: Iterable[Row], value_of: Callable[[Row], Any]) -> Any:
    return sum(value for row in drives if (value := value_of(row)) is not None)


def _pct(part: float, whole: float) -> float | None:
    return round(part / whole * 100, 2) if whole else None
