"""The columns of the tables that people read; their names are columns of the public views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engagement.cli.table_parts import Column
from engagement.formats import (
    decimal,
    duration,
    five_decimals,
    interval,
    moment,
    number,
    percent,
    percent_interval,
    text,
    two_decimals,
)

if TYPE_CHECKING:
    from engagement.cli.table_parts import Row

LOCAL_TIME = " ^"
DECIMATED = " ~"
IMPORTED = " *"

_STYLES = {"warn": "yellow", "fail": "bold red", "partial": "yellow", "failed": "bold red"}


def is_local(row: Row) -> bool:
    """Whether the start of a drive is the device's local time, as only its name has one."""
    return bool(row.get("clock_source") == "name")


def _local_mark(row: Row) -> str:
    return LOCAL_TIME if is_local(row) else ""


def _log_mark(row: Row) -> str:
    """Where the numbers of a drive are from, if not from whole logs."""
    if row.get("is_imported"):
        return IMPORTED
    return DECIMATED if row.get("log_kind") not in (None, "rlog") else ""


def has_qlogs(row: Row) -> bool:
    """Whether any of a group's drives was read from qlogs, all or in part."""
    return bool(row["n_qlog_drives"])


def _decimated_mark(row: Row) -> str:
    return DECIMATED if has_qlogs(row) else ""


DRIVES = (
    Column("device", "dongle_id", is_piped=True, unit="device"),
    Column("drive", "drive", is_whole=True, mark=_log_mark),
    Column("started", "started_at", moment, mark=_local_mark),
    Column("car", "car_fingerprint", rank=16),
    Column("version", "version", rank=15),
    Column("branch", "git_branch", rank=17),
    Column("time", "known_s", duration, rank=5),
    Column("cover-\nage %", "coverage", percent, rank=9),
    Column("moving", "moving_s", duration, rank=14),
    Column("engaged\n% time", "engaged_fraction", percent),
    Column("engaged\n% moving", "moving_engaged_fraction", percent, rank=11),
    Column("engaged\n% dist.", "distance_engaged_fraction", percent, rank=8),
    Column("{unit}", "distance_km", decimal, rank=3, unit="distance"),
    Column("engaged\n{unit}", "engaged_km", decimal, rank=6, unit="distance"),
    Column("diseng.", "n_disengagements_counted", is_number=True, rank=4),
    Column(
        "diseng.\n/{unit}",
        "disengagements_counted_per_100km",
        decimal,
        rank=13,
        unit="per_distance",
    ),
    Column("steering\noverrides", "n_lateral_overrides", is_number=True, rank=10),
    Column("pedal\noverrides", "n_longitudinal_overrides", is_number=True, rank=12),
    Column("interv.", "n_interventions", is_number=True),
    Column("un-\nplanned", "n_unplanned_interventions", is_number=True, rank=2),
    Column("interv.\n/{unit}", "interventions_per_100km", decimal, rank=1, unit="per_distance"),
    Column(
        "unplanned\n/{unit}",
        "unplanned_interventions_per_100km",
        decimal,
        rank=7,
        unit="per_distance",
    ),
    Column("steering\nalone", "lateral_only_s", duration, rank=18),
    Column("interv.,\nsteer. alone", "n_lateral_only_interventions", is_number=True, rank=19),
)

DEVICES = (
    Column("device", "dongle_id", is_whole=True, unit="device"),
    Column("drives", "n_drives", is_number=True),
    Column("imported", "n_imported_drives", is_number=True, rank=10),
    Column("first drive", "first_drive", rank=9),
    Column("last drive", "last_drive", rank=8),
    Column("time", "known_s", duration, rank=1),
    Column("cover-\nage %", "coverage", percent, rank=2),
    Column("engaged\n% time", "engaged_fraction", percent),
    Column("{unit}", "distance_km", decimal, unit="distance"),
    Column("engaged\n{unit}", "engaged_km", decimal, rank=3, unit="distance"),
    Column("diseng.", "n_disengagements_counted", is_number=True, rank=4),
    Column(
        "diseng.\n/{unit}", "disengagements_counted_per_100km", decimal, rank=6, unit="per_distance"
    ),
    Column("interv.", "n_interventions", is_number=True, rank=5),
    Column("interv.\n/{unit}", "interventions_per_100km", decimal, unit="per_distance"),
    Column(
        "unplanned\n/{unit}",
        "unplanned_interventions_per_100km",
        decimal,
        rank=3,
        unit="per_distance",
    ),
)

NAMES = (
    Column("name", "name", is_whole=True),
    Column("device", "dongle_id", is_whole=True),
    Column("latitude", "latitude", is_number=True),
    Column("longitude", "longitude", is_number=True),
    Column("radius m", "radius_m", is_number=True),
)

SPEED_BANDS = (
    Column("device", "dongle_id", is_whole=True, unit="device"),
    Column("speed", "speed_band", is_whole=True),
    Column("time", "known_s", duration),
    Column("engaged\ntime", "engaged_s", duration, rank=1),
    Column("engaged\n% time", "engaged_fraction", percent),
    Column("{unit}", "distance_km", decimal, unit="distance"),
    Column("engaged\n{unit}", "engaged_km", decimal, unit="distance"),
)

DRIVE_LIST = (
    Column("device", "dongle_id", is_whole=True, unit="device"),
    Column("drive", "drive", is_whole=True),
    Column("started", "started_at", moment, mark=_local_mark),
    Column("time", "duration_s", duration, rank=3),
    Column("{unit}", "distance_km", decimal, rank=4, unit="distance"),
    Column("segments", "n_segments", is_number=True, rank=2),
    Column("missing", "n_missing_segments", is_number=True, rank=1),
    Column("logs", "log_kind", rank=5),
    Column("car", "car_fingerprint", rank=7),
    Column("version", "version", rank=6),
    Column("branch", "git_branch", rank=8),
    Column("fork", "fork", rank=9),
    Column("on", "device_type", rank=10),
)


WAITING_DRIVES = Column("drives not\ningested", "n_waiting_drives", is_number=True)

DEVICE_LIST = (
    Column("device", "dongle_id", is_whole=True, unit="device"),
    Column("drives", "n_drives", is_number=True),
    Column("imported", "n_imported_drives", is_number=True),
    Column("first drive", "first_drive", rank=2),
    Column("last drive", "last_drive", rank=1),
    Column("time", "known_s", duration),
    Column("{unit}", "distance_km", decimal, unit="distance"),
)


def _state_style(row: Row) -> str:
    return _STYLES.get(row.get("state", row.get("status")), "")


def _critical_style(row: Row) -> str:
    return "bold red" if row["is_critical"] else ""


def _yes(value: bool | None) -> str:  # noqa: FBT001 - a cell's value
    return "" if value is None else "yes" if value else "no"


def _segment_time(row: Row) -> str:
    time_s = row["segment_time_s"]
    return "" if time_s is None else f" +{time_s:.1f} s"


def _longitude(row: Row) -> str:
    """What goes with the latitude: neither says anything alone."""
    longitude = row["longitude"]
    return "" if longitude is None else f", {five_decimals(longitude)}"


def _said(value: str | None) -> str:
    return "" if value is None else text(value)


def _exemption(row: Row) -> str:
    """Why an override, which has no cause, or a pedal while only steering is no intervention."""
    why = row["exempt_by"]
    return "" if why is None else f"{' ' if row['cause'] else ''}({why.replace('_', ' ')})"


EVENTS = (
    Column("event", "event", is_whole=True),
    Column("at", "time_s", duration, rank=8),
    Column("segment", "segment_num", rank=9, is_number=True, more=_segment_time),
    Column("what", "kind", is_whole=True),
    Column("mode", "mode", rank=17),
    Column("cause", "cause", _said, rank=1, more=_exemption),
    Column("critical", "is_critical", _yes, rank=2, style=_critical_style),
    Column("severity", "severity", two_decimals, style=_critical_style),
    Column("speed\n{unit}", "speed_mps", decimal, rank=3, unit="speed"),
    Column("label", "label", _said, rank=4),
    Column("openpilot's\nevent", "cause_event", _said, rank=5),
    Column("planned", "is_planned", _yes, rank=6),
    Column("TTC\ns", "min_ttc_s", decimal, rank=10),
    Column("headway\ns", "min_thw_s", decimal, rank=11),
    Column("braking\nm/s2", "peak_deceleration_mps2", decimal, rank=12),
    Column("lead\n{unit}", "lead_distance_m", decimal, rank=13, unit="length"),
    Column("place", "latitude", five_decimals, rank=7, more=_longitude),
    Column("device", "dongle_id", rank=14, is_whole=True, unit="device"),
    Column("note", "note", _said, rank=15),
    Column("log", "path", rank=16),
)

MOMENTS = (
    Column("moment", "moment", is_whole=True),
    Column("at", "time_s", duration),
    Column("for s", "duration_s", decimal),
    Column("when (UTC)", "at_utc", moment, rank=1),
    Column("branch", "git_branch", _said, rank=4),
    Column("version", "version", _said, rank=5),
    Column("car", "car_fingerprint", _said, rank=3),
    Column("place", "latitude", five_decimals, rank=2, more=_longitude),
    Column("device", "dongle_id", rank=6, is_whole=True),
)


UNTOLD_MOMENTS = (
    Column("name", "name", is_whole=True),
    Column("why", "problem"),
)
NAMED_MOMENTS = (
    Column("name", "name", is_whole=True),
    Column("finds", "says"),
    Column("expression", "find", is_piped=True),
)


def of_moment_rates(words: str) -> tuple[Column, ...]:
    """How often moments happen in groups, which have this in common."""
    return (
        Column(words, "group_name", is_whole=True),
        Column("drives", "n_drives", is_number=True, mark=_decimated_mark),
        Column("moments", "n_events", is_number=True),
        Column("hours", "exposure_h", decimal),
        Column("/hour", "per_hour", interval),
        Column("disper-\nsion", "per_hour_dispersion", number, rank=2),
        Column("from", "per_hour_dispersion_source", rank=1),
    )


GONE = " !"


def _gone_mark(row: Row) -> str:
    return GONE if row["event_id"] is None else ""


LABELS = (
    Column("event", "event", is_whole=True, mark=_gone_mark),
    Column("what", "kind", is_whole=True, rank=2),
    Column("label", "label", is_whole=True),
    Column("note", "note", _said),
    Column("since", "labelled_at_utc", moment, rank=1),
    Column("device", "dongle_id", rank=3, is_whole=True, unit="device"),
    Column("gone", "event_id", lambda event_id: "yes" if event_id is None else "no", is_piped=True),
)

REPORT = (*DRIVES, *DEVICES, *SPEED_BANDS)

GROUPS = (
    Column("drives", "n_drives", is_number=True, mark=_decimated_mark),
    Column("engaged\nhours", "engaged_h", decimal, rank=6),
    Column("engaged\n{unit}", "engaged_km", decimal, unit="distance"),
    Column("engaged\n% time", "engaged_fraction", percent),
    Column("interventions\n/{unit}", "intervention_per_100km", interval, unit="per_distance"),
    Column(
        "of these unplanned\n/{unit}",
        "unplanned_intervention_per_100km",
        interval,
        rank=1,
        unit="per_distance",
    ),
    Column(
        "disengagements\n/{unit}", "disengagement_counted_per_100km", interval, unit="per_distance"
    ),
    Column("clean\ndrives %", "clean_drive_fraction", percent_interval, rank=2),
    Column("longest\nclean {unit}", "longest_clean_km", decimal, rank=4, unit="distance"),
    Column("median\nengagement", "engagement_median_s", duration, rank=3),
    Column("dispersion\nfrom", "dispersion_sources", rank=5),
)

RATES = (
    Column("event", "event", is_whole=True),
    Column("drives", "n_drives", is_number=True, rank=4, mark=_decimated_mark),
    Column("events", "n_events", is_number=True),
    Column("hours", "exposure_h", decimal, rank=5),
    Column("/hour", "per_hour", interval),
    Column("disper-\nsion", "per_hour_dispersion", number, rank=3),
    Column("from", "per_hour_dispersion_source", rank=2),
    Column("{unit}", "exposure_km", decimal, rank=6, unit="distance"),
    Column("/{unit}", "per_100km", interval, unit="per_distance"),
    Column("disper-\nsion", "per_100km_dispersion", number, rank=3),
    Column("from", "per_100km_dispersion_source", rank=2),
)

MTBF = (
    Column("failure", "event", is_whole=True),
    Column("failures", "n_failures", is_number=True),
    Column("engaged\nhours", "engaged_h", decimal, rank=1),
    Column("hours between\nfailures", "mtbf_h", interval),
    Column("disper-\nsion", "dispersion", number, rank=3),
    Column("from", "dispersion_source", rank=2),
)

PROBLEMS = (
    Column("status", "status", is_whole=True, style=_state_style),
    Column("segment", "segment", is_whole=True),
    Column("damage", "damage"),
    Column("log", "path"),
)

MISSING = (
    Column("drive", "route_name", is_whole=True),
    Column("missing segments", "missing"),
)

JOINED = (
    Column("old name", "old_dongle_id"),
    Column("device", "dongle_id"),
    Column("since (UTC)", "joined_at_utc", moment),
)

LEFT_OUT = (Column("left out", "segment"), Column("as it is", "counted"))

CHECKS = (
    Column("check", "state", is_whole=True, style=_state_style),
    Column("rows", "n_rows", is_number=True),
    Column("finds", "title"),
    Column("name", "name", rank=1),
)

VIEW = Column("view", "column", is_whole=True)
MEANING = Column("meaning", "meaning")
GLOSSARY = (Column("column", "column", is_whole=True), MEANING)

HEADINGS = (
    Column("heading", "heading", is_whole=True),
    Column("column", "column", rank=1, is_whole=True),
    MEANING,
)
