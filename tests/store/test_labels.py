"""Labels stay with their events, whatever becomes of logs, drives and numbers."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.definitions import OtherDefinitionsWarning
from engagement.errors import NotFoundError, StoreBusyError, StoreMissingError
from engagement.export.view_files import write_csv, write_parquet
from engagement.store.database_writer import writer_lock
from engagement.store.ingestion import recompute
from engagement.store.label_files import read_labels
from engagement.store.labels import Key, Label, bring_labels, label_events, remove_labels
from engagement.store.reader import Reader
from tests import builders
from tests.store.small_logs import ONE, OTHER, SECOND_NS, content, write
from tests.store.stores import Store, made_at
from tests.support.empty_store import new_store

REACH_S = 1.5
LABELS_SINCE = 3
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC).replace(tzinfo=None)


def ends(store, drive=ONE):
    """The drive's disengagements, in the order of time."""
    query = f"from events where drive = '{drive.name}' and kind = 'disengagement' order by mono_ns"
    return store.rows(query)


def said(store):
    return [(row["event_id"], row["label"], row["note"]) for row in store.rows("from event_labels")]


def key_of(row):
    return Key(*(row[name] for name in Key._fields))


def label_each(store, rows, word):
    """Label events at once: word0, word1, ..."""
    labels = [Label(key_of(row), f"{word}{number}") for number, row in enumerate(rows)]
    assert bring_labels(store.database, labels).n_written == len(rows) > 0


def test_a_label_is_in_both_views_and_of_its_event_alone(begun):
    first, *others = ends(begun)
    report = label_events(begun.database, [first["event_id"]], "Planned", "exit ramp")

    assert (report.n_written, report.n_replaced, report.n_without_event) == (1, 0, 0)
    assert said(begun) == [(first["event_id"], "planned", "exit ramp")]
    labelled = begun.rows("select * from events where label is not null or note is not null")
    assert labelled == [first | {"label": "planned", "note": "exit ramp"}]
    assert others
    row = begun.row("from event_labels")
    assert row["time_s"] == first["time_s"]
    assert abs(row["labelled_at_utc"] - datetime.now(UTC).replace(tzinfo=None)).seconds < 60


def test_a_second_label_takes_the_place_of_the_first_and_leaves_its_note(begun):
    event_id = ends(begun)[0]["event_id"]
    label_events(begun.database, [event_id], "planned", "exit ramp")
    assert label_events(begun.database, [event_id], "false").n_replaced == 1
    assert said(begun) == [(event_id, "false", "exit ramp")]
    label_events(begun.database, [event_id], "false", "")
    assert said(begun) == [(event_id, "false", None)]


def test_what_is_said_already_publishes_nothing(begun):
    names = [row["event_id"] for row in ends(begun)]
    label_events(begun.database, names, "true")
    before = begun.state()
    report = label_events(begun.database, [*names, names[0]], "true")
    assert (report.n_written, report.n_unchanged) == (0, len(names) + 1)
    assert begun.state() == before


def test_all_or_none_are_labelled(begun):
    before = begun.state()
    with pytest.raises(NotFoundError):
        label_events(begun.database, [ends(begun)[0]["event_id"], "nothing@1"], "true")
    assert begun.state() == before


def test_labels_are_removed_those_of_lost_events_by_their_full_name(begun):
    first, second = ends(begun)[:2]
    label_events(begun.database, [first["event_id"], second["event_id"]], "true")
    gone = Label(Key(ONE.dongle_id, ONE.name, "lateral_override", 5), "false")
    bring_labels(begun.database, [gone])

    assert remove_labels(begun.database, [first["event_id"]]).n_removed == 1
    assert remove_labels(begun.database, ["/".join(map(str, gone.event))]).n_removed == 1
    assert [row[0] for row in said(begun)] == [second["event_id"]]
    with pytest.raises(NotFoundError, match="no label of"):
        remove_labels(begun.database, [first["event_id"]])


def test_labels_outlive_recompute(begun, tmp_path):
    labelled = [(row["event_id"], "true", None) for row in ends(begun)]
    label_events(begun.database, [event_id for event_id, *_ in labelled], "true")
    strict = tmp_path / "strict.toml"
    strict.write_text('[parameters.override_min_s]\nvalue = 0.5\nunit = "s"\nwhy = "a test"\n')
    recompute(begun.database, strict)
    assert sorted(said(begun)) == sorted(labelled)


def test_labels_follow_their_events_as_far_as_they_reach_and_come_back(store):
    drive = replace(ONE, shift_s=0.3)  # between the samples of the qlog
    write(store.logs, drive, 0, "qlog")
    store.ingest()
    listed = "from events where kind = 'disengagement' order by mono_ns"
    in_qlog = store.rows(listed)
    label_each(store, in_qlog, "word")
    words = [f"word{number}" for number in range(len(in_qlog))]

    write(store.logs, replace(drive, shift_s=drive.shift_s + REACH_S + 0.3), 0)
    store.ingest()
    assert {row["label"] for row in store.rows("from events")} == {None}
    assert {event_id for event_id, *_ in said(store)} == {None}

    write(store.logs, drive, 0)
    assert store.ingest().n_ingested == 1
    in_rlog = store.rows(listed)
    assert {row["log_kind"] for row in in_qlog} == {"qlog"}
    assert {row["log_kind"] for row in in_rlog} == {"rlog"}
    assert {row["event_id"] for row in in_qlog} != {row["event_id"] for row in in_rlog}
    assert [row["label"] for row in in_rlog] == words


def call(store, row, kind, shift_s=0.0):
    """Let an event be of another kind, as other definitions might have it."""
    with duckdb.connect(str(store.database)) as connection:
        connection.execute(
            "update result.events set kind = ?, mono_ns = mono_ns + ? "
            "where drive_id = ? and kind = ? and mono_ns = ?",
            [kind, round(shift_s * 1e9), row["drive_id"], row["kind"], row["mono_ns"]],
        )


@pytest.mark.parametrize(
    ("word", "shift_s", "moves"),
    [("true", 0.0, True), ("planned", -0.9, True), ("planned", 1.1, False), ("false", 0.0, False)],
)
def test_a_label_stays_with_its_moment_when_that_is_of_another_kind(begun, word, shift_s, moves):
    first = ends(begun)[0]
    label_events(begun.database, [first["event_id"]], word, "seen")

    call(begun, first, "longitudinal_override", shift_s)

    row = begun.row("from event_labels")
    labelled = begun.rows("select * from events where label is not null")
    assert (row["kind"], row["labelled_mono_ns"]) == ("disengagement", first["mono_ns"])
    assert row["event_kind"] == ("longitudinal_override" if moves else None)
    assert [event["event_id"] for event in labelled] == [row["event_id"]] * moves
    if moves:
        moved = labelled[0]
        assert (moved["kind"], moved["label"], moved["note"]) == (row["event_kind"], word, "seen")
        assert label_events(begun.database, [moved["event_id"]], "unsure").n_replaced == 1
        assert said(begun) == [(moved["event_id"], "unsure", "seen")]
        remove_labels(begun.database, [moved["event_id"]])
        assert said(begun) == []


def test_an_event_s_own_label_comes_before_one_of_another_kind(begun):
    first, *_ = ends(begun)
    override = begun.rows(
        f"from events where drive = '{ONE.name}' and kind = 'lateral_override' order by mono_ns"
    )[0]
    label_events(begun.database, [first["event_id"]], "planned")
    label_events(begun.database, [override["event_id"]], "true")

    shift_s = (first["mono_ns"] - override["mono_ns"]) / 1e9
    call(begun, override, "lateral_override", shift_s + 0.2)
    gone = "delete from result.events where kind = 'disengagement' and mono_ns = ?"
    with duckdb.connect(str(begun.database)) as connection:
        connection.execute(gone, [first["mono_ns"]])
        connection.execute("update store.event_label set mono_ns = ? where label = 'true'",
                           [first["mono_ns"] + 200_000_000])  # fmt: skip

    found = {row["label"]: row["event_kind"] for row in begun.rows("from event_labels")}
    assert found == {"planned": None, "true": "lateral_override"}


def test_labels_wait_for_their_drive(two_drives, store):
    event = ends(two_drives, OTHER)[0]
    key = key_of(event)
    report = bring_labels(store.database, [Label(key, "critical", "for later", NOON)])
    assert report.n_without_event == 1
    assert said(store) == [(None, "critical", "for later")]

    write(store.logs, OTHER, 0)
    store.ingest()
    assert said(store) == [(event["event_id"], "critical", "for later")]
    assert store.row("from event_labels")["labelled_at_utc"] == NOON


def test_a_label_of_a_moment_of_another_kind_is_not_missing(begun):
    first, second, *_ = ends(begun)
    other = [
        key_of(row)._replace(kind="lateral_override", mono_ns=row["mono_ns"] + SECOND_NS // 5)
        for row in (first, second)
    ]
    taken = begun.rows("from events where kind = 'lateral_override'")
    assert all(abs(row["mono_ns"] - key.mono_ns) > 1.5e9 for row in taken for key in other)

    report = bring_labels(begun.database, [Label(other[0], "true"), Label(other[1], "false")])

    # What was no override may well be a disengagement.
    assert (report.n_written, report.n_without_event) == (2, 1)
    assert [row["label"] for row in ends(begun)[:2]] == ["true", None]


def test_labels_find_the_device_that_they_have_a_short_name_of(store, two_drives):
    mine, later = ends(two_drives)[0], ends(two_drives, OTHER)[0]
    short = [
        key_of(mine)._replace(dongle_id=ONE.dongle_id[-8:]),
        key_of(later)._replace(dongle_id=OTHER.dongle_id[:8]),
    ]
    store.ingest(write(store.folder, ONE, 0))
    report = bring_labels(store.database, [Label(short[0], "true"), Label(short[1], "planned")])
    assert (report.n_written, report.n_without_event) == (2, 1)
    assert (mine["event_id"], "true", None) in said(store)

    store.ingest(write(store.folder, OTHER, 0))
    assert (later["event_id"], "planned", None) in said(store)


def test_a_label_goes_over_to_the_copy_that_counts(begun, tmp_path):
    first, second, *_ = ends(begun)
    label_events(begun.database, [first["event_id"]], "true", "seen")
    renamed = tmp_path / ONE.dongle_id / "0000000a--0123456789--0" / "rlog"
    renamed.parent.mkdir(parents=True)
    renamed.write_bytes(content(ONE, 0))

    begun.ingest(renamed)

    [row] = begun.rows("from events where label is not null")
    assert (row["drive"], row["mono_ns"], row["note"]) == (
        "0000000a--0123456789", first["mono_ns"], "seen"
    )  # fmt: skip
    # A label of the copy that is left out is that of the other.
    report = bring_labels(begun.database, [Label(key_of(second), "planned")])
    assert (report.n_written, report.n_without_event) == (1, 0)
    assert len(begun.rows("from events where label is not null")) == 2


def test_the_newer_of_two_labels_stays_in_whatever_order_they_come(begun, tmp_path):
    first, second = map(key_of, ends(begun)[:2])
    near = first._replace(mono_ns=first.mono_ns + SECOND_NS // 2)
    brought = [
        [Label(first, "true", None, NOON), Label(second, "false", None, NOON)],
        [Label(near, "planned", None, NOON + timedelta(hours=1))],
        [Label(first, "critical", None, NOON - timedelta(hours=1))],
    ]
    found = set()
    for number, order in enumerate([(0, 1, 2), (2, 1, 0)]):
        copy = Store(tmp_path / str(number))
        copy.folder.mkdir()
        copy.copy_of(begun.database)
        for place in order:
            bring_labels(copy.database, brought[place])
        found.add(tuple(row["label"] for row in ends(copy)[:2]))
        assert len(copy.rows("from event_labels")) == 2
    assert found == {("planned", "false")}


def test_labels_of_one_file_never_replace_each_other(begun):
    first = ends(begun)[0]
    key = key_of(first)
    later = key._replace(mono_ns=key.mono_ns + SECOND_NS)
    bring_labels(begun.database, [Label(later, "false"), Label(key, "true")])
    assert sorted(said(begun), key=str) == sorted(
        [(first["event_id"], "true", None), (None, "false", None)], key=str
    )


def test_an_export_brings_labels_back(begun, tmp_path):
    fresh = Store(tmp_path / "fresh")
    fresh.folder.mkdir()
    names = [row["event_id"] for row in ends(begun)]
    unlabelled = begun.database.read_bytes()
    label_events(begun.database, names[:1], "true", 'a "note", in\ntwo lines; ü')
    label_events(begun.database, names[1:2], "planned")
    exported = [tmp_path / f"labels.{suffix}" for suffix in ("csv", "parquet", "json")]
    with Reader(begun.database) as reader:
        before = reader.rows("from event_labels order by all")
        write_csv(reader, "event_labels", exported[0])
        write_parquet(reader, "event_labels", exported[1])
        exported[2].write_text(json.dumps(before, default=str))

    for path in exported:
        fresh.database.write_bytes(unlabelled)
        assert bring_labels(fresh.database, read_labels(path)).n_written == 2
        assert fresh.rows("from event_labels order by all") == before
    assert bring_labels(fresh.database, read_labels(path)).n_unchanged == 2


def test_events_with_labels_written_into_them_are_labels(begun, tmp_path):
    rows = begun.rows("from events order by event_id")
    path = tmp_path / "reviewed.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows([row | {"label": "TRUE" if n == 1 else ""} for n, row in enumerate(rows)])
    assert bring_labels(begun.database, read_labels(path)).n_written == 1
    assert said(begun) == [(rows[1]["event_id"], "true", None)]


def test_a_database_of_before_there_were_labels_gets_them(two_drives, tmp_path):
    store = Store(tmp_path)
    made_at(LABELS_SINCE - 1, two_drives.database, store.database)
    before = ends(two_drives)
    with pytest.warns(OtherDefinitionsWarning), pytest.raises(NotFoundError):
        label_events(store.database, [before[0]["event_id"]], "true")

    recompute(store.database)

    label_events(store.database, [before[0]["event_id"]], "true")
    assert said(store) == [(before[0]["event_id"], "true", None)]
    assert [row | {"label": None} for row in ends(store)] == before


def test_a_busy_or_missing_database_is_told(begun, tmp_path):
    event_id = ends(begun)[0]["event_id"]
    with writer_lock(begun.database), pytest.raises(StoreBusyError):
        label_events(begun.database, [event_id], "true")
    with pytest.raises(StoreMissingError):
        label_events(tmp_path / "none.duckdb", [event_id], "true")
    assert not list(tmp_path.glob("none.duckdb*"))


def belongs(labels, moments, reach_ns):
    """Which moment each label belongs to, by brute force: each is the other's nearest."""
    near = [
        (abs(moment - ns), -at, ns, moment)
        for ns, at in labels
        for moment in moments
        if abs(moment - ns) <= reach_ns
    ]
    found = {}
    for *_, ns, moment in near:
        of_label = min(pair for pair in ((d, m) for d, _, n, m in near if n == ns))
        of_moment = min((d, at, n) for d, at, n, m in near if m == moment)
        if of_label[1] == moment and of_moment[2] == ns:
            found[ns] = moment
    return found


@pytest.fixture(scope="module")
def memory():
    with new_store(threads=1) as connection:
        connection.execute("insert into result.thresholds by name from compute.thresholds")
        yield connection


@settings(max_examples=40, deadline=None)
@given(
    labels=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 3)), unique_by=lambda one: one[0]),
    moments=st.lists(st.integers(0, 60), unique=True),
    others=st.lists(st.integers(0, 60), unique=True),
)
def test_a_label_and_its_event_are_each_other_s_nearest(memory, labels, moments, others):
    """Of its kind; where none is in reach, of another kind."""
    tenth_ns = SECOND_NS // 10
    labels = [(ns * tenth_ns, at) for ns, at in labels]
    moments, others = ([ns * tenth_ns for ns in times] for times in (moments, others))
    name = {"dongle_id": "a", "drive": "b"}
    event = {"drive_id": 1, "kind": "disengagement"}
    memory.execute("begin")
    builders.insert(
        memory,
        {
            "drive": [name | {"drive_id": 1, "host": ""}],
            "store.event_label": [
                name
                | {"kind": "disengagement", "mono_ns": ns, "label": "x"}
                | {"labelled_at_utc": NOON + timedelta(hours=at)}
                for ns, at in labels
            ],
            "result.events": [
                *(event | {"mono_ns": ns} for ns in moments),
                *(event | {"kind": "lateral_override", "mono_ns": ns} for ns in others),
            ],
        },
    )
    query = "select labelled_mono_ns, event_kind, mono_ns from event_labels order by all"
    rows = memory.execute(query).fetchall()
    memory.execute("rollback")
    reach_ns = round(REACH_S * SECOND_NS)
    own = belongs(labels, moments, reach_ns)
    lost = [(ns, at) for ns, at in labels if all(abs(ns - one) > reach_ns for one in moments)]
    renamed = belongs(lost, others, SECOND_NS)
    expected = {ns: ("disengagement", moment) for ns, moment in own.items()}
    expected |= {ns: ("lateral_override", moment) for ns, moment in renamed.items()}
    assert rows == sorted((ns, *expected.get(ns, (None, None))) for ns, _ in labels)


def test_drives_of_one_name_on_two_devices_keep_their_labels_apart(begun):
    with duckdb.connect(str(begun.database)) as connection:
        connection.execute("update log.drive set drive = ?", [ONE.name])
    (first, second) = begun.rows(
        "select arg_min(events, mono_ns) as one from events where kind = 'disengagement'"
        " group by dongle_id order by dongle_id"
    )
    assert abs(first["one"]["mono_ns"] - second["one"]["mono_ns"]) <= REACH_S * SECOND_NS
    label_events(begun.database, [second["one"]["event_id"]], "true")
    labelled = begun.rows("from events where label is not null")
    assert [row["event_id"] for row in labelled] == [second["one"]["event_id"]]
