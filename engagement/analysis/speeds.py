"""How far two groups were driven at the same speeds, and whether that makes a ratio doubtful."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from engagement.analysis.measures import BANDS

if TYPE_CHECKING:
    from engagement.analysis.samples import Sample

    Obstacle = Literal["few_alike", "other_side"]

_LEAST_ALIKE = 0.5  # of the driving at the same speeds, for ratios that mean something
_APART = math.log(1.1)  # ratios on two sides of 1 that are closer are only noise


@dataclass(frozen=True, slots=True)
class BandValues:
    """A measure in one speed band: amounts (events of a rate) and exposures in its own unit."""

    speed_band: str
    a: float
    a_exposure: float
    b: float
    b_exposure: float


def find_obstacle(ratio: float | None, crude: float | None, alike: float | None) -> Obstacle | None:
    """Why a ratio at like speeds is not to be relied on."""
    if alike is None or ratio is None or crude is None:
        return None
    if alike < _LEAST_ALIKE:
        return "few_alike"
    if (ratio - 1) * (crude - 1) >= 0:
        return None
    low, high = sorted((ratio, crude))
    is_far = low == 0 or math.isinf(high) or math.log(high / low) > _APART
    return "other_side" if is_far else None


def alike_fraction(sample: Sample) -> float | None:
    """How much of each group's driving the other has at the same known speeds."""
    shares = []
    for group in (sample.group(is_b=False), sample.group(is_b=True)):
        exposures = group.denominators[:, :-1].sum(axis=0)
        if not exposures.sum():
            return None
        shares.append(exposures / exposures.sum())
    return float(np.minimum(*shares).sum())


def band_values(sample: Sample) -> tuple[BandValues, ...]:
    """What each group has in each speed band."""
    a, b = sample.group(is_b=False), sample.group(is_b=True)
    columns = [
        part.sum(axis=0).tolist()
        for group in (a, b)
        for part in (group.numerators, group.denominators)
    ]
    return tuple(BandValues(band, *values) for band, *values in zip(BANDS, *columns, strict=True))
