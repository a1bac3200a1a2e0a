"""What is compared: each measure is sum(numerator) / sum(denominator) over a group's drives.

Rates and tuning come by speed band, so that they can be compared at like speeds; the engaged
shares are of whole drives, as `drives` has them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from engagement.groupings import Crossing
    from engagement.store.query_types import Queryable

    Kind = Literal["rate", "share", "mean"]
    ExposureUnit = Literal["h", "km"]
    Better = Literal["lower", "higher"]
    Columns = dict[str, NDArray[Any]]

BANDS = ("city", "road", "highway", "unknown")  # the last one is never like another's


@dataclass(frozen=True, slots=True)
class _Unit:
    """Of rates: the end of a measure's name, what people read, and the exposure that is shown."""

    suffix: str
    words: str
    shown: ExposureUnit


_UNITS = (_Unit("100km", "per 100 km", "km"), _Unit("hour", "per hour", "h"))
_KM_PER_UNIT = 100.0
_S_PER_H = 3600.0
_ROUNDING = 1e-9  # of an exposure: no less is left over

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

# What the old system counted, as `legacy_counts` has it: of whole drives, so at any speed.
_LEGACY = {
    "legacy_disengagement": ("legacy_disengagements", "old system's disengagements"),
    "legacy_steer_intervention": (
        "legacy_steer_interventions",
        "old system's steering interventions",
    ),
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
select
    drive_id,
    engaged_s,
    known_s,
    moving_engaged_s,
    moving_s,
    engaged_km,
    distance_km,
    case when is_imported then distance_km else known_km end as known_km,
    (not is_imported)::integer as has_events
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
_SAVED = "select name, event from saved_moments order by name"
_TOLD = """
select drive_id, speed_band, event, exposure_s, distance_km
from moment_exposures
where mode = 'engaged' and drive_id in (select unnest($drives))
"""
_LEGACY_COUNTS = """
select drive_id, event, n_events
from legacy_counts
where drive_id in (select unnest($drives))
"""
_NO_LEGACY_COUNTS = """
select drive_id, event, n_events
from event_counts
where drive_id in (select unnest($drives))
limit 0
"""
_GROUP = """
with cells as materialized (
    select *
    from ({cells})
    where group_name = $group and drive_id in (select unnest($drives))
)
"""
_GROUP_DRIVES = """
select
    drive_id,
    sum(engaged_s) as engaged_s,
    sum(known_s) as known_s,
    sum(moving_engaged_s) as moving_engaged_s,
    sum(moving_s) as moving_s,
    sum(engaged_km) as engaged_km,
    sum(distance_km) as distance_km,
    sum(known_km) as known_km,
    (not any_value(is_imported))::integer as has_events
from cells
group by drive_id
"""
_GROUP_EXPOSURE = """
select bands.drive_id, bands.speed_band, bands.engaged_s, bands.engaged_km
from result.part_bands as bands
inner join cells
    on
        bands.drive_id = cells.drive_id
        and bands.part_num = cells.part_num
        and (cells.speed_band is null or bands.speed_band = cells.speed_band)
"""
_GROUP_COUNTS = """
select counts.drive_id, counts.speed_band, counts.event, counts.n_events
from event_counts as counts
inner join cells
    on
        counts.drive_id = cells.drive_id
        and counts.part_num = cells.part_num
        and (cells.speed_band is null or counts.speed_band = cells.speed_band)
where counts.mode = 'engaged'
"""
_GROUP_TOLD = """
select told.drive_id, told.speed_band, told.event, told.exposure_s, told.distance_km
from moment_exposures as told
inner join cells
    on
        told.drive_id = cells.drive_id
        and told.part_num = cells.part_num
        and (cells.speed_band is null or told.speed_band = cells.speed_band)
where told.mode = 'engaged'
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
        is_untold: Of which drives with such driving the amount is not known.
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
    is_untold: NDArray[np.bool_]
    exposures_h: NDArray[np.float64]
    exposures_km: NDArray[np.float64] | None
    exposure_unit: ExposureUnit
    better: Better = "lower"
    event: str = ""

    @property
    def is_banded(self) -> bool:
        """Whether it has speed bands, so that it can be compared at like speeds."""
        return bool(self.numerators.shape[1] > 1)

    def at(self, places: NDArray[np.intp]) -> Measure:
        """The same measure of the drives at these places alone."""
        km = self.exposures_km
        return replace(
            self,
            numerators=self.numerators[places],
            denominators=self.denominators[places],
            is_untold=self.is_untold[places],
            exposures_h=self.exposures_h[places],
            exposures_km=None if km is None else km[places],
        )


def event_label(event: str) -> str:
    """What people read of an event that `rates` has: its plural."""
    words = {**_EVENTS, **_LEGACY}.get(event)
    return words[1] if words else f"{event.replace('_', ' ')}s"


def measure_names() -> list[str]:
    """Every measure but those of saved moments, in the order of reports."""
    events = [plural for plural, _ in (*_EVENTS.values(), *_LEGACY.values())]
    rates = [f"{plural}_per_{unit}" for unit in ("100km", "hour") for plural in events]
    return [*rates, *_SHARES, *_MEANS]


@dataclass(frozen=True, slots=True)
class PartOf:
    """Of drives only what is in a group of such a kind that a drive may be in it in part."""

    crossing: Crossing
    group_name: str


def read_measures(
    reader: Queryable, drive_ids: Sequence[int], part: PartOf | None = None
) -> Iterator[Measure]:
    """Yield every measure of the drives, in the order of `drive_ids`.

    Args:
        reader: The database.
        drive_ids: The drives, each once.
        part: What of them is meant; all if it is None.
    """
    place = _Places(drive_ids)
    drives = _read(reader, _DRIVES if part is None else _GROUP_DRIVES, place, part)
    bands = _read(reader, _EXPOSURE if part is None else _GROUP_EXPOSURE, place, part)
    counts = _read(reader, _COUNTS if part is None else _GROUP_COUNTS, place, part)
    # A file of an older engagement has no view of them.
    legacy = _read(reader, _LEGACY_COUNTS if reader.is_current else _NO_LEGACY_COUNTS, place)
    whole = np.zeros((2, len(place), 1))
    whole[:, drives["place"], 0] = drives["engaged_s"] / _S_PER_H, drives["engaged_km"]
    has_events = np.zeros((len(place), 1))
    has_events[drives["place"], 0] = drives["has_events"]
    hours = _exposure(bands, drives, "engaged_s", place) * has_events / _S_PER_H
    kms = _exposure(bands, drives, "engaged_km", place) * has_events
    for unit in _UNITS:
        yield from _rates(counts, place, (hours, kms), whole, unit)
        yield from _legacy_rates(legacy, place, whole, unit, is_told=part is None)
    yield from _moment_rates(reader, counts, place, whole, part)
    yield from _shares(drives, place)
    tuning = _read(reader, _TUNING, place)
    if part is not None:  # that of whole drives is not the part's
        tuning = {name: values[:0] for name, values in tuning.items()}
    yield from _means(tuning, place)


def join_measures(measures: Sequence[Measure]) -> Measure:
    """One measure of several lists of drives, one after the other."""

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(measure, name) for measure in measures])

    has_km = measures[0].exposures_km is not None
    return replace(
        measures[0],
        numerators=joined("numerators"),
        denominators=joined("denominators"),
        is_untold=joined("is_untold"),
        exposures_h=joined("exposures_h"),
        exposures_km=joined("exposures_km") if has_km else None,
    )


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


def _read(reader: Queryable, query: str, place: _Places, part: PartOf | None = None) -> Columns:
    """The columns of a query over the drives; numbers are 0 where they are null."""
    parameters: dict[str, Any] = {"drives": place.drive_ids.tolist()}
    if part is not None:
        parameters["group"] = part.group_name
        query = _GROUP.format(cells=part.crossing.cells) + query
    table = reader.table(query, parameters)
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
    rest = totals - in_bands
    exposure[:, -1] += np.where(rest > _ROUNDING * totals, rest, 0.0)
    return exposure


def _rates(
    counts: Columns,
    place: _Places,
    exposures: tuple[NDArray[np.float64], NDArray[np.float64]],
    whole: NDArray[np.float64],
    unit: _Unit,
) -> Iterator[Measure]:
    hours, kms = exposures
    denominators = kms / _KM_PER_UNIT if unit.shown == "km" else hours
    is_untold = _is_untold(whole, denominators, unit)
    for event, (plural, label) in _EVENTS.items():
        name = f"{plural}_per_{unit.suffix}"
        numerators = _by_band(counts, "n_events", place, counts["event"] == event)
        yield Measure(
            name, label, unit.words, "rate", numerators, denominators, is_untold, hours, kms,
            unit.shown, event=event,
        )  # fmt: skip


def _is_untold(
    whole: NDArray[np.float64], denominators: NDArray[np.float64], unit: _Unit
) -> NDArray[np.bool_]:
    """Which drives were engaged, but have no exposure, as nobody counted their events."""
    hours, kms = whole[:, :, 0]
    is_engaged = (kms if unit.shown == "km" else hours) > 0
    untold: NDArray[np.bool_] = is_engaged & (denominators.sum(axis=1) == 0)
    return untold


def _legacy_rates(
    counts: Columns, place: _Places, whole: NDArray[np.float64], unit: _Unit, *, is_told: bool
) -> Iterator[Measure]:
    """Rates of what the old system counted, over the drives in which it could; not over parts."""
    for event, (plural, label) in _LEGACY.items():
        own = counts["event"] == event
        numerators, is_counted = np.zeros((2, len(place), 1))
        numerators[counts["place"][own], 0] = counts["n_events"][own]
        is_counted[counts["place"][own], 0] = is_told
        hours, kms = whole * is_counted
        denominators = kms / _KM_PER_UNIT if unit.shown == "km" else hours
        numerators = np.where(denominators > 0, numerators, 0.0)
        name = f"{plural}_per_{unit.suffix}"
        is_untold = _is_untold(whole, denominators, unit)
        yield Measure(
            name, label, unit.words, "rate", numerators, denominators, is_untold, hours, kms,
            unit.shown, event=event,
        )  # fmt: skip


def _moment_rates(
    reader: Queryable,
    counts: Columns,
    place: _Places,
    whole: NDArray[np.float64],
    part: PartOf | None,
) -> Iterator[Measure]:
    """Rates of saved moments, in the driving in which each could be told; fewer are better."""
    saved = reader.rows(_SAVED) if reader.is_current else []
    if not saved:
        return
    told = _read(reader, _TOLD if part is None else _GROUP_TOLD, place, part)
    for unit in _UNITS:
        for row in saved:
            own = told["event"] == row["event"]
            hours = _by_band(told, "exposure_s", place, own) / _S_PER_H
            kms = _by_band(told, "distance_km", place, own)
            denominators = kms / _KM_PER_UNIT if unit.shown == "km" else hours
            numerators = _by_band(counts, "n_events", place, counts["event"] == row["event"])
            yield Measure(
                f"{row['event']}_per_{unit.suffix}", row["name"], unit.words, "rate",
                np.where(denominators > 0, numerators, 0.0), denominators,
                _is_untold(whole, denominators, unit), hours, kms, unit.shown, event=row["event"],
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
        yield Measure(
            name, label, "", "share", top, bottom, _none(place), hours, kms, shown, "higher"
        )


def _means(rows: Columns, place: _Places) -> Iterator[Measure]:
    for name, (weight, unit, label) in _MEANS.items():
        is_logged = rows[f"{name}_known"] > 0
        seconds = _by_band(rows, weight, place, is_logged)
        values = _by_band(rows, name, place, is_logged)
        hours = seconds / _S_PER_H
        yield Measure(
            name, label, unit, "mean", values * seconds, seconds, _none(place), hours, None, "h"
        )


def _none(place: _Places) -> NDArray[np.bool_]:
    return np.zeros(len(place), dtype=np.bool_)


def _by_band(
    rows: Columns, column: str, place: _Places, is_wanted: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """A column of rows by drive and speed band; where there is no row, 0."""
    values = np.zeros((len(place), len(BANDS)))
    bands = np.array([BANDS.index(band) for band in rows["speed_band"]], dtype=np.intp)
    taken = slice(None) if is_wanted is None else is_wanted
    np.add.at(values, (rows["place"][taken], bands[taken]), rows[column][taken])
    return values
