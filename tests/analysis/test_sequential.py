from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from engagement.analysis.samples import Sample
from engagement.analysis.score_test import Score
from engagement.analysis.sequential import (
    E_LIMIT,
    Timed,
    e_values,
    follow,
    information_fraction,
    line_values,
    look_sizes,
)


def fleet(seed, n_a, n_b, ratio=1.0, n_others=40):
    rng = np.random.default_rng(seed)

    def drives(n, factor):
        exposures = rng.lognormal(0, 0.5, (n, 2))
        return rng.poisson(2 * factor * exposures * rng.gamma(1, 1, (n, 1))).astype(
            float
        ), exposures

    a, b, others = drives(n_a, 1.0), drives(n_b, ratio), drives(n_others, 1.0)
    is_b = np.arange(n_a + n_b) >= n_a
    both = Sample(np.vstack([a[0], b[0]]), np.vstack([a[1], b[1]]), is_b)
    rest = Sample(*others, np.zeros(n_others, dtype=bool))
    return both, rest, rng.permutation(n_a + n_b).astype(float), -np.ones(n_others)


@settings(deadline=None, max_examples=60)
@given(st.floats(-6, 6), st.floats(0.05, 3))
def test_the_e_value_is_the_likelihood_mixed_over_ratios(t, error):
    """The density of t over normal log ratios with sd ln 2, by that at no difference."""
    expected, variance = 1.0, error**2
    found = e_values(
        Score(np.array(t), np.array(50.0), np.array(expected), np.array(variance), np.array(0.0))
    )

    def likelihood(log_ratio):
        return stats.norm.pdf(t - log_ratio / error) * stats.norm.pdf(log_ratio, 0, math.log(2))

    mixed = integrate.quad(likelihood, -12 * math.log(2), 12 * math.log(2), points=[t * error])[0]
    assert float(found) == pytest.approx(mixed / stats.norm.pdf(t), rel=1e-4)


def test_on_the_line_z_counts_by_the_root_of_the_information():
    score = Score(np.array(2.5), np.array(1e9), np.array(1.0), np.array(0.1), np.array(0.1))
    assert float(line_values(score, 0.25)) == pytest.approx(1.25, rel=1e-3)


@pytest.mark.parametrize(
    ("n_b", "is_a_complete", "expected"),
    [
        # Of 20 drives of B 5 are there; A has 10 and no more, or grows as well.
        (5, True, (10 * 5 / 15) / (10 * 20 / 30)),
        (5, False, 5 / 20),
        (20, True, 1.0),
        (30, True, 1.0),
    ],
)
def test_information_is_that_of_both_groups(n_b, is_a_complete, expected):
    found = information_fraction(
        (np.array(10.0), np.array(float(n_b))), n_b, 20, is_a_complete=is_a_complete
    )
    assert float(found) == pytest.approx(expected)


def test_there_is_a_look_after_every_drive_and_never_a_moved_one():
    assert list(look_sizes(100, is_sparse=True)) == list(range(6, 101))
    many = list(look_sizes(15_000, is_sparse=True))
    assert len(many) < 400
    assert list(look_sizes(700, is_sparse=True)) == [size for size in many if size <= 700]
    assert list(look_sizes(300, is_sparse=False)) == list(range(6, 301))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.sampled_from([None, 12]), st.sampled_from([1.0, 5.0]))
def test_later_drives_change_no_look_that_was(seed, until_drives, ratio):
    both, rest, starts, rest_starts = fleet(seed, 14, 16, ratio)
    whole = follow(
        Timed.of(both, starts), Timed.of(rest, rest_starts),
        is_rate=True, until_drives=until_drives,
    )  # fmt: skip
    early = starts < 20
    now = follow(
        Timed.of(both.take(early), starts[early]), Timed.of(rest, rest_starts),
        is_rate=True, until_drives=until_drives,
    )  # fmt: skip
    n_looks = len(now.looks)
    assert whole.looks[:n_looks] == pytest.approx(now.looks)
    if now.decided is not None:
        assert (whole.decided, whole.is_higher) == (now.decided, now.is_higher)
        assert whole.ratio == pytest.approx(now.ratio)


def test_the_decision_is_the_first_look_beyond_the_limit():
    both, rest, starts, rest_starts = fleet(3, 25, 25, 6.0)
    found = follow(Timed.of(both, starts), Timed.of(rest, rest_starts), is_rate=True)
    beyond = [n for n, look in enumerate(found.looks) if look.evidence >= E_LIMIT]
    assert found.decided == beyond[0]
    assert found.is_higher
    assert found.ratio > 1
    assert found.is_over


def test_others_that_begin_later_do_not_count_yet():
    both, rest, starts, rest_starts = fleet(4, 12, 12)
    before = follow(Timed.of(both, starts), Timed.of(rest, rest_starts), is_rate=True)
    after = follow(Timed.of(both, starts), Timed.of(rest, rest_starts + 1000), is_rate=True)
    alone = follow(
        Timed.of(both, starts), Timed.of(rest.take(np.arange(0)), np.zeros(0)), is_rate=True
    )
    assert after == alone
    assert before != after


def test_no_look_is_between_the_parts_of_a_drive():
    both, rest, starts, rest_starts = fleet(6, 15, 15)
    ids = np.arange(30) % 15
    parts = replace(both, drive_ids=ids)
    found = follow(Timed.of(parts, starts[ids]), Timed.of(rest, rest_starts), is_rate=True)
    assert [(look.n_a, look.n_b) for look in found.looks] == [(n, n) for n in range(3, 16)]


def test_drives_without_a_date_are_in_no_look():
    both, rest, starts, rest_starts = fleet(5, 12, 12)
    some = starts.copy()
    some[::3] = np.nan
    found = follow(Timed.of(both, some), Timed.of(rest, rest_starts), is_rate=True)
    last = found.looks[-1]
    assert last.n_a + last.n_b == 16


def test_a_planned_end_is_the_end():
    both, rest, starts, rest_starts = fleet(6, 20, 20)
    found = follow(
        Timed.of(both, starts), Timed.of(rest, rest_starts), is_rate=True, until_drives=10
    )
    assert max(look.n_b for look in found.looks) == 10
    assert found.is_over
    open_one = follow(
        Timed.of(both, starts), Timed.of(rest, rest_starts), is_rate=True, until_drives=50
    )
    assert open_one.decided is not None or not open_one.is_over
