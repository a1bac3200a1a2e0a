"""What is shared tells nothing of devices, people and the places that they named."""

from __future__ import annotations

import csv
import hmac
import json
import math
import os
import random
import stat
from datetime import timedelta
from hashlib import sha256

import duckdb
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.analysis.selection import select
from engagement.errors import ConfigError, InputError
from engagement.export.places import Place, distance_m, parse_place, read_places
from engagement.export.pseudonyms import Pseudonyms, load_key
from engagement.export.redact import Redaction, write_redacted
from engagement.extract.segment import ReadOptions
from engagement.filters import Selection
from engagement.simulate import BUSY, simulate
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest, recompute
from engagement.store.labels import label_events
from engagement.store.reader import Reader

KEY = bytes(range(32))
VIN = "1HGBH41JXMN109186"
PLANTED = (
    VIN, "git@example.org:jane-doe/openpilot.git", "jane-doe", "janes-branch", "beefcafe" * 5,
    "0.9.9-jane", "at the school of my kids", "schoolrun", f"HONDA CIVIC {VIN}", "device.example",
)  # fmt: skip
TABLES = ("events", "drives", "segments", "labels")


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """Drives whose logs say everything that must not get out, and a label that does so too."""
    folder = tmp_path_factory.mktemp("redact")
    for _ in simulate(folder / "jane-doe" / "rlogs", drives=3, calm=BUSY):
        pass
    path = folder / "engagement.duckdb"
    ingest([folder / "jane-doe"], path, IngestOptions(ReadOptions(), jobs=1))
    vin, remote, _, branch, commit, version, note, word, car, host = PLANTED
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "update log.init_data set git_remote = ?, git_branch = ?, git_commit = ?, version = ?",
            [remote, branch, commit, version],
        )
        connection.execute("update log.car_params set car_vin = ?", [vin])
        connection.execute(
            "update log.car_params set car_fingerprint = ?"
            " where drive_id = (select min(drive_id) from log.drive)",
            [car],
        )
        connection.execute("update log.drive set host = ?", [host])
    recompute(path)
    with Reader(path) as reader:
        ids = [row["event_id"] for row in reader.rows("select event_id from events order by all")]
    label_events(path, ids[:3], word, note, is_new=True)
    label_events(path, ids[3:5], "true", note)
    return path


@pytest.fixture(scope="module")
def original(database):
    with Reader(database) as reader:
        return {name: reader.rows(f"from {name}") for name in ("events", "drives", "segments")}


@pytest.fixture
def redacted(database, tmp_path):
    """Redact into a folder; returns what can be read of it."""

    def redacted(*places, kind="json", times="shift", key=KEY, name="out", device=None):
        out = tmp_path / (f"{name}.json" if kind == "json" else name)
        shown = None if places == (None,) else places
        with Reader(database) as reader:
            select(reader, Selection.of(device=device))
            report = write_redacted(reader, Redaction(Pseudonyms(key), shown, times), out, kind)
        return report, read(out, kind)

    return redacted


def read(out, kind):
    if kind == "json":
        return json.loads(out.read_text())
    if kind == "csv":
        return {
            name: list(csv.DictReader((out / f"{name}.csv").read_text().splitlines()))
            for name in TABLES
        }
    return {
        name: pyarrow.parquet.read_table(out / f"{name}.parquet").to_pylist() for name in TABLES
    }


def vincenty_m(latitude, longitude, to_latitude, to_longitude):
    """The way along the ellipsoid: Vincenty, Survey Review 23 (1975), formulae 13 to 21."""
    a, f = 6_378_137.0, 1 / 298.257_223_563
    b = a * (1 - f)
    difference = math.radians(to_longitude - longitude)
    u1 = math.atan((1 - f) * math.tan(math.radians(latitude)))
    u2 = math.atan((1 - f) * math.tan(math.radians(to_latitude)))
    s1, c1, s2, c2 = math.sin(u1), math.cos(u1), math.sin(u2), math.cos(u2)
    lam = difference
    for _ in range(200):
        sine = math.hypot(c2 * math.sin(lam), c1 * s2 - s1 * c2 * math.cos(lam))
        if sine == 0:
            return 0.0
        cosine = s1 * s2 + c1 * c2 * math.cos(lam)
        sigma = math.atan2(sine, cosine)
        alpha = c1 * c2 * math.sin(lam) / sine
        square = 1 - alpha**2
        middle = cosine - 2 * s1 * s2 / square if square else 0.0
        c = f / 16 * square * (4 + f * (4 - 3 * square))
        before, lam = (
            lam,
            difference
            + (1 - c)
            * f
            * alpha
            * (sigma + c * sine * (middle + c * cosine * (2 * middle**2 - 1))),
        )
        if abs(lam - before) < 1e-13:
            break
    u = square * (a**2 - b**2) / b**2
    big_a = 1 + u / 16384 * (4096 + u * (u * (320 - 175 * u) - 768))
    big_b = u / 1024 * (256 + u * (u * (74 - 47 * u) - 128))
    sum_ = middle + big_b / 4 * (
        cosine * (2 * middle**2 - 1) - big_b / 6 * middle * (4 * sine**2 - 3) * (4 * middle**2 - 3)
    )
    return b * big_a * (sigma - big_b * sine * sum_)


@settings(max_examples=300, deadline=None)
@given(
    st.floats(-89, 89),
    st.floats(-180, 180),
    st.floats(-0.9, 0.9),
    st.floats(-0.9, 0.9),
)
def test_the_distance_is_the_geodesic_less_what_the_ground_bends(latitude, longitude, up, right):
    there = latitude + up, longitude + right
    wanted_m = vincenty_m(latitude, longitude, *there)
    found_m = distance_m(latitude, longitude, *there)
    bend_m = wanted_m**3 / (24 * 6.33e6**2)  # of the most curved arc
    assert wanted_m - bend_m - 2e-4 <= found_m <= wanted_m + 2e-4


def test_known_distances():
    """Flinders Peak to Buninyong, Geocentric Datum of Australia's test line, on GRS 80."""
    here, there = (-37.95103341666667, 144.42486788888888), (-37.65282113888889, 143.92649552777777)
    assert vincenty_m(*here, *there) == pytest.approx(54972.271, abs=0.002)
    assert distance_m(*here, *there) == pytest.approx(54972.271 - 0.17, abs=0.02)
    assert distance_m(0, 179.9999, 0, -179.9999) == pytest.approx(22.26, abs=0.01)
    assert distance_m(89.9999, 0, 89.9999, 180) == pytest.approx(22.34, abs=0.01)


def secrets_of(database):
    """Every text of the database that says who or where: any that is not a word of openpilot's."""
    with duckdb.connect(str(database), read_only=True) as connection:
        queries = (
            "select unnest([dongle_id, drive, host]) from log.drive",
            "select path from log.segment union select content_hash from log.segment",
            "select unnest([git_remote, git_branch, git_commit, dongle_id]) from log.init_data",
            "select car_vin from log.car_params union select note from store.event_label",
            "select value from log.param where length(value) > 5",
            "select event_id from events union select route_name from drives",
        )
        found = {text for query in queries for (text,) in connection.execute(query).fetchall()}
    return {text for text in found if text} | set(PLANTED)


@pytest.mark.parametrize("kind", ["json", "csv", "parquet"])
def test_no_byte_of_the_output_tells_who_it_was(database, redacted, original, tmp_path, kind):
    first = original["events"][0]
    place = Place(first["latitude"], first["longitude"], 500.0)
    _, found = redacted(place, kind=kind)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == (1 if kind == "json" else 4)
    written = b"".join(path.read_bytes() for path in files)
    # Parquet is compressed: what is read back of it must not tell either.
    metadata = [pyarrow.parquet.read_schema(path) for path in files if kind == "parquet"]
    text = written.decode("utf-8", "replace") + repr(found) + repr(metadata)
    secrets = secrets_of(database)
    assert len(secrets) > 60
    assert [secret for secret in secrets if secret in text] == []
    near = [row for row in original["events"] if is_within(row, place)]
    assert near
    for row in near:
        for name in ("latitude", "longitude"):
            assert repr(row[name]) not in text
            assert f"{row[name]:.4f}" not in text


def is_within(row, place):
    """Whether an event with a position lies within the radius, by the other formula."""
    if row["latitude"] is None:
        return False
    return (
        vincenty_m(place.latitude, place.longitude, row["latitude"], row["longitude"])
        <= place.radius_m
    )


def positions(rows):
    return sorted(
        (row["latitude"], row["longitude"]) for row in rows if row["latitude"] is not None
    )


def test_positions_beyond_the_radii_stay_and_no_others(redacted, original):
    rng = random.Random(3)
    fixes = [row for row in original["events"] if row["latitude"] is not None]
    assert len(fixes) > 10
    for _ in range(4):
        places = [
            Place(row["latitude"] + 0.003, row["longitude"] - 0.004, rng.choice((100, 600, 3000)))
            for row in rng.sample(fixes, 2)
        ]
        report, found = redacted(*places)
        kept = [row for row in fixes if not any(is_within(row, place) for place in places)]
        assert positions(found["events"]) == positions(kept)
        assert (report.n_positions, report.n_cut) == (len(kept), len(fixes) - len(kept))


def test_positions_are_all_or_none_without_places(redacted, original):
    assert positions(redacted()[1]["events"]) == positions(original["events"]) != []
    assert positions(redacted(None)[1]["events"]) == []
    assert redacted()[1]["about"]["positions"] == "all"
    assert redacted(None)[1]["about"]["positions"] == "none"


def test_what_is_not_secret_is_as_it_was(redacted, original):
    _, found = redacted()
    kept = ("kind", "time_s", "cause", "severity", "speed_mps", "is_critical", "segment_num")
    assert sorted(str([row[name] for name in kept]) for row in found["events"]) == sorted(
        str([row[name] for name in kept]) for row in original["events"]
    )
    assert {row["version"] for row in found["drives"]} == {"0.9.9"}
    assert {row["fork"] for row in found["drives"]} == {"other"}
    cars = {row["car_fingerprint"] for row in original["drives"]} - set(PLANTED)
    assert {row["car_fingerprint"] for row in found["drives"]} == cars | {None}
    assert sum(row["engaged_km"] for row in found["drives"]) == pytest.approx(
        sum(row["engaged_km"] for row in original["drives"])
    )
    words = sorted(row["label"] for row in found["labels"])
    assert words == ["other", "other", "other", "true", "true"]


def test_tables_fit_together(redacted, original):
    _, found = redacted()
    drives = {(row["device"], row["drive"]) for row in found["drives"]}
    assert len(drives) == len(original["drives"])
    assert len({device for device, _ in drives}) == len(
        {row["dongle_id"] for row in original["drives"]}
    )
    for name in ("events", "segments", "labels"):
        assert {(row["device"], row["drive"]) for row in found[name]} <= drives
    events = {row["event"] for row in found["events"]}
    assert len(events) == len(original["events"])
    assert {row["event"] for row in found["labels"]} < events


def test_names_are_keyed_and_the_same_for_the_same_key(redacted, original):
    first, again = (redacted(name=name)[1] for name in ("one", "two"))
    other = redacted(name="three", key=bytes(32))[1]
    assert first == again
    devices = {row["device"] for row in first["drives"]}
    assert devices.isdisjoint(row["device"] for row in other["drives"])
    dongle_ids = {row["dongle_id"] for row in original["drives"]}
    assert devices == {
        hmac.new(KEY, f"device\0{dongle_id}".encode(), sha256).hexdigest()[:16]
        for dongle_id in dongle_ids
    }


def test_rows_lie_in_an_order_that_tells_nothing(redacted):
    _, found = redacted()
    for name in TABLES:
        keys = [(row["device"], row["drive"]) for row in found[name]]
        assert keys == sorted(keys)


def test_times_are_shifted_by_device_kept_or_left_out(redacted, original):
    by_name = {
        tuple(Pseudonyms(KEY).name("drive", row["dongle_id"], row["drive"])): row
        for row in original["drives"]
    }
    shifts = {}
    for row in redacted(kind="parquet")[1]["drives"]:
        before = by_name[tuple(row["drive"])]
        shift = row["started_at_utc"] - before["started_at_utc"]
        shifts.setdefault(before["dongle_id"], set()).add(shift)
    assert all(len(found) == 1 for found in shifts.values())
    spans = [shift for found in shifts.values() for shift in found]
    assert len(set(spans)) == len(shifts) > 1
    assert all(timedelta() != abs(span) <= timedelta(days=183) for span in spans)
    kept = redacted(kind="parquet", times="keep", name="kept")[1]["drives"]
    assert sorted(row["started_at_utc"] for row in kept) == sorted(
        row["started_at_utc"] for row in original["drives"]
    )
    left_out = redacted(times="none")[1]["drives"]
    assert {row["started_at_utc"] for row in left_out} == {None}


def test_only_the_selected_drives_are_exported(redacted, original):
    dongle_id = original["events"][0]["dongle_id"]
    report, found = redacted(device=dongle_id)
    for name in ("events", "drives", "segments"):
        wanted = [row for row in original[name] if row["dongle_id"] == dongle_id]
        assert 0 < len(wanted) < len(original[name])
        assert len(found[name]) == report.n_rows[name] == len(wanted)


def test_every_column_of_text_is_a_pseudonym_or_of_few_words(redacted):
    """A column that is added to a view does not get out by itself; these are those that do."""
    _, found = redacted(kind="parquet")
    texts = {
        f"{name}.{column}"
        for name in TABLES
        for row in found[name]
        for column, value in row.items()
        if isinstance(value, str)
    }
    pseudonyms = {f"{name}.{column}" for name in TABLES for column in ("device", "drive")}
    pseudonyms |= {"events.event", "labels.event", "drives.branch", "drives.commit"}
    words = {
        "events.kind", "events.cause", "events.cause_event", "events.log_kind", "events.label",
        "drives.longitudinal_source", "drives.log_kind", "drives.version", "drives.fork",
        "drives.device_type", "drives.car_fingerprint", "segments.log_kind", "segments.codec",
        "segments.status", "labels.kind", "labels.label",
    }  # fmt: skip
    assert texts == pseudonyms | words


def test_a_key_is_made_once_for_its_owner_alone(tmp_path):
    path = tmp_path / "redaction.key"
    key, is_new = load_key(path)
    assert is_new
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key(path) == (key, False)
    assert load_key(tmp_path / "another.key")[0] != key
    assert sorted(file.name for file in tmp_path.iterdir()) == ["another.key", "redaction.key"]


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (b"00" * 32, 0o644, "others may read this key; run `chmod 600"),
        (b"", 0o600, "it holds no key"),
        (b"00" * 31, 0o600, "it holds no key"),
        (b"\xff" * 64, 0o600, "it holds no key"),
    ],
)
def test_what_is_no_key_is_told(tmp_path, content, mode, message):
    path = tmp_path / "redaction.key"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(ConfigError, match=message):
        load_key(path)
    assert path.read_bytes() == content


def test_a_key_that_can_t_be_made_is_told(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "pipe").chmod(0o600)
    with pytest.raises(ConfigError, match="it is no regular file"):
        load_key(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="can't be used as key: No such file"):
        load_key(tmp_path / "nowhere" / "redaction.key")


@pytest.mark.parametrize(
    "text",
    ["", "1,2", "1,2,3,4", "a,b,c", "91,0,5", "0,181,5", "0,0,0", "0,0,-1", "nan,0,5", "0,0,inf",
     "0,0,nan", "0;0;5"],
)  # fmt: skip
def test_what_is_no_place_is_told(text):
    with pytest.raises(InputError, match=r"is no place|latitudes are within|radius"):
        parse_place(text)


def test_places_of_a_file(tmp_path):
    path = tmp_path / "places.txt"
    path.write_text("\ufeff# home\n52.5, 13.25 ,500\n\n-1,-2,3 # work\n")
    assert read_places(path) == [Place(52.5, 13.25, 500.0), Place(-1.0, -2.0, 3.0)]
    path.write_text("52.5,13.25,500\nhome\n")
    with pytest.raises(ConfigError, match="line 2: 'home' is no place"):
        read_places(path)
    path.write_bytes(b"\xff\xff")
    with pytest.raises(ConfigError, match="it is no text"):
        read_places(path)


@pytest.mark.parametrize(("kind", "name"), [("csv", "a.csv"), ("parquet", "b.parquet")])
def test_several_files_do_not_go_into_one(database, tmp_path, kind, name):
    with Reader(database) as reader, pytest.raises(InputError, match="goes to a folder"):
        write_redacted(reader, Redaction(Pseudonyms(KEY), None), tmp_path / name, kind)
    with Reader(database) as reader, pytest.raises(InputError, match="goes to a file"):
        write_redacted(reader, Redaction(Pseudonyms(KEY), None), tmp_path, "json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_link_in_the_folder_is_not_followed(database, tmp_path, kind):
    target = tmp_path / "target"
    target.write_text("precious")
    for name, make in (("labels", os.symlink), ("drives", lambda _, path: os.mkfifo(path))):
        out = tmp_path / name
        out.mkdir()
        make(target, out / f"{name}.{kind}")
        with Reader(database) as reader, pytest.raises(InputError, match="is no regular file"):
            write_redacted(reader, Redaction(Pseudonyms(KEY), None), out, kind)
        assert [path.name for path in out.iterdir()] == [f"{name}.{kind}"]
    assert target.read_text() == "precious"


def test_places_that_hide_nothing_and_files_that_are_not_redacted_are_named(
    redacted, original, tmp_path
):
    fix = next(row for row in original["events"] if row["latitude"] is not None)
    right = Place(fix["latitude"], fix["longitude"], 500.0)
    swapped = Place(fix["longitude"], fix["latitude"], 500.0)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "events.parquet").write_text("of before")
    report, _ = redacted(right, swapped, kind="csv")
    assert report.idle_places == [2]
    assert report.other_files == ["events.parquet"]
    report, _ = redacted(right)
    assert (report.idle_places, report.other_files) == ([], [])
