"""How much more driving would show a difference, if there were one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

EFFECT = 1.3  # the ratio that a comparison should be able to show
POWER = 0.8
ALPHA = 0.05

_Z = NormalDist().inv_cdf(1 - ALPHA / 2) + NormalDist().inv_cdf(POWER)


@dataclass(frozen=True, slots=True)
class Needed:
    """Exposure that each group still lacks; 0 in both where there is enough already."""

    a: float
    b: float

    @property
    def is_enough(self) -> bool:
        """Whether nothing is lacking."""
        return self.a == 0 and self.b == 0


def needed_exposure(variances: tuple[float, float], exposures: tuple[float, float]) -> Needed:
    """What each group lacks to show a ratio of 1.3 in four of five such comparisons.

    `variances` are what the variance of each group's log rate is times its exposure. The ratio
    shows, at p < 0.05, if var_a / exposure_a + var_b / exposure_b is at most
    (ln 1.3 / (z_0.975 + z_0.8))^2. Two groups that both lack something are brought to one
    exposure; where one has more than that, the other needs less.
    """
    most = (math.log(EFFECT) / _Z) ** 2
    equal = sum(variances) / most
    terms = [v / e if e > 0 else math.inf for v, e in zip(variances, exposures, strict=True)]
    if sum(terms) <= most:
        return Needed(0.0, 0.0)
    if exposures[0] >= equal:
        return Needed(0.0, variances[1] / (most - terms[0]) - exposures[1])
    if exposures[1] >= equal:
        return Needed(variances[0] / (most - terms[1]) - exposures[0], 0.0)
    return Needed(equal - exposures[0], equal - exposures[1])
