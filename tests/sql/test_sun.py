"""The sun's height in SQL, against a library."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from astral import Observer
from astral.sun import elevation

from tests.support.empty_store import new_store

PLACES = [(60.17, 24.94), (-33.87, 151.21), (0.0, -179.99), (37.77, -122.42), (69.65, 18.96)]


@pytest.fixture(scope="module")
def height():
    with new_store() as connection:

        def height(latitude, longitude, when):
            query = "select sun_height_deg(?, ?, ?)"
            found = connection.execute(query, [latitude, longitude, when.timestamp()]).fetchall()
            return found[0][0]

        yield height


def test_it_is_that_of_the_library_to_a_twentieth_of_a_degree(height):
    rng = Random(4)
    start = datetime(2018, 1, 1, tzinfo=UTC)
    for _ in range(300):
        latitude, longitude = rng.choice(PLACES)
        when = start + timedelta(seconds=rng.randrange(15 * 365 * 86400))
        observer = Observer(latitude, longitude)
        wanted = elevation(observer, when, with_refraction=False)
        assert height(latitude, longitude, when) == pytest.approx(wanted, abs=0.05)


def test_it_stands_overhead_at_noon_on_the_equator_at_the_equinox(height):
    assert height(0.0, 0.0, datetime(2026, 3, 20, 12, 7, tzinfo=UTC)) > 89
    assert height(0.0, 0.0, datetime(2026, 3, 20, 0, 7, tzinfo=UTC)) < -89
