"""Several files in one stream, cut into pieces anywhere."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.collect.batch import SCRIPT, Batch
from engagement.collect.connection import Answer
from engagement.collect.faults import ChangedError, GoneError, KilledError
from engagement.collect.hosts import Host
from engagement.collect.remote_log import RemoteLog
from engagement.errors import RemoteError

HOST = Host("device", "localhost", 22, "me")
MARK = "0123456789abcdef"


class Pieces:
    """A stream that comes in pieces of given sizes."""

    def __init__(self, output: bytes, sizes: list[int], status: int = -1) -> None:
        self.pieces = []
        self.status = status
        for size in sizes:
            self.pieces.append(output[:size])
            output = output[size:]
        self.pieces.append(output)

    def __iter__(self):
        return iter([piece for piece in self.pieces if piece])

    def finish(self) -> Answer:
        return Answer(self.status, b"", b"gone")


def send(paths: list[str], start: str = "1", *, sums: bool = False) -> bytes:
    """What the script prints, run by the shell of this machine."""
    words = ["sh", "-c", SCRIPT, "sh", MARK, "1" if sums else "", start, *paths]
    command = subprocess.run(words, check=True, capture_output=True)
    return command.stdout


def remote_log(path, size_bytes: int) -> RemoteLog:
    return RemoteLog(str(path), None, "2025-07-31--10-20-30", 0, "rlog", "", size_bytes, 0)


def make_batch(stream: Pieces, logs: list[RemoteLog], offset: int = 0) -> Batch:
    return Batch(stream, HOST, [(log, offset) for log in logs], MARK.encode())


_CONTENT = st.binary(max_size=60) | st.just(b"\n0123456789abcde\n") | st.just(b"x\n0123456789abc")


@given(
    contents=st.lists(_CONTENT, min_size=1, max_size=4),
    sizes=st.lists(st.integers(1, 40), max_size=40),
)
@settings(max_examples=40, deadline=None)
def test_contents_come_whole_in_any_pieces(tmp_path_factory, contents, sizes):
    folder = tmp_path_factory.mktemp("files")
    logs = []
    for number, content in enumerate(contents):
        path = folder / f"-{number} '$(x)\n\\ ==> x <=="
        path.write_bytes(content)
        logs.append(remote_log(path, len(content)))
    batch = make_batch(Pieces(send([log.path for log in logs]), sizes), logs)

    for log, content in zip(logs, contents, strict=True):
        assert batch.is_ready_for(log)
        assert b"".join(batch.read(log, 0)) == content
    assert not any(batch.is_ready_for(log) for log in logs)


@pytest.mark.parametrize("offset", [0, 1, 99_999, 100_000])
def test_a_log_comes_from_an_offset_on(tmp_path, offset):
    content = bytes(range(250)) * 400
    (tmp_path / "a").write_bytes(content)
    log = remote_log(tmp_path / "a", len(content))

    batch = make_batch(Pieces(send([log.path], str(offset + 1)), []), [log], offset)

    assert b"".join(batch.read(log, offset)) == content[offset:]


def test_a_file_that_is_gone_is_said_and_the_next_one_read(tmp_path):
    for name in "bd":
        (tmp_path / name).write_bytes(b"next")
    (tmp_path / "c").mkdir()
    logs = [remote_log(tmp_path / name, 4) for name in "abcde"]
    batch = make_batch(Pieces(send([log.path for log in logs], sums=True), []), logs)

    with pytest.raises(GoneError):
        list(batch.read(logs[0], 0))
    assert list(batch.read(logs[1], 0)) == [b"next"]
    with pytest.raises(RemoteError, match="can't be read"):
        list(batch.read(logs[2], 0))
    assert list(batch.read(logs[3], 0)) == [b"next"]
    assert len(batch.sha256(logs[3])) == 64
    with pytest.raises(GoneError):
        list(batch.read(logs[4], 0))


@given(size_bytes=st.integers(0, 300), cut=st.integers(0, 400), sizes=st.lists(st.integers(1, 60)))
@settings(max_examples=150, deadline=None)
def test_another_size_or_an_early_end_is_never_taken_for_the_log(size_bytes, cut, sizes):
    content = bytes(100)
    before = b"%b -\n==> /x <==\n" % MARK.encode()
    proof = before + content + b"\n==> /dev/null <==\n"
    output = b"%b\n%b 0\n" % (proof, MARK.encode())
    log = remote_log("/x", size_bytes)
    batch = make_batch(Pieces(output[:cut], sizes), [log])
    is_same, is_proved = size_bytes == len(content), cut >= len(proof)
    came = b""

    try:
        for piece in batch.read(log, 0):
            came += piece
    except KilledError:
        assert cut < len(output)
        assert not (is_same and is_proved)
        assert (before + came).startswith(output[: len(before + came)])
    except ChangedError:
        assert not is_same
    else:
        assert is_same
        assert is_proved
        assert came == content


@given(
    n_sent=st.integers(0, 99),
    status=st.sampled_from([0, 1, 143]),
    sizes=st.lists(st.integers(1, 9)),
)
@settings(max_examples=100, deadline=None)
def test_of_what_was_ended_all_that_came_is_the_log(n_sent, status, sizes):
    content = bytes(range(100))
    output = b"%b -\n==> /x <==\n%b\n%b %d\n" % (
        MARK.encode(),
        content[:n_sent],
        MARK.encode(),
        status,
    )
    log = remote_log("/x", len(content))
    batch = make_batch(Pieces(output, [*[1] * 30, *sizes]), [log])
    came: list[bytes] = []

    with pytest.raises(KilledError if status == 143 else ChangedError):
        came.extend(batch.read(log, 0))

    assert b"".join(came) == content[:n_sent]
    assert not batch.is_ready_for(log)


def test_a_device_that_answers_something_else_is_not_followed():
    log = remote_log("/x", 5)
    for output in (b"welcome\n", b"x" * 10_000, MARK.encode() + b" -\n==> /y <==\nhello\n"):
        with pytest.raises(RemoteError):
            list(make_batch(Pieces(output, []), [log]).read(log, 0))
