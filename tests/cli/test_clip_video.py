"""`engagement clip --video`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from engagement.extract.segment import ReadOptions
from engagement.simulate.drives import write_drive
from engagement.simulate.fleet import one_segment_drive
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from engagement.store.reader import Reader
from engagement.video.clips import overlay_lines
from tests.support.videos import packets_of, write_video


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("filmed")
    drive = replace(one_segment_drive(), has_frames=True)
    [log] = write_drive(folder / "rlogs", drive)
    write_video(log.with_name("qcamera.ts"), 1200)
    path = folder / "engagement.duckdb"
    ingest([folder / "rlogs"], path, IngestOptions(ReadOptions(), jobs=1))
    return path


@pytest.fixture(scope="module")
def event(filmed):
    with Reader(filmed) as reader:
        return reader.rows("from events where kind = 'disengagement' order by time_s limit 1")[0]


@pytest.mark.parametrize("options", [(), ("--overlay",)])
def test_a_clip_of_an_event_is_a_video_of_its_twenty_seconds(
    run_alone, filmed, event, tmp_path, options
):
    out = tmp_path / "moment.mp4"

    result = run_alone(
        "clip", event["event_id"], "--video", *options, "--out", out, "--db", filmed, "--json"
    )

    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert (report["format"], report["n_segments"]) == ("mp4", 1)
    packets = packets_of(str(out))
    length_s = min(event["time_s"] + 10, 60) - max(event["time_s"] - 10, 0)
    assert len(packets) == pytest.approx(length_s * 20, abs=21)  # as far as a key frame more
    assert packets[0].is_keyframe


def test_what_is_drawn_is_speed_mode_and_cause(filmed, event):
    from engagement.store.samples import window  # noqa: PLC0415

    with Reader(filmed) as reader:
        part = window(reader, event["drive_id"], event["time_s"] - 2, event["time_s"] + 2)
        lines = overlay_lines(reader, part)
    before, after = lines[4][1], lines[-4][1]
    assert "KM/H" in before
    assert "engaged" in before
    assert event["cause"].replace("_", " ") in after
    assert "manual" in after


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--video", "--raw", "--out", "x.mp4"), "--raw and --video"),
        (("--overlay", "--out", "x.csv"), "--overlay is for --video"),
        (("--video", "--out", "x.csv"), "ends in .mp4"),
    ],
)
def test_options_that_do_not_go_together_are_refused(run_alone, filmed, event, options, problem):
    result = run_alone("clip", event["event_id"], *options, "--db", filmed)
    assert result.exit_code == 2
    assert problem in result.stderr


def test_a_part_without_a_video_is_told(run_alone, filmed, event, tmp_path):
    (filmed.parent / "rlogs").rename(filmed.parent / "moved")
    try:
        result = run_alone(
            "clip", event["event_id"], "--video", "--out", tmp_path / "x.mp4", "--db", filmed
        )
    finally:
        (filmed.parent / "moved").rename(filmed.parent / "rlogs")
    assert result.exit_code == 1
    assert "qcamera.ts: it was there when it was ingested" in result.stderr
    assert not (tmp_path / "x.mp4").exists()
