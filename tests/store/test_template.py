"""A new database is the same whether it was copied from the template or made by itself."""

from __future__ import annotations

import os

import pytest

from engagement.store.database_writer import Writer, writer_lock
from engagement.store.reader import Reader
from engagement.store.template import copy_template, forget_template, keep_template

CONTENT = {
    "tables": "select schema_name, table_name, comment from duckdb_tables()",
    "columns": "select schema_name, table_name, column_name, data_type, is_nullable, comment "
    "from duckdb_columns()",
    "views": "select schema_name, view_name, sql, comment from duckdb_views()",
    "macros": "select schema_name, function_name, parameters, macro_definition "
    "from duckdb_functions()",
}
ROWS = {
    "parameters": "select * from store.parameter",
    "migrations": "select version, name, sha256 from store.schema_migration",
    "state": "select * exclude (published_at_utc) from store.state",
}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder without templates."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "engagement"


@pytest.fixture
def kept(cache, empty_database):
    """The template that was kept in it."""
    keep_template(empty_database)
    [template] = cache.iterdir()
    return template


def made(path):
    with writer_lock(path), Writer(path) as writer:
        writer.publish()
    return path


def content(path):
    with Reader(path) as reader:
        own = "where database_name = 'engagement' and not internal order by all"
        of_catalog = {name: reader.rows(f"{query} {own}") for name, query in CONTENT.items()}
        of_tables = {name: reader.rows(f"{query} order by all") for name, query in ROWS.items()}
    return {**of_catalog, **of_tables}


def test_a_copied_database_is_as_one_made_without_a_cache_folder(cache, tmp_path, monkeypatch):
    first = made(tmp_path / "first.duckdb")
    assert len(list(cache.iterdir())) == 1
    copied = made(tmp_path / "copied.duckdb")
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    alone = made(tmp_path / "alone.duckdb")
    assert content(first) == content(copied) == content(alone)
    assert all(content(copied).values())


def test_a_copied_database_says_when_it_was_made(kept, tmp_path):
    before = max(path.stat().st_mtime for path in (kept, tmp_path))
    path = made(tmp_path / "engagement.duckdb")
    with Reader(path) as reader:
        [times] = reader.rows("select epoch(min(applied_at_utc)) as s from store.schema_migration")
    assert times["s"] >= before - 1


def make_writable(path):
    path.chmod(path.stat().st_mode | 0o020)


def make_folder_writable(path):
    path.parent.chmod(0o777)


def make_link(path):
    aside = path.with_name("aside")
    path.rename(aside)
    path.symlink_to(aside)


def make_folder_link(path):
    aside = path.parent.with_name("aside")
    path.parent.rename(aside)
    path.parent.symlink_to(aside)


def make_pipe(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "tamper", [make_writable, make_folder_writable, make_link, make_folder_link, make_pipe]
)
def test_a_template_that_others_may_have_made_is_not_copied(kept, tmp_path, tamper):
    assert copy_template(tmp_path / "before.duckdb")
    tamper(kept)
    assert not copy_template(tmp_path / "after.duckdb")
    assert not (tmp_path / "after.duckdb").exists()


def test_a_damaged_template_is_replaced(kept, tmp_path):
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    assert content(made(tmp_path / "engagement.duckdb"))["views"]
    assert kept.stat().st_size > len(whole) // 2


def test_a_template_that_was_forgotten_is_not_copied(kept, tmp_path):
    forget_template()
    assert not kept.exists()
    assert not copy_template(tmp_path / "engagement.duckdb")


def test_templates_of_other_versions_are_removed(kept, empty_database):
    other = kept.with_name("empty-0.duckdb")
    stranger = kept.with_name("stranger")
    for path in (other, stranger):
        path.write_bytes(b"")
    kept.unlink()
    keep_template(empty_database)
    assert kept.exists()
    assert stranger.exists()
    assert not other.exists()
