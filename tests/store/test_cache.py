from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from engagement.errors import QueryTimeoutError
from engagement.store.cache import SingleFlight
from engagement.store.limits import deadline_for_all


def test_what_many_want_at_once_is_made_by_one_and_given_to_all():
    flights, made, are_in = SingleFlight(), [], threading.Barrier(9, timeout=10)

    def make() -> object:
        time.sleep(0.1)
        made.append(object())
        return made[-1]

    def want() -> object:
        are_in.wait()
        return flights.run("key", make)

    with ThreadPoolExecutor(8) as threads:
        wanted = [threads.submit(want) for _ in range(8)]
        are_in.wait()
        found = [one.result() for one in wanted]

    assert len(made) == 1
    assert all(one is made[0] for one in found)


def test_what_fails_fails_once_for_all_who_wait_and_is_tried_again_by_who_comes_later():
    flights, n_tried, are_waiting = SingleFlight(), [0], threading.Event()

    def fail() -> None:
        n_tried[0] += 1
        are_waiting.wait(10)
        raise ValueError(f"try {n_tried[0]}")

    with ThreadPoolExecutor(8) as threads:
        wanted = [threads.submit(flights.run, "key", fail) for _ in range(8)]
        time.sleep(0.1)
        are_waiting.set()
        errors = [one.exception() for one in wanted]

    assert n_tried == [1]
    assert [str(error) for error in errors] == ["try 1"] * 8
    with pytest.raises(ValueError, match="try 2"):
        flights.run("key", fail)
    assert flights.run("key", lambda: "made") == "made"


def test_one_key_does_not_wait_for_another():
    flights, is_done = SingleFlight(), threading.Event()

    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(flights.run, "slow", lambda: is_done.wait(10))
        try:
            assert flights.run("quick", lambda: 1) == 1
            assert not slow.done()
        finally:
            is_done.set()

    assert slow.result()


def test_what_is_kept_by_its_maker_is_never_made_twice():
    flights, kept, n_made = SingleFlight(), {}, [0]

    def want(key: int) -> int:
        def make() -> int:
            if key not in kept:
                n_made[0] += 1
                kept[key] = key
            return kept[key]

        return kept[key] if key in kept else flights.run(key, make)

    keys = [number // 16 for number in range(1600)]
    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(want, keys)) == keys
    assert n_made == [100]


def test_who_waits_for_one_whose_time_is_up_makes_it_in_the_time_left():
    flights, n_made, is_making = SingleFlight(), [0], threading.Event()

    def make() -> str:
        n_made[0] += 1
        if n_made[0] == 1:
            is_making.set()
            time.sleep(0.1)
            raise QueryTimeoutError(0.1)
        return "made"

    def want() -> str:
        with deadline_for_all(10):
            return flights.run("key", make)

    with ThreadPoolExecutor(8) as threads:
        late = threads.submit(flights.run, "key", make)
        is_making.wait(10)
        others = [threads.submit(want) for _ in range(7)]
        with pytest.raises(QueryTimeoutError):
            late.result()
        assert [one.result() for one in others] == ["made"] * 7


def test_nobody_waits_longer_for_another_than_for_itself():
    flights, is_done, is_making = SingleFlight(), threading.Event(), threading.Event()

    def make() -> bool:
        is_making.set()
        return is_done.wait(10)

    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(flights.run, "key", make)
        is_making.wait(10)
        try:
            with deadline_for_all(0.1), pytest.raises(QueryTimeoutError, match=r"0\.1 s"):
                flights.run("key", make)
            assert not slow.done()
        finally:
            is_done.set()
