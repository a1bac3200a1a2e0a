from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.review.settings import load_settings
from engagement.review.video import find_video, player_command

DONGLE, DRIVE = "7f0e1d2c3b4a5968", "00000046--b00f8e3212"


def _video(tmp_path, **changes):
    shipped = load_settings(None, tmp_path).video
    return msgspec.structs.replace(shipped, **{"trees": [str(tmp_path / "tree")]} | changes)


def _event(**changes):
    return {
        "dongle_id": DONGLE,
        "drive": DRIVE,
        "segment_num": 3,
        "segment_time_s": 24.5,
        "path": None,
    } | changes


def _put(file):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"\0")
    return file


@pytest.mark.parametrize(
    "folder",
    [
        f"{DRIVE}/3",
        f"{DRIVE}--3",
        f"{DONGLE}/{DRIVE}/3",
        f"{DONGLE}/{DRIVE}--3",
        f"{DONGLE}_{DRIVE}--3",
    ],
)
def test_video_is_found_in_a_tree(tmp_path, folder):
    files = [_put(tmp_path / "tree" / folder / name) for name in ("fcamera.hevc", "qcamera.ts")]
    found = find_video(_event(), _video(tmp_path))
    assert found.files == tuple(files)
    assert found.missing == ("ecamera.hevc", "dcamera.hevc")
    assert found.second == 24.5


@pytest.mark.parametrize(
    ("log", "video"),
    [
        (f"{DRIVE}--3/rlog.zst", f"{DRIVE}--3/qcamera.ts"),
        (f"{DRIVE}/3/qlog", f"{DRIVE}/3/qcamera.ts"),
        (f"{DONGLE}_{DRIVE}--3--rlog.bz2", f"{DONGLE}_{DRIVE}--3--qcamera.ts"),
        (f"{DONGLE}|{DRIVE}--3--rlog.bz2", f"{DRIVE}--3--qcamera.ts"),
        ("a copy--rlog.zst", "a copy--qcamera.ts"),
    ],
)
def test_video_is_found_beside_its_log(tmp_path, log, video):
    file = _put(tmp_path / "logs" / video)
    found = find_video(_event(path=str(tmp_path / "logs" / log)), _video(tmp_path, trees=[]))
    assert found.files == (file,)


def test_another_segments_video_and_an_empty_file_are_none(tmp_path):
    _put(tmp_path / "tree" / DRIVE / "4" / "fcamera.hevc")
    _put(tmp_path / "tree" / DRIVE / "3" / "qcamera.ts").write_bytes(b"")
    found = find_video(_event(), _video(tmp_path))
    assert found.files == ()
    assert found.missing == ("fcamera.hevc", "qcamera.ts", "ecamera.hevc", "dcamera.hevc")
    assert tmp_path / "tree" / DRIVE / "3" in found.folders


def test_what_is_not_known_names_no_folder(tmp_path):
    found = find_video(_event(segment_num=None, segment_time_s=None, path=None), _video(tmp_path))
    assert found.folders == ()


NAMES = st.one_of(
    st.sampled_from(["../../secret", "/etc", "{tree}", "a\0b", "..", "", "-x", DRIVE, DONGLE]),
    st.text(max_size=30),
)


@settings(deadline=None, max_examples=100)
@given(dongle=NAMES, drive=NAMES, number=st.integers(0, 10**6))
def test_a_hostile_name_leads_nowhere_else(dongle, drive, number):
    tree = Path("/tree")
    shipped = load_settings(None, Path("/nowhere")).video
    video = msgspec.structs.replace(shipped, trees=[str(tree)])
    event = _event(dongle_id=dongle, drive=drive, segment_num=number)
    found = find_video(event, video)
    for folder in found.folders:
        assert folder.is_relative_to(tree)
        assert ".." not in folder.parts
        assert folder.name in {
            str(number),
            f"{drive}--{number}",
            f"{dongle.lower()}_{drive}--{number}",
        }
    assert found.files == ()


def _install(folder, *names):
    for name in names:
        file = _put(folder / name)
        file.chmod(0o755)


@pytest.mark.parametrize(
    ("player", "file", "words"),
    [
        ("mpv", "qcamera.ts", ["--start=21.50", "{file}"]),
        ("mpv", "fcamera.hevc", ["--demuxer-lavf-o=framerate=20", "--start=21.50", "{file}"]),
        ("vlc", "qcamera.ts", ["--start-time=21.50", "{file}"]),
        ("vlc", "fcamera.hevc", ["--hevc-fps=20", "--start-time=21.50", "{file}"]),
        ("ffplay", "qcamera.ts", ["-ss", "21.50", "{file}"]),
        ("ffplay", "fcamera.hevc", ["-framerate", "20", "-ss", "21.50", "{file}"]),
    ],
)
def test_a_player_begins_just_before_the_event(tmp_path, monkeypatch, player, file, words):
    _install(tmp_path / "bin", player)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    path = tmp_path / "a {seconds} folder" / file
    wanted = [word.replace("{file}", str(path)) for word in words]
    command = player_command(path, 24.5, _video(tmp_path))
    assert command == [str(tmp_path / "bin" / player), *wanted]


def test_the_first_player_that_is_installed_plays(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert player_command(Path("/x.ts"), 1.0, _video(tmp_path)) is None
    _install(tmp_path, "vlc", "ffplay")
    command = player_command(Path("/x.ts"), 1.0, _video(tmp_path))
    assert command == [str(tmp_path / "vlc"), "--start-time=0.00", "/x.ts"]


def test_an_event_at_an_unknown_second_is_played_from_the_start(tmp_path, monkeypatch):
    _install(tmp_path, "mpv")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert player_command(Path("/x.ts"), None, _video(tmp_path))[1:] == ["--start=0.00", "/x.ts"]
