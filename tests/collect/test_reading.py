"""Several files in one stream, cut into pieces anywhere."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.collect.connection import Answer
from engagement.collect.device import RemoteLog
from engagement.collect.hosts import Host
from engagement.collect.reading import _SCRIPT, Batch
from engagement.errors import RemoteError

HOST = Host("device", "localhost", 22, "me")
MARK = "0123456789abcdef"


class Pieces:
    """A stream that comes in pieces of given sizes."""

    def __init__(self, output: bytes, sizes: list[int]) -> None:
        self.pieces = []
        for size in sizes:
            self.pieces.append(output[:size])
            output = output[size:]
        self.pieces.append(output)

    def __iter__(self):
        return iter([piece for piece in self.pieces if piece])

    def finish(self) -> Answer:
        return Answer(1, b"", b"gone")


def send(folder, requests: list[tuple[str, int]], *, sums: bool = False) -> bytes:
    """What the script prints, run by the shell of this machine."""
    words = ["sh", "-c", _SCRIPT, "sh", MARK, "1" if sums else ""]
    words += [word for name, offset in requests for word in (str(offset + 1), str(folder / name))]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout


def remote_log(path, size_bytes: int) -> RemoteLog:
    return RemoteLog(str(path), None, "2025-07-31--10-20-30", 0, "rlog", "", size_bytes, 0)


@given(
    contents=st.lists(st.binary(max_size=60) | st.just(b"\n0123456789abcde\n"), max_size=4),
    sizes=st.lists(st.integers(1, 40), max_size=30),
    offsets=st.lists(st.integers(0, 60), min_size=4, max_size=4),
)
@settings(max_examples=40, deadline=None)
def test_contents_come_whole_in_any_pieces(tmp_path_factory, contents, sizes, offsets):
    folder = tmp_path_factory.mktemp("files")
    requests, logs = [], []
    for number, content in enumerate(contents):
        name = f"-{number} '$(x)"
        (folder / name).write_bytes(content)
        requests.append((name, min(offsets[number], len(content))))
        logs.append(remote_log(folder / name, len(content)))
    output = send(folder, requests)
    pairs = [(log, offset) for log, (_, offset) in zip(logs, requests, strict=True)]
    batch = Batch(Pieces(output, sizes), HOST, pairs, MARK.encode())

    for (log, offset), content in zip(pairs, contents, strict=True):
        assert batch.is_ready_for(log)
        assert b"".join(batch.read(log, offset)) == content[offset:]
    assert not any(batch.is_ready_for(log) for log in logs)


def test_a_file_that_is_gone_is_said_and_the_next_one_read(tmp_path):
    (tmp_path / "b").write_bytes(b"next")
    logs = [remote_log(tmp_path / name, 4) for name in "ab"]
    output = send(tmp_path, [("a", 0), ("b", 0)], sums=True)
    batch = Batch(Pieces(output, []), HOST, [(log, 0) for log in logs], MARK.encode())

    with pytest.raises(RemoteError, match="can't be read"):
        list(batch.read(logs[0], 0))
    assert list(batch.read(logs[1], 0)) == [b"next"]
    assert len(batch.sha256(logs[1])) == 64


@given(size_bytes=st.integers(0, 300), cut=st.integers(0, 400))
@settings(max_examples=100, deadline=None)
def test_another_size_or_an_early_end_is_never_taken_for_the_log(size_bytes, cut):
    content = bytes(100)
    mark = MARK.encode()
    output = b"%b\n%b\n%b 0 \n" % (mark, content, mark)
    log = remote_log("/x", size_bytes)
    batch = Batch(Pieces(output[:cut], [50, 7]), HOST, [(log, 0)], mark)
    is_whole = size_bytes == len(content) and cut >= len(output)

    try:
        pieces = list(batch.read(log, 0))
    except RemoteError:
        assert not is_whole
    else:
        assert is_whole
        assert b"".join(pieces) == content
