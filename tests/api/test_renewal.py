"""A new generation has its common answers when it begins to answer; until then the older does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from engagement.api import renewal
from engagement.store.generation import Generation
from tests.api.test_answers import ADDRESSES, publish
from tests.support.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

LONG_S = 300.0
PAGES = ["/", "/drives", "/drive/1"]


@pytest.fixture
def path(database: Path, tmp_path: Path) -> Path:
    """A copy of the database, to publish anew."""
    path = tmp_path / "engagement.duckdb"
    path.write_bytes(database.read_bytes())
    return path


@pytest.fixture
def queried(monkeypatch):
    """The numbers of the generations that are queried, a query each."""
    numbers: list[int] = []
    running = Generation._running

    def note(generation: Generation, *arguments: Any) -> Any:
        numbers.append(generation.number)
        return running(generation, *arguments)

    # The first query of each, for its number, comes before that is known.
    monkeypatch.setattr(Generation, "number", 0, raising=False)
    monkeypatch.setattr(Generation, "_running", note)
    return numbers


def number(client, address="/devices"):
    """The generation that answers."""
    tag = client.get(address).headers["etag"]
    return int(tag.removeprefix('W/"').partition("-")[0], 16)


def ask(client, addresses):
    return {address: client.get(address).content for address in addresses}


def test_what_was_asked_for_is_there_when_a_generation_begins_to_answer(serve, path, queried):
    client = serve(path, requests_per_s=0, lag_s=LONG_S)
    asked = [*ADDRESSES, *PAGES]
    first = number(client)
    ask(client, asked)
    publish(path)
    wait_for(lambda: number(client) == first + 1)

    queried.clear()
    again = ask(client, asked)
    assert queried == []
    with_others = serve(path, requests_per_s=0)
    assert again == ask(with_others, asked)


def test_the_older_generation_answers_until_then(serve, path, monkeypatch):
    may_go_on = threading.Event()
    asked_ahead = []
    ask_one = renewal.Renewal._ask

    async def wait(self, address):
        asked_ahead.append(address)
        while not may_go_on.is_set():
            await renewal.asyncio.sleep(0.01)
        await ask_one(self, address)

    monkeypatch.setattr(renewal.Renewal, "_ask", wait)
    client = serve(path, requests_per_s=0, lag_s=LONG_S)
    first = number(client)
    before = ask(client, PAGES)
    publish(path)
    wait_for(lambda: asked_ahead)
    assert number(client) == first
    assert ask(client, PAGES) == before
    may_go_on.set()
    wait_for(lambda: number(client) == first + 1)
    assert asked_ahead[0][0] in {*PAGES, "/devices"}


def test_a_choice_of_units_is_made_ahead_too(serve, path, queried):
    client = serve(path, requests_per_s=0, lag_s=LONG_S)
    client.cookies.set("units", "imperial")
    first = number(client)
    ask(client, PAGES)
    publish(path)
    wait_for(lambda: number(client) == first + 1)
    queried.clear()
    assert b" mi" in ask(client, PAGES)["/drives"]
    assert queried == []


def test_an_error_ahead_leaves_the_others_alone(serve, path):
    """An address that the newer generation has no answer for, as its drive is gone."""
    client = serve(path, requests_per_s=0, lag_s=LONG_S)
    first = number(client)
    ask(client, ["/api/v1/drives/2", "/api/v1/drives/1"])
    publish(path, "delete from log.drive where drive_id = 2")
    wait_for(lambda: number(client) == first + 1)
    assert client.get("/api/v1/drives/2").status_code == 404
    assert client.get("/api/v1/drives/1").status_code == 200


def test_a_file_that_can_not_be_used_is_told_after_the_lag(serve, path):
    client = serve(path, requests_per_s=0, lag_s=0.5)
    number(client)
    path.unlink()
    path.write_bytes(b"no database")
    wait_for(lambda: client.get("/devices").status_code == 503)


def test_a_database_that_is_taken_away_is_told_at_once(serve, path):
    client = serve(path, requests_per_s=0, lag_s=LONG_S)
    number(client)
    path.unlink()
    assert client.get("/devices").status_code == 503
