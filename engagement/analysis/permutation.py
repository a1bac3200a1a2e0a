"""How often chance alone makes two groups of drives differ as much as they do.

A drive is one draw: its events come in clusters, so the seconds and kilometres in it are no
independent trials. If the groups don't differ, it is chance which drives bear which label; so the
labels are dealt anew, and the observed difference is looked up among those that come of it.

A table is a measure's numerators and denominators, drives along the first axis, speed bands along
the second; `is_b` marks the drives of the candidate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Table = tuple[NDArray[np.float64], NDArray[np.float64]]  # numerators, denominators

_ROWS_AT_ONCE = 2048  # bounds the memory that labels take as floats
_TIE = 1e-9  # statistics this close, relatively, are equal but for rounding


@dataclass(frozen=True, slots=True)
class Relabellings:
    """Ways to deal the labels: one a row, True for the candidate; each keeps the groups' sizes.

    With `is_exact` they are all there are, the observed one among them.
    """

    labels: NDArray[np.bool_]
    is_exact: bool


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """The share of relabellings that differ as much as what was observed, in either direction."""

    p_value: float
    n_relabellings: int
    is_exact: bool


def relabel(is_b: NDArray[np.bool_], *, n_permutations: int, seed: int) -> Relabellings:
    """All relabellings if there are no more than `n_permutations`, else so many at random."""
    n_drives, n_b = len(is_b), int(is_b.sum())
    n_ways = math.comb(n_drives, n_b)
    if n_ways <= n_permutations:
        chosen = np.array(list(combinations(range(n_drives), n_b)), dtype=np.intp)
        labels = np.zeros((n_ways, n_drives), dtype=np.bool_)
        np.put_along_axis(labels, chosen.reshape(n_ways, n_b), values=True, axis=1)
        return Relabellings(labels, is_exact=True)
    rows = np.broadcast_to(is_b, (n_permutations, n_drives))
    labels = np.random.default_rng(seed).permuted(rows, axis=1)
    return Relabellings(labels, is_exact=False)


def score_statistics(labels: NDArray[np.bool_], tables: Sequence[Table]) -> NDArray[np.float64]:
    """The studentised score of each table, a row, under each row of labels, a column.

    In each band, a drive's residual is its numerator less the common rate times its denominator.
    The score is the Mantel-Haenszel difference of the groups: the sum of residuals, weighed by the
    other group's share of the band's denominator. It is divided by the root of the sum of the
    drives' squared contributions, which stays true where one group's drives are longer or more
    varied, and stays finite where a group has no events at all. It is 0 where nothing can differ.

    All of it comes from sums over the drives of B, so that one matrix product serves all tables.
    """
    terms = [_Terms.of(table) for table in tables]
    columns = np.hstack([term.columns for term in terms])
    edges = np.cumsum([term.columns.shape[1] for term in terms])[:-1]
    found = np.empty((len(tables), len(labels)))
    for start in range(0, len(labels), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        sums = np.split(labels[rows].astype(np.float64) @ columns, edges, axis=1)
        for number, (term, part) in enumerate(zip(terms, sums, strict=True)):
            found[number, rows] = term.scores(part)
    return found


@dataclass(frozen=True, slots=True)
class _Terms:
    """What of each drive is summed over B: shares of the bands, residuals, products of these."""

    columns: NDArray[np.float64]
    all_products: NDArray[np.float64]
    n_bands: int
    least_variance: float  # below it there is nothing but rounding

    @classmethod
    def of(cls, table: Table) -> _Terms:
        numerators, denominators = table
        totals = denominators.sum(axis=0)
        bands = totals > 0
        shares = denominators[:, bands] / totals[bands]
        residuals = numerators[:, bands] - shares * numerators[:, bands].sum(axis=0)
        products = (residuals[:, :, None] * residuals[:, None, :]).reshape(len(residuals), -1)
        scale = float(np.abs(residuals).max(initial=0.0))
        return cls(
            np.hstack([shares, residuals, products]),
            products.sum(axis=0),
            int(bands.sum()),
            (_TIE * scale) ** 2,
        )

    def scores(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """The studentised score of each row of sums."""
        share_b, residuals_b, products_b = np.split(sums, [self.n_bands, 2 * self.n_bands], axis=1)
        variance = _quadratic(1 - share_b, products_b)
        variance += _quadratic(share_b, self.all_products - products_b)
        is_flat = variance <= self.least_variance
        divisor = np.sqrt(np.where(is_flat, 1.0, variance))
        return np.where(is_flat, 0.0, residuals_b.sum(axis=1) / divisor)


def _quadratic(weights: NDArray[np.float64], products: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum over drives of (sum over bands of weight x residual)^2, from sums of products."""
    pairs = (weights[:, :, None] * weights[:, None, :]).reshape(len(weights), -1)
    total: NDArray[np.float64] = (pairs * products).sum(axis=1)
    return total


def permutation_tests(
    tables: Sequence[Table], is_b: NDArray[np.bool_], relabellings: Relabellings
) -> list[PermutationTest]:
    """Test of each table, two-sided, whether the groups have one rate in every band.

    At random relabellings p is (b + 1) / (m + 1), with b of m as extreme as what was observed: it
    is never 0, and never too small on average.
    """
    observed = np.abs(score_statistics(is_b[None, :], tables))
    others = np.abs(score_statistics(relabellings.labels, tables))
    n_extreme = np.count_nonzero(others >= observed * (1 - _TIE), axis=1)
    n_others = others.shape[1]
    is_exact = relabellings.is_exact
    n_more = 0 if is_exact else 1  # all there are have the observed one among them
    p_values = (n_extreme + n_more) / (n_others + n_more)
    return [PermutationTest(float(p_value), n_others, is_exact) for p_value in p_values]
