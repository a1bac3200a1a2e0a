"""What pages answer when there is nothing to show, or when an address can't be read."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from litestar.testing import TestClient

from engagement.api.app import create_app
from engagement.api.pages import assets as assets_module
from engagement.api.pages import glossary_page
from engagement.api.pages.assets import assets
from engagement.api.settings import Settings
from engagement.extract.segment import ReadOptions
from engagement.legacy.imports import import_files
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from tests.web.conftest import LEGACY

BASE_URL = "http://127.0.0.1"
MANY = (
    "speed", "lead", "angle", "torque", "inputs", "curvature", "acceleration", "torques",
    *(f"car_control.{name}" for name in ("enabled", "lat_active", "long_active", "torque")),
    "gps.altitude_m",
)  # fmt: skip
OUTSIDE = r'<a href="https://www[.]openstreetmap[.]org/[^"]*" rel="noreferrer"'
PAGES = ("/", "/drives", "/events", "/rates", "/compare", "/places", "/quality", "/glossary")


@pytest.fixture(scope="module")
def ask(database):
    app = create_app(database, settings=Settings(requests_per_s=0))
    with TestClient(app, base_url=BASE_URL) as client:
        yield client.get


def test_a_dispersion_that_is_shipped_is_said(ask):
    assert "Intervals rest on the shipped dispersion, of public drives" in ask("/rates").text


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/drive/nope", 404, "nope"),
        ("/drive/999999", 404, "999999"),
        ("/event/a%7Cb%7Cdisengagement%7C1", 404, "a|b|disengagement|1"),
        ("/?device=%3Cb%3E", 404, "&lt;b&gt;"),
        ("/?car=nope", 404, "no car"),
        ("/drives?version=nope", 404, "no version"),
        (f"/?branch={'x' * 201}", 400, "branch"),
        ("/?since=yesterday", 400, "since"),
        ("/?since=2025-02-30", 400, "2025-02-30"),
        ("/?since=2025-02-02&until=2025-02-01", 400, "until"),
        ("/drives?sort=colour", 400, "colour"),
        ("/drives?number=0", 400, "number"),
        ("/drives?number=%C2%B2", 400, "number"),
        ("/compare?by=weather", 400, "weather"),
        ("/compare?per=mile", 400, "mile"),
        ("/rates?by=weather", 400, "weather"),
        ("/rates?event=nope", 400, "nope"),
        ("/rates?mode=sport", 400, "sport"),
        ("/rates?per=mile", 400, "mile"),
        ("/drive/1?signals=leads", 400, "leads"),
        ("/drive/1?signals=car_state.gear", 400, "car_state.gear"),
        ("/drive/1?" + "&".join(f"signals={one}" for one in MANY), 400, "more than 12"),
        ("/static/nope.js", 404, "nope.js"),
        ("/static/..%2Frendering.py", 404, "Not found"),
    ],
)
def test_what_can_t_be_shown_is_said_on_a_page(ask, path, status, text):
    answer = ask(path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert text in answer.text
    assert "<b>" not in answer.text


def test_the_signals_of_a_page_are_those_of_its_address(ask, event):
    for path in ("/drive/1", f"/event/{quote(event['event_id'], safe='')}"):
        usual = ask(path).text
        chosen = ask(f"{path}?signals=&signals=curvature&signals=lead.y_rel_m&signals=").text

        assert re.findall('data-plot="([^"]*)"', usual) == [*MANY[:5]]
        assert re.findall('data-plot="([^"]*)"', chosen) == ["curvature", "lead.y_rel_m"]
        checked = re.findall('name="signals" value="([^"]*)" checked', chosen)
        assert checked == ["curvature", "lead.y_rel_m"]
        assert '<option value="car_state.a_ego_mps2">' in chosen
        assert '<option value="lead.y_rel_m">' not in chosen


@pytest.fixture(scope="module", params=["imported", "damaged"])
def bare(request, tmp_path_factory):
    """A database whose only drive has no samples: known by its totals, or by a log of noise."""
    folder = tmp_path_factory.mktemp("bare")
    database = folder / "engagement.duckdb"
    if request.param == "imported":
        import_files(database, [LEGACY / "engagement_db.json"])
    else:
        log = folder / "a1b2c3d4e5f60718" / "00000001--abcdef0123--0" / "rlog.zst"
        log.parent.mkdir(parents=True)
        log.write_bytes(bytes(1000))
        ingest([folder], database, IngestOptions(read=ReadOptions(), jobs=1))
    with TestClient(create_app(database), base_url=BASE_URL) as client:
        yield client.get


@pytest.mark.parametrize("path", [*PAGES, "/drive/1", "/?since=2020-01-01", "/?until=2001-01-01"])
def test_pages_of_drives_without_samples(bare, path):
    answer = bare(path)

    assert answer.status_code == 200
    assert "<h1>" in answer.text


def test_a_database_that_is_not_there_yet(tmp_path):
    with TestClient(create_app(tmp_path / "none.duckdb"), base_url=BASE_URL) as client:
        answer = client.get("/")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "No data yet" in answer.text


def test_a_drive_without_what_others_made_is_a_page_without_plots(database, reader, monkeypatch):
    [drive] = reader.rows("select drive_id from drives where not is_imported limit 1")
    own = {url: asset for url, asset in assets().items() if not url.startswith("/vendor/")}
    monkeypatch.setattr(assets_module, "assets", lambda: own)

    app = create_app(database, settings=Settings(requests_per_s=0))  # it has kept no page yet
    with TestClient(app, base_url=BASE_URL) as client:
        answer = client.get(f"/drive/{drive['drive_id']}")

    assert answer.status_code == 200
    assert "plots.js" not in answer.text
    assert 'id="signals"' not in answer.text
    assert "Plots of the samples are missing here" in answer.text
    assert 'class="timeline"' in answer.text


def test_a_mistake_of_ours_is_a_page_that_tells_nothing_of_the_inside(
    database, monkeypatch, caplog
):
    def fail(_generation):
        raise ZeroDivisionError("the inside")

    monkeypatch.setattr(glossary_page, "_read", fail)
    with TestClient(create_app(database), base_url=BASE_URL) as client:
        answer = client.get("/glossary")

    assert answer.status_code == 500
    assert "its log says which" in answer.text
    assert "inside" not in answer.text
    assert "the inside" in caplog.text


def test_a_page_that_is_known_is_not_sent_again(ask):
    first = ask("/")
    again = ask("/", headers={"if-none-match": first.headers["etag"]})

    assert again.status_code == 304
    assert again.content == b""


def test_files_are_named_by_their_content_and_kept(ask):
    assert len(assets()) >= 8
    for url, asset in assets().items():
        answer = ask(f"{url}?v={asset.version}")

        assert answer.content == asset.body
        assert "immutable" in answer.headers["cache-control"]
        assert "immutable" not in ask(url).headers["cache-control"]


def test_pages_name_no_other_host_and_hold_no_script(ask, reader):
    [drive] = reader.rows("select drive_id from drives where not is_imported limit 1")
    for path in (*PAGES, f"/drive/{drive['drive_id']}"):
        # A link to a map is followed only by who wants to, and tells not whence.
        text = re.sub(OUTSIDE, "", ask(path).text)

        assert "http://" not in text
        assert "https://" not in text
        assert " style=" not in text
        assert "<style" not in text
        assert all(" src=" in part.partition(">")[0] for part in text.split("<script")[1:])


def test_pages_are_linked_with_each_other(ask, reader):
    [event] = reader.rows("from events order by event_id limit 1")
    drive = ask(f"/drive/{event['drive_id']}").text
    page = ask(f"/event/{event['event_id'].replace('|', '%7C')}").text

    assert f'href="/event/{event["event_id"].replace("|", "%7C")}"' in drive
    assert f'href="/drive/{event["dongle_id"]}%7C{event["drive"]}"' in page


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("by=branch&a=x&b=<b>y", "no branch"),
        ("by=branch&a=release3&b=release3", "release3"),
        ("by=date&a=2025-13-01..&b=..2025-01-01", "2025-13-01"),
    ],
)
def test_a_wrong_group_gives_the_form_with_a_sentence(database, query, said):
    with TestClient(create_app(database), base_url=BASE_URL) as client:
        answer = client.get(f"/compare?{query}")

    assert answer.status_code == 200
    [notice] = re.findall('<div class="notice" role="status"><p>(.*?)</p>', answer.text)
    assert said in notice
    assert "<b>" not in answer.text
    assert ("data-group=" in answer.text) == ("by=branch" in query)
    assert 'name="a"' in answer.text
