"""Brings one log: tries again what may pass, asks again for an address that is no longer good."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engagement.collect.faults import BusyError, ChangedError, GoneError, InTheWayError
from engagement.collect.transfer import Transfer, fetch, offset_of, part_of
from engagement.errors import ConnectionLostError, RemoteError
from engagement.servers.api import DeniedError
from engagement.servers.download import ShorterError, WaitError, has_whole_end, open_download

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engagement.collect.collect_options import CollectOptions
    from engagement.collect.finishing import Whole
    from engagement.collect.pace import Rate, Stop
    from engagement.servers.api import Api
    from engagement.servers.calls import Calls
    from engagement.servers.client import Client
    from engagement.servers.download import Download
    from engagement.servers.routes import FoundLog, Route

_MAX_RENEWALS = 2
_MAX_WAIT_S = 300.0  # that a server may ask for


@dataclass(slots=True)
class Brought:
    """What became of a log; with nothing set it was left, as all was stopped."""

    name: str
    whole: Whole | None = None
    error: RemoteError | OSError | None = None
    n_retries: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Bringer:
    """What all downloads of a job share; `bring` may run in several threads."""

    client: Client
    api: Api
    calls: Calls
    options: CollectOptions
    stop: Stop
    rate: Rate
    on_bytes: Callable[[str, int], None]

    def bring(self, found: FoundLog, target: Path, route: Route) -> Brought:
        """Bring a log into its `.part` file, which then is to be finished."""
        brought = Brought(found.log.path)
        try:
            brought.whole = self._insist(found, target, route, brought)
        except (GoneError, BusyError, InTheWayError, OSError) as error:
            brought.error = error
        except RemoteError as error:
            brought.error = None if self.stop.is_set else error
        return brought

    def _insist(
        self, found: FoundLog, target: Path, route: Route, brought: Brought
    ) -> Whole | None:
        """Try until it is here, or several attempts have brought nothing."""
        patience, attempt, n_renewals, had_bad_end = self.options.patience, 0, 0, False
        while not self.stop.is_set:
            before = _part_bytes(found, target)
            try:
                whole = self._fetch(found, target)
            except DeniedError:
                url = self.calls.renewed(self.api, route, found.log.name, found.url)
                n_renewals += 1
                if url is None or n_renewals > _MAX_RENEWALS:
                    raise
                found = replace(found, url=url)
            except (ConnectionLostError, ChangedError) as error:
                attempt = attempt + 1 if before == _part_bytes(found, target) else 1
                wait_s = patience.wait_s(attempt)
                if isinstance(error, WaitError) and error.wait_s is not None:
                    wait_s = error.wait_s
                if attempt > patience.retries or wait_s > _MAX_WAIT_S:
                    raise
                self.stop.wait(wait_s)
                brought.n_retries += 1
            else:
                if has_whole_end(whole.file, found.log.suffix):
                    return whole
                if had_bad_end:
                    brought.notes.append(f"{found.log.path}: its end is damaged there, too")
                    return whole
                had_bad_end = True
                whole.drop()
        return None

    def _fetch(self, found: FoundLog, target: Path) -> Whole:
        """Fetch a log from where an interrupted transfer left it."""
        begin = _part_bytes(found, target)
        # One byte more is asked for than is missing, as nothing can't be asked for.
        for offset in (begin - 1, 0) if begin else (0,):
            with suppress(ShorterError):
                whole = self._fetch_from(found, target, offset)
                if whole:
                    return whole
        raise ChangedError(self.api.server.name, "another part comes than is asked for")

    def _fetch_from(self, found: FoundLog, target: Path, offset: int) -> Whole | None:
        """Fetch a log from a byte on; None if what is here before it is of another file."""
        name = self.api.server.name
        with open_download(self.client, found.url, name, offset=offset) as download:
            transfer = _transfer(found, target, download)
            if offset_of(transfer) < download.offset:
                return None
            return fetch(
                download,
                transfer,
                name,
                rate=self.rate,
                verify=False,
                on_bytes=lambda n_bytes: self.on_bytes(found.log.name, n_bytes),
            )


def _part_bytes(found: FoundLog, target: Path) -> int:
    """The bytes of an interrupted transfer."""
    try:
        return part_of(Transfer(found.log, target)).lstat().st_size
    except OSError:
        return 0


def _transfer(found: FoundLog, target: Path, download: Download) -> Transfer:
    """The transfer of a log, with the size and time that its download says."""
    mtime_ns = found.log.mtime_ns if download.mtime_ns is None else download.mtime_ns
    log = replace(found.log, size_bytes=download.size_bytes, mtime_ns=mtime_ns)
    return Transfer(log, target)
