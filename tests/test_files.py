from __future__ import annotations

import os
import stat
import subprocess
import threading

import pytest

from engagement.api.settings import read_tokens
from engagement.errors import ConfigError
from engagement.export.pseudonyms import load_key
from engagement.files import ALL_BUT_GROUP, read_secret, replacing
from engagement.servers.tokens import find_token


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


def readable(path, forbidden):
    try:
        return read_secret(path, "this word", forbidden=forbidden) == b"sesame"
    except ConfigError:
        return False


@pytest.mark.parametrize("mode", range(0o600, 0o700))
def test_a_secret_is_read_if_its_mode_lets_no_other_user_in(tmp_path, mode):
    path = tmp_path / "secret"
    path.write_bytes(b"sesame")
    path.chmod(mode)
    group, others = mode >> 3 & 0o7, mode & 0o7
    assert readable(path, 0o077) == (not group and not others)
    assert readable(path, ALL_BUT_GROUP) == (not others and not group & 0o2)
    assert readable(path, 0)


def test_what_a_refused_secret_is_told_to_do_helps(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"sesame")
    for forbidden in (0o077, ALL_BUT_GROUP):
        path.chmod(0o666)
        with pytest.raises(ConfigError) as caught:
            read_secret(path, "this word", forbidden=forbidden)
        subprocess.run(["sh", "-c", str(caught.value).split("`")[1]], check=True)
        assert read_secret(path, "this word", forbidden=forbidden, max_bytes=3) == b"ses"


@pytest.mark.parametrize(
    "read",
    [
        load_key,
        read_tokens,
        find_token,
        lambda path: find_token(None, setting=str(path)),
        lambda path: read_secret(path, "this word", forbidden=0),
    ],
)
def test_no_secret_is_waited_for_at_a_pipe(tmp_path, read):
    path = tmp_path / "pipe"
    os.mkfifo(path, 0o600)
    with pytest.raises(ConfigError, match="pipe: it is no regular file"):
        read(path)
