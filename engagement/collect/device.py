"""Reads from a device: its dongle id, the list of its logs, and their contents.

Nothing is written. Programs of its shell are used if one answers properly, which is fastest; else
SFTP is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engagement.collect import listing
from engagement.collect.batch import open_batch
from engagement.collect.connection import lost_connections
from engagement.collect.reading import COMPRESSORS, open_source, remote_files
from engagement.errors import ConnectionLostError, RemoteError
from engagement.names import parse_dongle_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from engagement.collect.batch import Request
    from engagement.collect.connection import Connection
    from engagement.collect.listing import Listing
    from engagement.collect.reading import Source
    from engagement.collect.remote_log import RemoteLog
    from engagement.collect.settings import Settings

_MAX_PARAM_BYTES = 64
_WORD = "engagement: \xa7 \\ ' \" ! `"
_GREETING = (  # a word, the file of the dongle id, compressors
    'printf "%s\\n" "$1"; file=$2; shift 2; tail -c +1 /dev/null /dev/null; '
    'for name do command -v "$name" >/dev/null && printf "%s " "$name"; done; '
    f'printf "\\n"; head -c {_MAX_PARAM_BYTES} -- "$file"'
)
_ANSWER = f"{_WORD}\n==> /dev/null <==\n\n==> /dev/null <==\n".encode()


class Device:
    """A device at the other end of a connection."""

    def __init__(self, connection: Connection, settings: Settings) -> None:
        self.host = connection.host
        self._connection = connection
        self._settings = settings
        self._has_shell = False
        self._programs: list[str] = []
        self._param = b""
        self._greet()

    def _greet(self) -> None:
        """Ask all that a shell can tell in one command; one that prints other text is not used."""
        path = f"{self._settings.params.rstrip('/')}/DongleId"
        programs = [words[0] for words in COMPRESSORS.values()]
        try:
            answer = self._connection.run(["sh", "-c", _GREETING, "sh", _WORD, path, *programs])
        except ConnectionLostError:
            if not self._connection.is_alive:
                raise
        else:
            self._has_shell = answer.stdout.startswith(_ANSWER)
            if self._has_shell:
                found, _, self._param = answer.stdout[len(_ANSWER) :].partition(b"\n")
                self._programs = found.decode(errors="replace").split()
                return
        self._param = self._read_by_sftp(path)

    def _read_by_sftp(self, path: str) -> bytes:
        try:
            with (
                lost_connections(self.host),
                remote_files(self._connection, path),
                self._connection.sftp().open(path, "rb") as file,
            ):
                return file.read(_MAX_PARAM_BYTES)
        except ConnectionLostError:
            raise
        except RemoteError:
            return b""

    @property
    def dongle_id(self) -> str | None:
        """The dongle id of its parameters, None if there is none that is one."""
        return parse_dongle_id(self._param.decode("ascii", errors="replace").strip())

    def find_logs(self) -> Listing:
        """List its logs.

        Raises:
            RemoteError: If it has no folder of logs, or does not tell what is in it.
        """
        return listing.find_logs(self._connection, self._settings.logs, has_shell=self._has_shell)

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

    def read_sums(self, logs: Sequence[RemoteLog]) -> Iterator[str | RemoteError]:
        """Yield the SHA-256 of each log in hex, or why there is none.

        Raises:
            ConnectionLostError: If the device goes away.
        """
        if not self._has_shell:
            for log in logs:
                problem = f"{log.path!r} can't be verified: the device runs no commands"
                yield RemoteError(self.host.name, problem)
            return
        requests = [(log, 0) for log in logs]
        with open_batch(self._connection, requests, start="", with_sums=True) as batch:
            for log in logs:
                try:
                    yield batch.check(log)
                except ConnectionLostError:
                    raise
                except RemoteError as error:
                    yield error

    def has_compressor(self, codec: str) -> bool:
        """Whether it can compress what it sends."""
        return COMPRESSORS[codec][0] in self._programs
