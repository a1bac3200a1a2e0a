"""Names of events and drives, as they are typed."""

from __future__ import annotations

import re

import pytest

from engagement.errors import EngagementError, InputError, NotFoundError
from engagement.store.drive_names import find_drive
from engagement.store.event_names import find_events, short_name
from engagement.store.reader import Reader
from tests.store.small_logs import ONE, OTHER

ID = f"{ONE.dongle_id}|{ONE.name}"


class Rows:
    """A reader of a few events and drives that are given."""

    def __init__(self, *events: tuple[str, str, int]) -> None:
        names = sorted({drive for drive, _, _ in events})
        self.drives = [
            {"drive_id": number, "dongle_id": drive[:2], "drive": drive}
            for number, drive in enumerate(names)
        ]
        self.events = [
            {
                "event_id": f"{drive[:2]}|{drive}|{kind}|{mono_ns}",
                "drive_id": names.index(drive),
                "drive": drive,
                "kind": kind,
                "time_s": mono_ns / 1e9,
            }
            for drive, kind, mono_ns in events
        ]

    def rows(self, query, values=None):
        if "from drives " in query:
            return self.drives
        if "$ids" in query:
            return [row for row in self.events if row["event_id"] in values["ids"]]
        if "$start" in query:
            return [
                row
                for row in self.events
                if row["event_id"].startswith(values["start"])
                or row["event_id"].split("|", 1)[1].startswith(values["start"])
            ]
        if "$time_s" in query:
            return [
                row
                for row in self.events
                if row["drive_id"] == values["drive_id"] and row["kind"].startswith(values["kind"])
            ]
        return self.events


@pytest.fixture(scope="module")
def reader(two_drives):
    with Reader(two_drives.database) as opened:
        yield opened


@pytest.fixture(scope="module")
def everything(reader):
    return reader.rows("from events order by all")


def test_every_event_is_found_by_its_id_and_by_each_shorter_name(reader, everything):
    assert len(everything) >= 6
    for event in everything:
        event_id, drive, kind = event["event_id"], event["drive"], event["kind"]
        time_s = event["time_s"]
        names = [
            event_id,
            event_id.replace("|", "/"),
            event_id.split("|", 1)[1],
            f"{drive}@{time_s}/{kind}",
            f"{event['dongle_id'][:4]}/{drive[:9]}@{time_s:.3f}/{kind[:3]}",
            f"{drive}@0:{time_s:06.3f}/{kind}",
            f"{short_name(event)}/{kind}",
        ]
        assert find_events(reader, names) == [event] * len(names)


def test_events_come_in_the_order_of_their_names_each_as_often_as_it_is_named(reader, everything):
    names = [event["event_id"] for event in everything]
    wanted = [*reversed(names), names[0]]
    assert [event["event_id"] for event in find_events(reader, wanted)] == wanted
    assert find_events(reader, []) == []


def test_a_rounded_time_names_the_event_that_is_there_to_its_digits():
    rows = Rows(("aa1", "k", 10_400_000_000), ("aa1", "k", 11_300_000_000), ("aa2", "k", 10**10))
    assert find_events(rows, ["aa1@10"])[0]["time_s"] == 10.4
    assert find_events(rows, ["aa1@11"])[0]["time_s"] == 11.3
    assert find_events(rows, ["aa1@10.4"])[0]["time_s"] == 10.4
    assert find_events(rows, ["aa1@12.2"])[0]["time_s"] == 11.3
    with pytest.raises(InputError, match=r"2 events: aa1@10.4, aa1@11.3; write more of it"):
        find_events(rows, ["aa1@10.8"])


@pytest.mark.parametrize("tenths", range(6000, 6100))
def test_minutes_and_seconds_are_the_time_of_seconds(tenths):
    rows = Rows(("aa1", "k", tenths * 10**8), ("aa1", "k", tenths * 10**8 + 10**8))
    name = f"aa1@{tenths // 600}:{tenths % 600 / 10:04.1f}"
    assert find_events(rows, [name])[0]["time_s"] == tenths / 10


def test_two_kinds_at_once_are_told_apart_by_the_kind():
    rows = Rows(("aa1", "lateral", 10**10), ("aa1", "longitudinal", 10**10))
    with pytest.raises(InputError, match=r"aa1@10\.0/lateral, aa1@10\.0/longitudinal"):
        find_events(rows, ["aa1@10"])
    assert find_events(rows, ["aa1@10/lon"])[0]["kind"] == "longitudinal"
    assert find_events(rows, ["aa1@10|lat"])[0]["kind"] == "lateral"


def test_a_drive_is_known_by_its_whole_name_even_where_another_begins_so():
    rows = Rows(("aa1", "k", 10**10), ("aa12", "k", 10**10))
    assert find_drive(rows, "aa1").drive == "aa1"
    with pytest.raises(InputError, match=r"'aa' is the name of 2 drives: aa\|aa1, aa\|aa12"):
        find_drive(rows, "aa")


def test_a_drive_is_found_by_its_name_the_start_of_it_and_its_device(reader):
    for name in (
        OTHER.name,
        OTHER.name[:7],
        f"{OTHER.dongle_id}|{OTHER.name}",
        f"{OTHER.dongle_id[:3].upper()}/{OTHER.name[:6]}",
    ):
        assert str(find_drive(reader, name)) == f"{OTHER.dongle_id}|{OTHER.name}"


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("", NotFoundError, "no event ''"),
        ("nonsense", NotFoundError, "no event 'nonsense'"),
        (f"{ID}|disengagement|2", NotFoundError, f"did you mean '{ID}|disengagement|1"),
        (f"{ID}|disengagement", InputError, "2 events: "),
        (f"{ONE.name}@900", NotFoundError, f"did you mean '{ONE.name}@9.0'"),
        (f"{ONE.name}@", InputError, "'' is no time in a drive"),
        (f"{ONE.name}@nan", InputError, "'nan' is no time in a drive"),
        (f"{ONE.name}@-1", InputError, "'-1' is no time in a drive"),
        (f"{ONE.name}@1:2:3:4", InputError, "'1:2:3:4' is no time in a drive"),
        (f"{ONE.name}@{'9' * 400}", InputError, "is no time in a drive"),
        ("@1", NotFoundError, "no drive ''"),
        ("20@1", InputError, "'20' is the name of 2 drives"),
        ("ff/2024-01@1", NotFoundError, "no drive 'ff/2024-01'"),
        ("x' or 1=1 --@1", NotFoundError, "no drive "),
    ],
)
def test_a_name_that_does_not_do_is_told_why(reader, name, error, message):
    with pytest.raises(error, match=re.escape(message)) as told:
        find_events(reader, [name])
    assert isinstance(told.value, EngagementError)
    assert len(str(told.value)) < 1000
