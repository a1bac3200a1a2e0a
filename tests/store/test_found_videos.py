"""Videos beside logs, in trees of their own, moved, renamed and gone."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from engagement.logs.video_files import parse_video_path
from engagement.logs.writer import EventBuilder, write_log
from engagement.names import LogName
from engagement.simulate.drives import write_drive
from engagement.simulate.fleet import one_segment_drive
from tests.store.small_logs import BOOT_NS, ONE, messages, write

DEVICE, DRIVE = "0123456789abcdef", "0000002a--0123456789"
NAMED = LogName(DEVICE, DRIVE, 7, "rlog")


@pytest.mark.parametrize(
    ("path", "camera"),
    [
        (f"{DEVICE}/{DRIVE}--7/qcamera.ts", "qcamera"),
        (f"{DEVICE}/{DRIVE}--7/fcamera.hevc", "fcamera"),
        (f"{DEVICE}/{DRIVE}--7/narrow_road.hevc", "fcamera"),
        (f"{DEVICE}|{DRIVE}/7/ecamera.hevc", "ecamera"),
        (f"{DEVICE}_{DRIVE}--7--dcamera.hevc", "dcamera"),
        (f"logs/{DEVICE}_{DRIVE}--7--qcamera.ts", "qcamera"),
    ],
)
def test_a_video_is_named_as_a_log_in_its_place(path, camera):
    assert parse_video_path(Path(path)) == (NAMED, camera)


@pytest.mark.parametrize("file", ["rlog.zst", "other.ts", "qcamera.tsx", "xqcamera.ts", "ts"])
def test_other_files_are_no_video(file):
    assert parse_video_path(Path(f"{DEVICE}/{DRIVE}--7") / file) is None


def put(path: Path, content: bytes = b"video") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def beside(store, number, file="qcamera.ts"):
    return put((store.logs / ONE.path(number)).with_name(file))


def videos(store):
    return store.rows("from videos order by segment_num, camera")


@pytest.fixture
def drive(store):
    for number in range(3):
        write(store.logs, ONE, number)
    return store


def test_videos_beside_logs_are_found_by_the_same_ingest_and_by_a_later_one(drive):
    first = beside(drive, 0)
    drive.ingest()
    [row] = videos(drive)
    assert (row["segment_num"], row["camera"], row["path"]) == (0, "qcamera", str(first))
    assert row["size_bytes"] == 5
    assert (row["n_frames"], row["is_rate_assumed"]) == (None, True)
    assert row["start_mono_ns"] == pytest.approx(BOOT_NS, abs=2e9)

    later = beside(drive, 1, "fcamera.hevc")
    report = drive.ingest()

    assert report.n_ingested == 0
    assert [row["path"] for row in videos(drive)] == [str(first), str(later)]
    before = drive.state()
    drive.ingest()
    assert drive.state() == before
    drive.ingest(reprocess=True)
    assert len(videos(drive)) == 2


def test_a_tree_of_videos_alone_is_matched_by_names(drive, tmp_path):
    tree = tmp_path / "videos"
    for name in (f"{ONE.name}--1/qcamera.ts", f"{ONE.dongle_id}_{ONE.name}--2--qcamera.ts"):
        put(tree / name)
    put(tree / f"{ONE.name}--9/qcamera.ts")  # a segment that is not here
    put(tree / f"ffffffffffffffff/{ONE.name}--0/qcamera.ts")  # another device's
    put(tree / "qcamera.ts")  # nobody's
    put(tree / f"{ONE.name}--0/qcamera.ts", b"")  # empty
    drive.ingest()

    drive.ingest(tree)

    assert [row["segment_num"] for row in videos(drive)] == [1, 2]


def test_the_video_beside_the_log_is_taken_and_a_moved_one_is_found_again(drive, tmp_path):
    other = put(tmp_path / "aa" / f"{ONE.name}--0/qcamera.ts")
    own = beside(drive, 0)
    drive.ingest(drive.logs, tmp_path / "aa")
    assert [row["path"] for row in videos(drive)] == [str(own)]

    own.unlink()
    drive.ingest()
    assert [row["path"] for row in videos(drive)] == [str(own)]  # who asks for it is told
    drive.ingest(drive.logs, tmp_path / "aa")

    assert [row["path"] for row in videos(drive)] == [str(other)]


def test_a_segment_that_is_being_written_has_no_video_yet(drive):
    beside(drive, 0)
    beside(drive, 0, "rlog.lock")
    beside(drive, 1)
    drive.ingest()
    assert [row["segment_num"] for row in videos(drive)] == [1]


def test_a_pipe_named_like_a_video_is_none(drive):
    folder = (drive.logs / ONE.path(0)).parent
    os.mkfifo(folder / "qcamera.ts")
    drive.ingest()
    assert videos(drive) == []


def test_frames_are_where_the_drive_has_them(store):
    simulated = replace(one_segment_drive(seed=3), has_frames=True)
    [log] = write_drive(store.logs, simulated)
    put(log.with_name("qcamera.ts"))
    put(log.with_name("fcamera.hevc"))
    store.ingest()

    frames = store.rows("from log.video_frame order by frame_num")
    assert [row["frame_num"] for row in frames] == list(range(1200))
    assert [row["sof_mono_ns"] - simulated.start_mono_ns for row in frames] == [
        number * 50_000_000 for number in range(1200)
    ]
    full, small = videos(store)
    assert (small["start_mono_ns"], small["n_frames"]) == (simulated.start_mono_ns, 1200)
    assert small["time_s"] == pytest.approx(0, abs=0.01)
    assert not small["is_rate_assumed"]
    assert (full["camera"], full["n_frames"], full["is_rate_assumed"]) == ("fcamera", None, True)


def test_a_frame_of_an_impossible_number_or_time_is_null(store):
    log = store.logs / ONE.path(0)
    builder = EventBuilder()
    frames = [(0xFFFFFFFF, 5), (3, 0), (4, (1 << 64) - 1), (5, BOOT_NS)]
    told = [
        builder.event("qRoadEncodeIdx", BOOT_NS, {"segmentId": number, "timestampSof": sof})
        for number, sof in frames
    ]
    log.parent.mkdir(parents=True)
    log.write_bytes(write_log([*messages(ONE, 0), *told], "none"))
    beside(store, 0)

    store.ingest()

    rows = store.rows("select frame_num, sof_mono_ns from log.video_frame order by message_num")
    assert [tuple(row.values()) for row in rows] == [(None, 5), (3, None), (4, None), (5, BOOT_NS)]
    assert videos(store)[0]["start_mono_ns"] == BOOT_NS - 5 * 50_000_000
