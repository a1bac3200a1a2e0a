"""What drives are selected by is the same on every command, and says what there is not."""

from __future__ import annotations

import json
from datetime import date

import pytest

from engagement.cli.exit_codes import ExitCode
from engagement.filters import DRIVE_FILTERS
from engagement.store.reader import Reader


@pytest.fixture(scope="module")
def drives(database):
    with Reader(database) as reader:
        return reader.rows("from drives")


def value(one, drive):
    found = drive[one.column]
    return found.date() if one.kind is date else found


def typed(one, drive):
    """What a user would type for a drive."""
    text = str(drive["drive"] if one.name == "drive" else value(one, drive))
    return text[:6] if one.is_start_enough else text


@pytest.mark.parametrize("one", DRIVE_FILTERS.values(), ids=list(DRIVE_FILTERS))
@pytest.mark.parametrize("command", ["drives", "report", "events"])
def test_a_filter_leaves_what_fits(run, drives, command, one):
    for drive in drives:
        result = run(command, one.flag, typed(one, drive), "--json")
        assert result.exit_code == ExitCode.OK, result.stderr
        found = json.loads(result.stdout)
        rows = found["drives"] if command == "report" else found
        expected = [d["drive_id"] for d in drives if one.fits(value(one, d), value(one, drive))]
        assert {row["drive_id"] for row in rows} == {*expected}


@pytest.mark.parametrize("name", ["device", "drive", "car", "branch", "version", "commit", "fork"])
def test_what_there_is_not_is_said_with_what_there_is(run, name):
    result = run("drives", f"--{name}", "nothing")
    assert result.exit_code == ExitCode.FAILED
    assert f"no {name} 'nothing'; " in result.stderr
    assert result.stdout == ""


def test_a_start_of_several_is_not_enough(run, drives):
    assert len({drive["dongle_id"] for drive in drives}) > 1
    result = run("drives", "--device", "")
    assert result.exit_code == ExitCode.USAGE
    assert "is the start of" in result.stderr
