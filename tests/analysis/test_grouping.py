from __future__ import annotations

import re
from itertools import product

import pytest

from engagement.analysis.grouping import KINDS, PATTERN, Grouping, divide, parse_grouping
from engagement.errors import InputError, NotFoundError
from tests.analysis.fleets import Fleet

RATES = {"intervention": 5.0}
ALL = range(1, 10)


@pytest.fixture(scope="module")
def reader():
    """Drives 1-3 are of master in June, 4-6 of tuning in July, 7 is of tuned in August."""
    fleet = Fleet()
    fleet.add("master", 3, per_100km=RATES, day="2025-06-30 23:59:59")
    fleet.add("tuning", 3, per_100km=RATES, day="2025-07-01")
    fleet.add("tuned", 1, per_100km=RATES, day="2025-08-31 12:00:00")
    reader = fleet.reader()
    reader.connection.execute(
        "insert into drive_groups "
        "select drive_id, 'commit', case when drive_id < 4 then 'abc123' when drive_id < 7 "
        "then 'abd456' else 'ff0000' end from drives"
    )
    return reader


@pytest.mark.parametrize("kind", ["branch", "week", "model", "car,month", "date"])
def test_groupings_are_named_as_drive_groups_has_them(kind):
    assert parse_grouping(kind) == Grouping(kind)
    assert str(parse_grouping(kind)) == kind


def test_a_param_is_any_name():
    assert parse_grouping("param:Mode") == Grouping("param", "Mode")
    assert str(parse_grouping("param:Mode")) == "param:Mode"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("branches", "did you mean 'branch'?"),
        ("", "version, branch, commit"),
        ("param", "did you mean 'param:NAME'?"),
        ("param:", "param:NAME"),
        ("all", "version, branch"),
    ],
)
def test_what_drives_are_not_grouped_by_is_answered_with_what_they_are(text, hint):
    with pytest.raises(InputError) as raised:
        parse_grouping(text)
    assert f"--by {text!r}" in str(raised.value)
    assert hint in str(raised.value)


def test_groups_have_the_chosen_drives_only(reader):
    found = divide(reader, Grouping("branch"), "master", "tuning", [2, 3, 4, 7])
    assert (found.a_drives, found.b_drives) == ((2, 3), (4,))
    assert (found.by, found.a, found.b) == ("branch", "master", "tuning")


def test_params_are_groups_by_their_value(reader):
    found = divide(reader, Grouping("param", "Mode"), "tuned", "master", ALL)
    assert (found.a_drives, found.b_drives) == ((7,), (1, 2, 3))
    assert found.by == "param:Mode"


def test_an_unknown_group_is_answered_with_the_nearest_and_all_there_are(reader):
    with pytest.raises(NotFoundError) as raised:
        divide(reader, Grouping("branch"), "mastre", "tuning", ALL)
    assert str(raised.value) == (
        "no branch 'mastre'; did you mean 'master'? There is master (3 drives), tuning (3 drives), "
        "tuned (1 drive)"
    )


def test_an_unknown_param_is_answered_with_those_there_are(reader):
    with pytest.raises(NotFoundError, match="no param 'Moed'; did you mean 'Mode'"):
        divide(reader, Grouping("param", "Moed"), "a", "b", ALL)


def test_the_start_of_a_commit_is_enough(reader):
    found = divide(reader, Grouping("commit"), "ABC", "ff", ALL)
    assert (found.a, found.b) == ("abc123", "ff0000")
    with pytest.raises(InputError, match="'ab' is the start of several: abc123, abd456"):
        divide(reader, Grouping("commit"), "ab", "ff", ALL)
    with pytest.raises(NotFoundError):
        divide(reader, Grouping("branch"), "mast", "tuning", ALL)


def test_a_group_is_not_compared_with_itself(reader):
    with pytest.raises(InputError, match="A and B are the same commit: 'abc123'"):
        divide(reader, Grouping("commit"), "abc1", "abc123", ALL)


def test_a_group_none_of_whose_drives_was_chosen_is_said(reader):
    with pytest.raises(NotFoundError, match="no drive of branch 'tuning'"):
        divide(reader, Grouping("branch"), "master", "tuning", [1, 2])


@pytest.mark.parametrize(
    ("a", "b", "a_drives", "b_drives"),
    [
        ("2025-06-30", "2025-07-01", (1, 2, 3), (4, 5, 6)),
        ("..2025-06-30", "2025-07-01..", (1, 2, 3), (4, 5, 6, 7)),
        ("2025-07-01..2025-07-31", "2025-08-01..2025-08-31", (4, 5, 6), (7,)),
    ],
)
def test_ranges_of_days_include_both_ends(reader, a, b, a_drives, b_drives):
    found = divide(reader, Grouping("date"), a, b, ALL)
    assert (found.a_drives, found.b_drives) == (a_drives, b_drives)
    assert (found.a, found.b) == (a, b)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("July", "'July' is no range of dates; write it like 2025-07-01..2025-07-31"),
        ("2025-07-01..2025-02-30", "is no range of dates"),
        ("..", "is every day"),
        ("2025-07-31..2025-07-01", "ends before it begins"),
        ("2024-01-01..2024-01-02", "no drive of date '2024-01-01..2024-01-02'"),
        ("2025-08-01..", "overlap: a drive can't be in both groups"),
    ],
)
def test_ranges_that_do_not_hold(reader, text, problem):
    with pytest.raises((InputError, NotFoundError)) as raised:
        divide(reader, Grouping("date"), text, "2025-08-01..", ALL)
    assert problem in str(raised.value)


def test_the_pattern_is_what_is_parsed():
    kinds = [*KINDS, "mode", "all", "weather", "log_kind", "param:"]
    for text in [*kinds, *map(",".join, product(kinds, repeat=2))]:
        try:
            parse_grouping(text)
        except InputError:
            is_parsed = False
        else:
            is_parsed = True
        if "_" not in text:  # hyphens are what is written
            assert bool(re.fullmatch(PATTERN, text)) == is_parsed, text
