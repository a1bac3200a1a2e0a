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
    Better = Literal["lower", "higher"]
    Columns = dict[str, NDArray[Any]]

BANDS = ("city", "road", "highway", "unknown")  # the last one is never like another's

_KM_PER_UNIT = 100.0
_S_PER_H = 3600.0

# What an event is called in `event_counts`: its plural, and what people read. Fewer are better.
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

# Columns of `drives`: numerator, denominator. More is better.
_SHARES = {
    "engaged_fraction": ("engaged_s", "known_s", "share of time engaged"),
    "moving_engaged_fraction": ("moving_engaged_s", "moving_s", "share of moving time engaged"),
    "distance_engaged_fraction": ("engaged_km", "known_km", "share of distance engaged"),
}

# Columns of `tuning`: the time that it is over, its unit, what people read. Less is better.
_MEANS = {
    "lateral_error_mean_mps2": ("lateral_error_s", "m/s2", "mean lateral error"),
    "lateral_error_p95_mps2": ("lateral_error_s", "m/s2", "95th percentile of lateral error"),
    "saturated_fraction": ("command_s", "", "share of time saturated"),
    "oscillation_rms_deg": ("oscillation_s", "deg", "steering oscillation"),
    "sign_flips_per_s": ("sign_flips_s", "", "steering sign flips per second"),
}

# Two measures that are one where they count the same: the first is then not shown.
PARTS = {"disengagements_counted": "disengagements"}

_DRIVES = """
select drive_id, engaged_s, known_s, moving_engaged_s, moving_s, engaged_km, distance_km, known_km
from engagement.main.drives
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
_TUNING = f"""
select
    drive_id,
    speed_band,
    {", ".join(sorted({weight for weight, _, _ in _MEANS.values()}))},
    {", ".join(f"{name}, ({name} is not null)::integer as {name}_known" for name in _MEANS)}
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
        better: Whether lower or higher values are the better ones.
        event: Of a rate: as `event_counts` has it.
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
    better: Better = "lower"
    event: str = ""


def measure_names() -> list[str]:
    """Every measure, in the order of reports."""
    rates = [f"{plural}_per_{unit}" for unit in ("100km", "hour") for plural, _ in _EVENTS.values()]
    return [*rates, *_SHARES, *_MEANS]


def read_measures(reader: Queryable, drive_ids: Sequence[int]) -> Iterator[Measure]:
    """Yield every measure of the drives, in the order of `drive_ids`."""
    place = _Places(drive_ids)
    drives = _read(reader, _DRIVES, place)
    bands = _read(reader, _EXPOSURE, place)
    hours = _exposure(bands, drives, "engaged_s", place) / _S_PER_H
    kms = _exposure(bands, drives, "engaged_km", place)
    yield from _rates(_read(reader, _COUNTS, place), place, hours, kms)
    yield from _shares(drives, place)
    yield from _means(_read(reader, _TUNING, place), place)


class _Places:
    """Where a drive stands in the order that was asked for."""

    def __init__(self, drive_ids: Sequence[int]) -> None:
        self.drive_ids = np.array(drive_ids, dtype=np.int64)
        self._order = np.argsort(self.drive_ids)

    def __len__(self) -> int:
        return len(self.drive_ids)

    def of(self, drive_ids: NDArray[Any]) -> NDArray[np.intp]:
        """The places of drives."""
        return self._order[np.searchsorted(self.drive_ids, drive_ids, sorter=self._order)]


def _read(reader: Queryable, query: str, place: _Places) -> Columns:
    """The columns of a query over the drives; numbers are 0 where they are null."""
    table = reader.table(query, {"drives": place.drive_ids.tolist()})
    columns = {name: table[name].to_numpy() for name in table.column_names}
    return {
        name: np.nan_to_num(column.astype(np.float64)) if column.dtype.kind in "fiu" else column
        for name, column in columns.items()
    } | {"place": place.of(columns["drive_id"])}


def _exposure(bands: Columns, drives: Columns, column: str, place: _Places) -> NDArray[np.float64]:
    """Exposure by drive and speed band; what no band has of the drive's is at unknown speed.

    Bands count whole steps from sample to sample, so in a coarse log they may have a little more
    than the drive: then each has its part of the drive's.
    """
    exposure = _by_band(bands, column, place)
    totals = np.zeros(len(place))
    totals[drives["place"]] = drives[column]
    in_bands = exposure.sum(axis=1)
    exposure *= np.where(in_bands > totals, totals / np.where(in_bands > 0, in_bands, 1), 1.0)[
        :, None
    ]
    exposure[:, -1] += np.maximum(totals - in_bands, 0.0)
    return exposure


def _rates(
    counts: Columns,
    place: _Places,
    hours: NDArray[np.float64],
    kms: NDArray[np.float64],
) -> Iterator[Measure]:
    units: tuple[tuple[str, str, NDArray[np.float64], ExposureUnit], ...] = (
        ("100km", "per 100 km", kms / _KM_PER_UNIT, "km"),
        ("hour", "per hour", hours, "h"),
    )
    numerators_by_event = {
        event: _by_band(counts, "n_events", place, counts["event"] == event) for event in _EVENTS
    }
    for suffix, unit, denominators, exposure_unit in units:
        for event, (plural, label) in _EVENTS.items():
            name, numerators = f"{plural}_per_{suffix}", numerators_by_event[event]
            yield Measure(
                name, label, unit, "rate", numerators, denominators, hours, kms, exposure_unit,
                event=event,
            )  # fmt: skip


def _shares(drives: Columns, place: _Places) -> Iterator[Measure]:
    columns = {}
    for name, values in drives.items():
        columns[name] = np.zeros((len(place), 1))
        columns[name][drives["place"], 0] = values
    hours, kms = columns["known_s"] / _S_PER_H, columns["distance_km"]
    for name, (numerator, denominator, label) in _SHARES.items():
        shown: ExposureUnit = "km" if denominator.endswith("_km") else "h"
        top, bottom = columns[numerator], columns[denominator]
        yield Measure(name, label, "", "share", top, bottom, hours, kms, shown, "higher")


def _means(rows: Columns, place: _Places) -> Iterator[Measure]:
    for name, (weight, unit, label) in _MEANS.items():
        is_logged = rows[f"{name}_known"] > 0
        seconds = _by_band(rows, weight, place, is_logged)
        values = _by_band(rows, name, place, is_logged)
        hours = seconds / _S_PER_H
        yield Measure(name, label, unit, "mean", values * seconds, seconds, hours, None, "h")


def _by_band(
    rows: Columns, column: str, place: _Places, is_wanted: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """A column of rows by drive and speed band; where there is no row, 0."""
    values = np.zeros((len(place), len(BANDS)))
    bands = np.array([BANDS.index(band) for band in rows["speed_band"]], dtype=np.intp)
    taken = slice(None) if is_wanted is None else is_wanted
    np.add.at(values, (rows["place"][taken], bands[taken]), rows[column][taken])
    return values
