"""Pages in kilometres and in miles: a choice in a cookie, with and without script."""

from __future__ import annotations

import re

import pytest
from litestar.testing import TestClient

from engagement.api.app import create_app
from engagement.api.settings import Settings

BASE_URL = "http://127.0.0.1"
PAGES = ("/", "/drives", "/rates", "/compare", "/places", "/quality")
VALUE = re.compile(r'data-column="([^"]*)" data-value="([^"]+)"[^>]*>([^<]*)<')


@pytest.fixture
def client(database):
    app = create_app(database, settings=Settings(requests_per_s=0))
    with TestClient(app, base_url=BASE_URL) as client:
        yield client


def number(text):
    """A number of a page, with or without its unit; groups of digits stand apart."""
    return float(
        re.sub(r"[^0-9.e-]", "", re.sub("\u202f[a-z/]+$", "", text.replace("\u2212", "-")))
    )


def test_a_choice_is_kept_and_leads_back(client):
    answer = client.get("/units?to=imperial&back=/drives?sort=rate", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/drives?sort=rate")
    assert "Max-Age=31536000" in answer.headers["set-cookie"]
    assert ">mi</a>" in client.get("/drives").text
    client.get("/units?to=metric")
    assert ">km</a>" in client.get("/drives").text


@pytest.mark.parametrize(
    "back",
    ["https://example.org/", "//example.org", "/\\example.org", "drives", "/a\r\nx: y", "", "/ü"],
)
def test_it_leads_to_no_other_site(client, back):
    answer = client.get("/units", params={"to": "metric", "back": back}, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_other_units_are_refused(client):
    assert client.get("/units?to=furlongs").status_code == 400


def test_who_has_metric_pages_gets_them_anew_in_miles(client):
    metric = client.get("/")
    same = client.get("/", headers={"if-none-match": metric.headers["etag"]})
    assert same.status_code == 304
    client.get("/units?to=imperial")
    imperial = client.get("/", headers={"if-none-match": metric.headers["etag"]})
    assert imperial.status_code == 200
    assert "cookie" in imperial.headers["vary"]


def test_the_server_says_what_holds_without_a_choice(database):
    app = create_app(database, settings=Settings(requests_per_s=0, units="imperial"))
    with TestClient(app, base_url=BASE_URL) as client:
        assert "per 100\u00a0mi" in client.get("/").text
        client.get("/units?to=metric")
        assert "per 100\u00a0km" in client.get("/").text


FACTORS = {"_km": 1 / 1.609344, "per_100km": 1.609344, "_100km_upper": 1.609344}
FACTORS |= {"_100km_lower": 1.609344, "speed_mps": 3600 / 1609.344, "distance_m": 1 / 0.3048}


@pytest.mark.parametrize("page", [*PAGES, "drive", "event"])
def test_what_is_shown_is_converted_and_what_it_stands_for_is_si(client, page, addresses):
    path = addresses.get(page, page)
    pages = {}
    for units in ("metric", "imperial"):
        client.get(f"/units?to={units}")
        pages[units] = client.get(path)
        assert pages[units].status_code == 200
    metric, imperial = (VALUE.findall(pages[units].text) for units in pages)
    assert [found[:2] for found in metric] == [found[:2] for found in imperial]
    for (column, value, before), (_column, _value, after) in zip(metric, imperial, strict=True):
        factor = next((f for end, f in FACTORS.items() if column.endswith(end)), None)
        if column == "closing_speed_mps":  # in the unit of the limits that it is judged by
            factor = None
        if factor is None:
            assert after == before
        else:
            assert number(after) == pytest.approx(float(value) * factor, rel=0.006, abs=0.51)
    said = re.sub(r"<[^>]*>", " ", pages["imperial"].text)
    if page != "/quality":  # checks say what they look for, in the units of their limits
        assert not re.search(r"\bkm\b|km/h", said)


def test_the_switch_works_without_script_and_plots_follow_it(browser, site, addresses):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site + addresses["event"])
    page.locator("a.units").click()
    assert page.url == site + addresses["event"]
    assert page.locator("a.units").inner_text() == "mi"
    assert "mph" in page.locator("table").last.inner_text()
    cookies = context.cookies()
    context.close()
    with_script = browser.new_context()
    with_script.add_cookies(cookies)
    page = with_script.new_page()
    page.goto(site + addresses["event"])
    page.locator("[data-plot=speed] canvas").wait_for()
    assert "mph" in page.locator("[data-plot=speed]").inner_text()
    assert ", ft" in page.locator("[data-plot=lead]").inner_text()
    with_script.close()
