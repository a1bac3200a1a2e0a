"""A clip's file is written whole or not at all, and only of a window that has something."""

from __future__ import annotations

import errno
import math

import pyarrow.parquet
import pytest

from engagement.errors import InputError, NotFoundError
from engagement.export import clip_table as clips
from engagement.export.clip_table import drive_window, event_window, write_clip
from engagement.store.reader import Reader
from tests.export.conftest import BOOT_NS, SECOND_NS


@pytest.fixture
def reader(hostile):
    with Reader(hostile.database) as opened:
        yield opened


@pytest.mark.parametrize(
    ("from_s", "to_s", "message"),
    [
        (math.nan, 1.0, "--from nan is no time in a drive"),
        (0.0, math.inf, "--to inf is no time in a drive"),
        (-1e300, 1.0, "--from -1e+300 is no time"),
        (1.0, 1.0, "--to 1 is not after --from 1"),
        (2.0, 1.0, "--to 1 is not after --from 2"),
    ],
)
def test_a_window_that_is_none_is_refused(reader, from_s, to_s, message):
    event = reader.rows("from events")[0]
    with pytest.raises(InputError) as told:
        event_window(reader, event, from_s, to_s)
    assert message in str(told.value)


def test_where_the_drive_has_no_sample_nothing_is_written(reader, tmp_path):
    window = drive_window(reader, 1, 500.0, 510.0)
    with pytest.raises(InputError, match=r"no sample from 500 s to 510 s; the drive is 12\.\d s"):
        write_clip(reader, window, tmp_path / "clip.csv")
    with pytest.raises(InputError, match=r"it ends in \.csv, \.parquet, \.mcap"):
        write_clip(reader, window, tmp_path / "clip.txt")
    with pytest.raises(NotFoundError, match="no samples of drive '99'"):
        drive_window(reader, 99)
    assert list(tmp_path.iterdir()) == []


def test_a_window_that_began_before_the_drive_has_what_there_is(reader, tmp_path):
    window = drive_window(reader, 1, -1000.0, 1.0)
    write_clip(reader, window, tmp_path / "clip.parquet")
    times = pyarrow.parquet.read_table(tmp_path / "clip.parquet")["mono_ns"].to_pylist()
    assert times[0] == BOOT_NS
    assert times[-1] < BOOT_NS + SECOND_NS


@pytest.mark.parametrize("suffix", ["csv", "parquet", "mcap"])
def test_in_small_steps_it_is_the_same_file(suffix, reader, tmp_path, monkeypatch):
    window = drive_window(reader, 1)
    write_clip(reader, window, tmp_path / f"one.{suffix}")
    monkeypatch.setattr("engagement.export.window._STEP_NS", 1_100_000_001)
    write_clip(reader, window, tmp_path / f"many.{suffix}")
    one, many = tmp_path / f"one.{suffix}", tmp_path / f"many.{suffix}"
    if suffix == "parquet":
        equal = (
            pyarrow.parquet.read_table(one).to_pydict(),
            pyarrow.parquet.read_table(many).to_pydict(),
        )
        assert repr(equal[0]) == repr(equal[1])
        assert pyarrow.parquet.ParquetFile(many).num_row_groups > 8
    else:
        assert one.read_bytes() == many.read_bytes()


@pytest.mark.parametrize("suffix", ["csv", "parquet", "mcap"])
def test_a_full_disk_leaves_the_file_as_it_was(suffix, reader, tmp_path, monkeypatch):
    class Full:
        def __init__(self, file):
            self.file = file
            self.closed = False

        def write(self, content):
            if self.file.tell() + len(content) > 8_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.file.write(content)

        def writelines(self, lines):
            for line in lines:
                self.write(line)

        def __getattr__(self, name):
            return getattr(self.file, name)

    replacing = clips.replacing

    class Filling:
        def __init__(self, out):
            self.context = replacing(out)

        def __enter__(self):
            return Full(self.context.__enter__())

        def __exit__(self, *error):
            return self.context.__exit__(*error)

    monkeypatch.setattr(clips, "replacing", Filling)
    monkeypatch.setattr("engagement.export.mcap.replacing", Filling)
    out = tmp_path / f"clip.{suffix}"
    out.write_text("before")
    with pytest.raises(OSError, match="No space left"):
        write_clip(reader, drive_window(reader, 1), out)
    assert out.read_text() == "before"
    assert list(tmp_path.iterdir()) == [out]
