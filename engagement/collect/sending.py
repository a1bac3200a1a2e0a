"""Sends files to a server, with a new connection after each that is lost."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engagement.collect.connection import Timeouts
from engagement.collect.remote import RemoteFiles
from engagement.collect.upload import FileUpload
from engagement.collect.way import connect
from engagement.errors import ConnectionLostError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from engagement.collect.connection import Connection
    from engagement.collect.hosts import Host
    from engagement.collect.upload import Method, OnProgress

# A server hashes a large file in silence.
_TIMEOUTS = Timeouts(silence_s=120.0)


@dataclass(frozen=True, slots=True)
class Upload:
    """What to send where.

    Attributes:
        source: The local file; it may be replaced meanwhile, but not written to.
        target: The path there; `~/` and what does not start with `/` are in the home folder.
        unless_beside: A suffix: with a file of the target's name and this one, nothing is sent.
    """

    source: Path
    target: str
    unless_beside: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of an upload; `method` is `none` if the server had the file already.

    `sent_bytes` went through the connection; rsync sends only changes. `notes` say which attributes
    could not be kept.
    """

    source: Path
    target: str
    method: Method
    size_bytes: int
    sent_bytes: int
    sha256: str
    duration_s: float
    notes: tuple[str, ...] = ()


def send(
    host: Host,
    uploads: Sequence[Upload],
    *,
    accept_new: bool = False,
    on_progress: OnProgress | None = None,
    on_lost: Callable[[ConnectionLostError, float], None] | None = None,
    on_note: Callable[[str], None] | None = None,
    waits_s: Sequence[float] = (1.0, 3.0, 9.0),
) -> list[Sent]:
    """Send files; after a lost connection continue with a new one.

    Args:
        host: Where to.
        uploads: Which files.
        accept_new: Take the key of a host that is not known yet.
        on_progress: Called with bytes done and in all, of the current file.
        on_lost: Called with the problem of a lost connection, and the wait before the next.
        on_note: Called with remarks for the user.
        waits_s: How long to wait before each new connection.

    Raises:
        RemoteError: If the server can't be reached or refuses; targets are then as they were.
        InputError: If a file can't be read.
    """
    sent: list[Sent] = []
    waits = list(waits_s)
    token = secrets.token_hex(4)
    has_connected = False
    while True:
        try:
            with connect(host, accept_new=accept_new, timeouts=_TIMEOUTS) as connection:
                has_connected = True
                _tell(on_note, connection.notes)
                for upload in uploads[len(sent) :]:
                    one = send_file(connection, upload, token, on_progress)
                    sent.append(one)  # counts, also when the connection is lost after it
                    _tell(on_note, one.notes)
                return sent
        except ConnectionLostError as error:
            # A server that was never reached is probably named wrong: no second attempt.
            if not (has_connected and waits):
                raise
            wait_s = waits.pop(0)
            if on_lost:
                on_lost(error, wait_s)
            time.sleep(wait_s)


def _tell(listener: Callable[[str], None] | None, notes: Sequence[str]) -> None:
    if listener:
        for note in notes:
            listener(note)


def send_file(
    connection: Connection,
    upload: Upload,
    token: str,
    on_progress: OnProgress | None = None,
) -> Sent:
    """Send one file, if the server does not have it.

    Raises:
        RemoteError: If the server refuses, or the connection is lost.
        InputError: If the file can't be read.
    """
    started_at_s = time.monotonic()
    remote = RemoteFiles(connection)
    target = remote.resolve(upload.target)
    try:
        with upload.source.open("rb") as file:
            file_upload = FileUpload(remote, file, target, token, on_progress)
            if upload.unless_beside:
                file_upload.refuse(upload.unless_beside)
            method = file_upload.run()
    except OSError as error:
        raise InputError(f"{upload.source}: can't be read: {error.strerror}") from error
    return Sent(
        source=upload.source,
        target=target,
        method=method,
        size_bytes=file_upload.size_bytes,
        sent_bytes=file_upload.sent_bytes,
        sha256=file_upload.sha256,
        duration_s=time.monotonic() - started_at_s,
        notes=tuple(file_upload.notes),
    )
