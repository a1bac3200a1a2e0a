"""Whatever leaves a database says of which definitions its numbers are, in every format."""

from __future__ import annotations

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet
import pytest
from click.testing import CliRunner
from litestar.testing import TestClient

from engagement.api.app import create_app
from engagement.api.settings import Settings
from engagement.cli import main
from engagement.definitions import DEFINITIONS
from engagement.store.described import describe
from engagement.store.ingestion import recompute
from engagement.store.labels import label_events
from engagement.store.reader import Reader
from tests.older import write_older

pytestmark = pytest.mark.filterwarnings("ignore::engagement.definitions.OtherDefinitionsWarning")

DRIVE = "7f0e1d2c3b4a5968"


@pytest.fixture(scope="module", params=[1, DEFINITIONS])
def numbered(request, tmp_path_factory):
    """A database of definitions 1, then the same one of now."""
    path = tmp_path_factory.mktemp("numbered") / "engagement.duckdb"
    write_older(path)
    if request.param == DEFINITIONS:
        recompute(path)
        with Reader(path) as reader:
            [row] = reader.rows("select event_id from events limit 1")
        label_events(path, [row["event_id"]], "true")
    return path, request.param


@pytest.fixture(scope="module")
def client(numbered):
    app = create_app(numbered[0], settings=Settings(requests_per_s=0))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


def event_of(path):
    with Reader(path) as reader:
        [row] = reader.rows(f"select event_id from events where dongle_id = '{DRIVE}' limit 1")
    return row["event_id"]


def of_csv(content):
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    return {int(row["definitions"]) for row in rows}


def of_list(content):
    return {row["definitions"] for row in json.loads(content)}


def of_document(content):
    return {json.loads(content)["definitions"]}


def of_about(content):
    return {int(json.loads(content)["about"]["definitions"])}


def of_parquet(content):
    return {int(pa.parquet.read_schema(io.BytesIO(content)).metadata[b"definitions"])}


def of_arrow(content):
    with pa.ipc.open_stream(io.BytesIO(content)) as stream:
        return {int(stream.schema.metadata[b"definitions"])}


def of_clip(content):
    said = pa.parquet.read_schema(io.BytesIO(content)).metadata[b"engagement.clip"]
    return {json.loads(said)["definitions"]}


@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        (["report", "--json"], of_document),
        (["report", "--csv"], of_csv),
        (["report", "--speed-bands", "--csv"], of_csv),
        (["rates", "--json"], of_document),
        (["rates", "--csv"], of_csv),
        (["rates", "--event", "intervention", "--csv"], of_csv),
        (["drives", "--json"], of_list),
        (["drives", "--csv"], of_csv),
        (["devices", "--json"], of_list),
        (["devices", "--csv"], of_csv),
        (["events", "--json"], of_list),
        (["events", "--csv"], of_csv),
        (["events", "labels", "--json"], of_list),
        (["events", "labels", "--csv"], of_csv),
        (["status", "--json"], of_document),
        (["sql", "--arrow", "from drives"], of_arrow),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_a_command_prints(numbered, arguments, read):
    path, wanted = numbered
    result = CliRunner().invoke(main, [*arguments, "--db", str(path)])
    assert result.exit_code == 0, result.stderr
    assert read(result.stdout_bytes) == {wanted}


@pytest.mark.parametrize(
    ("arguments", "file", "read"),
    [
        (["export", "parquet", "drives", "--out"], "drives.parquet", of_parquet),
        (["export", "csv", "drives", "--out"], "drives.csv", of_csv),
        (["clip", "EVENT", "--out"], "clip.csv", of_csv),
        (["clip", "EVENT", "--out"], "clip.parquet", of_clip),
        (["events", "redact", "--out"], "events.json", of_about),
        (["events", "redact", "--format", "csv", "--out"], "events/events.csv", of_csv),
        (["events", "redact", "--format", "parquet", "--out"], "events/drives.parquet", of_parquet),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_a_command_writes(numbered, arguments, file, read, tmp_path):
    path, wanted = numbered
    named = [event_of(path) if part == "EVENT" else part for part in arguments]
    out = tmp_path / file.partition("/")[0]
    result = CliRunner().invoke(main, [*named, str(out), "--db", str(path)])
    assert result.exit_code == 0, result.stderr
    assert read((tmp_path / file).read_bytes()) == {wanted}


@pytest.mark.parametrize(
    ("address", "read"),
    [
        ("/api/v1/drives", of_document),
        ("/api/v1/drives/DRIVE", of_document),
        ("/api/v1/drives/DRIVE/track", of_document),
        ("/api/v1/devices/DEVICE", of_document),
        ("/api/v1/events", of_document),
        ("/api/v1/events/EVENT", of_document),
        ("/api/v1/events/EVENT/clip/csv", of_csv),
        ("/api/v1/events/EVENT/clip/parquet", of_clip),
        ("/api/v1/rates", of_document),
        ("/api/v1/places", of_document),
        ("/api/v1/glossary", of_document),
        ("/api/v1/views", of_document),
        ("/api/v1/views/rates", of_document),
        ("/api/v1/views/rates/csv", of_csv),
        ("/api/v1/views/rates/csv?fields=event", of_csv),
        ("/api/v1/views/rates/parquet", of_parquet),
        ("/api/v1/views/rates/arrow", of_arrow),
        ("/", None),
        ("/drives", None),
    ],
)
def test_what_the_server_answers(numbered, client, address, read):
    path, wanted = numbered
    event = event_of(path)
    names = {"EVENT": event, "DRIVE": "|".join(event.split("|")[:2]), "DEVICE": DRIVE}
    for name, value in names.items():
        address = address.replace(name, value.replace("|", "%7C"))
    answer = client.get(address)
    assert answer.status_code == 200, answer.text[:300]
    assert answer.headers["engagement-definitions"] == str(wanted)
    if read is not None:
        assert read(answer.content) == {wanted}


@pytest.mark.parametrize("numbered", [DEFINITIONS], indirect=True)
@pytest.mark.parametrize("view", describe())
def test_every_view_is_csv_by_command_and_by_the_server(numbered, client, view, tmp_path):
    path, _ = numbered
    out = tmp_path / "view.csv"
    result = CliRunner().invoke(main, ["export", "csv", view, "--out", str(out), "--db", str(path)])
    assert result.exit_code == 0, result.stderr
    answer = client.get(f"/api/v1/views/{view}/csv")
    assert answer.status_code == 200, answer.text[:300]
    with Reader(path) as reader:
        relation = reader.connection.sql(f"from {view}")
        lists = [
            name
            for name, kind in zip(relation.columns, relation.types, strict=True)
            if kind.id == "list"
        ]
        n_rows = len(relation.fetchall())
        wanted = {
            name: sorted(text or "" for (text,) in relation.project(f"{name}::varchar").fetchall())
            for name in lists
        }
    assert lists or view != "interventions"
    for content in (out.read_bytes(), answer.content):
        rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
        assert len(rows) == n_rows
        for name in lists:
            assert sorted(row[name] for row in rows) == wanted[name]


def test_a_list_is_the_same_text_whatever_writes_the_csv(numbered, client):
    path, definitions = numbered
    query = "select inputs from interventions"
    said = CliRunner().invoke(main, ["sql", "--csv", query, "--db", str(path)]).stdout
    served = client.get("/api/v1/views/interventions/csv", params={"fields": "inputs"}).text
    printed = [row["inputs"] for row in csv.DictReader(io.StringIO(said))]
    assert sorted(printed) == sorted(row["inputs"] for row in csv.DictReader(io.StringIO(served)))
    assert printed
    assert all(printed) == any(printed) == (definitions == DEFINITIONS)


def test_views_of_the_old_system_have_no_such_column(numbered, client, tmp_path):
    path, _ = numbered
    out = tmp_path / "old.csv"
    CliRunner().invoke(
        main, ["export", "csv", "legacy_engagement_db", "--out", str(out), "--db", str(path)]
    )
    served = client.get("/api/v1/views/legacy_engagement_db/csv").content
    for content in (out.read_bytes(), served):
        header = content.split(b"\n", 1)[0]
        assert b"device_id" in header
        assert b"definitions" not in header


def test_numbers_of_the_old_system_bear_no_number(numbered, client, tmp_path):
    path, _ = numbered
    out = tmp_path / "old.parquet"
    arguments = ["export", "parquet", "legacy_engagement_db", "--out", str(out), "--db", str(path)]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    view = "/api/v1/views/legacy_engagement_db"
    served = client.get(f"{view}/parquet").content
    for content in (out.read_bytes(), served):
        assert b"definitions" not in pa.parquet.read_schema(io.BytesIO(content)).metadata
    assert client.get(view).json()["definitions"] is None
    old = ("/stats", "/devices", "/api/compare", "/api/total_stats", "/api/drive-stats/export")
    for address in (view, f"{view}/csv", f"{view}/arrow", *old):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "engagement-definitions" not in answer.headers
