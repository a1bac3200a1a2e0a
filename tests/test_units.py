from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.units import IMPERIAL, METRIC, UNITS

# What a mile and a foot are by law, in metres.
MILE_M = 1609.344
FOOT_M = 0.3048


@given(km=st.floats(0.001, 1e6), n_events=st.integers(1, 1000))
def test_a_rate_in_miles_is_of_the_same_events_over_the_same_distance(km, n_events):
    miles = IMPERIAL.distance(km)
    assert miles == pytest.approx(km * 1000 / MILE_M)
    per_100km = n_events * 100 / km
    assert IMPERIAL.per_distance(per_100km) == pytest.approx(n_events * 100 / miles)


@given(st.floats(0, 100))
def test_speeds_and_lengths_are_of_the_same_metres(mps):
    assert IMPERIAL.speed(mps) == pytest.approx(mps * 3600 / MILE_M)
    assert IMPERIAL.road_speed(mps) == pytest.approx(mps * 3600 / MILE_M)
    assert METRIC.road_speed(mps) == pytest.approx(mps * 3.6)
    assert METRIC.speed(mps) == mps
    assert IMPERIAL.length(mps) == pytest.approx(mps / FOOT_M)


@pytest.mark.parametrize("units", UNITS.values(), ids=UNITS)
@pytest.mark.parametrize("quantity", ["distance", "per_distance", "speed", "road_speed", "length"])
def test_what_is_not_known_stays_so(units, quantity):
    assert units[quantity](None) is None
    assert units[quantity].each((1.0, None, 2.0))[1] is None
