"""What comes of videos, sound and hostile ones, against what PyAV reads itself."""

from __future__ import annotations

import io
import os
import random

import av
import pytest

from engagement.errors import VideoError, VideoExtraError
from engagement.video import jobs
from engagement.video.jobs import Part
from engagement.video.times import FRAME_S, Footage
from tests.support.videos import KEY_EVERY, grey_of, packets_of, write_video

N_FRAMES = 70
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"


def footage(path, start_s=3.0, known=None):
    status = path.stat()
    return Footage(0, str(path), status.st_size, status.st_mtime_ns, start_s, known or {})


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "qcamera.ts", N_FRAMES)


def brightness(frame):
    return float(frame.to_ndarray(format="gray").mean())


def payload(packet):
    """The bytes of its picture, without what separates them: start codes or lengths."""
    return bytes(packet)[-40:]


def test_a_video_is_packed_anew_with_its_own_packets_at_their_times(video):
    known = {number: number * 0.05 + 0.003 * (number % 2) for number in range(N_FRAMES)}

    made = jobs.remux([Part(footage(video, known=known))], is_fragmented=True)

    old, new = packets_of(str(video), "mpegts"), packets_of(io.BytesIO(made))
    assert made[4:8] == b"ftyp"
    assert b"moof" in made
    assert [payload(one) for one in new] == [payload(one) for one in old]
    assert [one.is_keyframe for one in new] == [one.is_keyframe for one in old]
    times_s = [float(one.pts * one.time_base) for one in new]
    assert times_s == pytest.approx([*known.values()], abs=1e-4)


def test_a_cut_begins_at_the_key_frame_before_and_ends_before_its_end(video):
    part = Part(footage(video), from_s=3.0 + 1.5, to_s=3.0 + 2.58)

    new = packets_of(io.BytesIO(jobs.remux([part], is_fragmented=False)))

    old = packets_of(str(video), "mpegts")[KEY_EVERY:52]
    assert [payload(one) for one in new] == [payload(one) for one in old]
    assert float(new[0].pts * new[0].time_base) == 0


def test_parts_follow_each_other_at_their_times(video):
    parts = [Part(footage(video, 3.0)), Part(footage(video, 10.0))]

    new = packets_of(io.BytesIO(jobs.remux(parts, is_fragmented=True)))

    times_s = [float(one.pts * one.time_base) for one in new]
    assert times_s[:2] == pytest.approx([0, FRAME_S])
    assert times_s[N_FRAMES:][:2] == pytest.approx([7, 7 + FRAME_S])


@pytest.mark.parametrize("number", [0, 1, 19, 20, 33, N_FRAMES - 1])
def test_a_picture_is_that_of_its_moment(video, number):
    made = jobs.picture(footage(video), 3.0 + number * FRAME_S + 0.01)

    [frame] = av.open(io.BytesIO(made), format="mjpeg").decode(video=0)
    assert (frame.width, frame.height) == (160, 90)
    assert brightness(frame) == pytest.approx(grey_of(number), abs=4)


def test_a_picture_has_the_width_that_is_asked_for(video):
    [frame] = av.open(io.BytesIO(jobs.picture(footage(video), 3.0, 80)), format="mjpeg").decode(
        video=0
    )
    assert (frame.width, frame.height) == (80, 45)


def test_a_raw_stream_of_a_big_camera_has_pictures_too(tmp_path):
    path = write_video(tmp_path / "fcamera.hevc", 30, codec="libx265")
    [frame] = av.open(
        io.BytesIO(jobs.picture(footage(path), 3.0 + 25 * FRAME_S)), format="mjpeg"
    ).decode(video=0)
    assert brightness(frame) == pytest.approx(grey_of(25), abs=6)


@pytest.mark.parametrize(
    "content",
    [b"x", PLAYLIST, b"\x47" * 188 * 50, bytes(5000), b"concat:/etc/passwd|/etc/hosts"],
    ids=["letter", "playlist", "sync bytes", "zeros", "address"],
)
def test_what_is_no_video_gets_one_answer(tmp_path, content):
    path = tmp_path / "qcamera.ts"
    path.write_bytes(content)
    for make in (
        lambda found: jobs.remux([Part(found)], is_fragmented=True),
        lambda found: jobs.picture(found, 3.0),
    ):
        with pytest.raises(VideoError, match=r"^qcamera\.ts: ") as raised:
            make(footage(path))
        assert "root:" not in str(raised.value)


def test_a_cut_video_gives_what_comes_before(video, tmp_path):
    path = tmp_path / "qcamera.ts"
    path.write_bytes(video.read_bytes()[: video.stat().st_size * 2 // 3])

    new = packets_of(io.BytesIO(jobs.remux([Part(footage(path))], is_fragmented=True)))

    assert N_FRAMES // 3 < len(new) < N_FRAMES


@pytest.mark.parametrize("seed", range(6))
def test_a_broken_video_gives_a_video_or_one_answer(video, tmp_path, seed):
    rng = random.Random(seed)
    content = bytearray(video.read_bytes())
    for _ in range(rng.choice((3, 60, 600))):
        content[rng.randrange(len(content))] = rng.randrange(256)
    path = tmp_path / "qcamera.ts"
    path.write_bytes(content)
    for make in (
        lambda: jobs.remux([Part(footage(path))], is_fragmented=True)[4:8] == b"ftyp",
        lambda: jobs.picture(footage(path), 3.0 + rng.random() * 3)[:2] == b"\xff\xd8",
    ):
        try:
            assert make()
        except VideoError as error:
            assert str(error).startswith("qcamera.ts: ")  # noqa: PT017 - either will do


def test_one_that_takes_too_long_is_ended(video, monkeypatch):
    monkeypatch.setattr(jobs, "TIME_LIMIT_S", 0.01)
    with pytest.raises(VideoError, match="too much time or memory"):
        jobs._run("remux", [Part(footage(video))], {"is_fragmented": True}, time_limit_s=0.01)


def test_more_than_may_come_of_it_is_refused(video, monkeypatch):
    monkeypatch.setattr(jobs, "MAX_OUTPUT_BYTES", 1000)
    with pytest.raises(VideoError, match="ask for less"):
        jobs.remux([Part(footage(video))], is_fragmented=True)


def test_a_file_that_is_gone_or_another_one_is_told(video, tmp_path):
    path = tmp_path / "qcamera.ts"
    path.write_bytes(video.read_bytes())
    found = footage(path)
    os.utime(path, ns=(1, 1))
    with pytest.raises(VideoError, match="changed since it was ingested"):
        jobs.picture(found, 3.0)
    path.unlink()
    with pytest.raises(VideoError, match="was there when it was ingested") as raised:
        jobs.picture(found, 3.0)
    assert str(tmp_path) not in str(raised.value)


def test_without_the_extra_it_is_named(video, monkeypatch):
    monkeypatch.setattr(jobs, "has_extra", lambda: False)
    with pytest.raises(VideoExtraError, match="engagement\\[video\\]"):
        jobs.picture(footage(video), 3.0)


def test_a_line_is_drawn_on_the_pictures_from_its_time_on(video):
    part = Part(footage(video), from_s=3.5, to_s=5.0)

    made = jobs.drawn([part], [(0.0, ""), (4.0, "72 km/h engaged")], 60.0)

    frames = [
        frame.to_ndarray(format="gray") for frame in av.open(io.BytesIO(made)).decode(video=0)
    ]
    assert len(frames) == 30
    for number, frame in enumerate(frames):
        strip, rest = frame[-11:], frame[:-12]
        assert rest.mean() == pytest.approx(grey_of(10 + number), abs=6)
        assert (strip.max() > grey_of(10 + number) // 4 + 60) == (number >= 10)
