from __future__ import annotations

import csv
import io
import stat
from pathlib import Path

import duckdb
import pyarrow.parquet
import pytest

from engagement.errors import NotFoundError, StoreError
from engagement.export import view_files
from engagement.legacy.imports import import_files
from engagement.store.reader import Reader

DATA = Path(__file__).parents[1] / "data" / "legacy"
VIEW = "legacy_debug_events"


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("views") / "engagement.duckdb"
    import_files(path, [DATA / "engagement_db.json", DATA / "debug_events.json"])
    return path


@pytest.fixture
def reader(database):
    with Reader(database) as opened:
        yield opened


class Instead:
    """A reader that gives the rows of a query in the place of every view's."""

    def __init__(self, reader: Reader, query: str) -> None:
        self._reader = reader
        self._query = query
        self.connection = self
        self.definitions = reader.definitions

    def views(self):
        return self._reader.views()

    def comments(self, _view):
        return {"number": "a number"}

    def sql(self, _query):
        return self._reader.connection.sql(self._query)


def row_key(row: dict) -> tuple:
    return row["drive"], str(row["event_num"])


def as_text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("view", ["drives", "legacy_engagement_db", VIEW, "state_intervals"])
def test_a_parquet_file_holds_the_rows_and_types_of_the_view(view, reader, tmp_path):
    n_rows = view_files.write_parquet(reader, view, tmp_path / "out.parquet")

    found = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    wanted = reader.table(f"select * from {view}")
    assert found.num_rows == n_rows == wanted.num_rows
    assert found.schema == wanted.schema
    assert sorted(map(str, found.to_pylist())) == sorted(map(str, wanted.to_pylist()))


def test_a_parquet_file_says_what_its_columns_mean_and_is_compressed(reader, tmp_path):
    view_files.write_parquet(reader, VIEW, tmp_path / "out.parquet")

    file = pyarrow.parquet.ParquetFile(tmp_path / "out.parquet")
    comments = {field.name: field.metadata[b"comment"].decode() for field in file.schema_arrow}
    assert comments == reader.comments(VIEW)
    assert all(comments.values())
    assert file.schema_arrow.metadata[b"view"].decode() == VIEW
    assert file.schema_arrow.metadata[b"comment"].decode() == reader.views()[VIEW]
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


def test_duckdb_reads_the_parquet_file(reader, tmp_path):
    view_files.write_parquet(reader, VIEW, tmp_path / "out.parquet")

    with duckdb.connect() as connection:
        found = connection.sql(f"select count(*) from '{tmp_path}/out.parquet'").fetchall()

    assert found == [(12,)]


def test_a_csv_file_has_a_header_and_leaves_unknown_values_empty(reader, tmp_path):
    n_rows = view_files.write_csv(reader, VIEW, tmp_path / "out.csv")

    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    wanted = reader.rows(f"select * from {VIEW}")
    assert list(found[0]) == list(wanted[0])
    assert n_rows == len(found) == len(wanted)
    by_event = {row_key(row): row for row in found}
    for row in wanted:
        assert by_event[row_key(row)] == {name: as_text(value) for name, value in row.items()}


def test_a_stream_gets_what_a_file_gets_and_stays_open(reader, tmp_path):
    stream = io.BytesIO()

    view_files.write_csv(reader, "legacy_engagement_db", stream)
    view_files.write_csv(reader, "legacy_engagement_db", tmp_path / "out.csv")

    assert sorted(stream.getvalue().splitlines()) == sorted(
        (tmp_path / "out.csv").read_bytes().splitlines()
    )


def test_a_view_without_rows_gives_a_file_with_columns(reader, tmp_path):
    assert view_files.write_csv(reader, "state_intervals", tmp_path / "out.csv") == 0
    assert view_files.write_parquet(reader, "state_intervals", tmp_path / "out.parquet") == 0

    names = list(reader.comments("state_intervals"))
    header = ",".join(f'"{name}"' for name in [*names, "definitions"])
    assert (tmp_path / "out.csv").read_text() == f"{header}\n"
    assert pyarrow.parquet.read_schema(tmp_path / "out.parquet").names == names


def test_rows_are_written_as_they_come(reader, tmp_path, monkeypatch):
    monkeypatch.setattr(view_files, "_BATCH_ROWS", 2048)
    many = Instead(reader, "select range as number from range(10000)")

    assert view_files.write_parquet(many, VIEW, tmp_path / "out.parquet") == 10_000
    assert pyarrow.parquet.ParquetFile(tmp_path / "out.parquet").num_row_groups > 1


def test_an_unknown_view_is_refused_with_the_nearest_name(reader, tmp_path):
    with pytest.raises(NotFoundError, match="did you mean 'legacy_debug_events'"):
        view_files.write_parquet(reader, "legacy_debug_event", tmp_path / "out.parquet")
    with pytest.raises(NotFoundError, match="no view 'drive'"):
        view_files.write_csv(reader, "drive", tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [view_files.write_csv, view_files.write_parquet])
def test_a_view_that_fails_under_way_leaves_the_old_file(write, reader, tmp_path):
    (tmp_path / "out").write_text("old")
    broken = Instead(
        reader,
        "select case when range < 200000 then '1' else 'x' end::integer as number "
        "from range(200001)",
    )

    with pytest.raises(StoreError, match="Could not convert string"):
        write(broken, VIEW, tmp_path / "out")

    assert (tmp_path / "out").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_link_is_followed_and_permissions_are_kept(reader, tmp_path):
    target = tmp_path / "real.csv"
    target.write_text("old")
    target.chmod(0o640)
    link = tmp_path / "link.csv"
    link.symlink_to(target)

    view_files.write_csv(reader, VIEW, link)

    assert link.is_symlink()
    assert target.read_text().startswith('"drive_id"')
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
