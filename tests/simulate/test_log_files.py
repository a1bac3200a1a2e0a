"""The files of simulated logs: their names, sizes and frames, and what qlogs leave out."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import replace

import pytest

from engagement.names import parse_any_path
from engagement.simulate import BUSY, simulate, write_drive, write_segment
from engagement.simulate.qlogs import qlog_hz
from tests.simulate.read_back import PLANS, WHOLE, read


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    parts = [(str(path.relative_to(folder)), path.read_bytes()) for path in files]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        assert list(simulate(tmp_path / name, drives=2, seed=seed, calm=BUSY))
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert digest(tmp_path / "a") != digest(tmp_path / "c")


def test_files_are_named_as_logs_and_gaps_are_where_planned(tmp_path):
    written = defaultdict(list)
    for drive, path in simulate(tmp_path, drives=8, calm=BUSY):
        name = parse_any_path(path)
        assert (name.dongle_id, name.drive) == (drive.device.dongle_id, drive.name)
        expected = "qlog" if name.segment_num in drive.qlog_segments else "rlog"
        assert name.log_kind == expected
        written[drive.name].append(name.segment_num)
    for plan in PLANS:
        wanted = set(range(plan.n_segments)) - plan.missing_segments
        assert written[plan.name] == sorted(wanted)


@pytest.mark.parametrize("number", range(8))
def test_segments_open_and_close_as_devices_write_them(tmp_path, number):
    drive = replace(WHOLE[number], duration_s=130.0)
    segments = [read(path) for path in write_drive(tmp_path, drive)]
    assert len({events[0].as_builder().to_bytes() for events in segments}) == 1
    assert len(segments) == 3
    for events in segments:
        assert events[0].which() == "initData"
        assert events[0].initData.version == drive.era.version
        times = [event.logMonoTime for event in events[1:]]
        assert times != sorted(times)
        assert max(times) - min(times) < 60.1e9
    if drive.era.has_sentinel:
        kinds = [(str(s[1].sentinel.type), str(s[-1].sentinel.type)) for s in segments]
        assert kinds[0] == ("startOfRoute", "endOfSegment")
        assert kinds[-1] == ("startOfSegment", "endOfRoute")
    params = [e for events in segments for e in events if e.which() == "carParams"]
    assert [round(e.logMonoTime / 1e9 - drive.boot_s) for e in params] == [0, 50, 100]


@pytest.mark.parametrize("number", range(8))
def test_a_qlog_is_decimated_but_keeps_every_event(tmp_path, number):
    drive = replace(WHOLE[number], duration_s=60.0, bookmarks_s=(30.0,))
    counts = []
    for qlogs in (frozenset(), frozenset({0})):
        (path,) = write_drive(tmp_path, replace(drive, qlog_segments=qlogs))
        counts.append(Counter(event.which() for event in read(path)))
    rlog, qlog = counts
    for which, n_messages in rlog.items():
        hz = qlog_hz(which, drive.era.year)
        every = max(1, round(n_messages / 60 / hz)) if hz else 1
        assert qlog[which] == pytest.approx(0 if hz == 0 else n_messages / every, abs=1)
    assert qlog["carState"] == 600
    assert qlog[drive.era.state_service] == (60 if drive.era.year <= 2021 else 600)
    for which in (drive.era.events_service, "userBookmark", "clocks", "carParams"):
        assert qlog[which] == rlog[which] > 0


def test_a_full_size_segment_is_like_a_devices(tmp_path):
    path = write_segment(tmp_path, codec="none")
    events = read(path)
    which = Counter(event.which() for event in events)
    assert 20e6 < path.stat().st_size < 30e6
    assert which["carState"] == which["selfdriveState"] == which["can"] == 6000
    assert 130_000 < sum(len(e.can) for e in events if e.which() == "can") < 140_000
    packed = write_segment(tmp_path, codec="zst")
    assert 2.2 < path.stat().st_size / packed.stat().st_size < 4.5
