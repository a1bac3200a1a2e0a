"""A copy by differences is the file, byte for byte; what isn't known is left alone."""

from __future__ import annotations

import os
from contextlib import contextmanager
from random import Random

import duckdb
import pytest

from engagement.store.blocks import copy_differences, read_layout
from tests.store.written import written_bytes

HEADER = 3 * 4096


@contextmanager
def opened(*paths):
    descriptors = [os.open(path, os.O_RDWR) for path in paths]
    try:
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def make(path, *, rows, options="", storage="v1.5.0"):
    with duckdb.connect(config={"storage_compatibility_version": storage}) as connection:
        connection.execute(f"attach '{path}' as made {options}")
        connection.execute(
            f"create table made.t as select range as n, random() as r from range({rows})"
        )
        connection.execute("checkpoint made")
    return path


@pytest.mark.parametrize("block_bytes", [16_384, 262_144])
def test_the_layout_is_read_from_the_file(tmp_path, block_bytes):
    path = make(tmp_path / "a.duckdb", rows=100_000, options=f"(block_size {block_bytes})")
    with opened(path) as [descriptor]:
        layout = read_layout(descriptor)
    assert layout.block_bytes == block_bytes
    assert HEADER + layout.n_blocks * block_bytes == path.stat().st_size
    assert layout.n_blocks > 3


def change(path, rng):
    """Change a database as a writer does, so that it may grow, shrink or have free blocks."""
    with duckdb.connect(str(path)) as connection:
        for _ in range(rng.randint(1, 3)):
            what = rng.choice(["insert", "delete", "table", "drop"])
            name = f"t{rng.randint(0, 3)}"
            if what == "insert":
                n_rows = rng.randint(1, 300_000)
                connection.execute(f"insert into t select range, random() from range({n_rows})")
            elif what == "delete":
                connection.execute(f"delete from t where n % {rng.randint(1, 7)} = 0")
            elif what == "table":
                connection.execute(f"create or replace table {name} as select hash(n) as h from t")
            else:
                connection.execute(f"drop table if exists {name}")
        connection.execute("checkpoint")


def test_any_two_generations_are_equal_after_it(tmp_path):
    rng = Random(16)
    current = make(tmp_path / "current.duckdb", rows=200_000)
    older = [current.read_bytes()]
    n_written = []
    for _ in range(25):
        change(current, rng)
        target = tmp_path / "target.duckdb"
        target.write_bytes(rng.choice(older))
        with opened(current, target) as (source, copy):
            before = written_bytes()
            assert copy_differences(source, copy)
            n_written.append(written_bytes() - before)
        assert target.read_bytes() == current.read_bytes()
        older.append(current.read_bytes())
    assert len({len(generation) for generation in older}) > 3
    assert min(n_written) < current.stat().st_size / 2


def test_what_is_equal_costs_its_headers(tmp_path):
    current = make(tmp_path / "current.duckdb", rows=500_000)
    target = tmp_path / "target.duckdb"
    target.write_bytes(current.read_bytes())
    with opened(current, target) as (source, copy):
        before = written_bytes()
        assert copy_differences(source, copy)
        assert written_bytes() - before <= 2 * HEADER


def damaged(offset, value):
    def damage(content):
        return content[:offset] + value + content[offset + len(value) :]

    return damage


UNKNOWN = {
    "another program's": damaged(8, b"SQLi"),
    "a storage version of the future": damaged(12, (70).to_bytes(8, "little")),
    "encrypted": damaged(20, b"\1"),
    "blocks of an unknown size": lambda content: damaged(4096 + 40, (12345).to_bytes(8, "little"))(
        damaged(8192 + 40, (12345).to_bytes(8, "little"))(content)
    ),
    "headers that differ": damaged(8192 + 40, (16384).to_bytes(8, "little")),
    "cut off in a block": lambda content: content[:-5],
    "cut off in a header": lambda content: content[:5000],
    "empty": lambda _content: b"",
}


@pytest.mark.parametrize("damage", UNKNOWN.values(), ids=UNKNOWN.keys())
@pytest.mark.parametrize("is_source", [True, False], ids=["source", "target"])
def test_a_layout_that_is_not_known_is_not_copied_so(damage, is_source, tmp_path):
    good = make(tmp_path / "good.duckdb", rows=100_000)
    bad = tmp_path / "bad.duckdb"
    bad.write_bytes(damage(good.read_bytes()))
    pair = (bad, good) if is_source else (good, bad)
    before = pair[1].read_bytes()
    with opened(*pair) as (source, target):
        assert not copy_differences(source, target)
    assert pair[1].read_bytes() == before


def test_blocks_of_different_sizes_are_not_compared(tmp_path):
    one = make(tmp_path / "one.duckdb", rows=1000, options="(block_size 16384)")
    other = make(tmp_path / "other.duckdb", rows=1000)
    with opened(one, other) as (source, target):
        assert not copy_differences(source, target)


@pytest.mark.skipif(int(duckdb.__version__.split(".")[0]) < 2, reason="writes none of the newest")
def test_the_newest_storage_is_copied_whole_until_it_is_known(tmp_path):
    path = make(tmp_path / "newest.duckdb", rows=1000, storage="latest")
    with opened(path) as [descriptor]:
        assert read_layout(descriptor) is None
