"""What groups of drives are counted from, by brute force: events, speed bands and memberships.

It says the same as the computing views event_counts and speed_bands and the view drive_groups do,
from the rows of the result tables.
"""

from __future__ import annotations

import math
from typing import Any

Row = dict[str, Any]
Tables = dict[str, list[Row]]

EVENTS = (
    "intervention",
    "unplanned_intervention",
    "disengagement",
    "disengagement_counted",
    "driver_disengagement",
    "system_disengagement",
    "car_disengagement",
    "unknown_disengagement",
    "lateral_override",
    "longitudinal_override",
    "critical_event",
)
CITY_MAX_MPS, ROAD_MAX_MPS = 15.3, 25.0


def band_of(speed_mps: float | None) -> str:
    if speed_mps is None:
        return "unknown"
    return "city" if speed_mps < CITY_MAX_MPS else "road" if speed_mps < ROAD_MAX_MPS else "highway"


def kinds_of(event: Row, intervention: Row | None) -> set[str]:
    """Everything that one moment is; an intervention stands at its first event."""
    kinds = set()
    if event["kind"] != "disengagement":
        kinds |= {event["kind"]}
    elif event["cause"] == "end_of_drive":
        return set()
    else:
        kinds |= {"disengagement"}
        if event["is_counted"]:
            cause = event["cause"].partition("_")[0]
            kinds |= {"disengagement_counted", f"{cause}_disengagement"}
    if intervention:
        kinds |= {"intervention"}
        kinds |= set() if intervention["is_planned"] else {"unplanned_intervention"}
    if event["is_critical"] and not event["exempt_by"]:
        kinds |= {"critical_event"}
    return kinds


def event_counts(tables: Tables) -> list[Row]:
    firsts = {
        (row["drive_id"], row["event_kind"], row["event_mono_ns"]): row
        for row in tables["result.interventions"]
    }
    counts: dict[tuple[int, str, str, str], int] = {}
    for event in tables["result.events"]:
        first = firsts.get((event["drive_id"], event["kind"], event["mono_ns"]))
        for kind in kinds_of(event, first):
            key = event["drive_id"], event["mode"], band_of(event["speed_mps"]), kind
            counts[key] = counts.get(key, 0) + 1
    return [
        {"drive_id": drive_id, "mode": mode, "speed_band": band, "event": kind, "n_events": count}
        for (drive_id, mode, band, kind), count in counts.items()
    ]


def speed_bands(tables: Tables) -> list[Row]:
    rows = [row for row in tables["result.interval_motion"] if row["mode"] != "unknown"]
    found = []
    for drive_id, band in {(row["drive_id"], row["speed_band"]) for row in rows}:
        mine = [row for row in rows if (row["drive_id"], row["speed_band"]) == (drive_id, band)]
        engaged = [row for row in mine if row["mode"] == "engaged"]
        alone = [row for row in mine if row["mode"] == "lateral_only"]
        known_s = sum(row["duration_ns"] for row in mine) / 1e9
        engaged_s = sum(row["duration_ns"] for row in engaged) / 1e9
        found.append(
            {
                "drive_id": drive_id,
                "speed_band": band,
                "known_s": known_s,
                "engaged_s": engaged_s,
                "distance_km": math.fsum(row["distance_m"] for row in mine) / 1000,
                "engaged_km": math.fsum(row["distance_m"] for row in engaged) / 1000,
                "lateral_only_s": sum(row["duration_ns"] for row in alone) / 1e9,
                "lateral_only_km": math.fsum(row["distance_m"] for row in alone) / 1000,
                "engaged_fraction": engaged_s / known_s,
            }
        )
    return found


def drive_groups(tables: Tables) -> list[Row]:
    """Drives with logs; a drive that is only imported is in no group."""
    found = []
    for drive in tables["drive"]:
        logs = [row for row in tables["segment"] if row["drive_id"] == drive["drive_id"]]
        kinds = sorted({row["log_kind"] for row in logs if row["status"] != "failed"})
        if not kinds:
            continue
        [identity] = of_drive(tables["result.drive_identity"], drive)
        [metrics] = of_drive(tables["result.drive_metrics"], drive)
        started = identity["started_at_utc"] or identity["started_at_local"]
        names = {
            "all": "all",
            "device": drive["dongle_id"],
            "car": identity["car_fingerprint"],
            "version": identity["version"],
            "branch": identity["git_branch"],
            "commit": identity["git_commit"],
            "fork": identity["fork"],
            "month": started and f"{started.year}-{started.month:02}",
        }
        found += [
            {
                "drive_id": drive["drive_id"],
                "grouped_by": grouped_by,
                "group_name": name or "unknown",
                "log_kind": kinds[0] if len(kinds) == 1 else "mixed",
                "engaged_s": metrics["engaged_s"],
                "engaged_km": metrics["engaged_km"],
                "lateral_only_s": metrics["lateral_only_s"],
                "lateral_only_km": metrics["lateral_only_km"],
            }
            for grouped_by, name in names.items()
        ]
    return found


def of_drive(rows: list[Row], drive: Row) -> list[Row]:
    return [row for row in rows if row["drive_id"] == drive["drive_id"]]


def members_of(memberships: list[Row]) -> dict[tuple[str, str], list[Row]]:
    """The drives of each group."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in memberships:
        found.setdefault((row["grouped_by"], row["group_name"]), []).append(row)
    return found
