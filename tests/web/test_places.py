"""The map of places: cells that open their events and drives, and a view that moves."""

from __future__ import annotations

import math
import re

import pytest
from litestar.testing import TestClient

from engagement.api.app import create_app
from engagement.api.settings import Settings


@pytest.fixture(scope="module")
def ask(database):
    app = create_app(database, settings=Settings(requests_per_s=0))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client.get


def cell_of(latitude: float, longitude: float, cell_m: float) -> tuple[int, int]:
    """The row and column of the cell that a place lies in, as docs/definitions.md defines it."""
    n_rows = max(round(180 * 111320 / cell_m), 1)
    row = min(math.floor((latitude + 90) / 180 * n_rows), n_rows - 1)
    middle = (row + 0.5) / n_rows * 180 - 90
    n_columns = max(round(2 * n_rows * math.cos(math.radians(middle))), 1)
    return row, math.floor((longitude + 180) / 360 * n_columns) % n_columns


def test_a_cell_opens_its_events_and_drives(ask, reader):
    [size] = reader.rows("select value from store.parameter where name = 'place_cell_m'")
    wanted: dict[str, set[str]] = {}
    for row in reader.rows(
        "from events where latitude is not null and cause is distinct from 'end_of_drive'"
    ):
        cell = "{}-{}".format(*cell_of(row["latitude"], row["longitude"], size["value"]))
        wanted.setdefault(cell, set()).add(row["event_id"])
    passed: dict[str, set[str]] = {}
    for row in reader.rows("from result.passed_cells"):
        passed.setdefault(f"{row['cell_row']}-{row['cell_column']}", set()).add(row["drive_id"])
    assert len(wanted) > 8

    for cell, events in wanted.items():
        page = ask(f"/events?cell={cell}")
        assert page.status_code == 200
        assert set(re.findall('<li data-event="([^"]*)"', page.text)) == events
        assert f"/drives?cell={cell}" in page.text
        drives = ask(f"/drives?cell={cell}&sort=distance").text
        assert {int(one) for one in re.findall('data-drive="([0-9]*)"', drives)} == passed[cell]
        assert f"sort=car&amp;cell={cell}" in drives or f"cell={cell}&amp;sort=car" in drives
    linked = set(re.findall('href="/events[?]cell=([0-9-]*)"', ask("/places").text))
    cells = {
        f"{r['cell_row']}-{r['cell_column']}"
        for r in reader.rows("from places where n_interventions > 0")
    }
    assert linked == cells
    for path, status in (("/events?cell=nowhere", 400), ("/drives?cell=1-1", 404)):
        assert ask(path).status_code == status


def test_the_calendar_has_each_day_with_drives_of_the_last_year(ask, reader):
    [last] = reader.rows("select max(started_at)::date as day from drives")
    days = reader.rows(
        "select started_at::date as day, count(*) as n from drives "
        "where started_at::date > ?::date - 364 group by day order by day",
        [last["day"]],
    )

    page = ask("/drives").text

    shown = re.findall("<title>([0-9-]*): [0-9]* drive", page)
    assert shown == [str(row["day"]) for row in days]
    for row in days:
        of_day = ask(f"/drives?since={row['day']}&until={row['day']}").text
        assert len(re.findall("data-drive=", of_day)) == row["n"]
        assert len(re.findall('class="day d[1-4] chosen"', of_day)) == 1


@pytest.mark.parametrize("until", ["9999-12-31", "0001-01-05"])
def test_a_day_at_the_end_of_all_dates_is_one_without_drives_or_none(ask, until):
    answer = ask(f"/drives?until={until}")

    assert answer.status_code == 200
    assert ("data-drive=" in answer.text) == (until > "2000")


def test_ends_of_drives_are_coordinates_where_they_have_no_name(ask, reader):
    [fix] = reader.rows(
        "select drive_id, arg_min(latitude, mono_ns) as latitude, "
        "arg_min(longitude, mono_ns) as longitude from staging.fixes "
        "group by drive_id order by drive_id limit 1"
    )
    card = ask("/drives").text.split(f'data-drive="{fix["drive_id"]}"')[1].split("</li>")[0]

    start = re.search('class="between">([^<]*) →', card)[1]

    assert start == f"{fix['latitude']:.3f}, {fix['longitude']:.3f}"


def test_the_map_moves_by_keys_buttons_wheel_and_pointer(visit):
    page = visit("/places").page
    svg = page.locator(".area svg").first
    bar = svg.locator(".bar-label")

    def view():
        return [float(one) for one in svg.get_attribute("viewBox").split()]

    whole, far = view(), bar.text_content()
    box = svg.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.wheel(0, -400)  # scrolls the page
    page.wait_for_timeout(50)
    assert view() == whole
    svg.focus()
    for key in ("+", "+", "+", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    x, y, width, height = view()
    assert (width, height) == pytest.approx((whole[2] / 8, whole[3] / 8), rel=1e-3)
    assert x == pytest.approx(whole[2] * (7 / 16 + 0.2 / 8), rel=1e-3)
    assert y == pytest.approx(whole[3] * (7 / 16 + 0.2 / 8), rel=1e-3)
    assert bar.text_content() != far

    box = svg.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 40, middle[1], steps=3)
    page.mouse.up()
    assert view()[0] > x
    assert page.url.endswith("/places")
    page.locator(".area").first.get_by_role("button", name="All of the map").click()
    assert view() == pytest.approx(whole, abs=0.01)

    page.locator(".area a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/events?cell=*")


def test_drives_since_the_last_visit_are_told_in_the_browser_alone(visit):
    page = visit("/").page
    newest = page.evaluate("localStorage.visit")
    line = page.locator("#since-visit")
    assert not line.is_visible()

    page.evaluate("sessionStorage.clear(); localStorage.visit = '2025-07-02T16:21:00'")
    page.reload()

    line.wait_for()
    assert re.fullmatch("[1-9][0-9]* drives? since your last visit.", line.inner_text())
    assert page.evaluate("localStorage.visit") == newest
    page.reload()  # the same visit
    line.wait_for()
