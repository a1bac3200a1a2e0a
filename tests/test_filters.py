"""A selection leaves the same drives in SQL, in Python, and by a plain reading of what it asks."""

from __future__ import annotations

from datetime import date, datetime, time

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.errors import InputError
from engagement.filters import DRIVE_FILTERS, Selection, parse_bound, parse_day
from engagement.groupings import DIMENSIONS

COLUMNS = {
    "device": "dongle_id", "drive": "drive_id", "car": "car_fingerprint", "branch": "git_branch",
    "version": "version", "commit": "git_commit", "fork": "fork",
}  # fmt: skip
GROUPINGS = COLUMNS.keys() & DIMENSIONS.keys()
NAMES = st.sampled_from(["a", "A", "ab", "", "'", "%"])
DAYS = st.dates(date(2024, 2, 27), date(2024, 3, 2))
STARTS = st.builds(
    datetime.combine, DAYS, st.sampled_from([time.min, time(12), time(23, 59, 59, 999999)])
)
DRIVE_NAMES = STARTS.map("{:%Y-%m-%d--%H-%M-%S}".format) | st.sampled_from(
    ["00000000--zzzzzzzzzz", "0000002a--0123456789", "0000002a--012345678a", "ffffffff--aaaaaaaaaa"]
)
DRIVES = st.lists(
    st.fixed_dictionaries(
        {column: st.none() | NAMES for column in COLUMNS.values() if column != "drive_id"}
        | {"started_at": st.none() | STARTS, "drive": DRIVE_NAMES}
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda row: row["drive"],
)
WANTED = st.fixed_dictionaries(
    {},
    optional={name: NAMES for name in COLUMNS if name != "drive"}
    | {"drive": st.integers(0, 8)}
    | {"since": DAYS | DRIVE_NAMES, "until": DAYS | DRIVE_NAMES},
)


def fits(row, wanted):
    """What each filter says it leaves."""
    return (
        all(row[column] == wanted[name] for name, column in COLUMNS.items() if name in wanted)
        and ("since" not in wanted or is_after(row, wanted["since"], order=1))
        and ("until" not in wanted or is_after(row, wanted["until"], order=-1))
    )


def is_after(row, bound, *, order):
    """Whether a drive is the bound, or after it; for -1 before it."""
    is_time = {name: name[4] == "-" for name in (row["drive"], str(bound))}
    if isinstance(bound, str) and is_time[row["drive"]] != is_time[bound] and not is_time[bound]:
        return order < 0  # times are older than counters
    if isinstance(bound, str) and is_time[row["drive"]] == is_time[bound]:
        names = sorted([row["drive"], bound])
        return row["drive"] == bound or names[0 if order < 0 else 1] == row["drive"]
    day = date.fromisoformat(str(bound)[:10])
    found = row["started_at"] and row["started_at"].date()
    return found is not None and (found - day).days * order >= 0


def named(row, bound):
    """Whether the name of a drive alone says how it lies to a bound."""
    return isinstance(bound, str) and not (row["drive"][4] != "-" and bound[4:5] == "-")


@pytest.fixture(scope="module")
def table():
    with duckdb.connect() as connection:
        texts = ", ".join(f"{column} varchar" for column in COLUMNS.values() if "_id" not in column)
        connection.execute(
            "create table drives "
            f"(drive_id integer, dongle_id varchar, drive varchar, started_at timestamp, {texts})"
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
    names = dict(enumerate(row["drive"] for row in rows))
    if "drive" in wanted:  # no number is known of what is not in a database
        selection = Selection(selection.values | {"drive": names.get(wanted["drive"], "")})
    for row in rows:
        day = row["started_at"] and row["started_at"].date()
        known = {name: row[column] for name, column in COLUMNS.items()} | {
            "drive": row["drive"],
            "since": day,
            "until": day,
        }
        unknown = {name for name, value in known.items() if value is None}
        unknown -= {name for name in ("since", "until") if named(row, wanted.get(name))}
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


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("2025-07-31", date(2025, 7, 31)),
        ("2025-07-31--10-20-30", "2025-07-31--10-20-30"),
        ("0000002A--0123456789", "0000002a--0123456789"),
        ("0123456789abcdef|2025-07-31--10-20-30", "2025-07-31--10-20-30"),
        ("0123456789abcdef%7C0000002a--0123456789", "0000002a--0123456789"),
        ("0123456789abcdef/0000002a--0123456789", "0000002a--0123456789"),
    ],
)
def test_a_bound_is_a_day_or_a_drive(text, bound):
    assert parse_bound(text) == bound


@pytest.mark.parametrize("text", ["", "2025-02-30--10-20-30", "0000002a", "0123456789abcdef|"])
def test_what_is_neither_is_refused(text):
    with pytest.raises(InputError, match="is no date; write it like 2025-07-31, or name a drive"):
        parse_bound(text)


DAY, TIME, LATER = date(2024, 3, 1), "2024-03-02--00-00-00", "2024-03-02--00-00-01"
COUNTER = "0000002a--0123456789"


@pytest.mark.parametrize(
    ("since", "until", "is_backwards"),
    [
        (DAY, DAY, False), (TIME, DAY, True), (DAY, TIME, False), (TIME, LATER, False),
        (LATER, TIME, True), (COUNTER, TIME, True), (TIME, COUNTER, False), (COUNTER, DAY, False),
        (None, DAY, False),
    ],
)  # fmt: skip
def test_bounds_in_the_wrong_order_are_noticed(since, until, is_backwards):
    assert Selection.of(since=since, until=until).is_backwards is is_backwards


def test_every_filter_of_drives_is_tried_here():
    assert {*COLUMNS, "since", "until"} == DRIVE_FILTERS.keys()
