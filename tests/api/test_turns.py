"""One client takes no turn that another needs, however much it asks for."""

from __future__ import annotations

import asyncio
import http.client
import re
import threading
from collections import Counter
from contextlib import ExitStack
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.api.clients import Turns
from engagement.api.settings import hash_token
from engagement.store.generation import Generation
from tests.api.servers import running
from tests.support.waiting import wait_for

SLOW = "1999-01-01"
N_SLOW = 40  # more than the server has threads
TOKENS = ("a token of the one", "a token of the other")


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["ask", "end", "wait"]), st.sampled_from("abc")), max_size=80
    ),
    n_at_once=st.integers(1, 5),
    n_per_client=st.integers(1, 3),
    n_more=st.integers(0, 3),
)
@settings(deadline=None, max_examples=150)
def test_turns_are_within_the_limits_and_none_is_left_unused(
    steps, n_at_once, n_per_client, n_more
):
    async def play():
        now_s = 0.0
        turns = Turns(n_at_once, n_per_client, n_per_client + n_more, clock=lambda: now_s)
        asked, has, last_s = {client: [] for client in "abc"}, Counter(), {}
        for step, client in steps:
            is_idle = step == "wait" or (step == "end" and not has[client])
            if step == "ask":
                asked[client].append(asyncio.create_task(turns.take(client, 60)))
                last_s[client] = now_s
            elif step == "end" and has[client]:
                asked[client] = asked[client][1:]
                has[client] -= 1
                turns.give_back(client)
            elif step == "wait":
                now_s += 6
            for _ in range(4):
                await asyncio.sleep(0)
            before, has = has, Counter({one: count_done(tasks) for one, tasks in asked.items()})
            assert has.total() <= n_at_once
            for one, tasks in asked.items():
                assert all(task.done() for task in tasks[: has[one]])
                is_alone = all(now_s - at_s > 10 for other, at_s in last_s.items() if other != one)
                limit = n_per_client + (n_more if is_alone else 0)
                assert has[one] <= max(limit, before[one])
                if has[one] < len(tasks) and not is_idle:
                    assert has[one] >= limit or has.total() >= n_at_once
        for task in (task for tasks in asked.values() for task in tasks):
            task.cancel()

    asyncio.run(play())


def count_done(tasks):
    return sum(task.done() for task in tasks)


def test_who_waits_too_long_has_no_turn_and_keeps_none():
    async def play():
        turns = Turns(1, 1, 1)
        assert await turns.take("one", 10)
        assert not await turns.take("other", 0.01)
        cancelled = asyncio.create_task(turns.take("other", 10))
        await asyncio.sleep(0)
        cancelled.cancel()
        assert not await cancelled
        turns.give_back("one")
        assert await turns.take("other", 10)

    asyncio.run(play())


def test_a_client_that_asks_for_more_rests_while_others_ask_and_not_when_alone():
    async def play(others):
        turns, began_s = Turns(2, 1, 1), []
        for other in others:
            assert await turns.take(other, 10)
            turns.give_back(other)

        async def ask():
            assert await turns.take("greedy", 10)
            began_s.append(asyncio.get_running_loop().time())
            await asyncio.sleep(0.01)
            turns.give_back("greedy", took_s=1.0)

        await asyncio.gather(ask(), ask(), ask())
        return [after - before for before, after in pairwise(began_s)]

    assert all(pause_s > 0.99 for pause_s in asyncio.run(play(["other"])))
    assert all(pause_s < 0.99 for pause_s in asyncio.run(play([])))


def test_clients_take_turns_however_much_one_asks_for():
    async def play():
        turns, order = Turns(1, 1, 1), []

        async def ask(client):
            assert await turns.take(client, 60)
            order.append(client)
            await asyncio.sleep(0)
            turns.give_back(client)

        clients = [*"a" * 20, "b", "c", "b"]
        await asyncio.gather(*map(ask, clients))
        return order

    order = asyncio.run(play())
    assert sorted(order) == sorted([*"a" * 20, "b", "c", "b"])
    assert {"b", "c"} <= set(order[:4])
    assert "b" in order[4:7]


@pytest.fixture
def slow_queries(monkeypatch):
    """Let every query of a far-off date wait until the test ends; yields how many do."""
    over, waiting = threading.Event(), []
    rows = Generation.rows

    def wait(self, query, parameters=(), **options):
        if "1999" in repr((parameters, options)):
            waiting.append(query)
            over.wait(60)
        return rows(self, query, parameters, **options)

    monkeypatch.setattr(Generation, "rows", wait)
    yield waiting, over.set
    over.set()


class Asking:
    """Connections of one client: from an address, or with a token."""

    def __init__(self, stack, port, address, token=""):
        self.stack, self.port, self.address = stack, port, address
        self.headers = {"authorization": f"Bearer {token}"} if token else {}

    def ask(self, path):
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=20, source_address=(self.address, 0)
        )
        self.stack.callback(connection.close)
        connection.request("GET", path, headers=self.headers)
        return connection

    def get(self, path):
        response = self.ask(path).getresponse()
        return response.status, response.read().decode()


@pytest.mark.parametrize("by", ["address", "token"])
def test_slow_queries_of_one_client_leave_another_its_answers(database, slow_queries, by):
    hashes = frozenset(map(hash_token, TOKENS)) if by == "token" else frozenset()
    addresses = ("127.0.0.1",) * 2 if by == "token" else ("127.0.0.1", "127.0.0.2")
    with running(database, token_hashes=hashes, n_alone=4) as port, ExitStack() as stack:
        tokens = TOKENS if by == "token" else ("", "")
        greedy, other = (
            Asking(stack, port, *of_one) for of_one in zip(addresses, tokens, strict=True)
        )
        for number in range(N_SLOW):
            greedy.ask(f"/drives?since={SLOW}&limit={number + 1}")

        def asked():
            said = other.get("/metrics")[1]
            [found] = re.findall(r"engagement_http_requests_in_progress (\d+)", said)
            return int(found)

        waiting, end = slow_queries
        stack.callback(end)
        wait_for(lambda: bool(waiting) and asked() > N_SLOW)
        assert 1 <= len(waiting) <= 4
        for path in ("/health", "/static/colors.css", "/drives", "/api/v1/rates", "/api/v1/events"):
            assert other.get(path)[0] == 200
        assert len(waiting) <= 4
