"""Where charts put their marks, and how values are written."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.analysis.sequential import Look, Sequence
from engagement.api import addresses
from engagement.api.pages import page_formats
from engagement.api.pages.charts import (
    Scale,
    ground,
    log_scale,
    nice_step,
    scale_bar,
    time_axis,
    value_axis,
)
from engagement.api.pages.looks_chart import draw_looks
from engagement.units import METRIC, UNITS

METRES = {"m": 1.0, "km": 1000.0, "ft": 0.3048, "mi": 1609.344}
METRES_PER_DEGREE = 111_320.0
METRIC_STYLES = page_formats.styles(METRIC)

places = st.tuples(st.floats(-85, 85), st.floats(-179, 179))
bounded = settings(max_examples=60, deadline=None)


@bounded
@given(st.floats(-1e6, 1e6), st.floats(0.001, 1e6), st.floats(-2e6, 2e6))
def test_a_scale_stays_within_its_axis(low, span, value):
    scale = Scale(low, low + span, 96.0, 8.0)

    assert 8.0 <= scale(value) <= 96.0
    assert scale(low) == 96.0
    assert scale(low + span) == 8.0


@bounded
@given(st.lists(st.floats(0, 1e6), max_size=5))
def test_an_axis_of_values_holds_them_all(values):
    scale, ticks = value_axis(values, start=100, end=0)

    assert all(scale.low <= value <= scale.high for value in values)
    assert 2 <= len(ticks) <= 5
    assert ticks[0].place == 100
    assert ticks[-1].place == 0


@pytest.mark.parametrize(("span", "step"), [(100, 50), (7, 2.5), (0.3, 0.1), (0, 1)])
def test_steps_are_round(span, step):
    assert nice_step(span, 3) == pytest.approx(step)


@bounded
@given(st.floats(0, 100_000))
def test_an_axis_of_time_has_a_few_round_ticks(duration_s):
    scale, ticks = time_axis(duration_s)

    assert 1 <= len(ticks) <= 9
    assert ticks[0].label == "0:00"
    assert all(0 <= tick.place <= 100 for tick in ticks)
    assert scale(0) == 0


def test_times_have_hours_when_there_are_any():
    _, ticks = time_axis(7200)

    assert [tick.label for tick in ticks][:4] == ["0:00", "15:00", "30:00", "45:00"]
    assert ticks[4].label == "1:00:00"


@bounded
@given(st.lists(places, min_size=1, max_size=20))
def test_the_ground_holds_every_place(found):
    frame = ground(found)

    for latitude, longitude in found:
        x, y = frame(latitude, longitude)
        assert 0 <= x <= frame.width
        assert 0 <= y <= frame.height
    for units in UNITS.values():
        length, label = scale_bar(units, frame)
        assert 0 < length <= frame.width / 4
        number, unit = label.split()
        metres = float(number) * METRES[unit]
        assert length * METRES_PER_DEGREE / frame.unit_per_degree == pytest.approx(metres, rel=0.01)


def test_the_ground_keeps_shapes():
    frame = ground([(50.0, 8.0), (50.1, 8.1)])

    north = frame(50.0, 8.0)[1] - frame(50.01, 8.0)[1]
    east = frame(50.0, 8.01)[0] - frame(50.0, 8.0)[0]
    assert east / north == pytest.approx(math.cos(math.radians(50.05)), rel=0.02)


@bounded
@given(st.lists(st.floats(1e-4, 1e4), max_size=6))
def test_an_axis_of_ratios_is_even_about_one(values):
    reach, ticks = log_scale(values)

    assert ticks[0] == 1 / reach
    assert ticks[-1] == reach
    assert 1.0 in ticks
    assert 3 <= len(ticks) <= 7
    assert reach >= min(max([1.0, *values]), 32)
    assert len(log_scale(values, limit=16.0)[1]) <= 5  # more touch each other on the page


@pytest.mark.parametrize(
    ("style", "value", "text"),
    [
        ("number", 0.0, "0"),
        ("number", 0.00001, "1.0e-5"),
        ("number", 0.01234, "0.0123"),
        ("number", 12.34, "12.3"),
        ("number", 12345.6, "12\u202f346"),
        ("number", -2.5, "\u22122.50"),
        ("percent", 0.12345, "12.3\u202f%"),
        ("speed", 10.0, "36\u202fkm/h"),
        ("duration", 59.6, "1:00"),
        ("duration", 3723.0, "1:02:03"),
        ("span", 0.5, "30\u202fmin"),
        ("span", 123.4, "123\u202fh"),
        ("distance", -0.01, "0.0"),
        ("rate", 1.234, "1.23"),
        ("gap", 7.0, "7.0\u202fm"),
        ("yes", True, "yes"),
    ],
)
def test_values_are_written_as_people_read_them(style, value, text):
    assert METRIC_STYLES[style](value) == text


@pytest.mark.parametrize("style", METRIC_STYLES)
def test_what_is_not_known_is_a_dash(style):
    assert METRIC_STYLES[style](None) == "\u2013"
    shown = page_formats.value(METRIC_STYLES, {"column": None}, "column", style)
    assert 'data-value=""' in shown


@bounded
@given(st.floats(allow_nan=False))
def test_the_whole_value_stands_beside_what_is_shown(value):
    shown = page_formats.value(
        METRIC_STYLES, {"rate": value if math.isfinite(value) else None}, "rate", "number"
    )

    found = shown.partition('data-value="')[2].partition('"')[0]
    assert found == ("" if math.isinf(value) else repr(value))


def test_a_value_that_is_markup_is_escaped():
    shown = page_formats.value(METRIC_STYLES, {"name": '<b>&"'}, "name", "text")

    assert "<b>" not in shown
    assert "&lt;b&gt;&amp;" in shown
    assert page_formats.wrapped("<i>_a") == "&lt;i&gt;_<wbr>a"
    assert "<b>" not in page_formats.short("<b>" * 9)


def test_links_name_drives_by_their_route_or_by_their_number():
    plain = {"dongle_id": "a1", "drive": "0000--1", "drive_id": 3}

    assert addresses.drive_url(plain) == "/drive/a1%7C0000--1"
    assert addresses.drive_url(plain | {"drive": "a/<b>"}) == "/drive/3"
    assert addresses.moment_url(plain | {"time_s": 61.25}) == "/drive/a1%7C0000--1@61.2"


def looks(*evidence, decided=None, limit=20.0, method="e-value"):
    """A sequence of looks after drives that come to A and B by turns."""
    found = tuple(Look(3 + n // 2, 3 + (n + 1) // 2, value) for n, value in enumerate(evidence))
    return Sequence(method, limit, None, found, decided, None, None)


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 1e300), min_size=2, max_size=60),
    st.sampled_from([("e-value", 20.0), ("line", 2.43)]),
)
def test_looks_go_from_left_to_right_and_tell_above_the_limit(evidence, rule):
    method, limit = rule
    beyond = [n for n, value in enumerate(evidence) if value >= limit]
    decided = beyond[0] if beyond else None
    chart = draw_looks(looks(*evidence, decided=decided, limit=limit, method=method))
    xs = [point.x for point in chart.points]
    assert xs == sorted(xs)
    assert 0 <= xs[0] < xs[-1] <= 100
    for point, value in zip(chart.points, evidence, strict=True):
        assert 8 <= point.y <= 96
        assert (point.y <= chart.limit) == (value >= limit) or abs(point.y - chart.limit) < 0.01
    assert chart.decided == (None if decided is None else chart.points[decided])
    assert all(0 <= label.place <= 100 for label in chart.labels)


def test_too_few_looks_are_not_drawn():
    sequence = looks(1.0)
    assert draw_looks(sequence) is None
    too_few = Look(3, 3, 0.0, is_too_few=True)
    assert draw_looks(replace(sequence, looks=(too_few, too_few, *sequence.looks))) is None
