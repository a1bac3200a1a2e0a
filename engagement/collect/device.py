"""What a device is asked: its name, and which logs it has.

All of it only reads. Where a shell answers properly, `find` and `head` do the work, which is
fastest; else SFTP does.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from engagement.collect.connection import lost_connections
from engagement.collect.reading import compressor_of, open_source
from engagement.errors import ConnectionLostError, RemoteError
from engagement.names import parse_dongle_id, parse_log_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    import paramiko

    from engagement.collect.connection import Connection
    from engagement.collect.reading import Request, Source
    from engagement.collect.settings import Settings

_FILE_NAMES = {kind + suffix for kind in ("rlog", "qlog") for suffix in ("", ".bz2", ".zst")}
_LOCK_SUFFIX = ".lock"
_MAX_DEPTH = 3  # below the folder of logs: a dongle's, a segment's, the file
_FOUND = re.compile(
    rb"(?P<size>\d{1,15}) (?P<s>\d{1,10})(?:\.(?P<ns>\d*))? (?P<path>.+)", re.DOTALL
)
_HINT = "another one goes into config/collect.toml as `logs`"
_PROBE = b"engagement: \xc2\xa7"
_MAX_PARAM_BYTES = 64


@dataclass(frozen=True, slots=True)
class RemoteLog:
    """A log on a device.

    Attributes:
        path: Absolute, there.
        dongle_id: The device that recorded it, if the path says.
        drive: The log id.
        segment_num: Number of the segment.
        kind: `rlog` or `qlog`.
        suffix: `.bz2`, `.zst` or nothing.
        size_bytes: As it lies there.
        mtime_ns: Time of the last change, nanoseconds since 1970.
    """

    path: str
    dongle_id: str | None
    drive: str
    segment_num: int
    kind: str
    suffix: str
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Listing:
    """The logs of a device, oldest first; those of `locked` segments are still being written."""

    logs: list[RemoteLog] = field(default_factory=list)
    locked: list[RemoteLog] = field(default_factory=list)


_Entry = tuple[str, int, int]  # path below the folder of logs, bytes, nanoseconds


class Device:
    """A device at the other end of a connection."""

    def __init__(self, connection: Connection, settings: Settings) -> None:
        self.host = connection.host
        self._connection = connection
        self._settings = settings
        self._has_shell = _has_shell(connection)

    def read_dongle_id(self) -> str | None:
        """The dongle id of its parameters, None if there is none that is one."""
        path = f"{self._settings.params.rstrip('/')}/DongleId"
        if self._has_shell:
            text = self._connection.run(["head", "-c", str(_MAX_PARAM_BYTES), "--", path]).stdout
        else:
            text = self._read_by_sftp(path)
        return parse_dongle_id(text.decode("ascii", errors="replace").strip())

    def _read_by_sftp(self, path: str) -> bytes:
        with lost_connections(self.host):
            try:
                with self._connection.sftp().open(path, "rb") as file:
                    return file.read(_MAX_PARAM_BYTES)
            except (FileNotFoundError, PermissionError):
                return b""

    def find_logs(self) -> Listing:
        """List its logs.

        Raises:
            RemoteError: If it has no folder of logs, or does not tell what is in it.
        """
        top = self._settings.logs.rstrip("/")
        entries = list(self._find(top) if self._has_shell else self._walk(top))
        locked = {
            str(PurePosixPath(path).parent) for path, *_ in entries if path.endswith(_LOCK_SUFFIX)
        }
        listing = Listing()
        for path, size_bytes, mtime_ns in sorted(entries, key=lambda entry: (entry[2], entry[0])):
            log = _parse(top, path, size_bytes, mtime_ns)
            if log:
                is_locked = str(PurePosixPath(path).parent) in locked
                (listing.locked if is_locked else listing.logs).append(log)
        return listing

    def _find(self, top: str) -> Iterator[_Entry]:
        """What `find` prints: NUL ends an entry, the path is its rest, so names can't deceive."""
        names = [
            word
            for name in ("*rlog*", "*qlog*", f"*{_LOCK_SUFFIX}")
            for word in ("-o", "-name", name)
        ]
        words = [
            "find",
            "-H",
            f"{top}/",
            "-mindepth",
            "1",
            "-maxdepth",
            str(_MAX_DEPTH),
            "-type",
            "f",
        ]
        answer = self._connection.run([*words, "(", *names[1:], ")", "-printf", r"%s %T@ %P\0"])
        if answer.status and not answer.stdout:
            yield from self._walk(top)
            return
        for line in answer.stdout.split(b"\0")[:-1]:
            match = _FOUND.fullmatch(line)
            if match:
                mtime_ns = int(match["s"]) * 10**9 + int((match["ns"] or b"")[:9].ljust(9, b"0"))
                path = match["path"].decode(errors="surrogateescape")
                yield path, int(match["size"]), mtime_ns

    def _walk(self, top: str) -> Iterator[_Entry]:
        """The same by SFTP, a folder at a time."""
        with lost_connections(self.host):
            sftp = self._connection.sftp()
            try:
                yield from _walk(sftp, top, "", depth=1)
            except FileNotFoundError as error:
                raise RemoteError(
                    self.host.name, f"{top}: there is no such folder; {_HINT}"
                ) from error
            except PermissionError as error:
                raise RemoteError(self.host.name, f"{top}: permission denied there") from error
            except UnicodeDecodeError as error:
                raise RemoteError(self.host.name, f"{top}: holds names that are no text") from error

    def open(
        self, requests: Sequence[Request], *, codec: str | None, with_sums: bool
    ) -> AbstractContextManager[Source]:
        """Ask for the contents of some logs; see `open_source`."""
        return open_source(
            self._connection,
            requests,
            codec=codec,
            has_shell=self._has_shell,
            with_sums=with_sums,
        )

    def has_compressor(self, codec: str) -> bool:
        """Whether it can compress what it sends."""
        words = ["command", "-v", compressor_of(codec)]
        return self._has_shell and self._connection.run(words).status == 0

    def has(self, path: str) -> bool:
        """Whether a file is there still."""
        with lost_connections(self.host):
            try:
                self._connection.sftp().stat(path)
            except FileNotFoundError:
                return False
        return True


def _has_shell(connection: Connection) -> bool:
    """Whether commands run and print what they should, and nothing else talks in between."""
    try:
        return connection.run(["printf", "%s", _PROBE.decode()]).stdout == _PROBE
    except ConnectionLostError:
        if connection.is_alive:  # it does not do commands
            return False
        raise


def _walk(sftp: paramiko.SFTPClient, top: str, below: str, depth: int) -> Iterator[_Entry]:
    for item in sftp.listdir_attr(f"{top}/{below}"):
        mode, path = item.st_mode or 0, f"{below}{item.filename}"
        if "/" in item.filename or item.filename in (".", ".."):
            continue
        if stat.S_ISDIR(mode) and depth < _MAX_DEPTH:
            yield from _walk(sftp, top, f"{path}/", depth + 1)
        elif stat.S_ISREG(mode):
            yield path, item.st_size or 0, (item.st_mtime or 0) * 10**9


def _parse(top: str, path: str, size_bytes: int, mtime_ns: int) -> RemoteLog | None:
    """Make a log of a file whose path says which it is; None for all others."""
    file = PurePosixPath(path)
    name = parse_log_path(file)
    if name is None or name.drive is None or name.segment_num is None:
        return None
    if file.name not in _FILE_NAMES or ".." in file.parts:
        return None
    return RemoteLog(
        f"{top}/{path}", name.dongle_id, name.drive, name.segment_num, name.log_kind,
        file.suffix, size_bytes, mtime_ns,
    )  # fmt: skip
