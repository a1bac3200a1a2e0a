"""How a measure differs between two groups of drives: ratio, interval, p, and what is lacking.

A is the baseline and B the candidate: every ratio is B / A. The unit of chance is the drive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engagement.analysis.intervals import mean_interval, rate_interval, share_interval
from engagement.analysis.permutation import permutation_tests, relabel
from engagement.analysis.power import count_variances, needed_exposure
from engagement.analysis.ratios import Ratio, mean_ratio, mean_variances, naive_p, rate_ratio
from engagement.analysis.samples import Sample, dispersion, inflation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from engagement.analysis.intervals import Interval
    from engagement.analysis.measures import ExposureUnit, Kind, Measure
    from engagement.analysis.permutation import PermutationTest
    from engagement.analysis.samples import Spread


@dataclass(frozen=True, slots=True)
class GroupValue:
    """A measure in one group; `n_drives` are those with exposure, `n_events` a rate's count.

    The value is null without exposure, the interval where drives are too few for it.
    """

    n_drives: int
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
        ratio: B / A at like speeds, or simply B / A if the measure has no speed bands; None where
            nothing can be compared. Infinite where only B has events.
        crude_ratio: B / A whatever the speeds.
        compared_fraction: Share of the exposure at speeds that both groups have; None without any.
        dispersion: Pearson's chi2 by its degrees of freedom over the drives; 1 for Poisson.
        inflation: What the ratio's interval multiplies Poisson's variance with: drives by length.
        p_value: By relabelling drives, two-sided, of the ratio being 1.
        naive_p_value: The same if every event were independent of all others.
        needed_a: What A lacks to show a 30 % difference; 0 if there is enough.
        needed_b: The same of B.
    """

    name: str
    label: str
    unit: str
    kind: Kind
    exposure_unit: ExposureUnit
    a: GroupValue
    b: GroupValue
    ratio: Ratio
    crude_ratio: Ratio
    is_stratified: bool
    compared_fraction: float | None
    dispersion: float | None
    inflation: float | None
    p_value: float | None
    is_exact_p: bool
    n_relabellings: int
    naive_p_value: float | None
    needed_a: Driving | None
    needed_b: Driving | None

    @property
    def is_enough(self) -> bool:
        """Whether a 30 % difference would show already."""
        needed = (self.needed_a, self.needed_b)
        return all(driving is not None and driving.hours == 0 for driving in needed)


class Method:
    """How measures are compared; labels are dealt once for all that have the same drives."""

    def __init__(self, dispersion_max: float, n_permutations: int, seed: int) -> None:
        self._dispersion_max = dispersion_max
        self._n_permutations = n_permutations
        self._seed = seed

    def compare(self, measures: Sequence[Measure], is_b: NDArray[np.bool_]) -> list[Difference]:
        """Compare the groups in each measure; `is_b` marks the drives of the candidate."""
        samples = [Sample(measure.numerators, measure.denominators, is_b) for measure in measures]
        likes = [
            _at_known_speeds(measure, sample).comparable()
            for measure, sample in zip(measures, samples, strict=True)
        ]
        parts = zip(measures, samples, likes, self._test(likes), strict=True)
        return [self._difference(*part) for part in parts]

    def _test(self, samples: Sequence[Sample | None]) -> list[PermutationTest | None]:
        """The permutation test of each sample that there is."""
        numbers_by_labels: dict[bytes, list[int]] = {}
        for number, sample in enumerate(samples):
            if sample is not None:
                numbers_by_labels.setdefault(sample.is_b.tobytes(), []).append(number)
        tests: list[PermutationTest | None] = [None] * len(samples)
        for labels, numbers in numbers_by_labels.items():
            is_b = np.frombuffer(labels, dtype=np.bool_)
            relabellings = relabel(is_b, n_permutations=self._n_permutations, seed=self._seed)
            alike = [sample for n in numbers if (sample := samples[n]) is not None]
            tables = [(sample.numerators, sample.denominators) for sample in alike]
            found = permutation_tests(tables, is_b, relabellings)
            for number, test in zip(numbers, found, strict=True):
                tests[number] = test
        return tests

    def _difference(
        self, measure: Measure, sample: Sample, like: Sample | None, test: PermutationTest | None
    ) -> Difference:
        crude = sample.crude()
        is_rate = measure.kind == "rate"
        extra = inflation(like or crude) if is_rate else None
        has_both = crude.comparable() is not None
        needed = _needed(measure, crude, extra)
        return Difference(
            name=measure.name,
            label=measure.label,
            unit=measure.unit,
            kind=measure.kind,
            exposure_unit=measure.exposure_unit,
            a=self._value(measure, ~sample.is_b),
            b=self._value(measure, sample.is_b),
            ratio=_ratio(measure.kind, like, extra),
            crude_ratio=_ratio(measure.kind, crude if has_both else None, inflation(crude)),
            is_stratified=measure.kind != "share",
            compared_fraction=_compared_fraction(sample, like),
            dispersion=dispersion(crude) if is_rate else None,
            inflation=extra.size if extra else None,
            p_value=test.p_value if test else None,
            is_exact_p=test.is_exact if test else False,
            n_relabellings=test.n_relabellings if test else 0,
            naive_p_value=naive_p(like) if like and is_rate else None,
            needed_a=needed[0] if needed else None,
            needed_b=needed[1] if needed else None,
        )

    def _value(self, measure: Measure, drives: NDArray[np.bool_]) -> GroupValue:
        everything = np.zeros(int(drives.sum()), dtype=np.bool_)
        group = Sample(measure.numerators[drives], measure.denominators[drives], everything)
        interval = self._interval(measure.kind, group)
        kms = measure.exposures_km
        return GroupValue(
            n_drives=group.exposed().n_drives,
            n_events=int(group.numerators.sum()) if measure.kind == "rate" else None,
            exposure_h=float(measure.exposures_h[drives].sum()),
            exposure_km=None if kms is None else float(kms[drives].sum()),
            value=interval.value,
            lower=interval.lower,
            upper=interval.upper,
            interval=interval.kind,
        )

    def _interval(self, kind: Kind, group: Sample) -> Interval:
        if kind == "rate":
            return rate_interval(group, dispersion_max=self._dispersion_max)
        return share_interval(group) if kind == "share" else mean_interval(group)


def _at_known_speeds(measure: Measure, sample: Sample) -> Sample:
    """Without the band of unknown speeds, which are not like each other."""
    if measure.kind == "share":
        return sample
    return Sample(sample.numerators[:, :-1], sample.denominators[:, :-1], sample.is_b)


def _ratio(kind: Kind, sample: Sample | None, extra: Spread | None) -> Ratio:
    if sample is None:
        return Ratio()
    return rate_ratio(sample, extra) if kind == "rate" else mean_ratio(sample)


def _compared_fraction(sample: Sample, like: Sample | None) -> float | None:
    exposure = float(sample.denominators.sum())
    if not exposure:
        return None
    return float(like.denominators.sum()) / exposure if like else 0.0


def _needed(
    measure: Measure, crude: Sample, extra: Spread | None
) -> tuple[Driving, Driving] | None:
    """What the groups lack to show a difference; None where nothing tells how much drives vary."""
    exposures = [float(crude.group(is_b=is_b).denominators.sum()) for is_b in (False, True)]
    exposure = sum(exposures)
    variances = mean_variances(crude) if measure.kind != "rate" else None
    if extra and exposure:
        variances = count_variances(float(crude.numerators.sum()) / exposure, extra.size)
    if variances is None:
        return None
    lacking = needed_exposure(variances, (exposures[0], exposures[1]))
    hours = float(measure.exposures_h.sum()) / exposure
    kms = measure.exposures_km
    km = None if kms is None else float(kms.sum()) / exposure
    return _driving(lacking.a, hours, km), _driving(lacking.b, hours, km)


def _driving(exposure: float, hours: float, km: float | None) -> Driving:
    """An exposure as time and distance, of which a unit of exposure takes so much."""
    return Driving(exposure * hours, None if km is None else exposure * km)
