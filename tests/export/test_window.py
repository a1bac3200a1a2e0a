"""Which part of a drive a clip is of: by default all that its logs hold."""

from __future__ import annotations

from itertools import pairwise

import pyarrow.parquet
import pytest

from engagement.errors import InputError
from engagement.export import window as windows
from engagement.export.clip_table import drive_window, event_window, write_clip
from engagement.export.raw import write_raw_clip
from engagement.extract.segment import ReadOptions
from engagement.logs.writer import EventBuilder, write_log
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from engagement.store.reader import Reader
from tests.export.conftest import DONGLE, DRIVE, SECOND_NS
from tests.export.samples import samples

FIRST_NS = 1_500_001_000_000  # of carState; not a whole number of seconds
LATE_NS = 10**6 * SECOND_NS


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """Two minutes: other messages come before and after carState, and a clock that is days off."""
    folder = tmp_path_factory.mktemp("window")
    for number, offset_ns in enumerate((0, LATE_NS)):
        path = folder / f"{DONGLE}_{DRIVE}--{number}--rlog.zst"
        path.write_bytes(write_log(messages(FIRST_NS + offset_ns), "zst"))
    ingest([folder], folder / "e.duckdb", IngestOptions(read=ReadOptions(), jobs=1))
    with Reader(folder / "e.duckdb") as opened:
        yield opened


def messages(start_ns):
    builder = EventBuilder()
    clock = {"wallTimeNanos": 17 * 10**17}
    found = [
        builder.event("initData", start_ns - 9 * SECOND_NS, {"dongleId": DONGLE}),
        builder.event("clocks", start_ns - 4 * SECOND_NS, clock),
    ]
    for tick in range(301):
        mono_ns = start_ns + tick * SECOND_NS // 50
        found.append(builder.event("carState", mono_ns, {"vEgo": 20.0, "brakePressed": tick > 250}))
        is_on = 50 < tick <= 250
        state = {"enabled": is_on, "active": is_on, "state": "enabled"}
        found.append(builder.event("selfdriveState", mono_ns, state))
    return [*found, builder.event("clocks", start_ns + 7 * SECOND_NS, clock)]


def test_a_whole_drive_begins_and_ends_with_its_logs(reader, tmp_path):
    window = drive_window(reader, 1)
    assert window.part.start_s == -4.0
    write_clip(reader, window, tmp_path / "clip.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "clip.parquet")
    times, values = table["mono_ns"].to_pylist(), table["clock/wall_time_ns"].to_pylist()
    found = [time for time, value in zip(times, values, strict=True) if value is not None]
    everything = samples(reader, 1, 0, 2**62)
    assert found == [time for time, _ in everything["clock/wall_time_ns"]]
    assert len(found) == 4
    assert table.num_rows == len({time for cells in everything.values() for time, _ in cells})
    report = write_raw_clip(reader, window, tmp_path / "rlog")
    assert report.counts["message"] == 1 + 2 * (2 + 2 * 301)


@pytest.mark.parametrize("tick", range(1, 301, 7))
def test_what_is_at_the_end_itself_is_left_out_whatever_its_decimals(reader, tick):
    end_s = tick / 50
    event = {"drive_id": 1, "time_s": 3.3}
    for window in (
        drive_window(reader, 1, 0.0, end_s),
        event_window(reader, event, -4, end_s - 3.3),
    ):
        assert window.part.end_ns == FIRST_NS + tick * SECOND_NS // 50
    assert drive_window(reader, 1, end_s, 7.0).part.start_ns == FIRST_NS + tick * SECOND_NS // 50


def test_the_time_between_logs_takes_no_steps(reader, monkeypatch):
    steps = list(drive_window(reader, 1).steps())
    assert steps == [
        (FIRST_NS - 4 * SECOND_NS, FIRST_NS + 7 * SECOND_NS + 1),
        (FIRST_NS + LATE_NS - 4 * SECOND_NS, FIRST_NS + LATE_NS + 7 * SECOND_NS + 1),
    ]
    monkeypatch.setattr(windows, "_STEP_NS", SECOND_NS)
    steps = list(drive_window(reader, 1, 0.5, 10.0).steps())
    assert steps[0] == (FIRST_NS + SECOND_NS // 2, FIRST_NS + 3 * SECOND_NS // 2)
    assert steps[-1][1] == FIRST_NS + 7 * SECOND_NS + 1
    assert all(one[1] == other[0] for one, other in pairwise(steps))


def test_a_log_that_is_silent_in_the_window_gives_no_file(reader, tmp_path):
    window = drive_window(reader, 1, -3.0, -1.0)
    with pytest.raises(InputError, match=r"no log of it is from -3 s to -1 s"):
        write_raw_clip(reader, window, tmp_path / "rlog")
    assert list(tmp_path.iterdir()) == []
