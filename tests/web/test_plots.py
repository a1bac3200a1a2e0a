"""The zoomable plots in a real browser."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import pytest

# How many pixels of each canvas are not empty.
PAINTED = """() => [...document.querySelectorAll("#signals canvas")].map(canvas => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height)
    .getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const bytes = copy.getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let at = 3; at < bytes.length; at += 4) count += bytes[at] > 0;
  return count;
})"""
DRAWN = "#signals[data-state=drawn]"


@pytest.fixture
def plots(visit, reader):
    [row] = reader.rows(
        "from drives where not is_imported order by n_interventions desc, drive_id limit 1"
    )
    page = visit(f"/drive/{quote(row['route_name'])}").page
    page.wait_for_selector(DRAWN)
    return page, row["duration_s"]


def shown(page) -> tuple[float, float]:
    return page.locator("#signals").evaluate(
        "({dataset}) => [+dataset.shownFrom, +dataset.shownTo]"
    )


def wait_for_zoom(page, before) -> None:
    page.wait_for_function(
        "before => +document.getElementById('signals').dataset.shownFrom !== before[0] || "
        "+document.getElementById('signals').dataset.shownTo !== before[1]",
        arg=list(before),
    )


def drag(page, plot: str, start: float, end: float) -> None:
    """Drag over a part of a plot, in shares of its width."""
    box = page.locator(f"[data-plot={plot}] .u-over").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * start, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, y, steps=4)
    page.mouse.up()


def test_every_plot_is_painted(plots):
    page, duration_s = plots

    painted = page.evaluate(PAINTED)

    assert len(painted) == 5
    assert min(painted) > 1000
    assert shown(page) == pytest.approx([0, duration_s])


def test_dragging_zooms_every_plot_and_is_in_the_address(plots, visit):
    page, duration_s = plots
    page.locator("[data-plot=speed]").scroll_into_view_if_needed()
    before, painted = shown(page), page.evaluate(PAINTED)

    drag(page, "speed", 0.25, 0.5)
    wait_for_zoom(page, before)

    start_s, end_s = shown(page)
    assert start_s == pytest.approx(duration_s * 0.25, rel=0.03)
    assert end_s == pytest.approx(duration_s * 0.5, rel=0.03)
    after = page.evaluate(PAINTED)
    assert all(old != new for old, new in zip(painted, after, strict=True))
    assert f"from={start_s:.2f}" in page.url

    again = visit(urlsplit(page.url)._replace(scheme="", netloc="").geturl()).page
    again.wait_for_selector(DRAWN)
    assert shown(again) == pytest.approx([start_s, end_s], abs=0.01)


def test_buttons_zoom_and_move_and_show_all(plots):
    page, duration_s = plots
    assert page.locator("#whole").is_disabled()

    before = shown(page)
    page.get_by_role("button", name="Closer").click()
    wait_for_zoom(page, before)
    closer = shown(page)
    assert closer == pytest.approx([duration_s / 4, duration_s * 3 / 4])
    page.get_by_role("button", name="Later").click()
    wait_for_zoom(page, closer)
    later = shown(page)
    assert later == pytest.approx([duration_s / 2, duration_s])
    page.get_by_role("button", name="All").click()
    wait_for_zoom(page, later)

    assert shown(page) == pytest.approx([0, duration_s])
    assert "from=" not in page.url


def test_the_cursor_goes_through_every_plot(plots):
    page, _ = plots
    page.locator("[data-plot=speed]").scroll_into_view_if_needed()
    box = page.locator("[data-plot=speed] .u-over").bounding_box()

    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 40)
    page.wait_for_timeout(60)

    places = page.locator("#signals .u-cursor-x").evaluate_all(
        "all => all.map(one => one.style.transform)"
    )
    assert len(places) == 5
    assert len(set(places)) == 1
    assert "km/h" not in page.locator("[data-plot=speed] .u-legend").inner_text()
    values = page.locator("[data-plot=speed] .u-legend .u-value").all_inner_texts()
    assert float(values[1]) > 0


def test_an_event_is_shown_with_its_seconds(visit, reader):
    [event] = reader.rows("from events where cause = 'driver_brake' order by event_id limit 1")
    page = visit(f"/event/{quote(event['event_id'], safe='')}").page
    page.wait_for_selector(DRAWN)

    assert min(page.evaluate(PAINTED)) > 500
    assert shown(page) == pytest.approx([event["time_s"] - 5, event["time_s"] + 5])
    assert page.locator("#range").inner_text() == "\u22125.0 s to 5.0 s"


def test_plots_take_the_width_of_a_phone_and_the_other_colours(plots):
    page, _ = plots
    light = page.evaluate("document.querySelector('#signals canvas').toDataURL()")

    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("() => document.querySelector('#signals .uplot').clientWidth < 390")
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(100)

    assert page.evaluate("document.querySelector('#signals canvas').toDataURL()") != light
    assert page.evaluate(
        "document.documentElement.scrollWidth === document.documentElement.clientWidth"
    )
