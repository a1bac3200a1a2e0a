"""What every file of sql/ promises in its header, and what all of them keep to."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import pytest

from engagement.extract.dbc import load_signal_specs
from engagement.extract.profiles import load_profile
from engagement.extract.segment import ReadOptions
from engagement.legacy.imports import import_files
from engagement.resources import resource_dir
from engagement.simulate import BUSY, plan_drives, write_drive
from engagement.store import schema
from engagement.store.described import describe
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from engagement.store.labels import label_events
from engagement.store.moment_book import save_moment
from engagement.store.reader import Reader
from engagement.store.results import SHARED, refresh
from engagement.store.saved_moments import MADE_OF_EXPRESSIONS
from engagement.store.views import load_views
from tests.store.stores import differences

LEGACY = Path(__file__).parents[1] / "data" / "legacy"
FILES = sorted(path for path in resource_dir("sql").glob("*/*.sql") if path.parent.name != "checks")
CHECKS = sorted(resource_dir("sql").joinpath("checks").glob("*.sql"))
VIEWS = {view.name: view for view in load_views()}
PUBLIC = {name for name in VIEWS if "." not in name}
COMPUTED = {name: view for name, view in VIEWS.items() if view.result}
RESULTS = {view.result for view in COMPUTED.values()}
BASE = {
    f"{schema_name}.{table}"
    for *_, text in schema.migrations()
    for schema_name, table in re.findall(r"^create table (log|store)\.(\w+)", text, re.MULTILINE)
}

# Tables as small as the numbers of drives and logs; the others have a row for every sample.
SMALL = {
    "log.drive",
    "log.segment",
    "log.bookmark",
    "log.video",
    "log.can_source",
    "store.imported_drive",
    "store.imported_debug_event",
    "store.device_name",
    "store.event_label",
    "store.place_name",
    "store.saved_moment",
}

SAMPLES = {table for table in BASE - SMALL if table.startswith("log.")}

# What public views are made from that reads others of them, and so follows a selection of drives.
OF_SELECTIONS = {
    "staging.dimension_cells",
    "staging.drive_counts",
    "staging.group_engagements",
    "staging.group_sums",
    "staging.group_rates",
    "staging.moment_amounts",
    "staging.moment_sums",
}

# They show samples as they are, with the time of each, and nothing that is computed from them.
OF_SAMPLES = {name for name in PUBLIC if name.endswith("_samples")}

# They have a row for an element of a message's list, or for either of two things: no key of theirs.
WITHOUT_KEY = {
    "bookmarks",
    "staging.control_samples",
    "staging.legacy_steer_looks",
}

PUBLIC_TYPES = {"VARCHAR", "BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "TIMESTAMP", "VARCHAR[]"}

HEADER = re.compile(
    r"-- [A-Z][^\n]*\.\n"
    r"--\n"
    r"-- grain:   one row[^\n]*\n"
    r"-- null:    [^\n]+\n(?:--          [^\n]+\n)*"
    r"(?:-- why:     [^\n]+\n(?:--          [^\n]+\n)*)?"
    r"create or replace view (?P<name>[\w.]+) as\n"
)
CTE = re.compile(r"^(\w+) as (?:not materialized )?\($", re.MULTILINE)


def name_of(path: Path) -> str:
    return path.stem


every_file = pytest.mark.parametrize("path", FILES, ids=name_of)
every_check = pytest.mark.parametrize("path", CHECKS, ids=name_of)


@dataclass(frozen=True)
class Demo:
    """A database that has rows in most views, and the profile's signals."""

    connection: duckdb.DuckDBPyConnection

    def value(self, query):
        return self.connection.sql(query).fetchall()[0][0]

    def columns(self, name):
        return {row[0]: row[1] for row in self.connection.sql(f"describe {name}").fetchall()}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    planned = plan_drives(8, calm=BUSY)
    for drive in (planned[2], planned[7]):  # with a missing segment, a qlog, lateral-only time
        written = list(write_drive(folder / "rlogs", drive))
        assert len(written) == drive.n_segments - len(drive.missing_segments)
    profile = load_profile(
        profiles_file=LEGACY / "config" / "vehicle_profiles.json", name=None, cwd=folder
    )
    read = ReadOptions(specs=load_signal_specs(profile), profile=profile.name)
    database = folder / "engagement.duckdb"
    ingest(
        [folder / "rlogs", *sorted((LEGACY / "rlogs" / "0123abcd").glob("2025-08-01*"))],
        database,
        IngestOptions(read, jobs=1),
    )
    import_files(database, [LEGACY / "engagement_db.json", LEGACY / "debug_events.json"])
    with Reader(database) as reader:
        [first] = reader.rows("select event_id from events order by event_id limit 1")
    label_events(database, [first["event_id"]], "true", "a note")
    save_moment(database, "fast", "engaged and v_ego_mps > 10")
    with duckdb.connect(str(database)) as connection:
        yield Demo(connection)


@pytest.fixture
def header():
    return lambda path: HEADER.match(path.read_text(encoding="utf-8"))


@every_file
def test_a_file_begins_with_its_header_and_has_the_name_of_its_view(path, header):
    found = header(path)
    assert found, "title, grain and null, in this order, then the view"
    schema_name, _, name = found["name"].rpartition(".")
    assert name == path.stem
    wanted = {"public": {""}, "legacy": {"compute", "staging"}}
    assert schema_name in wanted.get(path.parent.name, {path.parent.name})


def test_no_two_files_make_the_same_view():
    made = {view.file for view in VIEWS.values()}
    assert made == {f"sql/{path.parent.name}/{path.name}" for path in FILES}
    assert len({name.rpartition(".")[2] for name in COMPUTED}) == len(RESULTS)


@every_file
def test_a_part_has_another_name_than_what_the_view_reads(path, header):
    """Else `from drive` would be the part in one place and the table in another."""
    parts = set(CTE.findall(path.read_text(encoding="utf-8")))
    tables = {name.rpartition(".")[2] for name in BASE}
    reads = VIEWS[header(path)["name"]].reads
    assert not parts & (reads | tables)


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_views_read_only_what_is_upstream_of_their_layer(name):
    """Samples -> staging and compute, through result tables -> public views."""
    reads = VIEWS[name].reads & (VIEWS.keys() | RESULTS | BASE)
    if name in OF_SAMPLES:
        assert reads <= SAMPLES | {"result.drive_facts", "result.drive_identity"}
    elif name in PUBLIC | OF_SELECTIONS:
        small = SMALL | {
            "staging.imported_drives", "staging.imported_bands", "staging.legacy_event_counts",
        }  # fmt: skip
        assert reads <= RESULTS | PUBLIC | OF_SELECTIONS | small
    else:
        assert not reads & PUBLIC
        assert not reads & COMPUTED.keys(), "a result table holds these rows already"


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_the_grain_holds(name, demo):
    if VIEWS[name].is_one_row:
        assert demo.value(f"select count(*) from {name}") == 1
        return
    key = VIEWS[name].key
    has_key = bool(key) and set(key) <= demo.columns(name).keys()
    assert has_key == (name not in WITHOUT_KEY)
    if has_key:
        rows = f"select count(*) - count(distinct ({', '.join(key)},)) from {name}"
        assert demo.value(rows) == 0
        assert demo.value(f"select count(*) from {name} where {key[0]} is null") == 0


def test_the_demo_has_rows_of_nearly_everything(demo):
    empty = {name for name in VIEWS if not demo.value(f"select count(*) from {name}")}
    of_videos = {"compute.video_starts", "videos"}  # the demo has none
    of_expressions = {"compute.moment_runs", "compute.moment_exposures"}  # their tables have rows
    assert empty == {
        "staging.arrivals", "staging.segment_copies", "staging.speed_gaps", *of_videos,
        *of_expressions,
    }  # fmt: skip


@pytest.mark.parametrize("view", sorted(PUBLIC))
def test_every_public_column_is_explained_and_of_a_plain_type(view, demo):
    title, comments = described()[view]
    assert title == VIEWS[view].title
    columns = demo.columns(view)
    assert [name for name in columns if not comments[name]] == []
    # Samples are as logs have them.
    assert set(columns.values()) <= PUBLIC_TYPES | ({"FLOAT"} if "samples" in view else set())
    assert all(name.islower() for name in columns)
    assert {text for text in comments.values() if text.endswith(".")} == set()


@cache
def described():
    return describe()


def test_one_drive_computed_alone_is_as_among_all(demo):
    connection = demo.connection
    before = {name: rows_of(connection, name) for name in RESULTS}
    drives = connection.sql("select distinct drive_id from log.segment order by all").fetchall()
    assert len(drives) == 3
    for (drive_id,) in drives:
        for result in (view.result for view in COMPUTED.values() if view.is_per_drive):
            connection.execute(f"delete from {result} where drive_id = {drive_id}")
        refresh(connection, [drive_id])
        assert differences({name: rows_of(connection, name) for name in RESULTS}, before) == []


# Which segments hold the same log is looked for among all of them.
ACROSS_DRIVES = {"staging.segment_copies"}
OF_DRIVES = [
    view for view in VIEWS.values() if view.is_per_drive and view.name not in ACROSS_DRIVES
]


def scans(connection, query):
    """What each scan of a table gives to the rest of a query, once that has run."""

    def nodes(node, parent):
        yield node, parent
        for child in node.get("children", ()):
            yield from nodes(child, node)

    [(_, profile)] = connection.execute(f"explain (analyze, format json) {query}").fetchall()
    for operator in json.loads(profile)["operator"]:
        for node, parent in nodes(operator, {}):
            if node["type"] == "TABLE_SCAN" and "Table" in node["extra_info"]:
                filtered = parent if parent["type"] == "FILTER" else node
                yield node["extra_info"]["Table"].split(".", 1)[1], filtered["intermediate_rows"]


@pytest.mark.parametrize("view", OF_DRIVES, ids=lambda view: view.name)
def test_whoever_asks_for_one_drive_reads_the_samples_of_no_other(view, demo):
    """However many there are, one costs the same: a part that is read twice may lose the filter."""
    connection = demo.connection
    [(drive_id,)] = connection.sql(
        "select drive_id from log.segment order by start_mono_ns limit 1"
    ).fetchall()
    is_wanted = f"drive_id between {drive_id} and {drive_id}"
    is_queried = view.result or view.name in SHARED
    asked = f"({view.query(is_wanted)})" if is_queried else view.name
    for table, n_rows in scans(connection, f"select * from {asked} where {is_wanted}"):
        if table in SAMPLES:
            own = f"select count(*) from {table} where {is_wanted}"
            assert n_rows <= demo.value(own), table


def rows_of(connection, table):
    found = connection.sql(f"select * from {table} order by all")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


@every_check
def test_a_check_runs_and_what_must_not_be_is_not(path, demo):
    text = path.read_text(encoding="utf-8")
    level = re.fullmatch(r"-- [A-Z][^\n]*\.\n-- level: (fail|warn)\nselect\s.*;\n", text, re.DOTALL)
    assert level, "title, level, query"
    found = demo.connection.sql(text)
    assert {"drive_id", "dongle_id"} & set(found.columns)
    if level[1] == "fail":
        assert found.fetchall() == []


# How many views a row of a public one has passed, results of computing views included.
DEPTHS = {
    "segments": 1, "bookmarks": 7, "params": 2, "learned_parameters": 3, "signal_sources": 3,
    "state_intervals": 5, "legacy_counts": 8, "legacy_debug_events": 7, "legacy_engagement_db": 7,
    "tuning": 7, "videos": 7, "engagements": 8, "speed_bands": 8, "alerts": 9, "overrides": 11,
    "disengagements": 12, "event_labels": 17, "events": 18, "interventions": 18,
    "clean_stretches": 19, "data_quality": 19, "drive_parts": 19, "drives": 19,
    "failure_counts": 19, "devices": 20, "event_counts": 20, "places": 20, "event_totals": 21,
    "part_groups": 21, "drive_groups": 22, "engagement_lengths": 23, "groups": 24, "mtbf": 25,
    "rates": 25,
}  # fmt: skip


@cache
def depth(name):
    names = {read.replace("result.", "compute.") for read in VIEWS[name].reads}
    is_view = VIEWS[name].result not in MADE_OF_EXPRESSIONS  # for these nothing is planned
    return is_view + max((depth(other) for other in names & VIEWS.keys() - {name}), default=0)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_public_view_is_no_deeper_than_it_was(name):
    """Each view more is one more to read, and to plan for each ingest."""
    assert depth(name) <= DEPTHS.get(name, max(DEPTHS.values()))
