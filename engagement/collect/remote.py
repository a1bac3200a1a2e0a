"""Operations on a server's files through one connection.

Commands are faster, and atomic where SFTP is not; a server with SFTP alone works too.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import paramiko

from engagement.config_files import lower_first
from engagement.errors import ConnectionLostError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engagement.collect.connection import Answer, Connection

_CHUNK_BYTES = 1 << 20
_DIGEST = re.compile(rb"^\\?([0-9a-f]{64}) ", re.MULTILINE)
_DIGESTERS = (("sha256sum", "--"), ("shasum", "-a", "256", "--"))
_LOST = (EOFError, TimeoutError, ConnectionError, paramiko.SSHException)


class RemoteFiles:
    """The files of a server; paths are absolute unless said otherwise."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.sftp = connection.sftp()
        self._has_commands = True

    @contextmanager
    def at(self, path: str) -> Iterator[None]:
        """Convert paramiko's errors into errors that name the host and the path.

        Raises:
            ConnectionLostError: If the connection is gone.
            RemoteError: If the server refuses.
        """
        host = self.connection.host.name
        try:
            yield
        except _LOST as error:
            raise ConnectionLostError(host, _reason(error)) from error
        except OSError as error:
            if self.sftp.get_channel().closed:  # type: ignore[union-attr] # it has one
                raise ConnectionLostError(host, _reason(error)) from error
            raise RemoteError(host, f"{path}: {_reason(error)}") from error

    def resolve(self, path: str) -> str:
        """Make a path absolute: `~/` and what does not start with `/` are in the home folder.

        Links are followed, so that their target is replaced, not the link.
        """
        with self.at(path):
            if path == "~" or path.startswith("~/"):
                path = path[2:]
            absolute = posixpath.normpath(posixpath.join(self.sftp.normalize("."), path))
            try:
                return self.sftp.normalize(absolute)
            except FileNotFoundError:  # so there are no links to follow
                return absolute

    def stat(self, path: str) -> paramiko.SFTPAttributes | None:
        """The attributes of a file, None if there is none."""
        with self.at(path):
            try:
                return self.sftp.stat(path)
            except FileNotFoundError:
                return None

    def make_folder(self, path: str) -> None:
        """Make a folder and its parents, if they do not exist."""
        there = self.stat(path)
        if there is not None:
            if not stat.S_ISDIR(there.st_mode or 0):
                raise RemoteError(self.connection.host.name, f"{path}: is no folder there")
            return
        self.make_folder(posixpath.dirname(path))
        with self.at(path):
            try:
                self.sftp.mkdir(path)
            except OSError:  # another process has made it meanwhile
                if self.stat(path) is None:
                    raise

    def sha256(self, path: str) -> str:
        """The hash of a file's content, by a command there, else by reading it."""
        for words in _DIGESTERS:
            answer = self.run([*words, path])
            found = _DIGEST.findall(answer.stdout) if answer and not answer.status else []
            if found:
                return str(found[-1].decode())
        digest = hashlib.sha256()
        with self.at(path), self.sftp.open(path, "rb") as file:
            file.prefetch(self.sftp.stat(path).st_size)
            while piece := file.read(_CHUNK_BYTES):
                digest.update(piece)
        return digest.hexdigest()

    def replace(self, source: str, target: str) -> None:
        """Rename a file over another one in one step."""
        with self.at(target):
            try:
                self.sftp.posix_rename(source, target)
            except OSError as error:
                if error.errno is not None or self.sftp.get_channel().closed:  # type: ignore[union-attr]
                    raise
                self._move(source, target, error)

    def _move(self, source: str, target: str, error: OSError) -> None:
        """Rename on a server whose SFTP can't replace a file."""
        answer = self.run(["mv", "-f", "--", source, target])
        if answer is None or answer.status:
            problem = answer.problem if answer else _reason(error)
            host = self.connection.host.name
            raise RemoteError(host, f"{target}: can't be put in its place: {problem}") from error

    def remove(self, path: str) -> None:
        """Remove a file, if it is there and can be removed."""
        with suppress(*_LOST, OSError):
            self.sftp.remove(path)

    def run(self, words: Sequence[str]) -> Answer | None:
        """Run a command; None where the server runs none."""
        if not self._has_commands:
            return None
        try:
            return self.connection.run(words)
        except ConnectionLostError:
            if self.sftp.get_channel().closed:  # type: ignore[union-attr]
                raise
            self._has_commands = False
            return None

    def has_rsync(self) -> bool:
        """Whether the server has an rsync that takes file names with special characters."""
        answer = self.run(["rsync", "--version"])
        return bool(answer and not answer.status and b" version 3." in answer.stdout)


def is_file(found: paramiko.SFTPAttributes) -> bool:
    """Whether it is a regular file."""
    return stat.S_ISREG(found.st_mode or 0)


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    text = str(getattr(error, "strerror", None) or error).strip()
    if text == "Failure":
        return "the server refuses it; is its disk full?"
    return lower_first(text) if text else "the connection was cut"
