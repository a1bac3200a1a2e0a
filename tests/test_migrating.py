"""What docs/migrating.md promises of each old thing is there, and no old thing is forgotten."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import pytest
from click.testing import CliRunner
from litestar.testing import TestClient

from engagement.api.app import create_app
from engagement.cli import main
from engagement.legacy.documents import LEGACY_FILES
from engagement.legacy.imports import import_files
from engagement.legacy.json_files import BUCKET_FIELDS, EVENT_FIELDS
from engagement.store.views import public_views
from tests.legacy.test_newest import NEW

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "migrating.md"
DATA = Path(__file__).parent / "data" / "legacy"
CODE = re.compile(r"`([^`]+)`")
ENDPOINTS = {
    "/", "/health", "/devices", "/devices/{id}", "/stats", "/stats_mod", "/compare", "/docs",
    "/api/compare", "/api/total_stats", "/total_stats", "/api/drive-stats/export",
}  # fmt: skip
FLAGS = {"--debug steer", "--start DRIVE", "--stop DRIVE", "--device-stats", "--device list"}
SETTINGS = {
    "default_profile", "remote_device", "description", "dbc_file", "signals", "message", "signal",
    "source", "transform", "ENGAGEMENT_DB_PATH",
    *(f"SYNC_STATS_{name}" for name in ("HOST", "USER", "PATH", "DB")),
    *(f"DRIVE_STATS_{name}" for name in (
        "SOURCE_URL", "SOURCE_TOKEN", "SOURCE_TOKEN_FILE", "POLL_INTERVAL", "PAGE_SIZE",
        "SOURCE_TIMEOUT", "CURSOR_PATH", "LOCK_PATH",
    )),
}  # fmt: skip
SCRIPTS = {"sync_stats.sh", "app.py", "drive_stats_sync.py", "engagement_rolling_plots.py"}
NEWER_BUCKET_FIELDS = {
    "min_speed_mps", "max_speed_mps", "drive_time_ns", "engaged_drive_time_ns",
    "drive_time_engagement_pct", "distance_engagement_pct", "manual_shutdown_removed",
}  # fmt: skip
NOT_COLUMNS = {"NAME", "controlsState.active", "config/collect.toml", "sync_stats.sh"}


class Row(NamedTuple):
    old: str
    new: str


def rows() -> list[Row]:
    """Each row of each table of the page, but for the heads."""
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            if cells[0] not in {"old", "old field", "newer field"}:
                found.append(Row(cells[0], cells[1].rstrip("| ")))
    return found


ROWS = rows()
OLD = {name for row in ROWS for name in CODE.findall(row.old)}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient[Any]]:
    database = tmp_path_factory.mktemp("migrating") / "engagement.duckdb"
    import_files(database, [DATA / "engagement_db.json"])
    with TestClient(create_app(database), base_url="http://127.0.0.1") as client:
        yield client


@pytest.mark.parametrize(
    "wanted",
    [
        {*LEGACY_FILES, "config/vehicle_profiles.json", ".drive_stats_cursor.json"},
        ENDPOINTS,
        FLAGS,
        SETTINGS,
        SCRIPTS,
        set(EVENT_FIELDS),
        set(NEW),
        NEWER_BUCKET_FIELDS,
        set(json.loads((DATA / "engagement_db.json").read_text())[0]),
    ],
    ids=["files", "endpoints", "flags", "settings", "scripts", "events", "v3", "buckets", "v1"],
)
def test_nothing_old_is_forgotten(wanted):
    families = tuple(name.removesuffix("...") for name in OLD if name.endswith("..."))
    missing = {name for name in wanted - OLD if not name.startswith(families)}
    assert missing == set()
    assert len(BUCKET_FIELDS) == 9


def commands(text: str) -> list[list[str]]:
    return [shlex.split(code)[1:] for code in CODE.findall(text) if code.startswith("engagement ")]


def resolved(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that some words name, and the words after it."""
    command: click.Command = main
    context = click.Context(main)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, words
        command, words = found, words[1:]
    return command, words


def options_of(command: click.Command) -> set[str]:
    return {name for one in command.params for name in (*one.opts, *one.secondary_opts)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.old[:40])
def test_what_replaces_it_is_there(row, client):
    last: set[str] = set()
    columns = {
        f"{name}.{column}" for name, view in public_views().items() for column in view.comments
    }
    for code in CODE.findall(row.new):
        if code.startswith("engagement "):
            command, words = resolved(shlex.split(code)[1:])
            last |= options_of(command)
            unknown = {word for word in words if word.startswith("-")} - last
            assert not unknown, (code, unknown)
        elif code.startswith("--"):
            flag = code.split()[0]
            assert flag in all_options(), code
        elif code.startswith("/"):
            assert client.get(code).status_code == 200, code
        elif re.fullmatch(r"[a-z_]+\.[a-z_]+", code):
            assert code in columns | NOT_COLUMNS, code
    for code in CODE.findall(row.old):
        if code.startswith("/") and code not in {"/docs", "/api/drive-stats"}:
            url = code.replace("{id}", "0123abcd")
            assert client.get(url).status_code == 200, code
        if code in LEGACY_FILES:
            assert code in " ".join(" ".join(words) for words in commands(row.new))


def test_device_list_shows_the_devices_of_folders(tmp_path, monkeypatch):
    [row] = [row for row in ROWS if "--device list" in row.old]
    [words] = commands(row.new)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rlogs").symlink_to(DATA / "rlogs")
    import_files(tmp_path / "engagement.duckdb", [DATA / "engagement_db.json"])
    result = CliRunner().invoke(main, [*words, "--json"])
    assert result.exit_code == 0, result.output
    waiting = {one["dongle_id"]: one["n_waiting_drives"] for one in json.loads(result.stdout)}
    assert waiting == {"0123abcd": 2, "89efcdab": 2}


def test_nothing_is_uploaded_here(client):
    [row] = [row for row in ROWS if row.old == "`/api/drive-stats` (POST)"]
    assert row.new.startswith("none")
    assert client.post("/api/drive-stats", json=NEW).status_code in {404, 405}


def all_options(command: click.Command = main) -> set[str]:
    found = options_of(command)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            found |= all_options(inner)
    return found
