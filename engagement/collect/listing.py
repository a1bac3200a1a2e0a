"""Which logs a device has; found by `find` where a shell answers properly, else by SFTP."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from paramiko.sftp import CMD_CLOSE, CMD_OPENDIR, CMD_READDIR
from paramiko.sftp_attr import SFTPAttributes

from engagement.collect.connection import lost_connections
from engagement.collect.faults import GoneError, check_end
from engagement.collect.reading import remote_files
from engagement.collect.remote_log import QCAMERA, RemoteLog, parse_remote_path
from engagement.errors import ConnectionLostError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import paramiko

    from engagement.collect.connection import Connection

_LOCK_SUFFIX = ".lock"
_MAX_DEPTH = 3  # below the folder of logs: a dongle's, a segment's, the file
_MAX_ENTRIES = 1_000_000  # of a folder; a listing that is longer may never end
_FOUND = re.compile(
    rb"(?P<size>\d{1,15}) (?P<s>-?\d{1,10})(?:\.(?P<ns>\d*))? (?P<path>.{1,4095})", re.DOTALL
)
_NAMES = [
    word
    for name in ("*rlog*", "*qlog*", QCAMERA, f"*{_LOCK_SUFFIX}")
    for word in ("-o", "-name", name)
]
_VANISHED = b"No such file or directory"
_HINT = "another one goes into config/collect.toml as `logs`"


@dataclass(slots=True)
class Listing:
    """The logs of a device, oldest first; those of `locked` segments are still being written.

    With a problem, the device may have more logs.
    """

    logs: list[RemoteLog] = field(default_factory=list)
    locked: list[RemoteLog] = field(default_factory=list)
    problem: str | None = None


_Entry = tuple[str, int, int]  # path below the folder of logs, bytes, nanoseconds


def find_logs(connection: Connection, folder: str, *, has_shell: bool) -> Listing:
    """List the logs below a device's folder.

    Raises:
        RemoteError: If there is no such folder, or the device does not tell what is in it.
    """
    search = _Search(connection, folder.rstrip("/"))
    entries = list(search.find() if has_shell else search.walk())
    locked = {
        str(PurePosixPath(path).parent) for path, *_ in entries if path.endswith(_LOCK_SUFFIX)
    }
    listing = Listing(problem=search.problem)
    for path, size_bytes, mtime_ns in sorted(entries, key=lambda entry: (entry[2], entry[0])):
        log = _parse(search.top, path, size_bytes, mtime_ns)
        if log:
            is_locked = str(PurePosixPath(path).parent) in locked
            (listing.locked if is_locked else listing.logs).append(log)
    return listing


def _parse(top: str, path: str, size_bytes: int, mtime_ns: int) -> RemoteLog | None:
    """Make a log of a file whose path says which it is; None for all others."""
    file = PurePosixPath(path)
    found = None if ".." in file.parts else parse_remote_path(file)
    if found is None:
        return None
    name, kind = found
    if name.drive is None or name.segment_num is None:
        return None
    return RemoteLog(
        f"{top}/{path}", name.dongle_id, name.drive, name.segment_num, kind, file.suffix,
        size_bytes, mtime_ns,
    )  # fmt: skip


class _Search:
    """Searches a folder of logs; `problem` says what could not be read."""

    def __init__(self, connection: Connection, top: str) -> None:
        self.top = top
        self.problem: str | None = None
        self._connection = connection

    def find(self) -> Iterator[_Entry]:
        """Search by `find`: NUL ends an entry, and the path is last, so any name is read right."""
        limits = ["-mindepth", "1", "-maxdepth", str(_MAX_DEPTH), "-type", "f"]
        words = ["env", "LC_ALL=C", "find", "-H", f"{self.top}/", *limits]
        words += ["(", *_NAMES[1:], ")", "-printf", r"%s %T@ %P\0"]
        answer = self._connection.run(words)
        check_end(self._connection.host.name, answer)
        *lines, rest = answer.stdout.split(b"\0")
        found = [_FOUND.fullmatch(line) for line in lines]
        if rest or None in found or (answer.status and not lines):
            yield from self.walk()  # it is another `find`, or there is no such folder
            return
        problems = answer.stderr.strip().split(b"\n")
        if answer.status and not all(line.endswith(_VANISHED) for line in problems):
            self._note(answer.problem)
        for match in filter(None, found):
            mtime_ns = int(match["s"]) * 10**9 + int((match["ns"] or b"")[:9].ljust(9, b"0"))
            path = match["path"].decode(errors="surrogateescape")
            yield path, int(match["size"]), mtime_ns

    def walk(self) -> Iterator[_Entry]:
        """The same by SFTP, a folder at a time."""
        try:
            yield from self._walk("", depth=1)
        except GoneError as error:
            problem = f"{self.top}: there is no such folder; {_HINT}"
            raise RemoteError(error.host, problem) from error

    def _walk(self, below: str, depth: int) -> Iterator[_Entry]:
        for item in self._list(below):
            mode, path = item.st_mode or 0, f"{below}{item.filename}"
            if "/" in item.filename or item.filename in (".", ".."):
                continue
            if stat.S_ISDIR(mode) and depth < _MAX_DEPTH:
                try:
                    yield from self._walk(f"{path}/", depth + 1)
                except (ConnectionLostError, GoneError) as error:
                    if isinstance(error, ConnectionLostError):
                        raise
                except RemoteError as error:
                    self._note(error.problem)
            elif stat.S_ISREG(mode):
                yield path, item.st_size or 0, (item.st_mtime or 0) * 10**9

    def _list(self, below: str) -> list[SFTPAttributes]:
        path = f"{self.top}/{below}"
        with lost_connections(self._connection.host), remote_files(self._connection, path):
            return _list_folder(self._connection.sftp(), path)

    def _note(self, problem: str) -> None:
        self.problem = self.problem or f"not all folders could be looked into: {problem}"


def _list_folder(sftp: paramiko.SFTPClient, path: str) -> list[SFTPAttributes]:
    """The entries of a folder; `listdir_attr` fails if a name is no UTF-8.

    Raises:
        OSError: If it can't be read, or never ends.
    """
    request = sftp._request  # type: ignore[attr-defined] # noqa: SLF001 - see above
    handle = request(CMD_OPENDIR, path.encode(errors="surrogateescape"))[1].get_binary()
    found: list[SFTPAttributes] = []
    while len(found) < _MAX_ENTRIES:
        try:
            answer = request(CMD_READDIR, handle)[1]
        except EOFError:
            request(CMD_CLOSE, handle)
            return found
        for _ in range(answer.get_int()):
            name = answer.get_binary().decode(errors="surrogateescape")
            answer.get_binary()  # the line that `ls -l` would print
            found.append(SFTPAttributes._from_msg(answer, name))  # type: ignore[attr-defined] # noqa: SLF001
    raise OSError("it names more files than a folder has")
