"""Files on a real SSH server: there as they are here, or as they were."""

from __future__ import annotations

import hashlib
import os
from random import Random
from unittest.mock import Mock

import pytest

from engagement.collect.hosts import parse_host
from engagement.collect.sending import Upload, send
from engagement.errors import InputError, RemoteError
from tests.collect.sshd import run_server
from tests.collect.uploads import SIZE, changed, names, send_one


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "server"
    folder.mkdir()
    return folder


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "engagement.duckdb"
    path.write_bytes(Random(1).randbytes(SIZE))
    return path


@pytest.mark.usefixtures("server")
def test_a_file_arrives_once_and_is_left_alone_then(source, place):
    target = place / "new" / "folder" / "engagement.duckdb"

    first = send_one(source, target)
    inode = target.stat().st_ino
    second = send_one(source, target)

    assert target.read_bytes() == source.read_bytes()
    assert (first.method, first.size_bytes, first.sent_bytes) == ("sftp", SIZE, SIZE)
    assert first.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert (second.method, second.sent_bytes) == ("none", 0)
    assert target.stat().st_ino == inode
    assert names(target.parent) == ["engagement.duckdb"]


@pytest.mark.usefixtures("server")
def test_only_what_differs_is_sent_and_never_into_the_file_that_is_read(source, place):
    target = place / "engagement.duckdb"
    target.write_bytes(before := source.read_bytes())
    target.chmod(0o640)
    source.write_bytes(changed(before))

    with target.open("rb") as reader:
        sent = send_one(source, target)
        assert reader.read() == before

    assert target.read_bytes() == source.read_bytes()
    assert sent.method == "rsync"
    assert SIZE // 10 < sent.sent_bytes < SIZE // 5
    assert target.stat().st_mode & 0o777 == 0o640
    assert names(place) == ["engagement.duckdb"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
@pytest.mark.usefixtures("server")
def test_a_replaced_file_keeps_its_owner(source, place):
    target = place / "engagement.duckdb"
    target.write_bytes(b"old")
    os.chown(target, 1234, 4321)
    target.chmod(0o660)

    sent = send_one(source, target)

    found = target.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (1234, 4321, 0o660)
    assert sent.notes == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
@pytest.mark.parametrize(("before", "after"), [(0o660, 0o600), (0o664, 0o644)])
@pytest.mark.usefixtures("server")
def test_an_owner_that_can_not_be_kept_is_said(source, place, monkeypatch, before, after):
    """And the group that it has now may do no more than anybody may."""
    target = place / "engagement.duckdb"
    target.write_bytes(b"old")
    os.chown(target, 1234, 4321)
    target.chmod(before)
    refuse = Mock(side_effect=PermissionError(13, "Permission denied"))
    monkeypatch.setattr("paramiko.SFTPClient.chown", refuse)
    notes = []

    sent = send_one(source, target, on_note=notes.append)

    assert target.read_bytes() == source.read_bytes()
    assert [*sent.notes] == notes
    assert "is now of the user who sent it" in notes[0]
    assert target.stat().st_mode & 0o777 == after


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o007], ids=oct)
def test_a_new_file_has_the_mode_that_the_users_umask_there_gives(
    tmp_path, source, place, monkeypatch, mask
):
    servers = run_server(tmp_path / "sshd", extra=f"ForceCommand internal-sftp -u {mask:04o}")
    server = next(servers)
    monkeypatch.setenv("HOME", str(server.home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    target = place / "engagement.duckdb"

    send_one(source, target)
    assert target.stat().st_mode & 0o777 == 0o666 & ~mask
    target.chmod(0o640)
    source.write_bytes(changed(source.read_bytes()))
    send_one(source, target)
    servers.close()

    assert target.read_bytes() == source.read_bytes()
    assert target.stat().st_mode & 0o777 == 0o640
    assert names(place) == ["engagement.duckdb"]


@pytest.mark.parametrize("is_missing", ["here", "there"])
def test_without_rsync_on_one_side_all_is_sent(server, source, place, monkeypatch, is_missing):
    target = place / "engagement.duckdb"
    target.write_bytes(changed(source.read_bytes()))
    if is_missing == "here":
        monkeypatch.setattr("engagement.collect.delta.shutil.which", lambda _: None)
    else:
        remote = "engagement.collect.remote.RemoteFiles.has_rsync"
        monkeypatch.setattr(remote, lambda _: False)

    sent = send_one(source, target)

    assert (sent.method, sent.sent_bytes) == ("sftp", SIZE)
    assert target.read_bytes() == source.read_bytes()
    assert server.log is not None


@pytest.mark.usefixtures("server")
def test_an_rsync_that_fails_is_made_up_for(source, place, monkeypatch):
    target = place / "engagement.duckdb"
    target.write_bytes(changed(source.read_bytes()))
    monkeypatch.setattr("engagement.collect.delta.pipe.__file__", "/nowhere/pipe.py")

    sent = send_one(source, target)

    assert sent.method == "sftp"
    assert target.read_bytes() == source.read_bytes()
    assert names(place) == ["engagement.duckdb"]


def test_a_server_that_has_only_sftp_does(tmp_path, source, place, monkeypatch):
    servers = run_server(tmp_path / "sshd", extra=f"ForceCommand internal-sftp -d {place}")
    server = next(servers)
    monkeypatch.setenv("HOME", str(server.home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    target = place / "a" / "b"

    methods = [send_one(source, "~/a/b").method, send_one(source, "a/b").method]
    source.write_bytes(changed(source.read_bytes()))
    methods.append(send_one(source, target).method)
    servers.close()

    assert methods == ["sftp", "none", "sftp"]
    assert target.read_bytes() == source.read_bytes()
    assert names(target.parent) == ["b"]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("name", ["a b';$(touch pwned);\n&|\"`\\", "-rf *", "~x:caf\u00e9"])
def test_names_are_names_and_no_commands(source, place, name):
    target = place / "folder" / name
    target.parent.mkdir(parents=True)
    for seed in (1, 2):
        source.write_bytes(changed(source.read_bytes(), seed))
        send_one(source, f"{place}/folder/{name}")
        assert target.read_bytes() == source.read_bytes()
    assert len(list(target.parent.iterdir())) == 1
    assert [path.name for path in place.iterdir()] == ["folder"]


@pytest.mark.usefixtures("server")
def test_what_a_link_leads_to_is_replaced_not_the_link(source, place):
    (place / "real").write_bytes(b"old")
    (place / "link").symlink_to("real")

    send_one(source, place / "link")

    assert (place / "link").is_symlink()
    assert (place / "real").read_bytes() == source.read_bytes()


@pytest.mark.usefixtures("server")
def test_what_a_link_leads_to_is_made_where_it_is_not_there_yet(source, place):
    (place / "folder").mkdir()
    (place / "link").symlink_to("folder/real")

    send_one(source, place / "link")

    assert (place / "link").is_symlink()
    assert (place / "folder" / "real").read_bytes() == source.read_bytes()


@pytest.mark.usefixtures("server")
def test_what_can_not_be_is_said_and_changes_nothing(source, place, tmp_path):
    (place / "file").write_bytes(b"old")
    (place / "folder").mkdir()
    (place / "engagement.duckdb.wal").touch()
    cases = [
        (place / "folder", "is no file there; name one with --path"),
        (place / "file" / "below", "file: is no folder there"),
        ("/proc/nowhere/engagement.duckdb", "/proc/nowhere"),
    ]
    for target, message in cases:
        with pytest.raises(RemoteError, match=message):
            send_one(source, target)
    with pytest.raises(RemoteError, match="another program has written"):
        send(parse_host("device"), [Upload(source, str(place / "engagement.duckdb"), ".wal")])
    with pytest.raises(InputError, match="nowhere: can't be read"):
        send_one(tmp_path / "nowhere", place / "new")
    assert names(place) == ["engagement.duckdb.wal", "file", "folder"]
