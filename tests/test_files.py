from __future__ import annotations

import os
import stat
import threading

import pytest

from engagement.files import replacing


def write(path, content):
    with replacing(path) as file:
        file.write(content)


def test_a_file_is_made_and_replaced_and_keeps_its_permissions(tmp_path):
    path = tmp_path / "a.txt"
    write(path, b"one")
    path.chmod(0o640)
    write(path, b"two")
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_what_fails_on_the_way_leaves_everything_as_it_was(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), replacing(path) as file:
        file.writelines([b"half", None])
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    got = []
    reading = threading.Thread(target=lambda: got.append(path.read_bytes()), daemon=True)
    reading.start()
    write(path, b"through")
    reading.join(10)
    assert got == [b"through"]
    assert path.is_fifo()


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(IsADirectoryError), replacing(tmp_path):
        pass
    assert tmp_path.is_dir()


def test_a_link_to_itself_gives_way(tmp_path):
    out = tmp_path / "out"
    out.symlink_to(out)

    with replacing(out) as file:
        file.write(b"new")

    assert out.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [out]
