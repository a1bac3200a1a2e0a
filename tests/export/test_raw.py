"""A raw clip is a log that holds the messages of the window, byte for byte."""

from __future__ import annotations

import bz2
import os
import shutil
from pathlib import Path

import duckdb
import pytest

from engagement.errors import InputError, LogError
from engagement.export.clip_table import drive_window, event_window
from engagement.export.raw import codec_of, log_name, write_raw_clip
from engagement.logs.codec import decompress
from engagement.logs.find import find_logs
from engagement.logs.schema import load_schema
from engagement.store.reader import Reader
from tests.export.conftest import BOOT_NS
from tests.oracles.capnp_reader import split

MAGICS = {"zst": b"\x28\xb5\x2f\xfd", "bz2": b"BZh", "none": b""}


@pytest.fixture
def reader(hostile):
    with Reader(hostile.database) as opened:
        yield opened


def messages_of(path):
    return split(decompress(Path(path).read_bytes()).raw)


def read(message):
    with load_schema().event.from_bytes(message, traversal_limit_in_words=1 << 40) as event:
        return event.logMonoTime, str(event.which())


def expected(reader, window):
    """By pycapnp, message by message: the first log's initData, then those in the window."""
    part = window.part
    rows = reader.rows(
        f"select path from log.segment where drive_id = {part.drive_id} order by segment_num"
    )
    found = []
    init_data = None
    for row in rows:
        messages = messages_of(row["path"])
        known = [(message, *read(message)) for message in messages]
        chosen = [
            message
            for message, time_ns, which in known
            if part.start_ns <= time_ns < part.end_ns and which != "initData"
        ]
        if chosen and init_data is None:
            init_data = next(message for message, _, which in known if which == "initData")
        found += chosen
    return [init_data, *found]


@pytest.mark.parametrize(
    ("name", "codec"), [("rlog.zst", "zst"), ("r.bz2", "bz2"), ("rlog", "none")]
)
@pytest.mark.parametrize("times_s", [(1.0, 2.0), (3.8, 8.3), (0.0, None), (-60.0, 0.05)])
def test_it_holds_the_messages_of_the_window(reader, tmp_path, name, codec, times_s):
    window = drive_window(reader, 1, *times_s)
    report = write_raw_clip(reader, window, tmp_path / name)

    content = (tmp_path / name).read_bytes()
    found = messages_of(tmp_path / name)
    assert content.startswith(MAGICS[codec])
    assert decompress(content).damage is None
    assert found == expected(reader, window)
    assert report.counts["message"] == len(found) > 5
    assert report.size_bytes == len(content)
    assert read(found[0])[1] == "initData"


def test_around_an_event_of_a_simulated_drive_too(simulated, tmp_path):
    with Reader(simulated.database) as reader:
        event = reader.rows("from events where time_s > 61 order by time_s")[0]
        window = event_window(reader, event, event["time_s"] * -1 + 55.0, 5.0)
        write_raw_clip(reader, window, tmp_path / "rlog.zst")
        assert messages_of(tmp_path / "rlog.zst") == expected(reader, window)


def test_it_can_be_ingested_as_a_log_of_its_own(reader, tmp_path):
    window = drive_window(reader, 1, 1.0, 3.0)
    out = tmp_path / f"{window.dongle_id}_{window.drive}--0--rlog.zst"
    write_raw_clip(reader, window, out)
    [log] = find_logs([out]).logs
    assert log.name.drive == window.drive


def test_by_default_it_is_compressed_as_the_first_log_of_the_window(reader):
    assert log_name(reader, drive_window(reader, 1, 1.0, 2.0)) == "rlog.zst"
    assert log_name(reader, drive_window(reader, 1, 5.0, 6.0)) == "rlog.bz2"
    assert log_name(reader, drive_window(reader, 1, 9.0, 10.0)) == "rlog"


@pytest.mark.parametrize("name", ["clip.csv", "rlog.gz", "log.parquet"])
def test_a_name_that_is_no_log_is_refused(name):
    with pytest.raises(InputError, match=r"call it rlog\.zst, rlog\.bz2 or rlog"):
        codec_of(Path(name))


def test_where_no_log_is_from_nothing_is_written(reader, tmp_path):
    with pytest.raises(InputError, match=r"no log of it is from 500 s to 510 s; the drive is 12"):
        write_raw_clip(reader, drive_window(reader, 1, 500.0, 510.0), tmp_path / "rlog")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def moved(tmp_path, hostile, tmp_path_factory):
    """A reader, a window over two segments whose logs may be broken, and the second one's path."""
    database = shutil.copyfile(hostile.database, tmp_path_factory.mktemp("moved") / "e.duckdb")
    logs = tmp_path / "logs"
    shutil.copytree(hostile.folder, logs)
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "update log.segment set path = ? || parse_filename(path)", [f"{logs}{os.sep}"]
        )
    with Reader(database) as opened:
        [second] = opened.rows("select path from log.segment where segment_num = 1")
        yield opened, drive_window(opened, 1, 3.0, 6.0), Path(second["path"])


def test_a_log_that_is_gone_is_named(moved, tmp_path):
    reader, window, path = moved
    path.unlink()
    with pytest.raises(LogError, match="No such file or directory; ingest it again from") as told:
        write_raw_clip(reader, window, tmp_path / "rlog")
    assert str(path) in str(told.value)
    assert not (tmp_path / "rlog").exists()


def test_a_log_that_changed_is_named(moved, tmp_path):
    reader, window, path = moved
    path.write_bytes(bz2.compress(bz2.decompress(path.read_bytes()), 1) + b"\0")
    with pytest.raises(LogError, match="is not the log that was ingested; ingest it again") as told:
        write_raw_clip(reader, window, tmp_path / "rlog")
    assert str(path) in str(told.value)
    assert [each.name for each in tmp_path.iterdir()] == ["logs"]


def test_a_log_is_not_replaced_by_a_part_of_itself(moved):
    reader, window, path = moved
    before = path.read_bytes()
    with pytest.raises(InputError, match="is the log that the messages come from"):
        write_raw_clip(reader, window, path)
    assert path.read_bytes() == before


def test_the_first_message_has_the_time_of_the_boot(reader, tmp_path):
    write_raw_clip(reader, drive_window(reader, 1, 5.0, 6.0), tmp_path / "rlog")
    times = [read(message)[0] for message in messages_of(tmp_path / "rlog")]
    assert times[0] < BOOT_NS
    assert min(times[1:]) >= BOOT_NS + 5 * 10**9
