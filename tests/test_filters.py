"""A selection leaves the same drives in SQL, in Python, and by a plain reading of what it asks."""

from __future__ import annotations

from datetime import date, datetime, time

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.errors import InputError
from engagement.filters import DRIVE_FILTERS, Selection, parse_day

COLUMNS = {
    "device": "dongle_id", "drive": "drive_id", "car": "car_fingerprint", "branch": "git_branch",
    "version": "version", "commit": "git_commit", "fork": "fork",
}  # fmt: skip
GROUPINGS = COLUMNS.keys() - {"drive"}
NAMES = st.sampled_from(["a", "A", "ab", "", "'", "%"])
DAYS = st.dates(date(2024, 2, 27), date(2024, 3, 2))
STARTS = st.builds(
    datetime.combine, DAYS, st.sampled_from([time.min, time(12), time(23, 59, 59, 999999)])
)
DRIVES = st.lists(
    st.fixed_dictionaries(
        {column: st.none() | NAMES for column in COLUMNS.values() if column != "drive_id"}
        | {"started_at": st.none() | STARTS}
    ),
    min_size=1,
    max_size=8,
)
WANTED = st.fixed_dictionaries(
    {},
    optional={name: NAMES for name in COLUMNS if name != "drive"}
    | {"drive": st.integers(0, 8), "since": DAYS, "until": DAYS},
)


def fits(row, wanted):
    """What each filter says it leaves."""
    day = row["started_at"] and row["started_at"].date()
    return (
        all(row[column] == wanted[name] for name, column in COLUMNS.items() if name in wanted)
        and ("since" not in wanted or (day is not None and day >= wanted["since"]))
        and ("until" not in wanted or (day is not None and day <= wanted["until"]))
    )


@pytest.fixture(scope="module")
def table():
    with duckdb.connect() as connection:
        texts = ", ".join(f"{column} varchar" for column in COLUMNS.values() if "_id" not in column)
        connection.execute(
            "create table drives "
            f"(drive_id integer, dongle_id varchar, started_at timestamp, {texts})"
        )
        yield connection


@given(drives=DRIVES, wanted=WANTED)
def test_a_selection_leaves_what_it_says(table, drives, wanted):
    rows = [drive | {"drive_id": number} for number, drive in enumerate(drives)]
    table.execute("delete from drives")
    for row in rows:
        marks = ", ".join("?" * len(row))
        table.execute(f"insert into drives ({', '.join(row)}) values ({marks})", [*row.values()])
    selection = Selection.of(**wanted)

    query = f"select drive_id from drives where {selection.where} order by drive_id"
    found = [number for (number,) in table.execute(query, dict(selection.values)).fetchall()]

    assert found == [row["drive_id"] for row in rows if fits(row, wanted)]
    for row in rows:
        day = row["started_at"] and row["started_at"].date()
        known = {name: row[column] for name, column in COLUMNS.items()} | {
            "since": day,
            "until": day,
        }
        unknown = {name for name, value in known.items() if value is None}
        asked = {name: value for name, value in wanted.items() if name not in unknown}
        assert selection.admits(**known) == fits(row, asked)


@given(wanted=WANTED)
def test_a_group_is_everything_or_what_one_filter_that_groups_leaves(wanted):
    group = Selection.of(**wanted).group
    if not wanted:
        assert group == ("all", "all")
    elif len(wanted) == 1 and wanted.keys() <= GROUPINGS:
        assert group == next(iter(wanted.items()))
    else:
        assert group is None


@given(day=DAYS)
def test_a_day_is_read_as_it_is_written(day):
    assert parse_day(day.isoformat()) == day


@pytest.mark.parametrize("text", ["", "today", "2025-02-30", "2025-07-31T00:00", "31.07.2025"])
def test_what_is_no_day_is_refused(text):
    with pytest.raises(InputError, match="is no date; write it like"):
        parse_day(text)


def test_every_filter_of_drives_is_tried_here():
    assert {*COLUMNS, "since", "until"} == DRIVE_FILTERS.keys()
