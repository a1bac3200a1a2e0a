"""Open pages show what is published meanwhile, and leave the reader where he is."""

from __future__ import annotations

import shutil
from urllib.parse import quote

import pytest

from engagement.store.given_names import name_device
from engagement.store.labels import label_events
from engagement.store.reader import Reader
from tests.web.conftest import serving
from tests.web.test_plots import DRAWN

NUMBER = "+document.getElementById('published').textContent.match(/generation (\\d+)/)[1]"
RENEWED = f"number => {NUMBER} > number"


@pytest.fixture(scope="module")
def copied(database, tmp_path_factory):
    path = tmp_path_factory.mktemp("live") / "engagement.duckdb"
    return shutil.copy(database, path)


@pytest.fixture(scope="module")
def site(copied):
    with serving(copied) as address:
        yield address


def test_open_pages_show_a_publication_and_lose_nothing(visit, copied, drive, event):
    drives = visit("/drives?sort=distance").page
    drawn = visit(f"/drive/{quote(drive['route_name'])}?from=60&to=120").page
    drawn.wait_for_selector(DRAWN)
    drawn.evaluate(
        "window.scrollTo(0, 400); window.mark = document.querySelector('#signals canvas')"
    )
    overview = visit("/").page
    overview.locator("details summary").first.click()
    overview.evaluate("window.scrollTo(0, 300)")
    inbox = visit("/events").page
    inbox.keyboard.press("j")
    before = drives.evaluate(NUMBER)

    name_device(copied, drive["dongle_id"], "Blue Civic")
    label_events(copied, [event["event_id"]], "planned")

    for page in (drives, drawn, overview, inbox):
        page.wait_for_function(RENEWED, arg=before + 1)
    assert "Blue Civic" in drives.locator("main").inner_text()
    assert drives.url.endswith("?sort=distance")
    assert "Blue Civic" in drawn.locator(".facts").inner_text()
    assert drawn.evaluate("window.mark.isConnected")
    assert drawn.evaluate("window.scrollY") == pytest.approx(400, abs=5)
    assert drawn.url.endswith("from=60.00&to=120.00")
    assert overview.locator("details").first.get_attribute("open") is not None
    assert overview.evaluate("window.scrollY") == pytest.approx(300, abs=30)
    assert inbox.evaluate("document.activeElement.className") == "title"
    with Reader(copied) as reader:
        [counts] = reader.rows(
            "select count(*) as n from events "
            "where label is null and cause is distinct from 'end_of_drive'"
        )
    assert f"{counts['n']} without a label" in inbox.locator(".lede").inner_text()


def test_what_somebody_fills_in_stays(visit, copied, drive):
    page = visit("/").page
    page.get_by_label("From").fill("2020-01-01")
    before = page.evaluate(NUMBER)

    name_device(copied, drive["dongle_id"], "Green Civic")
    page.wait_for_function(RENEWED, arg=before)

    assert page.get_by_label("From").input_value() == "2020-01-01"
    page.locator("#renewed a").click()
    page.wait_for_load_state()
    assert "Green Civic" in page.get_by_label("Device").inner_text()


def test_a_page_asks_seldom_and_not_while_it_is_hidden(visit):
    page = visit("/glossary").page
    asked = []
    page.on(
        "request",
        lambda request: asked.append(request.url) if "/generation" in request.url else None,
    )
    page.evaluate("""() => {
        window.now = Date.now();
        Date.now = () => window.now;
        document.dispatchEvent(new Event("visibilitychange"));
        window.now += 5001;
        const hidden = {get: () => window.isHidden ?? true, configurable: true};
        Object.defineProperty(document, "hidden", hidden);
        document.dispatchEvent(new Event("visibilitychange"));
        window.isHidden = false;
    }""")
    assert asked == []
    with page.expect_response("**/api/v1/generation") as answered:
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert answered.value.status in (200, 304)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.evaluate("0")
    assert len(asked) == 1
