"""What names a person, a place or a vehicle gets into no database, and leaves an old one wholly.

Whether it is gone is told by its bytes: no file beside the database may hold them.
"""

from __future__ import annotations

import re

import duckdb
import pytest

from engagement.extract.kept_params import kept_params
from engagement.extract.segment import ReadOptions
from engagement.logs.writer import EventBuilder
from engagement.resources import resource_dir
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.ingestion import recompute
from engagement.store.labels import Key, Label, bring_labels, label_events, remove_labels
from tests.extract.test_segment import read
from tests.store.small_logs import ONE, messages
from tests.store.stores import Store, made_at

PRIVATE = re.compile(
    "key|token|secret|ssh|gps|imei|serial|email|dongle|user|location|destination", re.IGNORECASE
)
PARAMS = {
    "MapboxSecretKey": "sk.planted-map-key",
    "GithubSshKeys": "ssh-ed25519 AAAAplantedkey jane@example.org",
    "LastGPSPosition": '{"latitude": 52.987654321}',
    "NavPastDestinations": "[planted destination]",
    "HardwareSerial": "planted1serial",
    "GithubUsername": "planted-jane",
    "AForksOwn": "planted-setting",
    "GitDiff": "planted-diff",
}
KEPT = {"IsMetric": "1", "ExperimentalMode": "0", "NavModelText": "a model", "Version": "0.9.4"}
VIN = "1HGBH41JXMN109186"
REMOTE = "https://planted-jane:ghp_plantedtoken@git.example.org/jane/openpilot.git"
SECRETS = [*PARAMS.values(), VIN, VIN[8:], "ghp_plantedtoken"]
LAST_VERSION_IN_MAIN = 4
FIRST_VERSION_WITHOUT_LOGINS = 11


def log(params):
    """A log whose device has params, a remote with a login in it, and a car with a number."""
    builder = EventBuilder()
    entries = [{"key": key, "value": value.encode()} for key, value in params.items()]
    init_data = {"dongleId": ONE.dongle_id, "gitRemote": REMOTE, "params": {"entries": entries}}
    return b"".join(
        [
            builder.event("initData", 1, init_data),
            builder.event("carParams", 2, {"carFingerprint": "CAR", "carVin": VIN}),
            *messages(ONE, 0)[1:],
        ]
    )


def leaks(store):
    """Which secrets are in which files beside the database."""
    files = [path for path in store.folder.iterdir() if path.is_file()]
    assert store.database in files
    return [
        (path.name, secret)
        for path in files
        for secret in SECRETS
        if secret.encode() in path.read_bytes()
    ]


@pytest.fixture
def planted(store):
    path = store.logs / ONE.path(0)
    path.parent.mkdir(parents=True)
    path.write_bytes(log(PARAMS | KEPT))
    return store


def test_the_list_of_kept_params_names_nothing_private():
    assert len(kept_params()) > 100
    assert [name for name in kept_params() if PRIVATE.search(name)] == []
    assert not kept_params() & PARAMS.keys()


def test_of_the_params_only_those_of_the_list_are_stored(planted):
    planted.ingest()

    stored = {row["name"]: row["value"] for row in planted.rows("from params")}
    assert stored == KEPT
    assert leaks(planted) == []


def test_a_param_is_kept_on_purpose(planted):
    planted.ingest(read=ReadOptions(keep_params=("AForksOwn",)))

    stored = {row["name"]: row["value"] for row in planted.rows("from params")}
    assert stored == KEPT | {"AForksOwn": "planted-setting"}
    assert {secret for _, secret in leaks(planted)} == {"planted-setting"}


def test_of_a_vehicle_maker_and_model_are_stored_and_of_a_remote_no_login(planted):
    planted.ingest()

    assert planted.row("select distinct car_vin from log.car_params where car_vin <> ''") == {
        "car_vin": VIN[:8]
    }
    assert planted.row("select git_remote from log.init_data") == {
        "git_remote": "https://git.example.org/jane/openpilot.git"
    }


def old_database(newer, folder):
    """A database of before the list, which holds all of it."""
    old = Store(folder)
    made_at(LAST_VERSION_IN_MAIN, newer.database, old.database)
    with duckdb.connect(str(old.database)) as connection:
        connection.execute("update car_params set car_vin = ?", [VIN])
        connection.execute("update init_data set git_remote = ?", [REMOTE])
        for name, value in (PARAMS | KEPT).items():
            connection.execute("insert into param values (1, 0, 0, ?, ?)", [name, value])
    assert {secret for _, secret in leaks(old)} >= {*PARAMS.values(), VIN}
    return old


@pytest.mark.parametrize("bring_up_to_date", ["recompute", "ingest"])
def test_an_old_database_loses_them_and_no_file_beside_it_keeps_them(
    two_drives, tmp_path, bring_up_to_date
):
    old = old_database(two_drives, tmp_path)
    old.logs.mkdir()

    if bring_up_to_date == "recompute":
        recompute(old.database)
    else:
        old.ingest()

    assert leaks(old) == []
    stored = {row["name"]: row["value"] for row in old.rows("from params")}
    assert stored == KEPT
    assert old.row("select distinct car_vin from log.car_params") == {"car_vin": VIN[:8]}
    assert "git.example.org" in str(old.rows("select distinct git_remote from log.init_data"))


SAFE_REMOTES = {
    remote: remote
    for remote in (
        "https://github.com/o/r", "https://github.com/o/r.git", "git@github.com:o/r.git",
        "github.com/o/r", "ssh://git.example.org:2222/o/r", "/data/openpilot", "r",
        "git@gitlab.example.org:/o/r",
    )
} | {
    "https://h.org/x?access_token=TOKEN": "https://h.org/x",
    "https://h.org/x#TOKEN": "https://h.org/x",
    " https://u:TOKEN@h.org/x": "https://h.org/x",
    "https:/u:TOKEN@h.org/x": "https:/h.org/x",
    "HTTPS://u@v:TOKEN@h.org/x": "HTTPS://h.org/x",
    "user:TOKEN@h.org/x": "h.org/x",
    "TOKEN:x-oauth-basic@github.com/x.git": "github.com/x.git",
    "TOKEN@github.com:o/r.git": "github.com:o/r.git",
    "git:TOKEN@github.com:o/r.git": "github.com:o/r.git",
    "https://u:a/TOKEN@h.org": None,
    "https://u:TOKEN": None,
    "https://u:1#TOKEN@h.org/x": "https://h.org/x",
    "https://h.org/x?TOKEN@y": None,
    "https://u:TOKEN%40h.org/x": None,
    "https://h.org/x;TOKEN": None,
    "u:a/TOKEN@h.org/x": None,
    "https://TOKEN\uff20h.org/x": None,
}  # fmt: skip


@pytest.mark.parametrize(("remote", "expected"), SAFE_REMOTES.items())
def test_of_a_remote_host_and_path_are_stored(tmp_path, remote, expected):
    raw = EventBuilder().event("initData", 1, {"gitRemote": remote})

    (row,) = read(raw, tmp_path).tables["init_data"].to_pylist()

    assert row["git_remote"] == expected


def tables_made_since(version):
    """The tables that migrations make from one on."""
    files = sorted(resource_dir("migrations").glob("*.sql"))
    later = [file.read_text() for file in files if int(file.name[:4]) >= version]
    return [table for text in later for table in re.findall(r"create table ([\w.]+)", text)]


def test_an_old_database_has_of_remotes_host_and_path(two_drives, tmp_path):
    old = Store(tmp_path)
    old.copy_of(two_drives.database)
    with duckdb.connect(str(old.database)) as connection:
        connection.execute("create table sample as from log.init_data limit 1")
        connection.execute("delete from log.init_data")
        for number, remote in enumerate(SAFE_REMOTES):
            connection.execute(
                "insert into log.init_data select * replace (? as git_remote, ? as message_num) "
                "from sample",
                [remote, number],
            )
        connection.execute("drop table sample")
        for table in tables_made_since(FIRST_VERSION_WITHOUT_LOGINS):
            connection.execute(f"drop table {table}")
        connection.execute(
            "delete from store.schema_migration where version >= ?", [FIRST_VERSION_WITHOUT_LOGINS]
        )

    recompute(old.database)

    found = old.rows("select git_remote from log.init_data order by message_num")
    assert [row["git_remote"] for row in found] == list(SAFE_REMOTES.values())
    assert b"TOKEN" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_the_note_of_a_removed_label_is_gone(begun):
    event = begun.row("select event_id from events limit 1")["event_id"]
    label_events(begun.database, [event], "true", note=SECRETS[0])
    assert leaks(begun)

    remove_labels(begun.database, [event])

    assert leaks(begun) == []


@pytest.mark.parametrize("note", ["", "another note"])
def test_a_note_that_another_takes_the_place_of_is_gone(begun, note):
    event = begun.row("select event_id from events limit 1")["event_id"]
    label_events(begun.database, [event], "true", note=SECRETS[0])
    label_events(begun.database, [event], "false")
    assert leaks(begun)

    label_events(begun.database, [event], "false", note=note)

    assert leaks(begun) == []


@pytest.mark.parametrize("note", [None, "another note"])
def test_a_note_that_a_brought_label_takes_the_place_of_is_gone(begun, note):
    row = begun.row("select * from events limit 1")
    label_events(begun.database, [row["event_id"]], "true", note=SECRETS[0])
    assert leaks(begun)

    key = Key(*(row[name] for name in Key._fields))
    assert bring_labels(begun.database, [Label(key, "true", note)]).n_replaced == 1

    assert leaks(begun) == []


def test_a_complete_publication_holds_what_the_database_held(begun):
    """Rows in their order, comments, views and macros: all but the room that was free."""
    before = contents(begun.database)
    with writer_lock(begun.database), Writer(begun.database) as writer:
        writer.publish(complete=True)

    after = contents(begun.database)
    differing = [key for key in before if before[key] != after[key]]
    assert differing == [("store", "state")]
    begun.ingest()
    assert [path.name for path in begun.folder.glob("engagement.duckdb.*")] == [
        "engagement.duckdb.lock"
    ]


def contents(database):
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where not internal"
        ).fetchall()
        found = {
            (schema, table): connection.execute(f"from {schema}.{table}").fetchall()
            for schema, table in tables
        }
        for kind, columns in {
            "views": "schema_name, view_name, comment, sql",
            "columns": "schema_name, table_name, column_name, comment, is_nullable, data_type",
            # DuckDB keeps what `* replace` replaces in no order of its own.
            "functions": "schema_name, function_name, parameters, "
            "list_sort(regexp_extract_all(macro_definition, '\\w+'))",
        }.items():
            query = f"select {columns} from duckdb_{kind}() where not internal order by all"
            found["about", kind] = connection.execute(query).fetchall()
    # DuckDB tells the columns that a macro or a view replaces or excludes in any order.
    for kind in ("functions", "views"):
        rows = found["about", kind]
        found["about", kind] = [sorted(re.findall(r"\w+", str(row))) for row in rows]
    return found
