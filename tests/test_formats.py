from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement import formats


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (formats.percent(0.625), "62.5"),
        (formats.decimal(12.34), "12.3"),
        (formats.duration(59.6), "0:01:00"),
        (formats.duration(3_723), "1:02:03"),
        (formats.duration(360_000), "100:00:00"),
        (formats.size(0), "0 bytes"),
        (formats.size(999), "999 bytes"),
        (formats.size(1_000), "1.0 kB"),
        (formats.size(9_500_000), "9.5 MB"),
        (formats.size(61_400_000), "61 MB"),
        (formats.size(999_700), "1.0 MB"),
        (formats.size(5_000_000_000_000_000), "5000.0 TB"),
        (formats.moment(datetime(2025, 7, 31, 1, 2, 59, tzinfo=UTC)), "2025-07-31 01:02"),
        (formats.count(1, "drive"), "1 drive"),
        (formats.count(0, "drive"), "0 drives"),
        (formats.text("a\x1b[31m\nb"), "a\\x1b[31m\\nb"),
        (formats.text("Ærø"), "Ærø"),
    ],
)
def test_values_as_people_read_them(shown, expected):
    assert shown == expected


@pytest.mark.parametrize(
    "show",
    [
        formats.text, formats.percent, formats.decimal, formats.duration, formats.size,
        formats.moment,
    ],
)  # fmt: skip
def test_what_is_not_known_is_a_dash(show):
    assert show(None) == "-"


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 40)))
def test_spans_hold_each_number_once(numbers):
    text = formats.spans(sorted(numbers))
    read = []
    for part in filter(None, text.split(", ")):
        first, _, last = part.partition("-")
        read += range(int(first), int(last or first) + 1)
    assert read == sorted(numbers)


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_text_never_holds_what_a_terminal_would_obey(text):
    assert formats.text(text).isprintable()


def test_limits_that_say_nothing_are_not_shown_as_numbers():
    assert formats.interval((13.2, 0.5, 1300.0)) == "13.2 (0.500-1300)"
    assert formats.interval((13.2, 1.5e-6, 114e6)) == "13.2 (any)"
    assert formats.interval((0.0, 0.0, 161.0)) == "0 (0-161)"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (5.06, "5.1"), (0.0444, "0.044"), (12.4, "12"), (1234.5, "1234"), (0.997, "1.0"),
     (3e-7, "3e-7"), (None, "-"), (math.inf, "any number")],
)  # fmt: skip
def test_numbers_have_two_digits_that_count(value, text):
    assert formats.two_digits(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (3.24, "3.2"), (94.6, "95"), (1234, "1 200"), (63123, "63 000")]
)
def test_exposures_are_rounded(value, text):
    assert formats.about(value) == text


@settings(max_examples=200, deadline=None)
@given(st.floats(1e-3, 1e9), st.integers(2, 5))
def test_so_many_digits_are_as_near_as_so_many_can_be(value, digits):
    shown = formats.significant(value, digits)
    exponent = math.floor(math.log10(value))
    assert abs(float(shown) - value) <= 0.5000001 * 10.0 ** (exponent - digits + 1)
    assert "e" not in shown


@pytest.mark.parametrize("value", [-0.04, -0.0, 0.04])
def test_nothing_has_no_sign(value):
    assert formats.decimal(value) == "0.0"
