"""Uploads a local file to a server, completely or not at all, if the server does not have it.

It is written into a part beside its target, `.NAME.HASH.TOKEN.part`: HASH is the start of the
content's sha256, TOKEN belongs to one process, so two uploads never write to the same part. The
part of an interrupted upload is continued. When its size and sha256 are right, the part is renamed
over the target: a reader sees the old file or the new one.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from engagement.collect.delta import can_send, send_changes
from engagement.collect.remote import is_file
from engagement.errors import ConnectionLostError, RemoteError
from engagement.files import mode_for_another_group

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    import paramiko

    from engagement.collect.remote import RemoteFiles

    OnProgress = Callable[[int, int], None]

_CHUNK_BYTES = 1 << 18
_WORTH_DELTA_BYTES = 1_000_000
_LEFT_S = 60  # a part that nobody has written to for so long was left
_OLD_S = 86_400  # and is of no use any more
_TRIES = 3
_PRIVATE_MODE = 0o600
_HASH_CHARS = 16

Method = Literal["none", "rsync", "sftp"]


class FileUpload:
    """One open file on its way to a path on a server.

    Attributes:
        size_bytes: Of the file.
        sha256: Of its content.
        sent_bytes: What has gone through the connection.
        notes: What of the file that was replaced could not be kept.
    """

    def __init__(
        self,
        remote: RemoteFiles,
        file: BinaryIO,
        target: str,
        token: str,
        on_progress: OnProgress | None,
    ) -> None:
        self._remote = remote
        self._file = file
        self._target = target
        self._on_progress = on_progress
        self._folder, self._name = posixpath.split(target)
        self.size_bytes, self.sha256 = _measure(file)
        self.sent_bytes = 0
        self.notes: list[str] = []
        self._part = self._part_named(token)

    def refuse(self, suffix: str) -> None:
        """Refuse a target beside which a file says that another program writes it."""
        beside = self._target + suffix
        if self._remote.stat(beside) is not None:
            host = self._remote.connection.host.name
            problem = "there: another program has written to the file that would be replaced"
            raise RemoteError(host, f"{beside} is {problem}; remove both, or send to another path")

    def run(self) -> Method:
        """Send it, and rename it over the target; start again if the target has changed."""
        for _ in range(_TRIES):
            there = self._look()
            if self._is_same(self._target, there):
                self._remote.remove(self._part)
                return "none"
            method = self._fill(there)
            self._take_over(there)
            self._remote.run(["sync", self._part])
            if _state(self._look()) == _state(there):
                self._remote.replace(self._part, self._target)
                return method
        problem = f"{self._target}: others replace it again and again"
        raise RemoteError(self._remote.connection.host.name, problem)

    def _take_over(self, there: paramiko.SFTPAttributes | None) -> None:
        """Give the part the owner and the mode of what it replaces, in this order."""
        mode = self._mode_of_new() if there is None else stat.S_IMODE(there.st_mode or 0)
        with self._remote.at(self._part):
            part = self._remote.sftp.stat(self._part)
            if there is not None and _owner(there) not in (_owner(part), (None, None)):
                self._change_owner(there, part)
                if self._remote.sftp.stat(self._part).st_gid != there.st_gid:
                    mode = mode_for_another_group(mode)
            self._remote.sftp.chmod(self._part, mode)

    def _mode_of_new(self) -> int:
        """The mode that the user's umask there gives a new file; private where none is told."""
        probe = self._part.removesuffix(".part") + ".mode"
        with self._remote.at(probe), self._remote.sftp.open(probe, "w") as file:
            mode = file.stat().st_mode
        self._remote.remove(probe)
        return _PRIVATE_MODE if mode is None else stat.S_IMODE(mode)

    def _change_owner(self, there: paramiko.SFTPAttributes, part: paramiko.SFTPAttributes) -> None:
        """Set the owner, which only root may do, or the group; else add a note whose it is now."""
        for uid in (there.st_uid, part.st_uid):
            try:
                self._remote.sftp.chown(self._part, uid or 0, there.st_gid or 0)
            except OSError:
                if self._remote.sftp.get_channel().closed:  # type: ignore[union-attr] # it has one
                    raise
            else:
                break
        if _owner(self._remote.sftp.stat(self._part)) != _owner(there):
            owner = f"{there.st_uid}:{there.st_gid}"
            self.notes = [f"{self._target} was of {owner}, and is now of the user who sent it"]

    def _look(self) -> paramiko.SFTPAttributes | None:
        there = self._remote.stat(self._target)
        if there is not None and not is_file(there):
            problem = f"{self._target}: is no file there; name one with --path"
            raise RemoteError(self._remote.connection.host.name, problem)
        return there

    def _is_same(self, path: str, there: paramiko.SFTPAttributes | None) -> bool:
        is_candidate = there is not None and there.st_size == self.size_bytes
        return is_candidate and self._remote.sha256(path) == self.sha256

    def _fill(self, there: paramiko.SFTPAttributes | None) -> Method:
        """Write the file into the part: by the changes to the target, else all of it."""
        self._remote.make_folder(self._folder)
        try:
            if there is not None and self._claim_part() == 0 and self._send_changes(there):
                return "rsync"
            for _ in range(_TRIES):
                self._send_rest(self._claim_part())
                arrived = self._remote.stat(self._part)
                self._check_size(arrived)
                if self._is_same(self._part, arrived):
                    return "sftp"
                self._remote.remove(self._part)
        except ConnectionLostError:
            raise
        except RemoteError:
            self._remote.remove(self._part)
            raise
        problem = f"{self._target}: what arrives is not what was sent; the old file is kept"
        raise RemoteError(self._remote.connection.host.name, problem)

    def _check_size(self, arrived: paramiko.SFTPAttributes | None) -> None:
        """A server may keep to itself what it could not write."""
        n_bytes = (arrived.st_size if arrived else 0) or 0
        if n_bytes < self.size_bytes:
            problem = f"{n_bytes} of {self.size_bytes} bytes arrived; is its disk full?"
            raise RemoteError(self._remote.connection.host.name, f"{self._part}: {problem}")

    def _send_changes(self, there: paramiko.SFTPAttributes) -> bool:
        is_small = min(self.size_bytes, there.st_size or 0) < _WORTH_DELTA_BYTES
        if is_small or not (can_send() and self._remote.has_rsync()):
            return False
        copy = self._part.removesuffix(".part") + ".delta"  # never taken for a beginning
        copied = self._remote.run(["cp", "--", self._target, copy])
        if copied is None or copied.status:
            self._remote.remove(copy)
            return False
        n_bytes = send_changes(self._remote.connection, self._file, copy)
        self.sent_bytes += n_bytes or 0
        is_there = n_bytes is not None and self._is_same(copy, self._remote.stat(copy))
        if is_there:
            self._remote.replace(copy, self._part)
        else:
            self._remote.remove(copy)
        return is_there

    def _send_rest(self, offset: int) -> None:
        """Append the missing bytes to the part."""
        if offset > self.size_bytes:
            offset = 0
        self._file.seek(offset)
        done = offset
        with self._remote.at(self._part), self._remote.sftp.open(self._part, "r+b") as part:
            if not offset:
                part.truncate(0)
            part.seek(offset)
            part.set_pipelined(True)
            while piece := self._file.read(_CHUNK_BYTES):
                part.write(piece)
                done += len(piece)
                self.sent_bytes += len(piece)
                if self._on_progress:
                    self._on_progress(done, self.size_bytes)

    def _claim_part(self) -> int:
        """Make this process's part, or take over what an earlier one left; return its size.

        Renaming settles who takes it. A slow one that is robbed writes what its robber does too.
        """
        mine = self._remote.stat(self._part)
        if mine is not None:
            return mine.st_size or 0
        with self._remote.at(self._part), self._remote.sftp.open(self._part, "wx") as part:
            part.chmod(_PRIVATE_MODE)  # as what it replaces may be
            now_s = part.stat().st_mtime or 0  # by the server's clock
        for path, size_bytes, age_s in self._left_parts(now_s):
            if age_s > _LEFT_S and self._is_of_this(path):
                with suppress(RemoteError):
                    self._remote.replace(path, self._part)
                    return size_bytes
            elif age_s > _OLD_S:
                self._remote.remove(path)
        return 0

    def _left_parts(self, now_s: float) -> list[tuple[str, int, float]]:
        """Path, size and age of each part beside the target, the largest first."""
        with self._remote.at(self._folder):
            entries = self._remote.sftp.listdir_attr(self._folder)
        pattern = re.compile(rf"\.{re.escape(self._name)}\.[0-9a-f]+\.[0-9a-f]+\.(part|delta|mode)")
        parts = [
            (
                posixpath.join(self._folder, entry.filename),
                entry.st_size or 0,
                now_s - (entry.st_mtime or 0),
            )
            for entry in entries
            if pattern.fullmatch(entry.filename)
        ]
        return sorted(parts, key=lambda part: -part[1])

    def _is_of_this(self, path: str) -> bool:
        """Whether a part begins like this file, by its name."""
        is_beginning = path.endswith(".part")
        return is_beginning and f".{self.sha256[:_HASH_CHARS]}." in posixpath.basename(path)

    def _part_named(self, token: str) -> str:
        name = f".{self._name}.{self.sha256[:_HASH_CHARS]}.{token}.part"
        return posixpath.join(self._folder, name)


def _measure(file: BinaryIO) -> tuple[int, str]:
    """Size and hash of an open file's content."""
    digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type] # it is a BinaryIO
    return os.fstat(file.fileno()).st_size, digest.hexdigest()


def _owner(found: paramiko.SFTPAttributes) -> tuple[int | None, int | None]:
    return found.st_uid, found.st_gid


def _state(found: paramiko.SFTPAttributes | None) -> tuple[int | None, int | None] | None:
    """Attributes that change when a file is replaced, as far as SFTP has them."""
    return None if found is None else (found.st_size, found.st_mtime)
