"""What the tables of `log` and `store` hold, and each of their columns.

What a column of `log` comes from is in `extract.sources`; its unit is the end of its name. Here
stands what these don't say. The database keeps all of it as comments.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from engagement.extract.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNITS = {
    "_deg_per_s": "degrees/s", "_mps2": "m/s2", "_mps": "m/s", "_kph": "km/h", "_deg": "degrees",
    "_per_m": "1/m", "_rad": "radians", "_kg": "kg", "_m": "m", "_s": "s", "_ns": "ns",
    "_ms": "ms",
}  # fmt: skip
_PLACE = {
    "drive_id": "number of the drive in this database",
    "segment_num": "number of the segment in its drive, from 0",
    "message_num": "place of the message in its log, which is not the order of time",
    "mono_ns": "logMonoTime of the message, in ns since the device's boot",
    "source": "the message that says it",
    "frame_num": "place of the frame in its `can` message",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table: what a row of it is, and what its columns mean."""

    title: str
    columns: Mapping[str, str]

    def said_of(self, column: str, *, is_nullable: bool = True) -> str:
        """What a column means, and where it is null if it may be."""
        words = self.columns.get(column, "")
        if words and is_nullable and "null" not in words:
            return f"{words}; null where the log does not say"
        return words


_LOG: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "drive": ("Drives: those of logs, and those of an imported entry alone.", {
        "dongle_id": "the device",
        "drive": "name of the drive, its log id",
        "host": "where an old entry came from; offline for logs",
    }),
    "segment": ("The log that a segment's rows come from.", {
        "log_kind": "rlog or qlog",
        "codec": "none, bz2 or zstd",
        "path": "the file",
        "size_bytes": "size of the file",
        "mtime_ns": "when the file was changed, in ns since 1970",
        "content_hash": "SHA-256 of the file",
        "raw_size_bytes": "size without compression",
        "raw_crc32": "CRC-32 of it without compression; null if read before there was this column",
        "status": "ok, partial (damaged) or failed",
        "damage": "what is wrong with it; null if nothing is",
        "n_messages": "messages that could be read",
        "n_damaged_messages": "messages that could not",
        "start_mono_ns": "logMonoTime of the earliest message, in ns; null of a failed log",
        "end_mono_ns": "logMonoTime of the latest message, in ns; null of a failed log",
        "profile": "vehicle profile that CAN signals were read by; null without one",
        "ingested_at_utc": "when it was read",
    }),
    "video": ("Videos of segments that were found beside logs, or where ingest was told to look.", {
        "camera": "qcamera, the small picture of the road; fcamera, ecamera or dcamera",
        "path": "the file",
        "size_bytes": "size of the file",
        "mtime_ns": "when the file was changed, in ns since 1970",
    }),
    "video_frame": ("Frames of qcamera.ts, since 2022.", {
        "frame_num": "place of the frame in the segment's file, from 0; null where it can't be one",
        "sof_mono_ns": "when its exposure began, in ns since the device's boot; null where it is 0",
    }),
    "init_data": ("What the device and its software are, once a log.", {
        "wall_time_ns": "wall clock of the device, in ns since 1970",
    }),
    "param": ("openpilot's params that say how it is set, once a log.", {
        "name": "initData.params.entries.key",
        "value": "initData.params.entries.value; null where it is no text",
    }),
    "car_params": ("What openpilot knows of the car, once a log or more.", {
        "car_vin": "its first 8 characters, maker and model",
    }),
    "controls_state": ("openpilot's state, in the service that had it first.", {
        "v_cruise_kph": "set speed in km/h",
    }),
    "selfdrive_state": ("openpilot's state, since 0.9.8.", {}),
    "alert": ("Alerts, where they change; all of them within a second of the log's borders.", {}),
    "car_state": ("What the car says.", {
        "steering_torque": "the driver's torque, in the car's own unit",
        "steering_torque_eps": "the motor's torque, in the car's own unit",
        "n_pointers": "pointers of the message's struct, which tell how old its writer was",
    }),
    "car_control": ("What openpilot asks of the car.", {
        "torque": "-1 to 1, of the most that openpilot may ask for",
    }),
    "car_event": ("Events in force: the rows of one message are all of them.", {
        "name": "the event; null where the message has none",
        "source": "the list: carEvents, onroadEvents, carState's, or sunnypilot's onroadEventsSP",
    }),
    "button_event": ("Buttons that were pressed or let go.", {}),
    "gps": ("GPS fixes.", {
        "has_fix": "hasFix, or in older logs the first bit of flags; false at 0, 0",
        "unix_ms": "time by GPS, in ms since 1970",
    }),
    "lead": ("The car in front, by radar and camera.", {
        "model_prob_fraction": "how sure the model is of it, 0 to 1",
    }),
    "clock": ("The device's wall clock.", {"wall_time_ns": "in ns since 1970"}),
    "bookmark": ("Moments that the driver bookmarked, by the log; else by the server it is from.", {
        "message_num": "negative where a server told it",
        "source": "the message; server, or preserved: the start of a drive that is preserved there",
    }),
    "ignition": ("Whether the car is on, where that changes.", {
        "is_on": "of pandaState and pandaStates, ignitionLine or ignitionCan of any panda",
    }),
    "lane_change": ("Lane changes, where their state changes.", {}),
    "longitudinal_plan": ("The planner's collision warning and personality, where they change.", {
        "personality": "null in messages from before 0.9.3",
    }),
    "plan": ("What the longitudinal planner wants.", {
        "target_accel_mps2": "null in messages from 0.8.6 until 0.9.8, which don't say it",
        "first_accel_mps2": "null before 0.8.6",
        "plan_source": "what the plan follows: the set speed, a car in front or the model",
        "should_stop": "null in logs from before 0.9.8",
    }),
    "model": ("What the driving model sees and wants, of one service a log.", {
        "left_lane_prob_fraction": "how sure the model is of the lane's left line, 0 to 1",
        "right_lane_prob_fraction": "how sure the model is of the lane's right line, 0 to 1",
        "curvature_per_m": "null before 0.9.6",
        "accel_mps2": "null before 0.9.9",
        "should_stop": "null before 0.9.9",
        "lane_change_state": "null before 0.9.6",
        "lane_change_direction": "null before 0.9.6",
        "frame_drop_percent": "of the camera's pictures, lately, in percent",
    }),
    "driver_monitoring": ("What driver monitoring says of the driver.", {
        "awareness_fraction": "1 while attentive; since 0.11.1 by the camera",
        "wheel_awareness_fraction": "1 while attentive, by the wheel; null before 0.11.1",
        "is_by_camera": "the camera's awareness counts; false before 0.8.2",
        "alert_level": "null before 0.11.1",
    }),
    "driving_model": ("Whether the big driving model drives, in logs in which it ever does.", {}),
    "mads": ("The switch for steering without cruise of sunnypilot, where it changes.", {}),
    "live_parameters": ("What openpilot learns of the car's steering.", {
        "stiffness_factor": "of the tires; 1 is the car's nominal",
    }),
    "live_torque_parameters": ("What openpilot learns of the car's torque.", {
        "lat_accel_factor": "lateral acceleration at full torque, in m/s2",
        "lat_accel_offset": "lateral acceleration without torque, in m/s2",
    }),
    "can_signal": ("CAN signals of the vehicle profile.", {
        "signal_key": "what the profile calls the signal",
        "bus": "number of the CAN bus",
        "value": "in the unit of the DBC file",
    }),
    "can_message": ("Every `can` message that has frames.", {"n_frames": "how many it has"}),
    "can_source": ("Where a log's samples of can_signal were read.", {
        "signal_key": "as in can_signal",
        "entry_num": "counts the signals of a key that is a bit mask",
        "message": "name of the message in the DBC file",
        "signal": "name of the signal in it",
        "bus": "number of the CAN bus",
        "n_samples": "how often it was received, also where can_signal keeps fewer rows",
    }),
}  # fmt: skip

_STORE: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "parameter": ("Thresholds of the definitions.", {
        "name": "name of the parameter", "value": "its value", "unit": "the value's unit",
        "why": "why it is what it is",
    }),
    "event_label": ("What people said of events, by the names that these had then.", {
        "dongle_id": "the device", "drive": "name of the drive", "kind": "kind of the event",
        "mono_ns": "logMonoTime of the event, in ns", "label": "what it was",
        "note": "what else was said; null if nothing was", "labelled_at_utc": "when it was said",
    }),
    "device_name": ("What people call devices.", {
        "dongle_id": "the device", "name": "what it is called", "named_at_utc": "since when",
    }),
    "saved_moment": ("Moments that somebody described and saved under a name.", {
        "name": "what it is called",
        "expression": "what was described, as `engagement find` takes it",
        "saved_at_utc": "when it was saved",
    }),
    "device_alias": ("Names that devices had before somebody joined them with others.", {
        "old_dongle_id": "the old name", "dongle_id": "the device that it was joined with",
        "joined_at_utc": "since when",
    }),
    "place_name": ("What people call places.", {
        "latitude": "of its middle, degrees north", "longitude": "of its middle, degrees east",
        "radius_m": "how far it goes, in m", "name": "what it is called",
        "named_at_utc": "since when",
    }),
    "imported_drive": ("Entries of an old engagement_db.json.", {
        "entry": "the entry, as JSON", "source_path": "the file",
        "imported_at_utc": "when it was read",
    }),
    "imported_debug_event": ("Entries of an old debug_events.json.", {
        "drive": "name of the drive", "rlog_path": "the log that it names",
        "event_type": "the old kind of event", "time_in_segment_s": "s from the log's start",
        "reason": "the old sentence",
    }),
    "ingest_run": ("Ingests that published something.", {
        "started_at_utc": "when it began", "ended_at_utc": "when it published last",
        "engagement_version": "by which program", "n_ingested": "logs that were written",
        "n_skipped": "logs that were there already, or worse than what is",
        "n_partial": "damaged logs among them", "n_failed": "logs that could not be read",
        "size_bytes": "size of the logs that were written",
    }),
    "state": ("What the views and results were made from: one row.", {
        "sql_hash": "hash of the definitions", "generation": "counts the publications",
        "published_at_utc": "when this one was published",
        "definitions": "number of the definitions that results are of; null before they had one",
    }),
    "place_zone": ("Time zones of the places where drives started.", {
        "latitude_cell": "hundredths of a degree, rounded down", "longitude_cell": "likewise",
        "time_zone": "IANA name of the zone in the middle of the cell",
    }),
    "schema_migration": ("Migrations that were applied.", {
        "version": "number of the migration", "name": "its file", "sha256": "hash of the file",
        "applied_at_utc": "when it was applied",
    }),
}  # fmt: skip


@cache
def describe_tables() -> Mapping[str, Table]:
    """Every table of `log` and `store` by its full name, in the order in which they are told of."""
    fields = _fields()
    found = {}
    for name, (title, words) in _LOG.items():
        read = {column: _said(column, paths) for column, paths in fields.get(name, {}).items()}
        told = {
            column: f"{read[column]}; {text}" if column in read else text
            for column, text in words.items()
        }
        found[f"log.{name}"] = Table(title, {**_PLACE, **read, **told})
    for name, (title, words) in _STORE.items():
        found[f"store.{name}"] = Table(title, {**_PLACE, **words})
    return found


def _fields() -> dict[str, dict[str, list[str]]]:
    """The fields of messages that each column of each table is filled from."""
    found: dict[str, dict[str, list[str]]] = {}
    for source in SOURCES:
        for column, path in source.columns.items():
            parts = [source.event, source.items or "", path]
            name = ".".join(part for part in parts if part)
            found.setdefault(source.table, {}).setdefault(column, []).append(name)
    return found


def _said(column: str, paths: list[str]) -> str:
    unit = next((unit for end, unit in _UNITS.items() if column.endswith(end)), "")
    words = [" or ".join(dict.fromkeys(paths)), f" in {unit}" if unit else ""]
    return "".join(words)
