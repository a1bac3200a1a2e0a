"""Tables, parameters and views of a database: made whole, or refused with a reason."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from engagement.definitions import OtherDefinitionsWarning
from engagement.errors import StoreError, StoreVersionError, ViewError
from engagement.extract.segment import ReadOptions
from engagement.store import schema, views
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest, recompute
from engagement.store.reader import Reader
from engagement.store.views import View, load_views
from tests.store.small_logs import ONE, write
from tests.store.stores import Store, made_at

LAST_VERSION_IN_MAIN = 4


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        yield connection


def tables(connection):
    query = "select table_name from duckdb_tables() where schema_name in ('main', 'log', 'store')"
    return {name for (name,) in connection.execute(query).fetchall()}


def applied(connection):
    query = "select version, name from store.schema_migration order by version"
    return connection.execute(query).fetchall()


def public_views(connection):
    query = "select view_name from duckdb_views() where schema_name = 'main' and not internal"
    return {name for (name,) in connection.execute(query).fetchall()}


@pytest.fixture
def with_more_migrations(monkeypatch):
    """Add migrations to the shipped ones; a program that has them sees them all."""
    shipped = schema.migrations()
    latest = shipped[-1][0]

    def add(*texts):
        more = [
            (latest + number, f"{latest + number:04}_more.sql", text)
            for number, text in enumerate(texts, start=1)
        ]
        monkeypatch.setattr(schema, "migrations", lambda: [*shipped, *more])
        return [(number, name) for number, name, _ in (*shipped, *more)]

    return add


def test_migrations_lead_from_nothing_to_the_newest_version(connection):
    assert schema.stored_version(connection) == 0
    assert schema.migrate(connection)

    assert schema.stored_version(connection) == schema.latest_version()
    assert applied(connection) == [(number, name) for number, name, _ in schema.migrations()]
    assert {"drive", "segment", "car_state", "parameter", "ingest_run"} <= tables(connection)


def test_migrations_are_numbered_without_a_gap():
    numbers = [number for number, *_ in schema.migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_migrating_again_changes_nothing(connection):
    schema.migrate(connection)
    before = connection.execute("from store.schema_migration").fetchall()

    assert not schema.migrate(connection)

    assert connection.execute("from store.schema_migration").fetchall() == before


def test_a_failing_migration_is_rolled_back_and_stays_pending(connection, with_more_migrations):
    before = with_more_migrations("create table first_of_all (n integer)")
    with_more_migrations(
        "create table first_of_all (n integer)",
        "create table half_done (n integer); insert into nowhere values (1)",
    )

    with pytest.raises(ViewError, match=r"^0+\d+_more\.sql: .*nowhere"):
        schema.migrate(connection)

    assert applied(connection) == before
    assert "first_of_all" in tables(connection)
    assert "half_done" not in tables(connection)
    after = with_more_migrations(
        "create table first_of_all (n integer)", "create table half_done (n integer)"
    )
    assert schema.migrate(connection)
    assert applied(connection) == after


def test_tables_move_to_their_schemas_with_their_columns_and_rows(
    two_drives, tmp_path, monkeypatch
):
    first = schema.migrations()[: LAST_VERSION_IN_MAIN + 1]
    monkeypatch.setattr(schema, "migrations", lambda: first)
    path = tmp_path / "old.duckdb"
    made_at(LAST_VERSION_IN_MAIN, two_drives.database, path)
    with duckdb.connect(str(path)) as connection:
        # As in a long-lived database, the newest rows are not the last ones.
        connection.execute("attach ':memory:' as other")
        connection.execute("create table other.kept as from car_state order by hash(mono_ns)")
        connection.execute("delete from car_state; insert into car_state from other.kept")
        connection.execute("insert into confidence_limit values (0, 0, 3.69, null)")
        before = described_and_read(connection, {"main"})

        assert schema.migrate(connection)

        after = described_and_read(connection, {"log", "store"})
        assert described_and_read(connection, {"main"}) == {}
    before["state"] = before.pop("store_state")
    assert before.keys() == after.keys()
    del before["schema_migration"], after["schema_migration"]
    assert after == before
    assert sum(bool(rows) for _, rows in after.values()) > 15


def described_and_read(connection, schemas):
    """Of each table its columns, with type and whether they may be null, and its rows in order."""
    query = (
        "select schema_name, table_name from duckdb_tables() "
        "where list_contains(?, schema_name) and database_name = current_database()"
    )
    return {
        table: (
            connection.sql(
                f'select column_name, column_type, "null" from (describe {name}.{table})'
            ).fetchall(),
            connection.sql(f"from {name}.{table}").fetchall(),
        )
        for name, table in connection.execute(query, [sorted(schemas)]).fetchall()
    }


def test_main_shows_the_public_views_alone(connection):
    schema.create(connection)
    shown = {name for (name,) in connection.execute("show tables").fetchall()}
    assert shown == {view.name for view in load_views() if "." not in view.name}


def test_an_older_database_has_nulls_for_what_is_newer_until_it_is_migrated(
    two_drives, tmp_path, with_more_migrations
):
    store = Store(tmp_path)
    store.copy_of(two_drives.database)
    with_more_migrations("alter table log.drive add column nickname varchar")
    query = "select nickname, (select count(*) from drives) as n from log.drive limit 1"

    with pytest.warns(OtherDefinitionsWarning, match=r"an older engagement made its numbers, "):
        assert store.rows(query) == [{"nickname": None, "n": 2}]
    report = store.ingest(two_drives.logs)
    assert (report.n_ingested, report.n_read_again, report.n_unchanged) == (2, 2, 0)

    assert store.rows(query) == [{"nickname": None, "n": 2}]
    before = store.state()
    store.ingest(two_drives.logs)
    assert store.state() == before


def test_what_an_older_engagement_read_is_read_again_in_whichever_ingest_finds_it(
    two_drives, tmp_path, with_more_migrations
):
    store = Store(tmp_path)
    store.copy_of(two_drives.database)
    with_more_migrations("alter table log.drive add column nickname varchar")
    folders = sorted(path for path in two_drives.logs.iterdir() if path.is_dir())
    assert len(folders) == 2

    reports = [store.ingest(folder) for folder in (*folders, *folders)]

    told = [(report.n_read_again, report.n_ingested, report.n_unchanged) for report in reports]
    assert told == [(1, 1, 0), (1, 1, 0), (0, 0, 1), (0, 0, 1)]


def test_a_newer_database_is_refused(two_drives, tmp_path):
    store = Store(tmp_path)
    store.copy_of(two_drives.database)
    newest = schema.latest_version() + 1
    with duckdb.connect(str(store.database)) as connection:
        connection.execute(
            f"insert into store.schema_migration values ({newest}, 'x', 'x', now()::timestamp)"
        )
    before = store.state()

    for use in (lambda: Reader(store.database), store.ingest, lambda: recompute(store.database)):
        with pytest.raises(StoreVersionError) as caught:
            use()
        assert str(store.database) in str(caught.value)
        assert str(caught.value).endswith("; update engagement")
    assert store.state() == before


def test_creating_again_changes_nothing_and_asks_for_nothing(connection):
    assert schema.create(connection)
    assert schema.is_current(connection)
    before = connection.execute("from store.state").fetchall()

    assert not schema.create(connection)

    assert connection.execute("from store.state").fetchall() == before


def test_comments_say_the_values_of_the_parameters(connection, tmp_path):
    query = (
        "select comment from duckdb_columns() "
        "where table_name = 'drives' and column_name = 'n_lateral_overrides'"
    )
    schema.create(connection)
    shipped = connection.execute(query).fetchall()
    own = tmp_path / "own.toml"
    own.write_text('parameters.override_min_s = { value = 0.75, unit = "s", why = "" }')

    assert schema.create(connection, own)

    [(before,)], [(after,)] = shipped, connection.execute(query).fetchall()
    assert " 0.3 s " in before
    assert after == before.replace(" 0.3 s ", " 0.75 s ")
    query = "select count(*) from duckdb_columns() where comment like '%{%'"
    assert connection.execute(query).fetchall() == [(0,)]


def test_a_comment_that_names_no_parameter_is_told(connection, monkeypatch):
    view = View("sql/public/a.sql", "a", "create view a as select 1 as b", comments={"b": "{no_s}"})
    needed = [shipped for shipped in schema.load_views() if shipped.is_one_row]
    monkeypatch.setattr(schema, "load_views", lambda: (*needed, view))
    with pytest.raises(ViewError, match="a comment names 'no_s', which is no parameter"):
        schema.create(connection)


def test_views_that_are_gone_from_sql_are_gone_from_the_database(connection):
    schema.create(connection)
    connection.execute("create view old_report as select 1 as one")
    connection.execute("update store.state set sql_hash = 'another'")

    assert schema.create(connection)

    assert public_views(connection) == {view.name for view in load_views() if "." not in view.name}


@pytest.mark.parametrize(
    "text", ["create or replace view broken as select 1 +", "create view broken as from nowhere"]
)
def test_a_view_that_does_not_load_is_named_and_the_old_ones_stay(connection, monkeypatch, text):
    schema.create(connection)
    before = public_views(connection)
    broken = View("sql/public/broken.sql", "broken", text, frozenset())
    monkeypatch.setattr(schema, "load_views", lambda: (*load_views(), broken))
    monkeypatch.setattr(schema, "sql_hash", lambda: "another")

    with pytest.raises(ViewError, match=r"^sql/public/broken\.sql: "):
        schema.create(connection)

    assert public_views(connection) == before
    assert connection.execute("select count(*) from drives").fetchall() == [(0,)]


@pytest.fixture
def own_sql(tmp_path, monkeypatch):
    """Have views loaded from files that the test writes."""
    folder = tmp_path / "sql"
    monkeypatch.setattr(views, "resource_dir", lambda _: folder)
    load_views.cache_clear()
    folder.mkdir()
    for name in ("macros.sql", "grids.sql"):
        (folder / name).write_text("-- None.\n")

    def write(**texts):
        for name, text in texts.items():
            path = folder / "public" / f"{name}.sql"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    yield write
    load_views.cache_clear()


def test_views_load_in_the_order_in_which_they_read_each_other(own_sql):
    own_sql(
        a="-- Last.\ncreate or replace view a as\nselect * from b join c using (n)",
        b="-- First.\ncreate or replace view b as\nselect 1 as n -- not from a",
        c="-- Between.\ncreate or replace view c as\nwith\n\na as (\n select 2 as n\n)\n\nfrom b",
    )

    assert [view.name for view in load_views()] == ["b", "c", "a"]
    assert [view.title for view in load_views()] == ["First.", "Between.", "Last."]


def test_views_that_read_each_other_are_named(own_sql):
    own_sql(
        a="create or replace view a as\nselect * from b",
        b="create or replace view b as\nselect * from a",
    )

    with pytest.raises(ViewError, match=r"(a -> b -> a|b -> a -> b): these views read each other"):
        load_views()


def test_a_file_without_a_view_is_named(own_sql):
    own_sql(a="select 1")

    with pytest.raises(ViewError, match=r"^sql/public/a\.sql: there is no"):
        load_views()


@pytest.mark.parametrize("content", [b"", b"no database" * 1000], ids=["empty", "text"])
def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path, content):
    path = tmp_path / "engagement.duckdb"
    path.write_bytes(content)
    store = Store(tmp_path)
    store.logs.mkdir()

    for use in (lambda: Reader(path), store.ingest, lambda: recompute(path)):
        with pytest.raises(StoreError, match=r"engagement\.duckdb: .*not a valid DuckDB database"):
            use()
    assert path.read_bytes() == content
    assert not list(tmp_path.glob("*.next*"))


def test_a_duckdb_file_of_someone_else_gets_our_tables_beside_theirs(tmp_path):
    store = Store(tmp_path)
    write(store.logs, ONE, 0)
    with duckdb.connect(str(store.database)) as connection:
        connection.execute("create table shopping as select 'milk' as item")

    with pytest.raises(StoreVersionError):
        Reader(store.database)
    store.ingest()

    assert store.rows("from shopping") == [{"item": "milk"}]
    assert len(store.rows("from drives")) == 1


@pytest.mark.parametrize("name", ["log", "store", "staging", "compute", "result"])
def test_a_database_may_be_called_like_a_schema(tmp_path, name):
    logs = tmp_path / "rlogs"
    logs.mkdir()
    write(logs, ONE, 0)
    database = tmp_path / f"{name}.duckdb"

    for _ in range(2):
        ingest([logs], database, IngestOptions(read=ReadOptions(), jobs=1))

    with Reader(database) as reader:
        assert len(reader.rows("from drives")) == 1
    assert not list(tmp_path.glob("*.next*"))


def test_a_folder_in_the_database_s_place_is_told(tmp_path):
    folder = tmp_path / "engagement.duckdb"
    folder.mkdir()
    (tmp_path / "rlogs").mkdir()

    with pytest.raises(StoreError, match=r"engagement\.duckdb: that is a folder"):
        Store(tmp_path).ingest()


def test_what_was_not_published_is_thrown_away(two_drives, tmp_path):
    store = Store(tmp_path)
    store.copy_of(two_drives.database)
    before = store.state()

    with writer_lock(store.database), Writer(store.database) as writer:
        writer.connection.execute("delete from log.drive")

    assert store.state() == before
    assert not list(tmp_path.glob("*.next*"))


def test_the_database_opens_in_the_oldest_duckdb_that_is_supported(two_drives):
    with duckdb.connect(str(two_drives.database), read_only=True) as connection:
        query = "select tags from duckdb_databases() where not internal"
        [(tags,)] = connection.execute(query).fetchall()
    assert tags["storage_version"].startswith("v1.5")
    assert Path(two_drives.database).read_bytes()[8:12] == b"DUCK"
