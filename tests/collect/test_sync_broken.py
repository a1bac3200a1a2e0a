"""Files whose way to the server is cut or crossed: whole there, or as they were."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from contextlib import contextmanager
from random import Random

import pytest

from engagement.errors import ConnectionLostError, RemoteError
from tests.collect.uploads import (
    SIZE,
    changed,
    cutting_line,
    names,
    send_one,
    settled_size,
    slowly,
)


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


@pytest.fixture
def through(server):
    """Make an alias of the server that leads through a line that is cut."""

    @contextmanager
    def through(*limits):
        with cutting_line(server.port, limits) as port:
            key_name = f"[127.0.0.1]:{server.port}"
            yield server.add_alias(f"line{port}", Port=port, HostKeyAlias=key_name)

    return through


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
