"""What a server keeps of its answers, within a generation and from one to the next."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from engagement.api import answers as answers_module
from engagement.api import drive_routes
from engagement.extract.segment import ReadOptions
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from litestar.testing import TestClient

OF_A_DRIVE = (
    "/api/v1/drives/{number}",
    "/api/v1/drives/{number}/samples?buckets=20",
    "/api/v1/drives/{number}/track?points=50",
    "/drive/{number}",
)
OF_ALL = ("/devices", "/api/v1/drives", "/api/v1/events?limit=5")
NUMBERS = (1, 2, 3)
ADDRESSES = [
    *(address.format(number=number) for number in NUMBERS for address in OF_A_DRIVE),
    *OF_ALL,
]


@pytest.fixture
def path(database: Path, tmp_path: Path) -> Path:
    """A copy of the database, to publish anew."""
    path = tmp_path / "engagement.duckdb"
    path.write_bytes(database.read_bytes())
    return path


def publish(path: Path, statement: str = "select 1") -> None:
    with writer_lock(path), Writer(path) as writer:
        writer.connection.execute(statement)
        writer.publish()


def answers(client: TestClient[Any], encoding: str) -> dict[str, bytes]:
    found = {}
    for address in ADDRESSES:
        response = client.get(address, headers={"accept-encoding": encoding})
        assert response.status_code == 200, address
        found[address] = response.content
    return found


def generation_of(path: Path) -> int:
    with Reader(path) as reader:
        [row] = reader.rows("select generation from store.state")
    return int(row["generation"])


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The drives whose documents were made, in turn."""
    found: list[int] = []
    make = drive_routes.drive_document

    def note(generation: Any, drive_id: int) -> Any:
        found.append(drive_id)
        return make(generation, drive_id)

    monkeypatch.setattr(drive_routes, "drive_document", note)
    return found


def ingest_again(path: Path, logs: Path) -> None:
    folder = min(found for found in logs.glob("*/*") if found.is_dir())
    options = IngestOptions(read=ReadOptions(), jobs=1, reprocess=True)
    assert ingest([folder], path, options).n_ingested == 1


CHANGES: dict[str, Callable[[Path, Path], None]] = {
    "nothing": lambda path, _: publish(path),
    "a segment is read again": ingest_again,
    "a segment is gone": lambda path, _: publish(
        path, "delete from log.segment where drive_id = 2 and segment_num = 0"
    ),
    "a file was moved": lambda path, _: publish(
        path, "update log.segment set path = 'elsewhere' where drive_id = 1"
    ),
    "all is computed by other definitions": lambda path, _: publish(
        path,
        "update result.drive_metrics set engaged_s = engaged_s + 1; "
        "update store.state set sql_hash = 'other'",
    ),
    "an event is labelled": lambda path, _: publish(
        path,
        "insert into store.event_label "
        "select dongle_id, drive, kind, mono_ns, 'ok', 'a note', now() "
        "from events where drive_id = 3 limit 1",
    ),
    "a drive is a copy": lambda path, _: publish(
        path,
        "insert into log.drive values (9, 'aa', 'copied', 'h'); insert into log.segment "
        "select 9, * exclude (drive_id) from log.segment where drive_id = 1",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_after_a_publish_a_server_says_what_one_that_never_said_anything_else_says(
    serve, path, logs, change
):
    server = serve(path)
    before = answers(server, "gzip")
    CHANGES[change](path, logs)

    after = answers(server, "gzip")

    assert after == answers(server, "identity") == answers(serve(path), "identity")
    assert all(after[address] != before[address] for address in OF_ALL[:2])
    number = generation_of(path)
    for address in ADDRESSES:
        if address.startswith("/api"):
            assert f'"generation":{number},'.encode() in after[address].replace(b" ", b"")


def test_what_a_publish_does_not_change_is_not_made_again(serve, path, made):
    server = serve(path)
    for number in NUMBERS:
        server.get(f"/api/v1/drives/{number}")
    assert made == [1, 2, 3]
    publish(path)
    publish(path, "update log.segment set path = 'elsewhere' where drive_id = 2")

    for _ in range(2):
        for number in NUMBERS:
            found = server.get(f"/api/v1/drives/{number}")
            assert found.json()["generation"] == generation_of(path)
            assert found.headers["etag"].startswith(f'W/"{generation_of(path):x}-')

    assert made == [1, 2, 3, 2]


def test_a_database_with_the_same_number_is_another_one(serve, path, made):
    server = serve(path)
    server.get("/api/v1/drives/1")
    other = path.with_name("other.duckdb")
    other.write_bytes(path.read_bytes())
    with duckdb.connect(str(other)) as connection:
        connection.execute("update result.drive_metrics set engaged_s = 0.25")
    other.replace(path)

    publish(path, "update store.state set generation = generation - 1")

    assert server.get("/api/v1/drives/1").json()["drive"]["engaged_s"] == 0.25
    assert made == [1, 1]


def test_an_answer_that_many_ask_for_is_made_once(serve, database, made):
    server = serve(database, requests_per_s=0)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: server.get("/api/v1/drives/2").content, range(24)))

    assert made == [2]
    assert len(set(found)) == 1


def test_what_is_kept_is_bounded_however_short_answers_and_long_addresses_are(
    serve, database, monkeypatch
):
    monkeypatch.setattr(answers_module, "_CACHE_BYTES", 50_000)
    server = serve(database, requests_per_s=0)
    for number in range(60):
        text = f"{number:03}" * 60
        assert server.get(f"/api/v1/drives?fields=drive&branch={text}").json()["rows"] == []
    with server.app.state.publication.newest() as generation:
        kept = generation.cached_across("answers", answers_module._AnswerCache)

    sizes = [sum(map(len, address)) for address in kept._answers]
    assert 30 < len(sizes) < 50
    assert kept._n_bytes == sum(sizes) + sum(one.n_bytes for one in kept._answers.values())
    assert kept._n_bytes <= 50_000
    assert min(one.n_bytes for one in kept._answers.values()) > 1000
