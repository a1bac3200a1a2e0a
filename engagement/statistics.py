"""Quantiles of the distributions behind the intervals; the only module that uses scipy.

scipy takes longer to import than most commands to run, so whoever needs this module imports it
where it is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL = 0.95


def poisson_limits(n_events: float, level: float = LEVEL) -> tuple[float, float]:
    """Exact limits of a Poisson mean of which `n_events` were seen; the lower one of none is 0.

    Divided by the exposure they are the limits of a rate; the exposure divided by them, those of
    the mean time between events.

    Source: F. Garwood, Fiducial limits for the Poisson distribution, Biometrika 28 (1936): the
    limits are quantiles of Gamma(n) and Gamma(n + 1), half a chi-square's of 2n and 2n + 2.
    """
    tail = (1 - level) / 2
    lower = float(special.gammaincinv(n_events, tail)) if n_events > 0 else 0.0
    return lower, float(special.gammainccinv(n_events + 1, tail))


def normal_quantile(probability: float) -> float:
    """The standard normal distribution's quantile: 1.96 of 0.975."""
    return float(special.ndtri(probability))


def t_quantile(n_degrees: float, level: float = LEVEL) -> float:
    """How many standard errors a two-sided interval of Student's t reaches to each side.

    Source: Student, The probable error of a mean, Biometrika 6 (1908); `n_degrees`, of freedom, are
    above 0 and need not be whole.
    """
    return float(special.stdtrit(n_degrees, (1 + level) / 2))


def t_probability(t: NDArray[np.float64], n_degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """How often |Student's t| is at least so great by chance; arrays, element by element."""
    p_values: NDArray[np.float64] = np.minimum(2 * special.stdtr(n_degrees, -np.abs(t)), 1.0)
    return p_values


def normal_quantiles(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """`normal_quantile` of an array."""
    quantiles: NDArray[np.float64] = special.ndtri(probabilities)
    return quantiles
