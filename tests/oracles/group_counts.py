"""What groups of drives are counted from, by brute force: events, speed bands, parts, memberships.

It says the same as the computing views event_counts, speed_bands, part_bands and drive_parts and
the view drive_groups do, from the rows of the result tables.
"""

from __future__ import annotations

import json
import math
from datetime import datetime
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
PART_KEYS = ("model", "experimental", "personality", "hour", "night")
SINGLE = (
    "all", "device", "car", "version", "branch", "commit", "fork", "month", "week", "weekday",
    "log_kind", *PART_KEYS, "speed_band", "mode",
)  # fmt: skip
SUMS = (
    "known_s", "speed_known_s", "moving_s", "engaged_s", "moving_engaged_s", "lateral_only_s",
    "longitudinal_s", "override_s", "distance_km", "known_km", "engaged_km", "lateral_only_km",
    "n_engagements", "n_interventions",
)  # fmt: skip
MODES = ("engaged", "lateral_only", "neither")
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


def part_at(tables: Tables, drive_id: int, mono_ns: int) -> int | None:
    """The part of a drive at a moment; None before its first."""
    spans = [
        row
        for row in tables["result.part_spans"]
        if row["drive_id"] == drive_id and row["start_mono_ns"] <= mono_ns
    ]
    return max(spans, key=lambda row: row["start_mono_ns"])["part_num"] if spans else None


def event_counts(tables: Tables) -> list[Row]:
    firsts = {
        (row["drive_id"], row["event_kind"], row["event_mono_ns"]): row
        for row in tables["result.interventions"]
    }
    counts: dict[tuple[int, int, str, str, str], int] = {}
    for event in tables["result.events"]:
        first = firsts.get((event["drive_id"], event["kind"], event["mono_ns"]))
        part_num = part_at(tables, event["drive_id"], event["mono_ns"]) or 0
        for kind in kinds_of(event, first):
            band = band_of(event["speed_mps"])
            key = event["drive_id"], part_num, event["mode"], band, kind
            counts[key] = counts.get(key, 0) + 1
    names = ("drive_id", "part_num", "mode", "speed_band", "event")
    return [dict(zip(names, key, strict=True)) | {"n_events": n} for key, n in counts.items()]


def motion_of(rows: list[Row]) -> Row:
    """Time and distance of some rows of interval_motion."""
    known = [row for row in rows if row["mode"] != "unknown"]

    def seconds(mode: str | None = None, *, moving: bool = False) -> float:
        return (
            sum(
                row["duration_ns"]
                for row in known
                if mode in (None, row["mode"]) and (row["is_moving"] or not moving)
            )
            / 1e9
        )

    def kilometres(mode: str | None = None) -> float:
        return math.fsum(row["distance_m"] for row in known if mode in (None, row["mode"])) / 1000

    return {
        "known_s": seconds(),
        "moving_s": seconds(moving=True),
        "engaged_s": seconds("engaged"),
        "moving_engaged_s": seconds("engaged", moving=True),
        "lateral_only_s": seconds("lateral_only"),
        "distance_km": kilometres(),
        "engaged_km": kilometres("engaged"),
        "lateral_only_km": kilometres("lateral_only"),
    }


def part_bands(tables: Tables) -> list[Row]:
    found: dict[tuple[int, int, str], list[Row]] = {}
    for row in tables["result.interval_motion"]:
        if row["mode"] != "unknown":
            found.setdefault((row["drive_id"], row["part_num"], row["speed_band"]), []).append(row)
    names = ("drive_id", "part_num", "speed_band")
    return [dict(zip(names, key, strict=True)) | motion_of(rows) for key, rows in found.items()]


def speed_bands(tables: Tables) -> list[Row]:
    rows = [row for row in tables["result.interval_motion"] if row["mode"] != "unknown"]
    found = []
    for drive_id, band in {(row["drive_id"], row["speed_band"]) for row in rows}:
        mine = [row for row in rows if (row["drive_id"], row["speed_band"]) == (drive_id, band)]
        sums = motion_of(mine)
        del sums["moving_s"], sums["moving_engaged_s"]
        share = {"engaged_fraction": sums["engaged_s"] / sums["known_s"]}
        found.append({"drive_id": drive_id, "speed_band": band} | sums | share)
    return found


def drive_parts(tables: Tables) -> list[Row]:
    """The parts of drives that have known time, or in which something happened."""
    found = []
    keys = {(row["drive_id"], row["part_num"]) for row in tables["result.part_spans"]}
    for drive_id, part_num in keys:
        spans, motion, overrides = (
            [
                row
                for row in tables[name]
                if (row["drive_id"], row["part_num"]) == (drive_id, part_num)
            ]
            for name in ("result.part_spans", "result.interval_motion", "result.override_times")
        )

        def seconds(is_wanted: Any, spans: list[Row] = spans) -> float:
            times = (s["end_mono_ns"] - s["start_mono_ns"] for s in spans if is_wanted(s))
            return sum(times) / 1e9

        def within(
            table: str, column: str, key: tuple[int, int] = (drive_id, part_num)
        ) -> list[Row]:
            return [
                row
                for row in tables[table]
                if row["drive_id"] == key[0] and part_at(tables, key[0], row[column]) == key[1]
            ]

        starts = within("result.engagements", "start_mono_ns")
        takeovers = within("result.interventions", "event_mono_ns")
        moved = motion_of(motion)
        [facts] = of_drive(tables["result.drive_facts"], {"drive_id": drive_id})
        known_s = seconds(lambda span: span["mode"] != "unknown")
        distance_km = math.fsum(row["distance_m"] for row in motion) / 1000
        if not (known_s or starts or within("result.events", "mono_ns") or distance_km):
            continue
        found.append(
            {"drive_id": drive_id, "part_num": part_num}
            | {name: spans[0][name] for name in PART_KEYS}
            | moved
            | {
                "known_s": known_s,
                "speed_known_s": moved["known_s"],
                "engaged_s": seconds(lambda span: span["mode"] == "engaged"),
                "lateral_only_s": seconds(lambda span: span["mode"] == "lateral_only"),
                "longitudinal_s": None
                if facts["openpilot_longitudinal"] is None
                else seconds(lambda span: span["longitudinal_active"]),
                "override_s": sum(row["override_ns"] for row in overrides) / 1e9,
                "distance_km": distance_km,
                "known_km": moved["distance_km"],
                "n_engagements": sum(row["mode"] == "engaged" for row in starts),
                "n_interventions": sum(row["mode"] == "engaged" for row in takeovers),
            }
        )
    return found


def drive_facts(tables: Tables) -> dict[int, Row]:
    """What each drive is grouped by, and what the whole of it adds."""
    found = {}
    entries = {row["drive_id"]: json.loads(row["entry"]) for row in tables["store.imported_drive"]}
    for drive in tables["drive"]:
        drive_id = drive["drive_id"]
        logs = [row for row in tables["segment"] if row["drive_id"] == drive_id]
        kinds = sorted({row["log_kind"] for row in logs if row["status"] != "failed"})
        if kinds:
            [identity] = of_drive(tables["result.drive_identity"], drive)
            [metrics] = of_drive(tables["result.drive_metrics"], drive)
            log_kind = kinds[0] if len(kinds) == 1 else "mixed"
        elif drive_id in entries:
            identity, metrics = imported_facts(entries[drive_id])
            log_kind = "imported"
        else:
            continue
        local = identity.get("started_at_local")
        started = identity.get("started_at_utc") or local
        year, week, _ = started.isocalendar() if started else (0, 0, 0)
        named = {
            "all": "all",
            "device": drive["dongle_id"],
            "car": identity.get("car_fingerprint"),
            "version": identity.get("version"),
            "branch": identity.get("git_branch"),
            "commit": identity.get("git_commit"),
            "fork": identity.get("fork"),
            "month": started and f"{started.year}-{started.month:02}",
            "week": started and f"{year}-W{week:02}",
            "weekday": local and local.strftime("%A"),
            "log_kind": log_kind,
        }
        found[drive_id] = {name: text or "unknown" for name, text in named.items()}
        found[drive_id] |= {name: metrics.get(name) for name in SUMS}
        found[drive_id]["is_imported"] = not kinds
    return found


def imported_facts(entry: Row) -> tuple[Row, Row]:
    """Who and what drove, and the sums of an imported drive; distance is all of known time."""
    recorded_at = entry.get("recorded_at")
    identity = {
        "started_at_local": recorded_at and datetime.fromisoformat(recorded_at),
        "git_branch": entry.get("git_branch"),
    }
    times = {
        "known_s": "total_time",
        "moving_s": "drive_time",
        "engaged_s": "active_time",
        "moving_engaged_s": "drive_time_active",
    }
    sums = {name: entry[key] / 1e9 for name, key in times.items() if key in entry}
    sums |= {"distance_km": entry.get("odo_distance"), "known_km": entry.get("odo_distance")}
    return identity, sums | {"engaged_km": float(entry["engaged_distance"])}


def imported_bands(tables: Tables) -> list[Row]:
    """The speed buckets of entries that have time in them."""
    found = []
    for row in tables["store.imported_drive"]:
        for band, bucket in (json.loads(row["entry"]).get("speed_buckets") or {}).items():
            if bucket["time_ns"]:
                found.append(
                    {
                        "drive_id": row["drive_id"],
                        "part_num": 0,
                        "speed_band": band,
                        "known_s": bucket["time_ns"] / 1e9,
                        "engaged_s": bucket["engaged_time_ns"] / 1e9,
                        "distance_km": bucket["distance_km_raw"],
                        "engaged_km": bucket["engaged_distance_km_raw"],
                    }
                )
    return found


LEGACY_EVENTS = ("legacy_disengagement", "legacy_steer_intervention")
STEERING_SINCE = "2025-07-07"


def legacy_counts(tables: Tables) -> list[Row]:
    """What the old system counted, of drives in which it could."""
    found = []
    torques = ("steering_driver_torque", "steering_motor_torque")
    for row in tables["store.imported_drive"]:
        entry = json.loads(row["entry"])
        is_dated = (entry.get("recorded_at") or "") >= STEERING_SINCE
        counts = (
            entry.get("intervention_count", entry.get("disengagement_count")),
            entry.get("steer_intervention_count")
            if is_dated or entry.get("schema_version", 1) >= 3
            else None,
        )
        found.append((row["drive_id"], counts))
    for row in tables["result.legacy_drives"] if tables["store.imported_drive"] else []:
        sampled = {
            source["signal_key"]
            for source in of_drive(tables["can_source"], row)
            if source["n_samples"]
        }
        counts_steering = (row["recorded_at"] or "") >= STEERING_SINCE and sampled == {*torques}
        steering = row["steer_intervention_count"] if counts_steering else None
        found.append((row["drive_id"], (row["intervention_count"], steering)))
    return [
        {"drive_id": drive_id, "event": event, "mode": "engaged", "n_events": n_events}
        for drive_id, counts in found
        for event, n_events in zip(LEGACY_EVENTS, counts, strict=True)
        if n_events is not None
    ]


def cells_of(tables: Tables, level: str) -> list[Row]:
    """What is grouped: drives, their parts, or these at some speed."""
    drives = drive_facts(tables)
    parts = {
        (row["drive_id"], row["part_num"]): row
        for row in drive_parts(tables)
        if row["drive_id"] in drives
    }
    nowhere = dict.fromkeys(PART_KEYS, "unknown") | {"part_num": 0}
    imported = {
        (drive_id, 0): row | nowhere | {"drive_id": drive_id}
        for drive_id, row in drives.items()
        if row["is_imported"]
    }
    if level == "drive":
        return [{"drive_id": drive_id} | row for drive_id, row in drives.items()]
    if level == "part":
        return [drives[drive_id] | row for (drive_id, _), row in (parts | imported).items()]
    names = ("drive_id", "part_num", "speed_band")
    told = [*part_bands(tables), *imported_bands(tables)]
    bands = {tuple(row[name] for name in names): row for row in told}
    happened = {tuple(row[name] for name in names) for row in event_counts(tables)}
    found = []
    for key in [*bands, *(happened - bands.keys())]:
        if key[0] in drives:
            nothing = dict.fromkeys(SUMS) | dict.fromkeys(PART_KEYS, "unknown")
            part = parts.get(key[:2], {})
            keys = {name: part[name] for name in PART_KEYS if name in part}
            own = dict(zip(names, key, strict=True)) | bands.get(key, {})
            known = {"known_km": own["distance_km"]} if key in bands else {}
            found.append(drives[key[0]] | nothing | keys | own | known)
    return found


def in_mode(cell: Row, mode: str) -> Row:
    """What of a cell is in a mode; engagements and interventions are of mode engaged."""

    def part(of_engaged: float | None, of_lateral: float | None, of_all: float | None) -> Any:
        if mode != "neither":
            return of_engaged if mode == "engaged" else of_lateral
        if None in (of_engaged, of_lateral, of_all):
            return None
        left = of_all - of_engaged - of_lateral
        return max(left, type(left)())

    engaged = {
        name: part(cell[name], 0 if name.startswith("n_") else 0.0, cell[name])
        for name in (
            "engaged_s", "moving_engaged_s", "override_s", "engaged_km",
            "n_engagements", "n_interventions",
        )
    }  # fmt: skip
    return cell | engaged | {
        "mode": mode,
        "known_s": part(cell["engaged_s"], cell["lateral_only_s"], cell["known_s"]),
        "speed_known_s": None,
        "moving_s": part(cell["moving_engaged_s"], None, cell["moving_s"]),
        "lateral_only_s": part(0.0, cell["lateral_only_s"], cell["lateral_only_s"]),
        "longitudinal_s": None,
        "distance_km": part(cell["engaged_km"], cell["lateral_only_km"], cell["distance_km"]),
        "known_km": part(cell["engaged_km"], cell["lateral_only_km"], cell["known_km"]),
        "lateral_only_km": part(0.0, cell["lateral_only_km"], cell["lateral_only_km"]),
    }  # fmt: skip


def part_groups(tables: Tables, *groupings: tuple[str, ...]) -> list[Row]:
    """The cells of each group; a grouping is of one dimension or of two."""
    found = []
    for names in groupings:
        level = "band" if "speed_band" in names else "part" if {*names} & {*PART_KEYS} else "drive"
        cells = cells_of(tables, level)
        if "mode" in names:
            cells = [in_mode(cell, mode) for cell in cells for mode in MODES]
        for cell in cells:
            group = {
                "grouped_by": ",".join(names),
                "group_name": ", ".join(cell[name] for name in names),
            }
            takes = {name: cell.get(name) for name in ("part_num", "speed_band", "mode")}
            found.append(cell | group | takes)
    return found


def drive_groups(cells: list[Row]) -> list[Row]:
    """The cells of each group put together by drive; what no cell has is None."""
    merged: dict[tuple[str, str, int], list[Row]] = {}
    for cell in cells:
        key = cell["grouped_by"], cell["group_name"], cell["drive_id"]
        merged.setdefault(key, []).append(cell)
    found = []
    for (grouped_by, group_name, drive_id), rows in merged.items():
        row = {"drive_id": drive_id, "grouped_by": grouped_by, "group_name": group_name}
        row["log_kind"] = rows[0]["log_kind"]
        row["is_imported"] = rows[0]["is_imported"]
        names = ("part_num", "speed_band", "mode")
        row["is_whole"] = all(cell[name] is None for cell in rows for name in names)
        row["is_of_speed"] = any(cell["speed_band"] is not None for cell in rows)
        for name in SUMS:
            values = [cell[name] for cell in rows if cell[name] is not None]
            row[name] = (
                None if not values
                else sum(values) if isinstance(values[0], int) else float(math.fsum(values))
            )  # fmt: skip
        found.append(row)
    return found


def happened_in(cells: list[Row], happened: list[Row]) -> list[Row]:
    """What of all that happened, in some part of a drive, mode and speed, is in some cells."""
    by_drive: dict[int, list[Row]] = {}
    for cell in cells:
        by_drive.setdefault(cell["drive_id"], []).append(cell)
    names = ("part_num", "speed_band", "mode")
    return [
        row
        for row in happened
        if any(
            all(cell[name] is None or cell[name] == row[name] for name in names)
            for cell in by_drive.get(row["drive_id"], [])
        )
    ]


def of_drive(rows: list[Row], drive: Row) -> list[Row]:
    return [row for row in rows if row["drive_id"] == drive["drive_id"]]


def members_of(memberships: list[Row]) -> dict[tuple[str, str], list[Row]]:
    """The rows of each group."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in memberships:
        found.setdefault((row["grouped_by"], row["group_name"]), []).append(row)
    return found
