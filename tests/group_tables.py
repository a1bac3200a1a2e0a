"""Random rows of the result tables, as drives in groups have them."""

from __future__ import annotations

import json
from datetime import timedelta
from random import Random
from typing import Any

from tests import builders

Row = dict[str, Any]
Tables = dict[str, list[Row]]

SECOND_NS = 1_000_000_000
CAUSES = (
    "driver_brake", "driver_gas", "system_soft", "system_immediate", "car_cruise", "car_limit",
    "unknown", "end_of_drive",
)  # fmt: skip


def random_tables(rng: Random, n_drives: int) -> Tables:
    """Some drives, of few cars and versions, with any exposure and any number of events."""
    tables: Tables = {
        "drive": [], "segment": [], "store.imported_drive": [], "result.drive_identity": [],
        "result.drive_metrics": [], "result.interval_motion": [], "result.events": [],
        "result.end_causes": [], "result.interventions": [],
        "result.intervention_inputs": [], "result.engagements": [], "result.clean_stretches": [],
        "result.drive_facts": [], "result.part_spans": [], "result.override_times": [],
        "result.legacy_drives": [], "can_source": [],
    }  # fmt: skip
    for drive_id in range(1, n_drives + 1):
        drive = {"drive_id": drive_id, "dongle_id": rng.choice("ab"), "host": ""}
        tables["drive"].append(drive | {"drive": f"drive {drive_id}"})
        if rng.random() < 0.1:
            entry = json.dumps(random_entry(rng))
            imported = {"entry": entry, "source_path": "", "imported_at_utc": builders.INGESTED_AT}
            tables["store.imported_drive"].append({"drive_id": drive_id} | imported)
        else:
            add_drive(tables, rng, drive_id)
    return tables


def random_entry(rng: Random) -> Row:
    """An entry of an old file, some with little in it."""
    entry: Row = {"active_time": 10**12, "engaged_distance": 100}
    if rng.random() < 0.7:
        entry |= {
            "total_time": rng.choice((0, 2 * 10**12)),
            "odo_distance": rng.choice((None, 200.0)),
            "drive_time": 15 * 10**11,
            "drive_time_active": 9 * 10**11,
            "git_branch": rng.choice(("release", None)),
            "recorded_at": rng.choice(("2025-07-06T23:59:59", "2025-07-07T00:00:00", None)),
            "steer_intervention_count": rng.choice((0, 4, None)),
            "speed_buckets": {
                band: {
                    "time_ns": rng.choice((0, 10**11)),
                    "engaged_time_ns": 5 * 10**10,
                    "distance_km_raw": 3.5,
                    "engaged_distance_km_raw": 1.25,
                }
                for band in ("city", "highway")
            },
        }
        if rng.random() < 0.5:
            entry["intervention_count"] = rng.randrange(4)
        else:
            entry |= {"disengagement_count": rng.randrange(4), "schema_version": 3}
    return entry


def add_drive(tables: Tables, rng: Random, drive_id: int) -> None:
    def add(table: str, **values: Any) -> None:
        tables[table].append({"drive_id": drive_id} | values)

    for number in range(rng.randrange(1, 4)):
        kind, status = rng.choice(("rlog", "rlog", "qlog")), "ok" if number == 0 else "failed"
        tables["segment"].append(builders._segment_row(drive_id, number, kind, status))
    started = builders.INGESTED_AT + timedelta(days=rng.randrange(90))
    add(
        "result.drive_identity",
        car_fingerprint=rng.choice((None, "RAV4", "CIVIC")),
        version=rng.choice(("0.9.8", "0.9.10")),
        git_branch=rng.choice((None, "release")),
        git_commit=rng.choice("cde"),
        fork=rng.choice((None, "openpilot")),
        started_at_utc=rng.choice((None, started, started)),
        started_at_local=rng.choice((None, started + timedelta(hours=9))),
    )
    add(
        "result.drive_facts",
        first_mono_ns=0,
        openpilot_longitudinal=rng.choice((None, True, False)),
        has_selfdrive_state=rng.random() < 0.4,
    )
    add(
        "result.legacy_drives",
        intervention_count=rng.randrange(5),
        steer_intervention_count=rng.randrange(3),
        recorded_at=rng.choice((None, "2025-07-06T23:59:59", "2025-07-07T00:00:00")),
    )
    for key in ("steering_driver_torque", "steering_motor_torque"):
        if rng.random() < 0.7:
            n_samples = rng.choice((0, 9, 9))
            add(
                "can_source",
                segment_num=0,
                signal_key=key,
                entry_num=0,
                message="TORQUE",
                signal=key,
                bus=0,
                n_samples=n_samples,
            )
    parts = add_parts(add, rng)
    is_engaged = rng.random() < 0.8
    known_s = rng.choice((0.0, 100.0, rng.uniform(0, 10_000)))
    engaged_s = known_s * rng.random() * is_engaged
    known_km = rng.choice((0.0, rng.uniform(0, 50)))
    add(
        "result.drive_metrics",
        known_s=known_s,
        engaged_s=engaged_s,
        moving_s=known_s * rng.choice((0.0, 0.9)),
        moving_engaged_s=engaged_s * 0.5,
        lateral_only_s=rng.choice((0.0, known_s * 0.01)),
        lateral_only_km=rng.choice((0.0, known_km * 0.02)),
        override_s=engaged_s * rng.choice((0.0, 0.1)),
        longitudinal_s=rng.choice((None, engaged_s)),
        distance_km=known_km + rng.random(),
        known_km=known_km,
        engaged_km=known_km * rng.random() * is_engaged,
        n_engagements=rng.randrange(5),
        n_interventions=rng.choice((0, 0, 3)),
    )
    for _ in range(rng.randrange(6)):
        add(
            "result.interval_motion",
            part_num=rng.choice(parts),
            is_moving=rng.random() < 0.7,
            mode=rng.choice(("engaged", "engaged", "lateral_only", "manual", "unknown")),
            speed_band=rng.choice(("city", "road", "highway")),
            duration_ns=rng.randrange(1, 100 * SECOND_NS),
            distance_m=rng.choice((0.0, rng.uniform(0, 5000))),
        )
    for number in range(rng.choice((0, 1, 5, 40)) * is_engaged):
        add_event(add, rng, number * SECOND_NS)
    for _ in range(rng.randrange(4)):
        add("result.clean_stretches", engaged_km=rng.choice((0.0, rng.uniform(0, 20))))
    for number in range(rng.choice((0, 3, 8))):
        add(
            "result.engagements",
            start_mono_ns=number * SECOND_NS + rng.randrange(SECOND_NS),
            mode=rng.choice(("engaged",) * 4 + ("lateral_only",)),
            duration_s=rng.choice((rng.randrange(1, 12) / 4, rng.uniform(0, 3))),
            start_kind=rng.choice(("engaged",) * 9 + ("unknown",)),
            end_kind=rng.choice(("disengagement",) * 5 + ("end_of_drive", "end_of_log", "gap")),
        )


def add_parts(add: Any, rng: Random) -> list[int]:
    """Runs of a mode in a part, and how long the driver overrode in each; the numbers of parts."""
    keys = [
        {
            "model": rng.choice(("WD-40", "built in", "unknown")),
            "experimental": rng.choice(("chill", "experimental")),
            "personality": "standard",
            "hour": rng.choice(("07", "08", "unknown")),
            "night": rng.choice(("day", "night")),
        }
        for _ in range(rng.randrange(1, 5))
    ]
    numbers = list(range(1, len(keys) + 1))
    start_ns = 0
    for _ in range(rng.randrange(1, 9)):
        end_ns = start_ns + rng.randrange(1, 9) * SECOND_NS
        part_num = rng.choice(numbers)
        mode = rng.choice(("engaged", "engaged", "manual", "lateral_only", "unknown"))
        span = {"start_mono_ns": start_ns, "end_mono_ns": end_ns, "mode": mode}
        active = None if mode == "unknown" else mode == "engaged"
        add(
            "result.part_spans",
            part_num=part_num,
            longitudinal_active=active,
            **span,
            **keys[part_num - 1],
        )
        start_ns = end_ns
    for part_num in numbers:
        if rng.random() < 0.3:
            add("result.override_times", part_num=part_num, override_ns=rng.randrange(SECOND_NS))
    return numbers


def add_event(add: Any, rng: Random, mono_ns: int) -> None:
    """An event; some are the first input of an intervention, others a later one of it or none."""
    kind = rng.choice(
        ("disengagement", "disengagement", "lateral_override", "longitudinal_override")
    )
    values: Row = {
        "kind": kind,
        "mono_ns": mono_ns,
        "mode": rng.choice(("engaged", "engaged", "lateral_only")),
    }
    if kind == "disengagement":
        cause, is_counted = rng.choice(CAUSES), rng.random() < 0.7
        name = rng.choice(("canError", "commIssue")) if cause.startswith("system") else None
        ends: Row = {"cause": cause, "is_counted": is_counted, "cause_event": name}
        add("result.end_causes", mode=values["mode"], mono_ns=mono_ns, **ends)
        values |= ends
    speed_mps = rng.choice((None, -0.1, 15.3, 24.99, 25.0, rng.uniform(0, 40)))
    add(
        "result.events",
        **values,
        speed_mps=speed_mps,
        is_critical=rng.choice((None, True, False)),
        exempt_by=rng.choice((None, None, "nudge", "pause")),
    )
    if values.get("cause") != "end_of_drive" and rng.random() < 0.6:
        add(
            "result.intervention_inputs",
            intervention_num=mono_ns // SECOND_NS,
            kind=kind,
            event_mono_ns=mono_ns,
        )
        add(
            "result.interventions",
            intervention_num=mono_ns // SECOND_NS,
            event_kind=kind,
            event_mono_ns=mono_ns,
            mode=values["mode"],
            is_planned=rng.choice((None, True, False)),
        )


def drives_with(exposures_s: list[float], counts: list[int]) -> Tables:
    """A drive for each, its count of interventions already made."""
    tables = random_tables(Random(1), 0)
    for drive_id, (engaged_s, n_events) in enumerate(zip(exposures_s, counts, strict=True), 1):
        tables["drive"].append(
            {"drive_id": drive_id, "dongle_id": "a", "drive": str(drive_id), "host": ""}
        )
        tables["segment"].append(builders._segment_row(drive_id, 0, "rlog", "ok"))
        metrics = {
            "drive_id": drive_id,
            "engaged_s": engaged_s,
            "engaged_km": engaged_s / 36,
            "lateral_only_s": 0.0,
            "lateral_only_km": 0.0,
        }
        tables["result.drive_metrics"].append(metrics)
        tables["result.drive_identity"].append({"drive_id": drive_id})
        event = {
            "drive_id": drive_id,
            "mode": "engaged",
            "speed_band": "city",
            "event": "intervention",
        }
        if n_events:
            tables.setdefault("result.event_counts", []).append(event | {"n_events": n_events})
    return tables
