"""Every page in a real browser: it loads, says what the views say, and works for everybody."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.web.conftest import HOSTILE, exact

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True}
DESKTOP = {"viewport": {"width": 1280, "height": 860}, "color_scheme": "light"}
WITHOUT_SCRIPT = {"java_script_enabled": False}


NAMES = (
    "overview", "device", "dates", "drives", "events", "no events", "drive", "imported", "event",
    "compare", "groups", "rates", "places", "quality", "glossary",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_page_loads_and_fits_light_and_dark_desktop_and_phone(visit, addresses, name):
    for options in (DESKTOP, PHONE):
        shown = visit(addresses[name], **options)
        page = shown.page

        assert page.locator("h1").count() == 1
        assert page.locator("main").count() == page.locator("header nav").count() == 1
        assert page.title().endswith("· engagement")
        assert shown.overflow() == 0
        is_dark = page.evaluate(
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every(c => c < 80)"
        )
        assert is_dark == (options is PHONE)
        if name in ("drive", "event"):
            page.wait_for_selector("#signals[data-state=drawn]")
            assert shown.overflow() == 0
        assert violations(page) == []
    check_structure(page)
    check_paper(shown)


def check_paper(shown) -> None:
    """Printed on A4, nothing is cut off, and nothing that only a screen can do is there."""
    shown.page.emulate_media(media="print", color_scheme="dark")
    shown.page.set_viewport_size({"width": 703, "height": 1000})
    assert shown.overflow() <= 8  # Chromium shrinks a page by as much
    assert shown.page.locator("nav:visible, button:visible, select:visible").count() == 0


def violations(page) -> list[str]:
    """What axe-core finds against the rules of accessibility; nothing where it was not fetched."""
    if not AXE.exists():
        return []
    page.evaluate(AXE.read_text(encoding="utf-8"))
    return page.evaluate(
        "axe.run().then(all => all.violations.map(one => `${one.id}: ${one.nodes[0].html}`))"
    )


def check_structure(page) -> None:
    """Images have words, fields have labels, headings are in order, names are given once."""
    assert page.locator("[role=img]:not([aria-label]), img:not([alt])").count() == 0
    unlabelled = "input:not([type=hidden]):not(label input), select:not(label select)"
    assert page.locator(unlabelled).count() == 0
    levels = page.locator("h1, h2, h3").evaluate_all("all => all.map(one => +one.tagName[1])")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    doubled = page.locator("[id]").evaluate_all(
        "all => all.map(one => one.id).filter((id, place, ids) => ids.indexOf(id) !== place)"
    )
    assert doubled == []


def test_a_filter_that_is_sent_is_in_the_address(visit, drive):
    page = visit("/").page

    page.get_by_label("Device").select_option(drive["dongle_id"])
    page.get_by_role("button", name="Show").click()
    page.wait_for_load_state()

    assert f"device={drive['dongle_id']}" in page.url
    assert drive["dongle_id"] in page.locator("h1").inner_text()


def test_a_drive_is_drawn_without_script(visit, reader, addresses, drive):
    page = visit(addresses["drive"], **WITHOUT_SCRIPT).page

    known = reader.rows(
        "select mode, sum(duration_s) as mode_s from state_intervals where drive_id = ? "
        "group by mode",
        [drive["drive_id"]],
    )
    widths = page.locator(".timeline .modes rect").evaluate_all(
        "all => all.map(one => [one.dataset.mode, parseFloat(one.getAttribute('width'))])"
    )
    for row in known:
        share = sum(width for mode, width in widths if mode == row["mode"])
        assert share == pytest.approx(row["mode_s"] / drive["duration_s"] * 100, abs=0.2)
    assert page.locator(".map polyline.engaged").count() >= 2
    assert page.locator(".map .pin").count() >= 3
    assert page.locator(".needs-script:visible").count() == 0
    link = page.locator(".timeline a.pin").first.get_attribute("href")
    assert link.startswith("/event/")


def test_an_event_says_why_and_what_was_measured(visit, addresses, event):
    shown = visit(addresses["event"], **WITHOUT_SCRIPT)
    page = shown.page

    assert page.locator("h1").inner_text() == "Disengagement: the driver braked"
    assert "the driver braked" in page.locator("#why ~ p").first.inner_text()
    chosen = page.locator(".rules tr.chosen")
    assert chosen.count() == 1
    assert "userDisable" in chosen.inner_text()
    assert "pedalPressed" in chosen.inner_text()
    assert "brake pressed" in page.get_by_role("region", name="Changes").inner_text()
    values = shown.values("section:has(#severity)")
    assert values == {name: exact(event[name]) for name in values}
    assert {"min_ttc_s", "min_thw_s", "max_drac_mps2", "has_fcw"} <= set(values)
    assert page.locator("section:has(#seconds) tbody tr").count() == 11


def test_names_that_are_markup_stay_text(visit, hostile):
    quoted = quote(HOSTILE, safe="")
    paths = (
        "/",
        "/drives",
        f"/drives?branch={quoted}",
        f"/events?branch={quoted}",
        f"/drive/{hostile['drive_id']}",
        "/drive/0123abcd%7C2025-07-30--08-00-00",
        "/compare?by=branch",
        f"/compare?by=branch&a={quoted}&b=release3",
        "/quality",
    )
    for path in paths:
        page = visit(path).page
        assert page.locator("[onerror], img, main script").count() == 0
        if path not in ("/", "/quality"):
            assert "<script>alert(2)</script>" in page.locator("main").inner_text()


def test_the_keyboard_reaches_the_content_and_the_pages(visit):
    page = visit("/").page

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["y"] >= 0
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('href')"))
    assert reached == [
        "/",
        "/",
        "/drives",
        "/events",
        "/rates",
        "/compare",
        "/places",
        "/quality",
        "/glossary",
    ]
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"

    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_nothing_moves_while_a_page_loads(visit, addresses):
    for name in ("overview", "drive", "event"):
        page = visit(addresses[name]).page
        if name != "overview":
            page.wait_for_selector("#signals[data-state=drawn]")

        shift = page.evaluate(
            """() => new Promise(done => new PerformanceObserver(list => done(
                list.getEntries().reduce((sum, entry) => sum + entry.value, 0)))
                .observe({type: "layout-shift", buffered: true}) || setTimeout(done, 200, 0))"""
        )
        assert shift < 0.01


def test_the_colours_can_be_chosen_and_are_kept(visit):
    page = visit("/", color_scheme="light").page
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)

    button = page.locator("#theme")
    button.click()
    button.click()
    assert button.get_attribute("aria-label") == "Colours: dark"
    dark = page.evaluate(ground)
    assert dark != light
    page.goto(page.url.rstrip("/") + "/drives")
    assert page.evaluate(ground) == dark

    assert visit("/?theme=dark", color_scheme="light").page.evaluate(ground) == dark


def test_without_a_video_one_line_says_so(visit, addresses):
    for name in ("drive", "event"):
        page = visit(addresses[name]).page
        assert page.locator("#no-video").inner_text() == "No video: none lies beside the logs."
        assert page.locator("#player").count() == 0
