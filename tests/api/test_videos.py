"""The road over HTTP: ranges, pictures, and videos that are gone or none."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import av
import pytest

from engagement.extract.segment import ReadOptions
from engagement.simulate.drives import write_drive
from engagement.simulate.fleet import one_segment_drive
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from engagement.store.reader import Reader
from engagement.video.shelf import Shelf
from engagement.video.times import FRAME_S, Footage
from tests.support.videos import grey_of, packets_of, write_video

N_FRAMES = 120


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    """A database of a drive of one segment with a video of six seconds."""
    folder = tmp_path_factory.mktemp("filmed")
    drive = replace(one_segment_drive(), has_frames=True)
    [log] = write_drive(folder / "rlogs", drive)
    write_video(log.with_name("qcamera.ts"), N_FRAMES)
    path = folder / "engagement.duckdb"
    ingest([folder / "rlogs"], path, IngestOptions(ReadOptions(), jobs=1))
    return path


@pytest.fixture
def client(serve, filmed):
    return serve(filmed, requests_per_s=0)


@pytest.fixture(scope="module")
def row(filmed):
    with Reader(filmed) as reader:
        [row] = reader.rows("from videos")
    return row


@pytest.fixture
def url(row):
    return f"/api/v1/drives/{row['drive_id']}/video/0"


def picture_url(row, time_s):
    return f"/api/v1/drives/{row['drive_id']}/picture?time_s={time_s}"


def test_the_whole_video_is_an_mp4_that_may_be_asked_for_in_ranges(client, url):
    answer = client.get(url)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    assert "media-src 'self'" in answer.headers["content-security-policy"]
    assert len(packets_of(io.BytesIO(answer.content))) == N_FRAMES


def test_ranges_are_the_bytes_that_they_name(client, url):
    whole = client.get(url).content
    size = len(whole)
    for asked, first, end in (
        ("bytes=0-", 0, size), ("bytes=0-0", 0, 1), ("bytes=10-99", 10, 100),
        ("bytes=-7", size - 7, size), (f"bytes={size - 1}-{size + 50}", size - 1, size),
        (f"bytes=-{size + 9}", 0, size),
    ):  # fmt: skip
        answer = client.get(url, headers={"range": asked})
        assert answer.status_code == 206, asked
        assert answer.content == whole[first:end]
        assert answer.headers["content-range"] == f"bytes {first}-{end - 1}/{size}"
    for asked in (f"bytes={size}-", "bytes=-0"):
        answer = client.get(url, headers={"range": asked})
        assert answer.status_code == 416, asked
        assert answer.headers["content-range"] == f"bytes */{size}"
    for asked in ("bytes=", "bytes=-", "bytes=0-1,4-5", "lines=0-1", "bytes=a-b", "bytes=9-3"):
        answer = client.get(url, headers={"range": asked})
        assert (answer.status_code, answer.content) == (200, whole), asked


def test_a_range_of_another_version_gives_the_whole_and_a_known_one_nothing(client, url):
    whole = client.get(url)
    etag = whole.headers["etag"]
    headers = {"range": "bytes=0-1"}
    assert client.get(url, headers={**headers, "if-range": etag}).content == whole.content[:2]
    assert client.get(url, headers={**headers, "if-range": '"x"'}).content == whole.content
    assert client.get(url, headers={"if-none-match": etag}).status_code == 304
    head = client.head(url)
    assert (head.status_code, head.content) == (200, b"")


def test_pictures_are_those_of_their_moments(client, row):
    for number in (0, 31, N_FRAMES - 1):
        answer = client.get(picture_url(row, row["time_s"] + number * FRAME_S + 0.01))
        assert answer.headers["content-type"] == "image/jpeg"
        [frame] = av.open(io.BytesIO(answer.content), format="mjpeg").decode(video=0)
        assert frame.to_ndarray(format="gray").mean() == pytest.approx(grey_of(number), abs=4)


def test_where_there_is_no_video_that_is_said(client, row):
    for path in (picture_url(row, 100_000), f"/api/v1/drives/{row['drive_id']}/video/7"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
    assert client.get(picture_url(row, "nan")).status_code == 400


def test_a_token_is_needed_as_for_all_else(serve, filmed, url, row):
    from engagement.api.settings import hash_token  # noqa: PLC0415

    client = serve(filmed, token_hashes=frozenset({hash_token("a-token-of-sixteen")}))
    for path in (url, picture_url(row, 1)):
        assert client.get(path).status_code == 401
        sent = {"authorization": "Bearer a-token-of-sixteen"}
        assert client.get(path, headers=sent).status_code == 200


def test_hostile_and_lost_videos_are_one_answer_and_the_server_lives(serve, tmp_path):
    [log] = write_drive(tmp_path / "rlogs", one_segment_drive())
    video = log.with_name("qcamera.ts")
    video.write_bytes(b"#EXTM3U\nfile:///etc/passwd\n")
    path = tmp_path / "engagement.duckdb"
    ingest([tmp_path / "rlogs"], path, IngestOptions(ReadOptions(), jobs=1))
    client = serve(path, requests_per_s=0)
    urls = ["/api/v1/drives/1/video/0", "/api/v1/drives/1/picture?time_s=5"]

    for url in urls:
        answer = client.get(url)
        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:engagement:video"
    video.unlink()
    for url in urls:
        detail = client.get(url).json()["detail"]
        assert detail.startswith("qcamera.ts: it was there when it was ingested")
        assert str(tmp_path) not in detail
    assert client.get("/api/v1/drives").status_code == 200


def test_the_shelf_keeps_no_more_than_it_may_and_makes_each_once(monkeypatch, tmp_path):
    made = []

    def remux(parts, *, is_fragmented):
        made.append(parts[0].footage.segment_num)
        assert is_fragmented
        return bytes(400)

    monkeypatch.setattr("engagement.video.jobs.remux", remux)
    file = tmp_path / "qcamera.ts"
    file.write_bytes(b"video")
    status = file.stat()
    shelf = Shelf(1000)

    def footage(number):
        known = {0: 0.0, 1: number * 1.0}
        return Footage(number, str(file), status.st_size, status.st_mtime_ns, 0.0, known)

    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(lambda _: shelf.video(footage(1)), range(16))]
    assert {*answers} == {bytes(400)}
    assert made == [1]
    for number in (2, 1, 3, 1, 2):
        shelf.video(footage(number))
        assert shelf.n_bytes <= 1000
    assert made == [1, 2, 3, 2]
