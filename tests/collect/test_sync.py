"""Files on a real SSH server: whole or as they were, whatever happens on the way."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from contextlib import contextmanager, suppress
from random import Random

import pytest

from engagement.collect.hosts import parse_host
from engagement.collect.sync import Upload, send
from engagement.errors import ConnectionLostError, InputError, RemoteError
from tests.collect.sshd import run_server

SIZE = 1_500_000


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


def send_one(source, target, *, host="device", **options):
    [sent] = send(parse_host(host), [Upload(source, str(target))], **options)
    return sent


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def settled_size(path):
    """Size once the server has ended what was under way when the connection was cut."""
    size = -1
    while size != (size := path.stat().st_size):
        time.sleep(0.3)
    return size


def slowly(_done, _total):
    """Let the server write down what it has, so that a cut costs no more than what is sent then."""
    time.sleep(0.02)


def changed(content, seed=2):
    """The content with a tenth of it replaced."""
    start = len(content) // 2
    return content[:start] + Random(seed).randbytes(len(content) // 10) + content[start * 6 // 5 :]


@contextmanager
def cutting_line(port, limits):
    """A way to the server that is cut after some bytes upward, for each limit once."""
    limits = iter(limits)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve_line, args=(listener, port, limits), daemon=True).start()
        yield listener.getsockname()[1]
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _serve_line(listener, port, limits):
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            there = socket.create_connection(("127.0.0.1", port))
            limit = next(limits, None)
            for one, other, most in ((client, there, limit), (there, client, None)):
                threading.Thread(target=_carry, args=(one, other, most), daemon=True).start()


def _carry(one, other, most):
    n_bytes = 0
    with suppress(OSError):
        while piece := one.recv(65536):
            n_bytes += len(piece)
            if most is not None and n_bytes > most:
                break
            other.sendall(piece)
    for end in (one, other):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@pytest.fixture
def through(server):
    """Make an alias of the server that leads through a line that is cut."""

    @contextmanager
    def through(*limits):
        with cutting_line(server.port, limits) as port:
            key_name = f"[127.0.0.1]:{server.port}"
            yield server.add_alias(f"line{port}", Port=port, HostKeyAlias=key_name)

    return through


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


def test_after_cuts_it_goes_on_where_it_stopped(through, source, place):
    target = place / "engagement.duckdb"
    target.write_bytes(b"old")
    random = Random(3)
    cuts = [random.randrange(100_000, SIZE // 4) for _ in range(6)]
    lost, sizes = [], []

    def look(error, _wait_s):
        lost.append(error)
        assert target.read_bytes() == b"old"
        sizes.extend(settled_size(path) for path in place.glob(".*.part"))

    with through(*cuts) as host:
        send_one(source, target, host=host, waits_s=[0.0] * 6, on_lost=look, on_progress=slowly)

    assert target.read_bytes() == source.read_bytes()
    assert len(lost) > 2
    assert sizes == sorted(sizes)
    assert sizes[-1] > SIZE // 4
    assert names(place) == ["engagement.duckdb"]


@pytest.mark.parametrize("age_s", [0, 3600])
def test_what_a_broken_transfer_left_is_used_when_nobody_writes_to_it(
    through, source, place, age_s
):
    target = place / "engagement.duckdb"
    with through(SIZE // 2) as host, pytest.raises(ConnectionLostError):
        send_one(source, target, host=host, waits_s=(), on_progress=slowly)
    assert not target.exists()
    [part] = place.glob(".*.part")
    n_left = settled_size(part)
    os.utime(part, (time.time() - age_s, time.time() - age_s))

    sent = send_one(source, target)

    assert n_left > SIZE // 10
    assert sent.sent_bytes == (SIZE - n_left if age_s else SIZE)
    assert target.read_bytes() == source.read_bytes()
    assert part.exists() == (age_s == 0)


def test_cuts_while_rsync_runs_leave_the_old_file(through, source, place):
    target = place / "engagement.duckdb"
    source.write_bytes(Random(4).randbytes(SIZE))
    target.write_bytes(before := changed(source.read_bytes()))

    with through(60_000, 150_000) as host:
        for _ in range(2):
            with pytest.raises(ConnectionLostError):
                send_one(source, target, host=host, waits_s=())
            assert target.read_bytes() == before
        assert send_one(source, target, host=host).method == "rsync"

    assert target.read_bytes() == source.read_bytes()


@pytest.mark.usefixtures("server")
def test_a_part_that_is_not_the_files_beginning_is_thrown_away(source, place):
    target = place / "engagement.duckdb"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    part = place / f".engagement.duckdb.{digest[:16]}.0123abcd.part"
    part.write_bytes(b"something else" * 1000)
    old = place / ".engagement.duckdb.0123456789abcdef.0123abcd.part"
    old.write_bytes(b"of long ago")
    strange = place / ".engagement.duckdb.mine.part"
    strange.write_bytes(b"of someone else")
    for path in (part, old, strange):
        os.utime(path, (1e9, 1e9))

    send_one(source, target)

    assert target.read_bytes() == source.read_bytes()
    assert names(place) == [strange.name, "engagement.duckdb"]


@pytest.mark.usefixtures("server")
def test_a_reader_never_sees_half_a_file(tmp_path, place):
    target = place / "engagement.duckdb"
    contents = [Random(seed).randbytes(SIZE // 3) for seed in range(4)]
    target.write_bytes(contents[0])
    known = {hashlib.sha256(content).digest() for content in contents}
    seen, is_done = set(), threading.Event()

    def read_on():
        while not is_done.wait(0.005):
            seen.add(hashlib.sha256(target.read_bytes()).digest())

    reader = threading.Thread(target=read_on)
    reader.start()
    for number, content in enumerate(contents):
        source = tmp_path / f"{number}"
        source.write_bytes(content)
        send_one(source, target)
    is_done.set()
    reader.join()

    assert len(seen) > 1
    assert seen <= known


@pytest.mark.usefixtures("server")
def test_two_at_once_do_not_spoil_it(tmp_path, place):
    target = place / "engagement.duckdb"
    contents = [Random(number).randbytes(SIZE + number) for number in (0, 0, 1)]
    errors = []

    def send_it(number):
        source = tmp_path / f"{number}"
        source.write_bytes(contents[number])
        try:
            send_one(source, target)
        except RemoteError as error:
            errors.append(error)

    threads = [threading.Thread(target=send_it, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert target.read_bytes() in contents
    assert names(place) == ["engagement.duckdb"]


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
def test_a_file_that_is_replaced_meanwhile_is_sent_as_it_was_opened(source, place):
    target = place / "engagement.duckdb"
    before = source.read_bytes()

    def publish(_done, _total):
        newer = source.with_name("newer")
        newer.write_bytes(b"newer")
        newer.replace(source)

    send_one(source, target, on_progress=publish)
    assert target.read_bytes() == before
    send_one(source, target)
    assert target.read_bytes() == b"newer"


@pytest.mark.usefixtures("server")
def test_a_target_that_another_one_replaces_meanwhile_is_looked_at_again(source, place):
    target = place / "engagement.duckdb"
    target.write_bytes(b"old")
    seen = []

    def replace(_done, _total):
        if not seen:
            target.write_bytes(b"of another one")
            os.utime(target, (2e9, 2e9))
        seen.append(1)

    sent = send_one(source, target, on_progress=replace)
    assert (sent.method, sent.sent_bytes) == ("sftp", SIZE)
    assert target.read_bytes() == source.read_bytes()


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


def test_a_full_disk_is_said_and_gives_back_its_space(server, source, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if os.system(f"mount -t tmpfs -o size=1m tmpfs {small} 2>/dev/null"):  # noqa: S605
        pytest.skip("nobody here may mount a small disk")
    try:
        (small / "x").write_bytes(b"old")
        with pytest.raises(RemoteError, match=r"device: .*is its disk full\?"):
            send_one(source, small / "x")
        assert names(small) == ["x"]
        assert (small / "x").read_bytes() == b"old"
        assert server.port
    finally:
        os.system(f"umount {small}")  # noqa: S605


def test_a_dead_host_is_no_reason_to_wait(server, source, place):
    host = server.add_alias("dead", Port=1)
    with pytest.raises(ConnectionLostError, match="dead"):
        send_one(source, place / "x", host=host, waits_s=(60,))
