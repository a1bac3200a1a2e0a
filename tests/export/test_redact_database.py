"""A database, a clip and a track for others hold no value that was private before."""

from __future__ import annotations

import json
import math
import re

import duckdb
import pytest

from engagement.cli.exit_codes import ExitCode
from engagement.export.ends import find_cuts
from engagement.export.places import Place, distance_m
from engagement.export.pseudonyms import Pseudonyms
from engagement.export.redact import Redaction
from engagement.export.redact_database import _NUMBERS, _SPECIAL, write_redacted_database
from engagement.extract.segment import ReadOptions
from engagement.logs.codec import decompress
from engagement.logs.log import Log
from engagement.logs.schema import load_schema
from engagement.simulate import BUSY, simulate
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest, recompute
from engagement.store.labels import label_events
from engagement.store.reader import Reader
from engagement.store.segments import log_tables

KEY = bytes(range(32))
ENDS_M = 300.0
VIN = "1HGBH41J"
PLANTED = {
    "git_remote": "git@example.org:jane-doe/openpilot.git",
    "git_branch": "janes-branch",
    "git_commit": "beefcafe" * 5,
    "os_version": "jane-os",
    "device_type": "janes-phone",
}
TEXTS = [
    VIN, *PLANTED.values(), "jane-doe", "at the school of my kids", "schoolrun", "janes-text",
    "janes-param", "HONDA CIVIC 1HGBH41JXMN109186", "device.example", "janes-profile",
    "janes-damage", "janes-signal", "JanesOwnParam",
]  # fmt: skip


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """Drives whose tables hold something private in every column that takes a text."""
    folder = tmp_path_factory.mktemp("shared")
    for _ in simulate(folder / "jane-doe" / "rlogs", drives=3, calm=BUSY):
        pass
    path = folder / "engagement.duckdb"
    ingest([folder / "jane-doe"], path, IngestOptions(ReadOptions(), jobs=1))
    with duckdb.connect(str(path)) as connection:
        for column, value in PLANTED.items():
            connection.execute(f"update log.init_data set {column} = ?", [value])
        connection.execute("update log.car_params set car_vin = ?", [VIN])
        connection.execute(
            "update log.car_params set car_fingerprint = ? "
            "where drive_id = (select min(drive_id) from log.drive)",
            ["HONDA CIVIC 1HGBH41JXMN109186"],
        )
        connection.execute("update log.drive set host = 'device.example'")
        connection.execute("update log.alert set text1 = 'janes-text', text2 = 'janes-text'")
        connection.execute("update log.segment set profile = 'janes-profile'")
        connection.execute("update log.segment set damage = 'janes-damage' where segment_num = 1")
        connection.execute(
            "insert into log.param select drive_id, segment_num, 0, 'DrivingModelName', "
            "'janes-param' from log.segment"
        )
        connection.execute(
            "insert into log.param select drive_id, segment_num, 0, 'JanesOwnParam', '1' "
            "from log.segment"
        )
    recompute(path)
    with Reader(path) as reader:
        ids = [row["event_id"] for row in reader.rows("select event_id from events order by all")]
    label_events(path, ids[:3], "schoolrun", "at the school of my kids", is_new=True)
    label_events(path, ids[3:5], "true", "at the school of my kids")
    with duckdb.connect(str(path)) as connection:  # as of a moment that somebody saved
        connection.execute(
            "insert into store.event_label by name "
            "select * replace ('moment:schoolrun' as kind) from store.event_label"
        )
    return path


@pytest.fixture(scope="module")
def private(database):
    """Everything of the database that says who, where or when."""
    with Reader(database) as reader:
        names = reader.rows("select distinct dongle_id, drive from log.drive")
        paths = reader.rows("select path, content_hash from log.segment")
        ends = [
            row
            for name in ("arg_min", "arg_max")
            for row in reader.rows(
                f"select {name}(latitude, mono_ns) as latitude, "
                f"{name}(longitude, mono_ns) as longitude from log.gps where has_fix "
                "group by drive_id"
            )
        ]
    texts = [*TEXTS, *(value for row in [*names, *paths] for value in row.values())]
    assert len(ends) == 6
    return texts, [(row["latitude"], row["longitude"]) for row in ends]


@pytest.fixture(scope="module")
def shared(database, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "shared.duckdb"
    with Reader(database) as reader:
        redaction = Redaction(Pseudonyms(KEY), (), "shift")
        report = write_redacted_database(reader, redaction, out, ends_m=ENDS_M)
    assert [path.name for path in out.parent.iterdir()] == ["shared.duckdb"]
    return out, report


def assert_tells_nothing(octets, texts):
    for text in texts:
        assert text.encode() not in octets, text


def test_no_private_text_is_in_the_file_nor_in_any_value(shared, private):
    out, _ = shared
    texts, _ = private
    assert_tells_nothing(out.read_bytes(), texts)
    with Reader(out) as reader:
        tables = reader.rows(
            "select schema_name, table_name from duckdb_tables() where not internal "
            "and database_name = 'engagement'"
        )
        values = {
            value
            for row in tables
            for record in reader.rows(f"from {row['schema_name']}.{row['table_name']}")
            for value in record.values()
            if isinstance(value, str)
        }
    assert len(values) > 100
    for value in values:
        assert not any(text in value for text in texts), value


def test_nothing_is_left_of_where_drives_begin_and_end(shared, private):
    out, report = shared
    _, ends = private
    with Reader(out) as reader:
        fixes = reader.rows("select latitude, longitude from log.gps where latitude is not null")
    assert len(fixes) == report.n_positions > 1000
    for fix in fixes[::50]:
        for end in ends:
            assert distance_m(fix["latitude"], fix["longitude"], *end) > ENDS_M


def test_the_ends_of_drives_are_cut_off_and_all_of_the_rest_is_there(database, shared):
    out, report = shared
    with Reader(database) as reader, Reader(out) as redacted:
        ids = [row["drive_id"] for row in reader.rows("select drive_id from drives")]
        cuts = find_cuts(reader, ids, (), ENDS_M, Pseudonyms(KEY)).by_drive
        assert report.n_drives == len(ids) == 3
        for drive_id, cut in cuts.items():
            for table in ("car_state", "car_control", "lead"):
                query = (
                    "select count(*) as n, min(mono_ns) as low, max(mono_ns) as high "
                    f"from log.{table} where drive_id = $drive_id"
                )
                within = " and mono_ns between $low and $high"
                [there] = redacted.rows(query, {"drive_id": drive_id})
                [wanted] = reader.rows(
                    query + within,
                    {"drive_id": drive_id, "low": cut.start_ns, "high": cut.end_ns},
                )
                [whole] = reader.rows(query, {"drive_id": drive_id})
                assert there == wanted
                assert 0 < there["n"] < whole["n"]
        assert redacted.rows("select count(*) as n from events") != [{"n": 0}]


def test_starts_are_shifted_alike_within_a_device(database, shared):
    query = "select drive_id, dongle_id, started_at_utc from drives order by drive_id"
    with Reader(database) as reader, Reader(shared[0]) as redacted:
        pairs = list(zip(reader.rows(query), redacted.rows(query), strict=True))
    shifts = {}
    for before, after in pairs:
        shift_s = (after["started_at_utc"] - before["started_at_utc"]).total_seconds()
        shifts.setdefault(before["dongle_id"], []).append(shift_s)
    for of_device in shifts.values():
        assert all(abs(shift_s) > 3600 for shift_s in of_device)
        assert max(of_device) - min(of_device) < 600  # of what was cut off at the start


def test_every_table_of_the_logs_is_passed_on_purpose_or_not_at_all():
    """A new column of text is empty until it is listed; a new table stays behind."""
    left_behind = {"can_signal", "can_source", "driver_monitoring", "video", "video_frame"}
    with duckdb.connect() as connection:
        from engagement.store.schema import migrate  # noqa: PLC0415

        migrate(connection)
        tables = {*log_tables(connection), "segment"}
        assert _NUMBERS.keys() == tables - left_behind
        places = connection.execute(
            "select table_name || '.' || column_name from duckdb_columns() "
            "where schema_name = 'log' and regexp_matches(column_name, "
            "'latitude|longitude|altitude|wall|unix|hash|crc|path|mtime|vin')"
        ).fetchall()
    special = {f"{table}.{column}" for table, columns in _SPECIAL.items() for column in columns}
    passed = {name for (name,) in places if name.partition(".")[0] not in left_behind}
    assert passed - special == {"car_params.car_vin"}  # a text, not listed


@pytest.mark.parametrize("middle", [(52.5, 13.4), (-33.9, 151.2), (69.6, 18.9), (0.0, 179.999)])
def test_an_end_is_well_inside_of_the_place_that_is_found_for_it(middle):
    from engagement.export.ends import _moved  # noqa: PLC0415

    for number in range(40):
        end = middle[0] + number / 1000, middle[1]
        place = _moved(end, ENDS_M, Pseudonyms(KEY))
        away_m = distance_m(*end, place.latitude, place.longitude)
        assert away_m + ENDS_M * 1.5 <= place.radius_m
    assert len({_moved((52 + n / 100, 13.0), ENDS_M, Pseudonyms(KEY)) for n in range(20)}) == 20


def test_many_positions_are_held_as_each_is():
    import numpy as np  # noqa: PLC0415

    place = Place(52.5, 13.4, 700.0)
    angles = np.linspace(0, 2 * math.pi, 50)
    latitudes = 52.5 + np.sin(angles) * np.linspace(0, 0.02, 50)
    longitudes = 13.4 + np.cos(angles) * np.linspace(0, 0.02, 50)
    each = [
        place.holds(*pair) for pair in zip(latitudes.tolist(), longitudes.tolist(), strict=True)
    ]
    assert place.hold(latitudes, longitudes).tolist() == each
    assert {True, False} == set(each)


@pytest.fixture
def run(database, tmp_path, monkeypatch):
    from click.testing import CliRunner  # noqa: PLC0415

    from engagement.cli import main  # noqa: PLC0415

    monkeypatch.chdir(tmp_path)
    (tmp_path / "redaction.key").write_text(KEY.hex() + "\n")
    (tmp_path / "redaction.key").chmod(0o600)

    def run(*words, exit_code=ExitCode.OK):
        options = ["--db", str(database), "--key-file", str(tmp_path.parent / "k.key")]
        result = CliRunner().invoke(main, ["redact", *words, *options])
        assert result.exit_code == exit_code, result.output
        assert "Traceback" not in result.output
        return result

    return run


@pytest.fixture(scope="module")
def moment(database, shared):
    """An event that is still there, by the name that it has in the database."""
    with Reader(shared[0]) as redacted, Reader(database) as reader:
        [row] = redacted.rows("select drive_id, mono_ns from events order by all limit 1")
        [event] = reader.rows(
            "select event_id from events where drive_id = $drive_id and mono_ns = $mono_ns limit 1",
            row,
        )
    return event["event_id"]


@pytest.mark.parametrize("name", ["m.csv", "m.parquet", "m.mcap", "rlog", "rlog.zst"])
def test_a_clip_tells_nothing(run, private, moment, tmp_path, name):
    raw = ["--raw"] if name.startswith("rlog") else []
    run("clip", moment, "--out", name, "--ends", str(ENDS_M), *raw)

    octets = (tmp_path / name).read_bytes()
    texts, _ = private
    assert len(octets) > 1000
    assert_tells_nothing(decompress(octets).raw if raw else octets, texts)


def test_a_raw_clip_is_a_log_of_numbers(run, database, moment, tmp_path):
    run("clip", moment, "--raw", "--out", "rlog", "--ends", str(ENDS_M))

    log = Log((tmp_path / "rlog").read_bytes(), load_schema())
    assert log.n_damaged == 0
    assert len(log.numbers_of("initData")) == 1
    times = sorted(log.mono_ns[log.numbers_of("carState")].tolist())
    with Reader(database) as reader:
        there = reader.rows(
            "select mono_ns from log.car_state semi join events using (drive_id) "
            "where mono_ns between $first and $last order by mono_ns",
            {"first": times[0], "last": times[-1]},
        )
    assert times == [row["mono_ns"] for row in there if row["mono_ns"] in set(times)]
    assert 100 < len(times) <= len(there)
    assert len(log.numbers_of("can")) == len(log.numbers_of("logMessage")) == 0


def test_a_track_begins_and_ends_elsewhere(run, database, private, tmp_path):
    with Reader(database) as reader:
        names = [row["drive"] for row in reader.rows("select drive from drives")]
    for number, name in enumerate(names):
        run("track", name, "--out", f"{number}.csv", "--ends", str(ENDS_M))
        text = (tmp_path / f"{number}.csv").read_text()
        assert_tells_nothing(text.encode(), private[0])
        rows = [line.split(",") for line in text.splitlines()[1:]]
        assert len(rows) > 100
        for row in rows[::50]:
            for end in private[1]:
                assert distance_m(float(row[1]), float(row[2]), *end) > ENDS_M


def test_what_lies_wholly_in_a_place_is_refused_and_left_out(run, database, private):
    with Reader(database) as reader:
        [row, *_] = reader.rows("select drive from drives")
    everywhere = f"{private[1][0][0]},{private[1][0][1]},20000000"
    refused = run("track", row["drive"], "--out", "t.csv", "--place", everywhere, exit_code=2)
    assert "begins or ends" in refused.output
    said = run("database", "--out", "d.duckdb", "--place", everywhere, "--json")
    assert json.loads(said.stdout)["n_left_out"] == 3


def test_a_file_that_is_there_and_the_database_are_spared(run, database, tmp_path):
    (tmp_path / "there.duckdb").write_text("mine")
    refused = run("database", "--out", "there.duckdb", exit_code=2)
    assert re.search("is there already", refused.output)
    run("database", "--out", str(database), "--force", exit_code=2)
    assert (tmp_path / "there.duckdb").read_text() == "mine"
