"""Fetches one log from a device into a `.part` file, which is renamed when it is complete.

The `.part` of an interrupted transfer gets the time of its log once it is on the disk; the next
transfer continues it. One without that time, as after a power cut or a SIGKILL, may have any
content and is fetched again from the start.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engagement.collect.arrival import Arrival, DamagedError, arrival_of
from engagement.collect.faults import BusyError, ChangedError, GoneError, InTheWayError
from engagement.collect.finishing import Whole
from engagement.errors import ConnectionLostError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engagement.collect.pace import Rate
    from engagement.collect.reading import Source
    from engagement.collect.remote_log import RemoteLog

_IN_THE_WAY = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO)
_SAME_TIME_NS = 2 * 10**9  # the coarsest resolution of file systems
_HASHED_BYTES = 1 << 20
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Transfer:
    """A log and where it goes; `codec` is what the device shall compress it with."""

    log: RemoteLog
    target: Path
    codec: str | None = None


def fetch(
    source: Source,
    transfer: Transfer,
    host: str,
    *,
    rate: Rate,
    verify: bool,
    on_bytes: Callable[[int], None],
) -> Whole:
    """Fetch a log into its `.part` file, which then is to be finished.

    Args:
        source: Is ready for it.
        transfer: What goes where.
        host: What messages call the device.
        rate: How fast.
        verify: Compare its SHA-256 with the device's.
        on_bytes: Called with the bytes that have arrived since, as on the device.

    Raises:
        ConnectionLostError: If the device goes away; the `.part` file stays.
        BusyError: If another collect is fetching it, or has.
        InTheWayError: If something here has its place.
        RemoteError: If it can't be read or does not come as it is there.
        OSError: If it can't be written here.
    """
    part = part_of(transfer)
    with ExitStack() as stack:
        file = _open(part, host)
        stack.callback(os.close, file)
        writer = _Writer(file, transfer, host, rate, on_bytes)
        # Another collect may have finished the log before this one locked the `.part` file.
        if os.path.lexists(transfer.target):
            part.unlink()
            raise BusyError(host, f"{transfer.target}: appeared meanwhile")
        try:
            writer.begin(verify=verify)
            writer.receive(source)
            writer.check(source if verify else None)
        except RemoteError as error:
            # The bytes so far are kept for the next attempt, unless they may be wrong.
            is_worth_keeping = writer.n_bytes and isinstance(error, BusyError | GoneError)
            if is_worth_keeping or isinstance(error, ConnectionLostError):
                writer.leave()
            else:
                part.unlink(missing_ok=True)
            raise
        except OSError as error:
            writer.leave()
            error.filename = error.filename or str(part)
            raise
        stack.pop_all()  # the file stays open, and so locked, until it is finished
        return Whole(file, part, transfer.target, transfer.log.mtime_ns, host)


class _Writer:
    """A `.part` file that is being written."""

    def __init__(
        self, file: int, transfer: Transfer, host: str, rate: Rate, on_bytes: Callable[[int], None]
    ) -> None:
        self._file = file
        self._transfer = transfer
        self._host = host
        self._log = transfer.log
        self._rate = rate
        self._on_bytes = on_bytes
        self._arrived: Arrival = arrival_of(transfer.codec)
        self._digest = hashlib.sha256()
        self._is_hashed = False

    @property
    def n_bytes(self) -> int:
        """The bytes of the log that are here."""
        return self._arrived.n_bytes

    def begin(self, *, verify: bool) -> None:
        """Keep the bytes of an interrupted transfer of this log; hash them if needed."""
        self._is_hashed = verify
        if not _offset(os.fstat(self._file), self._transfer):
            os.ftruncate(self._file, 0)
            return
        os.lseek(self._file, 0, os.SEEK_SET)
        if verify:
            while piece := os.read(self._file, _HASHED_BYTES):
                self._digest.update(piece)
        self._arrived.n_bytes = os.lseek(self._file, 0, os.SEEK_END)
        self._on_bytes(self._arrived.n_bytes)

    def receive(self, source: Source) -> None:
        """Write what is missing."""
        arrived, log = self._arrived, self._log
        for piece in source.read(log, arrived.n_bytes):
            self._rate.take(len(piece))
            _write_all(self._file, piece)
            n_before = arrived.n_bytes
            try:
                for raw in arrived.feed(piece, log.size_bytes):
                    if self._is_hashed:
                        self._digest.update(raw)
            except DamagedError as error:
                problem = f"{log.path!r}: what comes is not what its compressor writes"
                raise ChangedError(self._host, problem) from error
            self._on_bytes(arrived.n_bytes - n_before)
            if arrived.n_bytes > log.size_bytes:
                raise ChangedError(self._host, f"{log.path!r}: more comes than it holds")

    def check(self, source: Source | None) -> None:
        """Compare size, and hash where a source can tell it, with the device's.

        Raises:
            ChangedError: If they are not the same.
        """
        log = self._log
        if self._arrived.n_bytes != log.size_bytes or not self._arrived.is_whole:
            came = f"{self._arrived.n_bytes} of {log.size_bytes} bytes came"
            raise ChangedError(self._host, f"{log.path!r}: {came}, though its end did")
        if source and source.sha256(log) != self._digest.hexdigest():
            raise ChangedError(self._host, f"{log.path!r}: its SHA-256 here is not the one there")

    def leave(self) -> None:
        """Give the file the time of its log, so that the next transfer can continue it."""
        with suppress(OSError):  # not on the disk: then the next transfer starts from the beginning
            os.fsync(self._file)
            os.utime(self._file, ns=(self._log.mtime_ns, self._log.mtime_ns))


def part_of(transfer: Transfer) -> Path:
    """The file that grows until it is whole."""
    return transfer.target.with_name(f"{transfer.target.name}.part")


def offset_of(transfer: Transfer) -> int:
    """The bytes of a log that are here from an interrupted transfer."""
    try:
        return _offset(part_of(transfer).lstat(), transfer)
    except OSError:
        return 0


def _offset(part: os.stat_result, transfer: Transfer) -> int:
    log = transfer.log
    is_ours = abs(part.st_mtime_ns - log.mtime_ns) < _SAME_TIME_NS
    return part.st_size if is_ours and not transfer.codec and part.st_size <= log.size_bytes else 0


def _open(part: Path, host: str) -> int:
    """Open a `.part` file that no other process writes to; its folder is made.

    Raises:
        BusyError: If somebody does.
        InTheWayError: If something else has its place.
    """
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(part, _FLAGS, 0o666)
    except OSError as error:
        if error.errno not in _IN_THE_WAY:
            raise
        raise InTheWayError(
            host, f"{error.filename}: {os.strerror(error.errno).lower()}"
        ) from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise InTheWayError(host, f"{part}: is no file")
    if _is_ours(file, part):
        return file
    os.close(file)
    raise BusyError(host, f"{part}: another collect is writing to it")


def remove_left(part: Path) -> bool:
    """Remove the `.part` file of a complete log, unless a process writes to it."""
    with suppress(OSError):
        file = os.open(part, _FLAGS & ~os.O_CREAT)
        try:
            if _is_ours(file, part):
                part.unlink()
                return True
        finally:
            os.close(file)
    return False


def is_taken(transfer: Transfer) -> bool:
    """Whether another collect has fetched a log, or is finishing it."""
    if os.path.lexists(transfer.target):
        return True
    with suppress(OSError):
        file = os.open(part_of(transfer), _FLAGS & ~os.O_CREAT)
        try:
            return not _lock(file)
        finally:
            os.close(file)
    return False


def _is_ours(file: int, part: Path) -> bool:
    """Lock a `.part` file; return whether that succeeded."""
    # Another process may have given the file its final name since it was opened.
    with suppress(OSError):
        return _lock(file) and os.path.samestat(os.fstat(file), os.lstat(part))
    return False


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _write_all(file: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(file, rest) :]
