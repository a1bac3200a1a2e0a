"""The old server's answers, from the entries of an engagement_db.json.

Written from the description of the old system alone, with exact fractions where the old one had
sums of rounded numbers, so that it shares no arithmetic with the server.
"""

from __future__ import annotations

import re
from datetime import datetime
from fractions import Fraction
from typing import Any

Entry = dict[str, Any]

_NAME = re.compile(r"(\d{4}-\d\d-\d\d)--(\d\d)-(\d\d)-(\d\d)")
_AN_HOUR_NS = 3_600 * 10**9

_OF_DRIVE = {
    "odo_distance_km": "odo_distance",
    "engaged_distance_km": "engaged_distance",
    **{
        name: name
        for name in (
            "engagement_pct",
            "engagement_pct_odo",
            "intervention_count",
            "interventions_per_100km",
            "steer_intervention_count",
            "steer_interventions_per_100km",
            "cruise_press_seconds",
            "cruise_press_seconds_per_hour",
            "openpilot_longitudinal",
            "car_fingerprint",
            "device_type",
            "version",
            "git_branch",
            "git_commit",
        )
    },
}


def iso_time(drive: str) -> str | None:
    """The drive's name as a time, taken for UTC."""
    match = _NAME.fullmatch(drive)
    if match is None:
        return None
    text = f"{match[1]}T{match[2]}:{match[3]}:{match[4]}+00:00"
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return None
    return text


def summary(entries: list[Entry]) -> Entry:
    """The entry of a device."""
    [device_id] = {entry["device_id"] for entry in entries}
    driven, engaged = total(entries, "odo_distance"), total(entries, "engaged_distance")
    presses, steers = (
        total(entries, "intervention_count"),
        total(entries, "steer_intervention_count"),
    )
    times = [time for entry in entries if (time := iso_time(entry["drive"]))]
    return {
        "device_id": device_id,
        "drive_count": len(entries),
        "average_engagement_pct": mean(entries, "engagement_pct"),
        "average_engagement_pct_odo": mean(entries, "engagement_pct_odo"),
        "average_interventions_per_100km": mean(entries, "interventions_per_100km"),
        "total_distance_km": driven,
        "total_engaged_distance_km": engaged,
        "total_drive_time_hours": total(entries, "drive_time") / _AN_HOUR_NS,
        "total_active_time_hours": total(entries, "drive_time_active") / _AN_HOUR_NS,
        "total_time_hours": total(entries, "total_time") / _AN_HOUR_NS,
        "overall_engagement_pct": ratio(engaged, driven),
        "overall_time_engagement_pct": ratio(
            total(entries, "drive_time_active"), total(entries, "total_time")
        ),
        "total_intervention_count": presses,
        "total_interventions_per_100km": ratio(presses, driven),
        "total_steer_intervention_count": steers,
        "total_steer_interventions_per_100km": ratio(steers, driven),
        "first_drive": min(times, default=None),
        "latest_drive": max(times, default=None),
    }


def detail(entry: Entry) -> Entry:
    """The entry of a drive."""
    return {
        "drive": entry["drive"],
        "drive_started_at": iso_time(entry["drive"]),
        "drive_time_hours": hours(entry.get("drive_time")),
        "active_time_hours": hours(entry.get("drive_time_active")),
        **{name: entry.get(old) for name, old in _OF_DRIVE.items()},
    }


def newest_first(entries: list[Entry]) -> list[str]:
    """The names of drives in the order of the old answer; those without a time come last."""
    dated = sorted(entry["drive"] for entry in entries if iso_time(entry["drive"]))
    others = sorted(entry["drive"] for entry in entries if not iso_time(entry["drive"]))
    return [*reversed(dated), *reversed(others)]


def total(entries: list[Entry], name: str) -> Fraction:
    """A sum over the drives that have the number."""
    return sum((Fraction(str(entry[name])) for entry in entries if has(entry, name)), Fraction())


def mean(entries: list[Entry], name: str) -> Fraction | None:
    """The mean over the drives that have the number, each counted alike."""
    n_entries = sum(has(entry, name) for entry in entries)
    return total(entries, name) / n_entries if n_entries else None


def ratio(part: Fraction, whole: Fraction) -> Fraction | None:
    """A part in percent; without a whole there is none."""
    return part * 100 / whole if whole else None


def hours(time_ns: int | None) -> Fraction | None:
    """A time of a drive in hours."""
    return None if time_ns is None else Fraction(time_ns, _AN_HOUR_NS)


def has(entry: Entry, name: str) -> bool:
    """Whether the entry has the number."""
    return entry.get(name) is not None


def is_same(found: Any, exact: Any, n_decimals: int = 2) -> bool:
    """Whether an answer is the exact value rounded; at a tie either neighbour will do."""
    if not isinstance(exact, Fraction):
        return bool(found == exact) and type(found) is type(exact)
    step = Fraction(1, 10**n_decimals)
    of_doubles = abs(exact) * Fraction(1, 2**51)  # two roundings before this one
    tolerance = step / 2 + Fraction(1, 10**9) + of_doubles
    is_rounded = round(found, n_decimals) == found
    return is_rounded and abs(Fraction(str(found)) - exact) <= tolerance
