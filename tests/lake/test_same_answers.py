"""Every public view over a lake says what that of one file says of the same logs."""

from __future__ import annotations

from pathlib import Path

from engagement.extract.choice import choose_can
from engagement.simulate import simulate
from engagement.store.reader import Reader
from tests.store.small_logs import ONE, OTHER, Drive, content, write
from tests.store.stores import differences


def assert_same(lake, single):
    assert differences(lake.views(), single.views()) == []
    with Reader(lake.database) as mine, Reader(single.database) as theirs:
        assert mine.views() == theirs.views()
        assert all(mine.comments(view) == theirs.comments(view) for view in mine.views())


def test_the_demo_is_the_same(lake, single):
    for _ in simulate(lake.logs, drives=2, seed=1):
        pass
    read = choose_can(profiles_file=None, name="demo", cwd=Path.cwd())
    report = lake.ingest(read=read, jobs=2)
    assert report.n_ingested == single.ingest(lake.logs, read=read, jobs=2).n_ingested > 0

    assert_same(lake, single)
    assert lake.ingest(read=read).n_ingested == 0


def test_steps_in_another_order_with_copies_and_replaced_segments_end_in_the_same(lake, single):
    first = write(lake.logs, ONE, 0)
    second = write(lake.logs, ONE, 1, "qlog")
    other = write(lake.logs, OTHER, 0, codec="zst")
    copy = lake.logs / "0badc0de" / f"{ONE.name}--0" / "rlog"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(content(ONE, 0))
    nameless = lake.logs / "found.rlog"
    nameless.write_bytes(content(Drive("1111222233334444", "2024-03-03--03-03-03"), 0))
    steps = [[first, nameless], [other, copy], [second]]
    for step in steps:
        single.ingest(*step)
    for step in (steps[2], steps[1], steps[0]):
        lake.ingest(*step)
    write(lake.logs, ONE, 1)  # an rlog instead of the qlog
    first.write_bytes(content(Drive(shift_s=1.0), 0))  # so that the copy counts again
    for store in (single, lake):
        store.ingest(lake.logs)
    assert_same(lake, single)
    assert lake.ingest().to_read == []


def test_a_reader_keeps_what_it_saw_first(lake):
    write(lake.logs, ONE, 0)
    lake.ingest()
    with Reader(lake.database) as reader:
        write(lake.logs, OTHER, 0)
        lake.ingest()
        assert len(reader.rows("from drives")) == 1
    assert len(lake.rows("from drives")) == 2
