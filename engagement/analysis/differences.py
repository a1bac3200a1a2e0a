"""One measure compared between two groups of drives.

A is the baseline and B the candidate: every ratio is B / A. The unit of chance is the drive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from engagement.analysis.intervals import mean_interval, share_interval
from engagement.analysis.ratios import Ratio, compare_amounts, compare_groups, crude_ratio, naive_p
from engagement.analysis.samples import Sample, dispersion
from engagement.analysis.speeds import alike_fraction, band_values, find_obstacle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from engagement.analysis.intervals import Interval
    from engagement.analysis.measures import Better, ExposureUnit, Kind, Measure
    from engagement.analysis.ratios import Basis, Outcome
    from engagement.analysis.sequential import Sequence as Looks
    from engagement.analysis.speeds import BandValues, Obstacle

    Answer = Literal["better", "worse", "open", "too_few", "speeds_differ", "nothing"]

SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class GroupValue:
    """A measure in one group; `n_drives` are those with exposure, `n_events` a rate's count.

    `n_untold_drives` were engaged, but nobody knows what was counted in them. The value is null
    without exposure, the limits where drives are too few for them; `interval` says what they rest
    on.
    """

    n_drives: int
    n_untold_drives: int
    n_events: int | None
    exposure_h: float
    exposure_km: float | None
    value: float | None
    lower: float | None
    upper: float | None
    interval: str | None


@dataclass(frozen=True, slots=True)
class Driving:
    """What a group still lacks to show a 30 % difference; kilometres where the measure has any."""

    hours: float
    km: float | None


@dataclass(frozen=True, slots=True)
class Difference:
    """How a measure differs between the groups.

    Attributes:
        better: Whether lower or higher values are the better ones.
        ratio: B / A at like speeds, or simply B / A if the measure has no speed bands; None where
            nothing can be compared. Infinite where only B has events.
        crude_ratio: B / A whatever the speeds.
        compared_fraction: Share of the exposure at speeds that both groups have; None without any.
        alike_fraction: Share of each group's exposure that the other has at the same speeds.
        obstacle: Why the ratio is not to be relied on: `few_alike` speeds, or a crude ratio on the
            `other_side` of 1, and not because both are close to it.
        bands: What each group has in each speed band; none of a measure without bands.
        dispersion: Pearson's chi2 by its degrees of freedom over the drives; 1 for Poisson.
        basis: What the test's dispersion rests on: the database, or these drives alone.
        n_others: Other drives of the database that have exposure in it.
        answer: What p and the direction say; `speeds_differ` where an obstacle forbids to say it.
        p_value: By the moderated score test, two-sided, of the ratio being 1.
        naive_p_value: The same if every event were independent of all others.
        needed_a: What A lacks to show a 30 % difference; 0 if there is enough.
        needed_b: The same of B.
        sequence: Looks after every drive, if they were asked for.
    """

    name: str
    label: str
    unit: str
    kind: Kind
    exposure_unit: ExposureUnit
    better: Better
    a: GroupValue
    b: GroupValue
    ratio: Ratio
    crude_ratio: float | None
    is_stratified: bool
    compared_fraction: float | None
    alike_fraction: float | None
    obstacle: Obstacle | None
    bands: tuple[BandValues, ...]
    dispersion: float | None
    basis: Basis | None
    n_others: int
    answer: Answer
    p_value: float | None
    naive_p_value: float | None
    needed_a: Driving | None
    needed_b: Driving | None
    sequence: Looks | None = None

    @property
    def is_enough(self) -> bool:
        """Whether a 30 % difference would show already."""
        needed = (self.needed_a, self.needed_b)
        return all(driving is not None and driving.hours == 0 for driving in needed)


def compare_measures(
    measures: Sequence[Measure],
    is_b: NDArray[np.bool_],
    intervals: Mapping[str, Sequence[Interval]],
    drive_ids: NDArray[np.int64] | None = None,
) -> list[Difference]:
    """Compare A and B, the first drives of each measure; those that follow are the others.

    `is_b` marks the drives of the candidate among the first ones; the others of the database only
    tell how much drives vary. `intervals` has A's and B's of each rate, by the measure's name.
    `drive_ids` tell which of A's and B's drives are the same, where parts of one may be in both.
    """
    pairs = [_Pair.of(measure, is_b, drive_ids) for measure in measures]
    outcomes = _outcomes(pairs)
    return [
        _difference(pair, outcome, intervals.get(pair.measure.name))
        for pair, outcome in zip(pairs, outcomes, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Pair:
    """A measure of two groups: all of it, what is comparable, and that of the other drives."""

    measure: Measure
    sample: Sample
    like: Sample | None
    others: Sample

    @classmethod
    def of(
        cls, measure: Measure, is_b: NDArray[np.bool_], drive_ids: NDArray[np.int64] | None
    ) -> _Pair:
        n_drives = len(is_b)
        sample = Sample(
            measure.numerators[:n_drives], measure.denominators[:n_drives], is_b, drive_ids
        )
        bands = sample.common_bands()
        if measure.is_banded:
            bands[-1] = False  # at unknown speeds nothing is alike
        others = Sample(
            measure.numerators[n_drives:, bands],
            measure.denominators[n_drives:, bands],
            np.zeros(len(measure.numerators) - n_drives, dtype=np.bool_),
        )
        return cls(measure, sample, sample.take_bands(bands), others)


def _outcomes(pairs: Sequence[_Pair]) -> list[Outcome | None]:
    """The test of each that has anything to compare; rates over the same exposure together."""
    found: list[Outcome | None] = [None] * len(pairs)
    numbers_by_exposure: dict[str, list[int]] = {}
    for number, pair in enumerate(pairs):
        if pair.like is None:
            continue
        if pair.measure.kind == "rate":
            # What the old system counted has the exposure of other drives, each event its own.
            of = pair.measure.unit if pair.measure.is_banded else pair.measure.name
            numbers_by_exposure.setdefault(of, []).append(number)
        else:
            found[number] = compare_amounts(pair.like, pair.others)
    for numbers in numbers_by_exposure.values():
        likes = [like for number in numbers if (like := pairs[number].like)]
        outcomes = compare_groups(likes, [pairs[number].others for number in numbers])
        for number, outcome in zip(numbers, outcomes, strict=True):
            found[number] = outcome
    return found


def _difference(
    pair: _Pair, outcome: Outcome | None, intervals: Sequence[Interval] | None
) -> Difference:
    measure, sample, like = pair.measure, pair.sample, pair.like
    is_rate, has_bands = measure.kind == "rate", measure.is_banded
    crude = crude_ratio(sample)
    alike = alike_fraction(sample) if has_bands else None
    ratio = outcome.ratio if outcome else Ratio()
    obstacle = find_obstacle(ratio.value, crude, alike)
    needed = outcome.needed if outcome else None
    scale = _exposure_scale(measure, sample.n_drives)
    return Difference(
        name=measure.name,
        label=measure.label,
        unit=measure.unit,
        kind=measure.kind,
        exposure_unit=measure.exposure_unit,
        better=measure.better,
        a=_value(measure, np.flatnonzero(~sample.is_b), intervals[0] if intervals else None),
        b=_value(measure, np.flatnonzero(sample.is_b), intervals[1] if intervals else None),
        ratio=ratio,
        crude_ratio=crude,
        is_stratified=has_bands,
        compared_fraction=_compared_fraction(sample, like),
        alike_fraction=alike,
        obstacle=obstacle,
        bands=band_values(sample) if has_bands else (),
        dispersion=dispersion(sample) if is_rate else None,
        basis=outcome.basis if outcome else None,
        n_others=pair.others.exposed().n_drives,
        answer=_answer(measure.better, outcome, obstacle),
        p_value=outcome.p_value if outcome else None,
        naive_p_value=naive_p(like) if like and is_rate else None,
        needed_a=_driving(needed.a, *scale) if needed else None,
        needed_b=_driving(needed.b, *scale) if needed else None,
    )


def _answer(better: Better, outcome: Outcome | None, obstacle: Obstacle | None) -> Answer:
    if outcome is None or outcome.ratio.value is None:
        return "nothing"
    if outcome.is_too_few:
        return "too_few"
    if obstacle == "few_alike":
        return "speeds_differ"
    if outcome.p_value is None or outcome.p_value >= SIGNIFICANT:
        return "open"
    if obstacle:
        return "speeds_differ"
    return "better" if (outcome.ratio.value < 1) == (better == "lower") else "worse"


def _value(measure: Measure, drives: NDArray[np.intp], interval: Interval | None) -> GroupValue:
    everything = np.zeros(len(drives), dtype=np.bool_)
    group = Sample(measure.numerators[drives], measure.denominators[drives], everything)
    if interval is None:
        interval = share_interval(group) if measure.kind == "share" else mean_interval(group)
    kms = measure.exposures_km
    return GroupValue(
        n_drives=group.exposed().n_drives,
        n_untold_drives=int(measure.is_untold[drives].sum()),
        n_events=int(group.numerators.sum()) if measure.kind == "rate" else None,
        exposure_h=float(measure.exposures_h[drives].sum()),
        exposure_km=None if kms is None else float(kms[drives].sum()),
        value=interval.value,
        lower=interval.lower,
        upper=interval.upper,
        interval=interval.kind,
    )


def _compared_fraction(sample: Sample, like: Sample | None) -> float | None:
    exposure = float(sample.denominators.sum())
    if not exposure:
        return None
    return float(like.denominators.sum()) / exposure if like else 0.0


def _exposure_scale(measure: Measure, n_drives: int) -> tuple[float, float | None]:
    """Hours and kilometres that a unit of exposure takes."""
    exposure = float(measure.denominators[:n_drives].sum()) or 1.0
    hours = float(measure.exposures_h[:n_drives].sum()) / exposure
    kms = measure.exposures_km
    return hours, None if kms is None else float(kms[:n_drives].sum()) / exposure


def _driving(exposure: float, hours: float, km: float | None) -> Driving:
    """An exposure as time and distance."""
    return Driving(exposure * hours, None if km is None else exposure * km)
