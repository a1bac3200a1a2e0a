"""The file of an event over HTTP is the one that the command writes."""

from __future__ import annotations

import io

import pyarrow.parquet
import pytest
from litestar import Litestar, Router
from litestar.testing import TestClient

from engagement.api import clip_routes
from engagement.api.app import create_app
from engagement.api.settings import Settings
from engagement.export.clip_table import event_window, write_clip


@pytest.fixture(scope="module")
def served(database):
    """A server that has clips, whether the application registers them or not."""
    app: Litestar = create_app(database, settings=Settings(requests_per_s=0))
    if not any(route.path.endswith("/clip/csv") for route in app.routes):
        app.register(Router("/api/v1", route_handlers=[clip_routes.router]))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def event(reader):
    return reader.rows(
        "from events where kind = 'disengagement' and time_s > 15 order by event_id"
    )[0]


def get(served, event, rest):
    return served.get(f"/api/v1/events/{event['event_id'].replace('|', '%7C')}/clip/{rest}")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_clip_is_the_file_that_the_command_writes(served, reader, event, suffix, tmp_path):
    write_clip(reader, event_window(reader, event), tmp_path / f"clip.{suffix}")
    answer = get(served, event, suffix)
    assert answer.status_code == 200, answer.text
    assert answer.content == (tmp_path / f"clip.{suffix}").read_bytes()
    name = event["event_id"].replace("|", "_")
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.{suffix}"'
    assert answer.headers["etag"]


def test_its_length_can_be_chosen(served, event):
    answer = get(served, event, "parquet?before_s=2&after_s=1.5")
    times = pyarrow.parquet.read_table(io.BytesIO(answer.content))["time_s"].to_pylist()
    assert event["time_s"] - 2 <= times[0] < event["time_s"] - 1.9
    assert event["time_s"] + 1.4 < times[-1] < event["time_s"] + 1.5


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        ("csv?before_s=61", 400),
        ("csv?after_s=0", 400),
        ("csv?after_s=nan", 400),
        ("csv?before_s=-1", 400),
        ("xlsx", 404),
    ],
)
def test_what_does_not_do_is_refused(served, event, rest, status):
    assert get(served, event, rest).status_code == status


def test_an_event_that_there_is_not_is_not_found(served):
    answer = served.get("/api/v1/events/nonsense/clip/csv")
    assert answer.status_code == 404
    assert "no event 'nonsense'" in answer.json()["detail"]
