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


def test_timeline_and_plots_are_painted_below_each_other_in_one_window(plots):
    page, duration_s = plots

    painted = page.evaluate(PAINTED)

    assert len(painted) == 5
    assert min(painted) > 1000
    assert shown(page) == pytest.approx([0, duration_s])
    places = [
        page.locator(where).bounding_box()
        for where in (".rule > svg", "[data-plot=speed] .u-over", "[data-plot=lead] .u-over")
    ]
    assert [one["x"] for one in places] == pytest.approx([places[0]["x"]] * 3, abs=1)
    assert [one["width"] for one in places] == pytest.approx([places[0]["width"]] * 3, abs=1)
    last = places[-1]
    assert last["y"] + last["height"] - places[0]["y"] < 600  # a laptop shows all of it
    track = page.locator(".map").bounding_box()
    assert track["x"] > last["x"] + last["width"]
    assert track["y"] < places[1]["y"]


def test_dragging_zooms_every_plot_and_is_in_the_address(plots, visit):
    page, duration_s = plots
    page.locator("[data-plot=speed]").scroll_into_view_if_needed()
    before, painted = shown(page), page.evaluate(PAINTED)

    drag(page, "speed", 0.25, 0.5)
    wait_for_zoom(page, before)

    start_s, end_s = shown(page)
    span = page.locator(".rule .span").evaluate(
        "one => ['x', 'width'].map(name => parseFloat(one.getAttribute(name)))"
    )
    length_s = end_s - start_s
    wanted = [-start_s / length_s * 100, duration_s / length_s * 100]
    assert span == pytest.approx(wanted, rel=1e-3)  # the timeline zooms with the plots
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
    page.get_by_role("button", name="Closer", exact=True).click()
    wait_for_zoom(page, before)
    closer = shown(page)
    assert closer == pytest.approx([duration_s / 4, duration_s * 3 / 4])
    page.get_by_role("button", name="Later").click()
    wait_for_zoom(page, closer)
    later = shown(page)
    assert later == pytest.approx([duration_s / 2, duration_s])
    page.get_by_role("button", name="All", exact=True).click()
    wait_for_zoom(page, later)

    assert shown(page) == pytest.approx([0, duration_s])
    assert "from=" not in page.url


def test_one_cursor_goes_through_timeline_plots_and_track(plots):
    page, duration_s = plots
    page.locator("[data-plot=speed]").scroll_into_view_if_needed()
    box = page.locator("[data-plot=speed] .u-over").bounding_box()

    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 40)

    cursor_is(page, duration_s * 0.4, abs_s=2)
    assert "km/h" not in page.locator("[data-plot=speed] .u-legend").inner_text()
    values = page.locator("[data-plot=speed] .u-legend .u-value").all_text_contents()
    assert float(values[1]) > 0
    before = page.locator(".map .now").get_attribute("cy")

    rule = page.locator(".rule > svg").bounding_box()
    page.mouse.move(rule["x"] + rule["width"] * 0.7, rule["y"] + 40)
    cursor_is(page, duration_s * 0.7, abs_s=2)
    assert page.locator(".map .now").get_attribute("cy") != before

    page.locator("#at").focus()
    page.keyboard.press("End")
    cursor_is(page, duration_s, abs_s=0.06)
    page.keyboard.press("p")
    times_s = page.locator(".timeline [data-time]").evaluate_all(
        "all => all.map(one => +one.dataset.time)"
    )
    cursor_is(page, max(one for one in times_s if one < duration_s - 0.06), abs_s=0.01)
    ends = page.locator(".map polyline").first.get_attribute("points").split(" ")[0]
    x, y = page.evaluate(
        """place => {
          const matrix = document.querySelector(".map svg").getScreenCTM();
          const at = new DOMPoint(...place.split(",")).matrixTransform(matrix);
          return [at.x, at.y];
        }""",
        ends,
    )
    page.mouse.move(x + 5, y + 5)
    assert float(page.locator(".cockpit").get_attribute("data-now")) < 60


def cursor_is(page, time_s, *, abs_s) -> None:
    """Check that all parts are at one moment."""
    page.wait_for_timeout(60)
    now = float(page.locator(".cockpit").get_attribute("data-now"))
    assert now == pytest.approx(time_s, abs=abs_s)
    places = page.locator("#signals .u-cursor-x").evaluate_all(
        "all => all.map(one => Math.round(one.getBoundingClientRect().left))"
    )
    needle = page.locator(".rule .now").evaluate("one => one.getBoundingClientRect().left")
    assert len(places) == 5
    assert len(set(places)) == 1
    assert places[0] == pytest.approx(needle, abs=2)
    assert page.locator(".map .now").get_attribute("visibility") == "visible"
    assert float(page.locator("#at").input_value()) == pytest.approx(now, abs=0.06)


def test_what_the_logs_do_not_say_is_a_sentence_and_a_choice_keeps_the_window(visit, drive):
    path = f"/drive/{drive['drive_id']}?signals=speed&signals=mads.enabled&from=30&to=90"
    page = visit(path).page
    page.wait_for_selector(DRAWN)

    nothing = page.locator("[data-plot='mads.enabled']")
    assert nothing.inner_text() == "Nothing in this part: mads.enabled."
    page.get_by_role("button", name="All", exact=True).click()
    page.wait_for_selector("[data-plot='mads.enabled'].is-never")
    assert nothing.inner_text() == "The logs say nothing of it: mads.enabled."
    assert nothing.bounding_box()["height"] < 50
    page.get_by_role("button", name="Closer", exact=True).click()
    page.wait_for_selector("#whole:not([disabled])")
    page.get_by_role("checkbox", name="Curvature").check()
    page.locator("#picker").get_by_role("button", name="Show").click()
    page.wait_for_selector("[data-plot=curvature] canvas")
    assert "signals=curvature" in page.url
    assert shown(page) == pytest.approx(
        [drive["duration_s"] / 4, drive["duration_s"] * 3 / 4], abs=0.01
    )


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
