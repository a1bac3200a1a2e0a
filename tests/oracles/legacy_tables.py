"""The base-table rows of the legacy oracle's drives."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from tests.oracles.legacy_messages import Can, CarParams, CarState, Controls, Drive, InitData

Row = dict[str, Any]
INGESTED_AT = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)


def drive_rows(drive: Drive, drive_id: int) -> dict[str, list[Row]]:
    """The rows of one drive by table; its logs' paths start at another folder than the oracle's."""
    tables: dict[str, list[Row]] = defaultdict(list)
    tables["drive"].append(
        {
            "drive_id": drive_id,
            "dongle_id": drive.device_id,
            "drive": drive.drive,
            "host": "offline",
        }
    )
    for segment in drive.segments:
        key = {"drive_id": drive_id, "segment_num": segment.number}
        path = segment.path.replace("./rlogs", "/somewhere/else")
        tables["segment"].append(key | _segment_columns(path, len(segment.messages)))
        for message_num, message in enumerate(segment.messages):
            place = key | {"message_num": message_num, "mono_ns": message.mono_ns}
            for table, columns in _message_rows(message):
                tables[table].append(place | columns)
    return dict(tables)


def _segment_columns(path: str, n_messages: int) -> Row:
    return {
        "log_kind": "rlog",
        "codec": "zst",
        "path": path,
        "size_bytes": 1,
        "mtime_ns": 1,
        "content_hash": "",
        "raw_size_bytes": 1,
        "status": "ok",
        "n_messages": n_messages,
        "n_damaged_messages": 0,
        "ingested_at_utc": INGESTED_AT,
    }


def _message_rows(message: object) -> list[tuple[str, Row]]:
    match message:
        case Controls(active=active):
            return [("controls_state", {"enabled": active, "active": active})]
        case CarState(v_ego_mps=v_ego_mps, is_pressed=is_pressed):
            columns = {"v_ego_mps": v_ego_mps, "steering_pressed": is_pressed}
            return [("car_state", columns)]
        case Can(frames=frames):
            return _can_rows(frames)
        case CarParams(openpilot_longitudinal=longitudinal, car_fingerprint=fingerprint):
            columns = {"openpilot_longitudinal": longitudinal, "car_fingerprint": fingerprint}
            return [("car_params", columns)]
        case InitData():
            names = ("version", "git_branch", "git_commit", "device_type")
            return [("init_data", {name: getattr(message, name) for name in names})]
    raise TypeError(message)


def _can_rows(frames: tuple[dict[str, float], ...]) -> list[tuple[str, Row]]:
    rows: list[tuple[str, Row]] = [
        ("can_signal", {"frame_num": place, "signal_key": key, "bus": 0, "value": value})
        for place, frame in enumerate(frames)
        for key, value in frame.items()
    ]
    if frames:
        rows.append(("can_message", {"n_frames": len(frames)}))
    return rows
