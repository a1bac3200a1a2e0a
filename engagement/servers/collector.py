"""Makes the jobs that collect from servers, one a device or route; they share a pace of calls."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engagement.collect.report import DeviceReport
from engagement.errors import RemoteError
from engagement.servers.api import Api
from engagement.servers.calls import A_MINUTE, Calls
from engagement.servers.client import Client
from engagement.servers.job import ServerJob
from engagement.servers.known import find_server
from engagement.servers.routes import list_devices
from engagement.servers.tokens import find_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from engagement.collect.collect_options import CollectOptions
    from engagement.collect.pace import Rate, Stop
    from engagement.collect.report import Progress
    from engagement.servers.addresses import Address
    from engagement.servers.known import Server
    from engagement.servers.tokens import Token

_MAX_CONNECTIONS = 40  # of all jobs of a run


@dataclass(frozen=True, slots=True)
class ServerSource:
    """An address, the server that is meant, and the token for it."""

    address: Address
    server: Server
    token: Token | None


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What the command line says about servers.

    Attributes:
        server: A name of config/collect.toml, or an address; None for the one of an address.
        token_file: The file with the token.
        request_upload: Ask devices for rlogs that are not on the server.
        calls_a_minute: For the files of a route.
    """

    server: str | None = None
    token_file: Path | None = None
    request_upload: bool = False
    calls_a_minute: int = A_MINUTE


def find_sources(
    addresses: Sequence[Address], options: ServerOptions, settings: CollectOptions
) -> list[ServerSource]:
    """Find the servers of addresses, and the tokens.

    Raises:
        InputError: If a server or a token can't be used.
    """
    sources = []
    for address in addresses:
        server = find_server(options.server, address.site, settings.settings.servers)
        token = find_token(
            options.token_file,
            setting=server.token_file,
            has_openpilot_tools=server.has_openpilot_tools,
        )
        sources.append(ServerSource(address, server, token))
    return sources


@dataclass(frozen=True, slots=True)
class _Failed:
    """A job that could not be begun."""

    report: DeviceReport

    def run(self) -> DeviceReport:
        """Report it."""
        return self.report


class Collection:
    """What all jobs of a run share: connections, and the pace of calls."""

    def __init__(
        self,
        folder: Path,
        options: CollectOptions,
        server_options: ServerOptions,
        *,
        stop: Stop,
        rate: Rate,
        show: Callable[[Progress], None],
    ) -> None:
        self._folder = folder
        self._options = options
        self._server_options = server_options
        self._stop = stop
        self._rate = rate
        self._show = show
        self._calls = Calls(stop, a_minute=server_options.calls_a_minute)
        self._client = Client(options.timeouts.silence_s, _MAX_CONNECTIONS)
        self._cutting = ExitStack()
        self._cutting.enter_context(stop.cutting(self._client))

    def close(self) -> None:
        """Close the connections."""
        self._cutting.close()
        self._client.end()

    def jobs(self, sources: Sequence[ServerSource]) -> Iterator[ServerJob | _Failed]:
        """A job for each address, of an account for each of its devices."""
        for source in sources:
            if source.address.dongle_id:
                yield self._job(source)
                continue
            try:
                dongle_ids = list_devices(self._api(source))
            except RemoteError as error:
                yield _Failed(DeviceReport(source.address.text, problem=error.problem))
                continue
            if not dongle_ids:
                problem = "the account has no devices"
                yield _Failed(DeviceReport(source.address.text, problem=problem))
            for dongle_id in dongle_ids:
                address = replace(
                    source.address, text=f"{source.address.text}:{dongle_id}", dongle_id=dongle_id
                )
                yield self._job(replace(source, address=address))

    def _api(self, source: ServerSource) -> Api:
        return Api(source.server, source.token, self._client, self._options.patience, self._stop)

    def _job(self, source: ServerSource) -> ServerJob:
        wanted = self._options.wanted
        if source.address.kind in ("rlog", "qlog", "both"):
            wanted = replace(wanted, kind=source.address.kind)  # type: ignore[arg-type]
        return ServerJob(
            source.address,
            self._api(source),
            self._calls,
            self._client,
            self._folder,
            replace(self._options, wanted=wanted),
            stop=self._stop,
            rate=self._rate,
            show=self._show,
            request_upload=self._server_options.request_upload,
        )
