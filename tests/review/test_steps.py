from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.review.steps import Walk

EVENTS = [{"n": 1}, {"n": 2}, {"n": 3}]


def test_a_walk_goes_on_and_back_and_stays_at_its_ends():
    walk = Walk(EVENTS)
    assert (walk.number, len(walk)) == (1, 3)
    assert not walk.previous()
    assert walk.next()
    assert walk.next()
    assert not walk.next()
    assert walk.event == {"n": 3}
    assert walk.previous()
    assert walk.number == 2
    assert walk.n_seen == 3


def test_what_is_skipped_is_put_aside_until_it_is_looked_at():
    walk = Walk(EVENTS)
    walk.skip()
    walk.skip()
    assert (walk.n_seen, walk.aside) == (0, [{"n": 1}, {"n": 2}])
    walk.previous()
    assert (walk.n_seen, walk.aside) == (1, [{"n": 1}, {"n": 2}])
    walk.next()
    assert (walk.n_seen, walk.aside) == (2, [{"n": 1}])
    walk.leave()
    assert (walk.n_seen, walk.aside) == (2, [{"n": 1}])


def test_one_that_was_looked_at_is_not_put_aside():
    walk = Walk(EVENTS)
    walk.next()
    walk.previous()
    walk.skip()
    assert (walk.n_seen, walk.aside) == (2, [])


def test_a_newer_row_takes_the_place_of_the_event():
    rows = list(EVENTS)
    walk = Walk(rows)
    walk.replace({"n": 1, "label": "true"})
    assert walk.event == {"n": 1, "label": "true"}
    assert rows == EVENTS


def test_a_walk_without_events_is_none():
    with pytest.raises(ValueError, match="at least one"):
        Walk([])


@settings(deadline=None, max_examples=100)
@given(
    keys=st.lists(st.sampled_from(["next", "skip", "previous"]), max_size=30), n=st.integers(1, 5)
)
def test_an_event_is_either_seen_or_aside_and_the_place_is_within(keys, n):
    walk = Walk([{"n": number} for number in range(n)])
    place = 0
    for key in keys:
        place = min(max(place + (-1 if key == "previous" else 1), 0), n - 1)
        getattr(walk, key)()
        assert walk.event == {"n": place}
        assert walk.n_seen + len(walk.aside) <= n
