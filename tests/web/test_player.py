"""The road beside the plots in a real browser: one moment for both."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest

from engagement.extract.segment import ReadOptions
from engagement.simulate.drives import write_drive
from engagement.simulate.fleet import BUSY, plan_drives
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from engagement.store.reader import Reader
from tests.support.videos import write_video
from tests.web.conftest import serving
from tests.web.test_plots import DRAWN

SHOWN = "time => Math.abs(+document.getElementById('player').dataset.shown - time) < 0.06"
AT = "time => Math.abs(+document.getElementById('player').dataset.time - time) < 0.03"
STRIP_AT = "time => Math.abs(+document.querySelector('[data-strip]').dataset.time - time) < 0.03"
CURSORS = """() => new Set([...document.querySelectorAll("#signals .u-cursor-x")]
    .map(one => one.style.transform)).size"""


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    """A drive of five segments; the third has no video, the last one's is no video."""
    folder = tmp_path_factory.mktemp("filmed")
    [drive] = plan_drives(1, calm=BUSY)
    for number, log in enumerate(write_drive(folder / "rlogs", replace(drive, has_frames=True))):
        if number == 4:
            log.with_name("qcamera.ts").write_bytes(b"#EXTM3U\n")
        elif number != 2:
            write_video(log.with_name("qcamera.ts"), 1200)
    path = folder / "engagement.duckdb"
    ingest([folder / "rlogs"], path, IngestOptions(ReadOptions(), jobs=1))
    return path


@pytest.fixture(scope="module")
def site(filmed):
    with serving(filmed) as address:
        yield address


@pytest.fixture(scope="module")
def rows(filmed):
    with Reader(filmed) as reader:
        [drive] = reader.rows("from drives")
        yield drive, reader.rows("from events order by time_s")


@pytest.fixture(scope="module")
def drive_path(rows):
    return f"/drive/{quote(rows[0]['route_name'])}"


@pytest.fixture(scope="module")
def event(rows):
    """One whose ten seconds lie in a segment with a video."""
    return next(
        one for one in rows[1] if 6 < one["time_s"] % 60 < 54 and one["segment_num"] in (0, 1, 3)
    )


def path_of(event):
    return f"/event/{quote(event['event_id'], safe='')}"


def hover(page, plot, share, *, click=False):
    page.locator(f"[data-plot={plot}]").scroll_into_view_if_needed()
    box = page.locator(f"[data-plot={plot}] .u-over").bounding_box()
    at = box["x"] + box["width"] * share, box["y"] + box["height"] / 2
    page.mouse.move(*at)
    if click:
        page.mouse.click(*at)


def test_moving_over_a_plot_shows_the_picture_of_that_moment(visit, event):
    page = visit(path_of(event)).page
    page.wait_for_selector(DRAWN)

    hover(page, "speed", 0.8)

    page.wait_for_function(SHOWN, arg=event["time_s"] + 3)
    page.wait_for_function(STRIP_AT, arg=event["time_s"] + 3)
    assert page.evaluate("document.querySelector('#player video').currentTime") == pytest.approx(
        event["segment_time_s"] + 3, abs=0.1
    )
    assert "km/h" in page.locator("[data-of=speed]").inner_text()


def test_playing_moves_the_cursor_of_every_plot_and_ends_with_the_window(visit, event):
    page = visit(path_of(event)).page
    page.wait_for_selector(DRAWN)
    hover(page, "speed", 0.9, click=True)
    page.wait_for_function(SHOWN, arg=event["time_s"] + 4)
    before = page.locator("#signals .u-cursor-x").first.get_attribute("style")

    page.get_by_role("button", name="Play").click()
    page.wait_for_function(AT, arg=event["time_s"] + 5)

    page.wait_for_selector("#player[data-state=paused]")
    assert page.evaluate(CURSORS) == 1
    assert page.locator("#signals .u-cursor-x").first.get_attribute("style") != before


def test_keys_alone_hop_step_and_play(visit, drive_path, rows):
    page = visit(drive_path).page
    page.wait_for_selector(DRAWN)
    times_s = [one["time_s"] for one in rows[1]]

    page.keyboard.press("n")
    page.wait_for_function(AT, arg=times_s[0])
    page.keyboard.press("n")
    page.wait_for_function(AT, arg=times_s[1])
    page.keyboard.press("p")
    page.wait_for_function(AT, arg=times_s[0])
    page.locator("#player video").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(AT, arg=times_s[0] - 1)
    page.keyboard.press(".")
    page.wait_for_function(AT, arg=times_s[0] - 0.95)
    page.keyboard.press("Space")

    page.wait_for_selector("#player[data-state=playing]")
    page.keyboard.press("Space")
    page.wait_for_selector("#player[data-state=paused]")


def test_playing_goes_on_in_the_next_segment(visit, drive_path, rows):
    page = visit(drive_path).page
    page.wait_for_selector(DRAWN)
    hover(page, "speed", 59.5 / rows[0]["duration_s"], click=True)

    page.get_by_role("button", name="Play").click()

    page.wait_for_function("() => document.querySelector('#player video').src.endsWith('/video/1')")
    page.wait_for_function("() => +document.getElementById('player').dataset.time > 60.2")


def test_a_moment_without_video_is_told(visit, drive_path, rows):
    page = visit(drive_path).page
    page.wait_for_selector(DRAWN)

    hover(page, "speed", 150 / rows[0]["duration_s"])

    page.get_by_text("There is no video of this moment.").wait_for()


def test_a_video_that_is_none_is_told_in_one_line(browser, site, drive_path, rows):
    context = browser.new_context()
    page = context.new_page()
    page.goto(site + drive_path)
    page.wait_for_selector(DRAWN)

    hover(page, "speed", 250 / rows[0]["duration_s"])

    page.get_by_text("can\u2019t be shown: qcamera.ts: ").wait_for()
    context.close()


def test_without_script_there_is_a_picture_and_the_browsers_own_player(visit, event):
    page = visit(path_of(event), java_script_enabled=False).page

    video = page.locator("#player video")
    assert video.get_attribute("controls") is not None
    assert page.request.get(page.url.split("/event")[0] + video.get_attribute("poster")).ok
    assert not page.locator("#player [data-play]").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_on_a_phone(visit, event, drive_path, scheme):
    for path in (path_of(event), drive_path):
        found = visit(path, viewport={"width": 390, "height": 844}, color_scheme=scheme)
        found.page.wait_for_selector("#player.is-ready")
        assert found.overflow() == 0
        box = found.page.locator("#player video").bounding_box()
        assert box["width"] / box["height"] == pytest.approx(526 / 330, rel=0.02)


def test_its_parts_have_names(visit, event):
    page = visit(path_of(event)).page
    page.wait_for_selector("#player.is-ready")

    buttons = page.locator("#player button")
    names = [one.get_attribute("aria-label") or one.inner_text() for one in buttons.all()]
    assert names == ["Previous event", "A second back", "Play", "A second on", "Next event"]
    assert page.locator("#player").get_attribute("role") == "group"
    assert page.locator("#player video").get_attribute("aria-label")
