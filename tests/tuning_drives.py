"""Drives of a minute or so as columns of base tables, for the numbers of lateral tuning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

SECOND_NS = 1_000_000_000
SERVICES = ("car_state", "controls_state", "car_control", "selfdrive_state")


@dataclass
class Drive:
    """Columns of base tables; every message of a service has a row."""

    drive_id: int
    control_type: str | None
    tables: dict[str, dict[str, Any]]


def random_drive(rng, drive_id):
    """A drive of 30 to 100 s whose services come and go, with all that the views look at."""
    rate_hz = int(rng.choice([100, 100, 20, 10]))
    length_s = rng.uniform(30, 100)
    start_ns = int(rng.integers(1, 10**12))
    tables = {}
    for number, service in enumerate(SERVICES):
        times_ns = service_times(rng, rate_hz, length_s) + number * 1_300_000 + start_ns
        tables[service] = place(rng, times_ns)
    add_signals(rng, tables, start_ns)
    for service in ("controls_state", "car_control"):
        if rng.random() < 0.1:
            del tables[service]
    control_type = str(rng.choice(["torque", "torque", "angle", "curvature", ""])) or None
    split(rng, tables, start_ns, may_miss=True)
    return Drive(drive_id, control_type, tables)


def service_times(rng, rate_hz, length_s):
    """Near-regular times with pauses, and some that occur twice."""
    times_ns = np.arange(int(length_s * rate_hz)) * (SECOND_NS // rate_hz)
    if rate_hz != 20:  # its bins would have none or two samples, and no window be whole
        times_ns = times_ns + rng.integers(0, SECOND_NS // rate_hz // 4, len(times_ns))
    keep = np.ones(len(times_ns), dtype=bool)
    for pause_s in rng.choice([0.03, 0.07, 0.2, 0.9, 1.2, 3.0], size=int(rng.choice([0, 0, 1, 3]))):
        at_ns = rng.uniform(0, length_s) * SECOND_NS
        keep &= (times_ns < at_ns) | (times_ns >= at_ns + pause_s * SECOND_NS)
    times_ns = times_ns[keep]
    twice = rng.choice(times_ns, size=int(rng.choice([0, 0, 3])))
    return np.sort(np.concatenate([times_ns, twice]))


def place(rng, times_ns):
    """Message numbers in an order of the file that is not quite that of time."""
    order = np.argsort(times_ns + rng.integers(0, 30_000_000, len(times_ns)), kind="stable")
    message_num = np.empty(len(times_ns), dtype=np.int64)
    message_num[order] = np.arange(len(times_ns)) * 4
    return {"mono_ns": times_ns, "message_num": message_num}


def blocks(rng, time_s, share):
    """True for about `share` of the time, in blocks of seconds."""
    wave = sum(np.sin(time_s / rng.uniform(0.5, 4) + rng.uniform(0, 7)) for _ in range(3))
    return wave > np.quantile(wave, 1 - share)


def nulls(rng, values, share):
    return np.ma.masked_array(values, mask=rng.random(len(values)) < share)


def add_signals(rng, tables, start_ns):
    moments = {name: (t["mono_ns"] - start_ns) / 1e9 for name, t in tables.items()}
    car, time_s = tables["car_state"], moments["car_state"]
    speed = rng.uniform(3, 30) + rng.uniform(0, 12) * np.sin(time_s / rng.uniform(2, 15))
    speed += rng.choice([0.0, 0.2]) * time_s
    share = rng.choice([0.0, 0.0, 0.002])
    car["v_ego_mps"] = nulls(rng, np.float32(speed), share)
    angle = 5 * np.sin(time_s / 5) + rng.normal(0, 0.3, len(time_s))
    angle += np.sin(2 * np.pi * rng.uniform(0.1, 4) * time_s)
    car["steering_angle_deg"] = nulls(rng, np.float32(angle * rng.choice([0, 1, 1, 1])), share)
    car["steering_pressed"] = nulls(rng, blocks(rng, time_s, rng.choice([0.0, 0.0, 0.1])), share)
    state = tables["selfdrive_state"]
    state["enabled"] = state["active"] = blocks(
        rng, moments["selfdrive_state"], rng.choice([1.0, 0.9])
    )
    control, time_s = tables["car_control"], moments["car_control"]
    control["enabled"] = np.ones(len(time_s), dtype=bool)
    control["lat_active"] = nulls(
        rng, blocks(rng, time_s, rng.choice([1.0, 0.9])), rng.choice([0.0, 1.0])
    )
    torque = np.clip(rng.uniform(0.2, 1.5) * np.sin(time_s * rng.uniform(0.2, 9)), -1, 1)
    torque[np.abs(torque) < rng.choice([0.0, 0.2, 2.0])] = 0
    torque[time_s > rng.choice([0.4, 1.0]) * time_s[-1]] = 0
    control["torque"] = nulls(rng, np.float32(torque), rng.choice([0.0, 0.3]))
    curves, time_s = tables["controls_state"], moments["controls_state"]
    actual = 0.002 * np.sin(time_s / 3) * rng.choice([0, 1, 1, 1])
    desired = (actual + rng.normal(0, 1e-4, len(time_s))) * rng.choice([0, 1, 1, 1])
    curves["curvature_per_m"] = nulls(rng, np.float32(actual), share)
    curves["desired_curvature_per_m"] = nulls(rng, np.float32(desired), share)
    curves["enabled"] = curves["active"] = np.zeros(len(time_s), dtype=bool)


def split(rng, tables, start_ns, *, may_miss=False):
    """Number the segments; messages keep their numbers, as only their order counts."""
    cuts_s = np.cumsum(rng.choice([0.4, 5, 15, 60], size=200))
    missing = rng.integers(1, 6, size=1) if may_miss and rng.random() < 0.3 else []
    for table in tables.values():
        number = np.searchsorted(cuts_s, (table["mono_ns"] - start_ns) / 1e9, side="right")
        keep = ~np.isin(number, missing)
        for name, values in table.items():
            table[name] = values[keep]
        table["segment_num"] = number[keep]


def insert(connection, drives):
    for drive in drives:
        for name, columns in drive.tables.items():
            add(connection, name, {"drive_id": drive.drive_id, **columns})
        if drive.control_type:
            connection.execute(
                "insert into log.car_params by name select ? as drive_id, 0 as segment_num,"
                " 0 as message_num, 1 as mono_ns, ? as steer_control_type",
                [drive.drive_id, drive.control_type],
            )
        times = [t["mono_ns"] for t in drive.tables.values()]
        numbers = {int(n) for t in drive.tables.values() for n in t["segment_num"]}
        connection.execute(
            "insert into log.drive values (?, 'd', ?, '')",
            [drive.drive_id, f"{drive.drive_id:08x}"],
        )
        connection.execute(
            "insert into log.segment by name select ? as drive_id, unnest(?::int[]) as segment_num,"
            " 'rlog' as log_kind, 'zst' as codec, '' as path, 1 as size_bytes, 1 as mtime_ns,"
            " '' as content_hash, 1 as raw_size_bytes, 'ok' as status, 1 as n_messages,"
            " 0 as n_damaged_messages, ? as start_mono_ns, now()::timestamp as ingested_at_utc",
            [drive.drive_id, sorted(numbers), int(min(t[0] for t in times if len(t)))],
        )


def add(connection, name, columns):
    fields = connection.sql(f"select * from log.{name} limit 0").to_arrow_table().schema
    length = len(columns["mono_ns"])
    arrays = {"drive_id": pa.array(np.full(length, columns["drive_id"], dtype=np.int32))}
    for key in columns.keys() - arrays.keys():
        values = np.ma.asarray(columns[key])
        array = pa.array(values.data, mask=np.ma.getmaskarray(values))
        arrays[key] = array.cast(fields.field(key).type)
    connection.register("inserted", pa.table(arrays))
    connection.execute(f"insert into log.{name} by name select * from inserted")
    connection.unregister("inserted")


def wave_drive(drive_id, rate_hz, angle_deg):
    """A minute and a second at 20 m/s with openpilot steering, as samples of a function of time."""
    times_ns = np.arange(61 * rate_hz) * (SECOND_NS // rate_hz)
    tables = {
        name: {
            "mono_ns": times_ns,
            "message_num": np.arange(len(times_ns)),
            "segment_num": np.zeros(len(times_ns), dtype=np.int32),
        }
        for name in ("car_state", "selfdrive_state")
    }
    yes = np.ones(len(times_ns), dtype=bool)
    tables["car_state"] |= {
        "v_ego_mps": np.full(len(times_ns), 20.0),
        "steering_angle_deg": angle_deg(times_ns / 1e9),
        "steering_pressed": ~yes,
    }
    tables["selfdrive_state"] |= {"enabled": yes, "active": yes}
    return Drive(drive_id, "torque", tables)
