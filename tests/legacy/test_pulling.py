"""Drives that one server hands out and another fetches, over HTTP, with what may go wrong."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from litestar.testing import TestClient

from engagement.api.app import create_app
from engagement.api.settings import Settings, hash_token
from engagement.cli import main
from engagement.collect.pace import Patience
from engagement.errors import ConfigError, EngagementError, RemoteError
from engagement.extract.segment import ReadOptions
from engagement.legacy.documents import legacy_document
from engagement.legacy.imports import import_files
from engagement.legacy.pulling import pull
from engagement.servers.tokens import Token
from engagement.simulate import BUSY, plan_drives, write_drive
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TOKEN = "a-token-of-sixteen-letters"  # noqa: S105 - of the test
NOW = Patience(retries=0)
OLD = [
    {"device_id": "0123456789abcdef", "drive": f"{number:08x}--d20ab4f43f", "schema_version": 3,
     "total_time": number, "speed_buckets": {"city": {"disengagement_count": number}}}
    for number in range(1, 6)
]  # fmt: skip
CHANGING = OLD[0] | {"drive": "00000009--d20ab4f43f", "total_time": 60}

Answer = tuple[int, bytes]


@contextmanager
def serving(answer: Callable[[str, str], Answer]) -> Iterator[str]:
    """A server on loopback that answers a path and an Authorization header."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self.path, self.headers.get("authorization", ""))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/drive-stats/export"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Imported drives and an ingested one, in a server that asks for a token."""
    folder = tmp_path_factory.mktemp("source")
    (folder / "old.json").write_text(json.dumps([*OLD, CHANGING]))
    import_files(folder / "db.duckdb", [folder / "old.json"])
    for _ in write_drive(folder / "rlogs", plan_drives(1, calm=BUSY)[0]):
        pass
    ingest([folder / "rlogs"], folder / "db.duckdb", IngestOptions(read=ReadOptions(), jobs=1))
    settings = Settings(token_hashes=frozenset({hash_token(TOKEN)}))
    app = create_app(folder / "db.duckdb", settings=settings)
    with TestClient(app, base_url="http://127.0.0.1") as client:

        def answer(path: str, authorization: str) -> Answer:
            response = client.get(path, headers={"authorization": authorization})
            return response.status_code, response.content

        with serving(answer) as url:
            yield folder / "db.duckdb", url, client


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "ENGAGEMENT_SERVER_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def drives_of(database: Path) -> list[Any]:
    with Reader(database) as reader:
        entries = legacy_document(reader, "engagement_db.json")
    return sorted(entries, key=lambda entry: entry["drive"])


def test_what_a_server_hands_out_comes_page_by_page_and_once(source, tmp_path):
    _, url, client = source
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    command = [
        *("import", "--pull", url, "--token-file", tmp_path / "token", "--page-size", "2"),
        *("--cursor-file", tmp_path / "cursor", "--db", tmp_path / "db.duckdb", "--json"),
    ]

    first, second = (CliRunner().invoke(main, [*map(str, command)]) for _ in range(2))

    assert (first.exit_code, second.exit_code) == (0, 0), first.output
    told = json.loads(first.output)
    assert (told["n_drives"], told["n_drives_written"]) == (7, 7)
    assert told["n_pages"] >= 3
    assert json.loads(second.output)["n_drives"] == 0
    found = drives_of(tmp_path / "db.duckdb")
    assert [entry for entry in found if entry["total_time"] < 10] == OLD
    [ingested] = [entry for entry in found if entry["total_time"] > 1000]
    assert ingested["schema_version"] == 3
    assert set(ingested["speed_buckets"]) == {"city", "road", "highway"}
    cursor = json.loads((tmp_path / "cursor").read_text())["cursor"]
    head = {"authorization": f"Bearer {TOKEN}"}
    assert client.get(f"/api/drive-stats/export?after={cursor}", headers=head).json() == {
        "items": [],
        "has_more": False,
    }


def test_a_drive_that_changes_comes_again_and_cursors_rise(source, tmp_path):
    database, url, client = source
    token = Token(TOKEN, "here")
    pull(tmp_path / "db.duckdb", url, token, tmp_path / "cursor")
    newer = CHANGING | {"total_time": 70}
    (tmp_path / "new.json").write_text(json.dumps([newer]))
    import_files(database, [tmp_path / "new.json"])

    report = pull(tmp_path / "db.duckdb", url, token, tmp_path / "cursor")

    assert (report.n_drives, report.n_drives_written) == (1, 1)
    assert newer in drives_of(tmp_path / "db.duckdb")
    head = {"authorization": f"Bearer {TOKEN}"}
    items = client.get("/api/drive-stats/export", headers=head).json()["items"]
    cursors = [item["cursor"] for item in items]
    assert cursors == sorted(set(cursors))
    assert all(item["received_at"].endswith("+00:00") for item in items)


def test_without_the_token_nothing_comes(source, tmp_path):
    with pytest.raises(RemoteError, match="token"):
        pull(tmp_path / "db.duckdb", source[1], Token("another-token-of-16", "here"),
             tmp_path / "cursor", patience=NOW)  # fmt: skip
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("query", ["after=-1&limit=0", "after=" + "9" * 30, "limit=99999", "x=1"])
def test_odd_questions_are_answered_or_refused(source, query):
    head = {"authorization": f"Bearer {TOKEN}"}
    response = source[2].get(f"/api/drive-stats/export?{query}", headers=head)
    assert response.status_code == 200
    assert set(response.json()) == {"items", "has_more"}


def page(*items: object, has_more: bool = False) -> bytes:
    return json.dumps({"items": items, "has_more": has_more}).encode()


def item(cursor: object, stats: object) -> dict[str, object]:
    return {"cursor": cursor, "received_at": "2026-09-03T06:40:02+00:00", "stats": stats}


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (200, page(item(2, OLD[0]), item(2, OLD[1])), "don't rise"),
        (200, page(item(3, OLD[0]), item(2, OLD[1])), "don't rise"),
        (200, page(item(0, OLD[0])), "don't rise"),
        (200, page(item(1, OLD[0]), item(2, {"drive": "x"})), "device_id"),
        (200, page(item(1, OLD[0]), "x"), "can't be understood"),
        (200, page(item(1, OLD[0]), item("2", OLD[1])), "can't be understood"),
        (200, page(item(1, OLD[0] | {"total_time": "long"})), "total_time"),
        (200, page(item(10**30, OLD[0])), "can't be understood"),
        (200, page(has_more=True), "sends nothing"),
        (200, b"[" * 100_000, "can't be understood"),
        (200, b"\xff", "can't be understood"),
        (403, b"", "asks for a token"),
        (404, b"{}", "there is no"),
        (500, b"", "has a problem"),
    ],
)
def test_a_page_that_does_not_hold_is_refused_whole(status, body, problem, tmp_path):
    with (
        serving(lambda *_: (status, body)) as url,
        pytest.raises(EngagementError, match=problem),
    ):
        pull(tmp_path / "db.duckdb", url, None, tmp_path / "cursor", patience=NOW)
    assert [*tmp_path.iterdir()] == []


def test_a_cursor_file_that_holds_none_is_named(tmp_path):
    (tmp_path / "cursor").write_text("{}")
    with pytest.raises(ConfigError, match="holds no cursor"):
        pull(tmp_path / "db.duckdb", "https://example.org/x", None, tmp_path / "cursor")


def test_files_and_a_server_exclude_each_other():
    for arguments in ([], ["old.json", "--pull", "https://example.org/x"]):
        assert CliRunner().invoke(main, ["import", *arguments]).exit_code == 2
