"""Where a drive was cut into segments says nothing of the drive."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from engagement.logs.codec import decompress
from engagement.logs.framing import walk
from engagement.logs.writer import write_log
from tests.store.stores import Store, differences

ERAS = Path(__file__).parents[1] / "data" / "eras"
OF_SEGMENTS = ("segment_num", "segment_time_s", "n_segments", "message_num")


def messages(path: Path) -> list[bytes]:
    """A log's messages, framing included."""
    raw = decompress(path.read_bytes()).raw
    frames = walk(raw)
    heads = [
        int(frames.start[first]) - 1 - int(count) // 2
        for first, count in zip(frames.first, frames.count, strict=True)
    ]
    borders = [8 * head for head in heads] + [len(raw)]
    return [raw[start:end] for start, end in pairwise(borders)]


def split_elsewhere(source: Path, target: Path, rng: Random) -> int:
    """Write a drive's messages anew, cut at other messages; return the number of segments.

    Each segment starts with initData, as each has its own.
    """
    paths = sorted(source.glob("*/*/rlog.*"))
    segments = [messages(path) for path in paths]
    init_data = segments[0][0]
    rest = [message for segment in segments for message in segment[1:]]
    assert [segment[0] for segment in segments] == [init_data] * len(segments)
    borders = [0, *sorted(rng.sample(range(1, len(rest)), 3)), len(rest)]
    folder = paths[0].parent
    drive = folder.name.rpartition("--")[0]
    for number in range(4):
        path = target / folder.parent.name / f"{drive}--{number}" / "rlog"
        path.parent.mkdir(parents=True)
        path.write_bytes(write_log([init_data, *rest[borders[number] : borders[number + 1]]]))
    return 4


@pytest.mark.parametrize("era", ["2025-03_v0.9.9", "sunnypilot-2026"])
def test_the_same_messages_in_other_segments_say_the_same(era, store, tmp_path, empty_database):
    other = Store(tmp_path / "other")
    other.folder.mkdir()
    other.copy_of(empty_database)
    n_segments = split_elsewhere(ERAS / era / "rlogs", other.logs, Random(era))

    store.ingest(ERAS / era / "rlogs")
    other.ingest()

    whole, cut = store.views(hidden=OF_SEGMENTS), other.views(hidden=OF_SEGMENTS)
    assert (len(whole.pop("segments")), len(cut.pop("segments"))) == (2, n_segments)
    # They start anew at each segment.
    for name in ("legacy_engagement_db", "legacy_debug_events", "legacy_speed_buckets"):
        del whole[name], cut[name]
    assert differences(cut, whole) == []
    assert all(whole[name] for name in ("drives", "engagements", "disengagements", "alerts"))
