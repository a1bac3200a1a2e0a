"""What is compared: each measure is sum(numerator) / sum(denominator) over a group's drives.

Rates and tuning come by speed band, so that they can be compared at like speeds; the engaged
shares are of whole drives, as `drives` has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from engagement.store.query_types import Queryable

    Kind = Literal["rate", "share", "mean"]
    ExposureUnit = Literal["h", "km"]

BANDS = ("city", "road", "highway", "unknown")  # the last one is never like another's

_KM_PER_UNIT = 100.0
_S_PER_H = 3600.0

# What an event is called in `event_counts`: its plural, and what people read.
_EVENTS = {
    "intervention": ("interventions", "interventions"),
    "unplanned_intervention": ("unplanned_interventions", "unplanned interventions"),
    "disengagement": ("disengagements", "disengagements"),
    "disengagement_counted": ("disengagements_counted", "counted disengagements"),
    "driver_disengagement": ("driver_disengagements", "disengagements by the driver"),
    "system_disengagement": ("system_disengagements", "disengagements by openpilot"),
    "car_disengagement": ("car_disengagements", "disengagements by the car"),
    "unknown_disengagement": ("unknown_disengagements", "unexplained disengagements"),
    "lateral_override": ("lateral_overrides", "steering overrides"),
    "longitudinal_override": ("longitudinal_overrides", "pedal overrides"),
    "critical_event": ("critical_events", "critical events"),
}

# Columns of `drives`: numerator, denominator.
_SHARES = {
    "engaged_fraction": ("engaged_s", "known_s", "share of time engaged"),
    "moving_engaged_fraction": ("moving_engaged_s", "moving_s", "share of moving time engaged"),
    "distance_engaged_fraction": ("engaged_km", "known_km", "share of distance engaged"),
}

# Columns of `tuning`: the value, the time that it is over, its unit, what people read.
_MEANS = {
    "lateral_error_mean_mps2": ("lateral_error_s", "m/s2", "mean lateral error"),
    "lateral_error_p95_mps2": ("lateral_error_s", "m/s2", "95th percentile of lateral error"),
    "saturated_fraction": ("command_s", "", "share of time saturated"),
    "oscillation_rms_deg": ("oscillation_s", "deg", "steering oscillation"),
    "sign_flips_per_s": ("sign_flips_s", "", "steering sign flips per second"),
}

_DRIVES = """
select drive_id, engaged_s, known_s, moving_engaged_s, moving_s, engaged_km, distance_km, known_km
from drives
where drive_id in (select unnest($drives))
"""
_EXPOSURE = """
select drive_id, speed_band, engaged_s, engaged_km
from speed_bands
where drive_id in (select unnest($drives))
"""
_COUNTS = """
select drive_id, speed_band, event, n_events
from event_counts
where mode = 'engaged' and drive_id in (select unnest($drives))
"""
_TUNING = """
select * exclude (dongle_id, drive)
from tuning
where drive_id in (select unnest($drives))
"""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of some drives, which lie along the first axis, speed bands along the second.

    Attributes:
        name: As in JSON and conditions, like `interventions_per_100km`.
        label: What people read: `interventions`.
        unit: Of the value: `per 100 km`, `deg`, or nothing.
        kind: A rate of events, a share of the drive, or a mean over time.
        numerators: Events; engaged seconds or kilometres; value x seconds.
        denominators: Exposure in the measure's own unit.
        exposures_h: Hours that the exposure is.
        exposures_km: Kilometres that the exposure is, where it has any.
        exposure_unit: Which of the two people read.
    """

    name: str
    label: str
    unit: str
    kind: Kind
    numerators: NDArray[np.float64]
    denominators: NDArray[np.float64]
    exposures_h: NDArray[np.float64]
    exposures_km: NDArray[np.float64] | None
    exposure_unit: ExposureUnit


def measure_names() -> list[str]:
    """Every measure, in the order of reports."""
    rates = [f"{plural}_per_{unit}" for unit in ("100km", "hour") for plural, _ in _EVENTS.values()]
    return [*rates, *_SHARES, *_MEANS]


def read_measures(reader: Queryable, drive_ids: Sequence[int]) -> Iterator[Measure]:
    """Yield every measure of the drives, in the order of `drive_ids`."""
    place = {drive_id: number for number, drive_id in enumerate(drive_ids)}
    parameters = {"drives": list(drive_ids)}
    drives = reader.rows(_DRIVES, parameters)
    bands = reader.rows(_EXPOSURE, parameters)
    hours = _exposure(bands, drives, "engaged_s", place) / _S_PER_H
    kms = _exposure(bands, drives, "engaged_km", place)
    counts = reader.rows(_COUNTS, parameters)
    yield from _rates(counts, place, hours, kms)
    yield from _shares(drives, place)
    yield from _means(reader.rows(_TUNING, parameters), place)


def _exposure(
    bands: Sequence[dict[str, Any]],
    drives: Sequence[dict[str, Any]],
    column: str,
    place: dict[int, int],
) -> NDArray[np.float64]:
    """Exposure by drive and speed band; what no band has of the drive's is at unknown speed.

    Bands count whole steps from sample to sample, so in a coarse log they may have a little more
    than the drive: then each has its part of the drive's.
    """
    exposure = _by_band(bands, column, place)
    for row in drives:
        of_drive, total = exposure[place[row["drive_id"]]], row[column] or 0.0
        in_bands = of_drive.sum()
        if in_bands > total:
            of_drive *= total / in_bands
        of_drive[-1] += max(total - in_bands, 0.0)
    return exposure


def _rates(
    counts: Sequence[dict[str, Any]],
    place: dict[int, int],
    hours: NDArray[np.float64],
    kms: NDArray[np.float64],
) -> Iterator[Measure]:
    units: tuple[tuple[str, str, NDArray[np.float64], ExposureUnit], ...] = (
        ("100km", "per 100 km", kms / _KM_PER_UNIT, "km"),
        ("hour", "per hour", hours, "h"),
    )
    for suffix, unit, denominators, exposure_unit in units:
        for event, (plural, label) in _EVENTS.items():
            rows = [row for row in counts if row["event"] == event]
            numerators = _by_band(rows, "n_events", place)
            name = f"{plural}_per_{suffix}"
            yield Measure(
                name, label, unit, "rate", numerators, denominators, hours, kms, exposure_unit
            )


def _shares(rows: Sequence[dict[str, Any]], place: dict[int, int]) -> Iterator[Measure]:
    columns = {name: np.zeros((len(place), 1)) for name in rows[0]} if rows else {}
    for row in rows:
        for name, column in columns.items():
            column[place[row["drive_id"]]] = row[name] or 0.0
    hours, kms = columns["known_s"] / _S_PER_H, columns["distance_km"]
    for name, (numerator, denominator, label) in _SHARES.items():
        shown: ExposureUnit = "km" if denominator.endswith("_km") else "h"
        top, bottom = columns[numerator], columns[denominator]
        yield Measure(name, label, "", "share", top, bottom, hours, kms, shown)


def _means(rows: Sequence[dict[str, Any]], place: dict[int, int]) -> Iterator[Measure]:
    for name, (weight, unit, label) in _MEANS.items():
        logged = [row for row in rows if row[name] is not None]
        seconds = _by_band(logged, weight, place)
        values = _by_band(logged, name, place)
        hours = seconds / _S_PER_H
        yield Measure(name, label, unit, "mean", values * seconds, seconds, hours, None, "h")


def _by_band(
    rows: Sequence[dict[str, Any]], column: str, place: dict[int, int]
) -> NDArray[np.float64]:
    """A column of rows by drive and speed band; where there is no row, 0."""
    values = np.zeros((len(place), len(BANDS)))
    for row in rows:
        values[place[row["drive_id"]], BANDS.index(row["speed_band"])] += row[column] or 0.0
    return values
