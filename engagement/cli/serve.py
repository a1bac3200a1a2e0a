"""`engagement serve`: the API and the dashboard over HTTP."""

from __future__ import annotations

import signal
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar, cast

import click
import uvicorn

from engagement.api.app import create_app
from engagement.api.clients import Addresses
from engagement.api.connections import connections
from engagement.api.pages.assets import has_plots
from engagement.api.settings import ConnectionLimits, Settings, is_loopback, read_tokens
from engagement.cli import render
from engagement.cli.mcp import assistants
from engagement.cli.options import FILE, ByteSize, database_option
from engagement.cli.signals import signals_by
from engagement.errors import InputError, reason_of
from engagement.store.lake_file import refuse_lake
from engagement.store.serving import Limits
from engagement.units import UNITS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engagement.api.app import Mounted
    from engagement.store.serving import Publication

    Mount = Callable[[Publication], Mounted]
    Function = TypeVar("Function", bound=Callable[..., Any])

_ANY = click.Path(dir_okay=False, allow_dash=True, path_type=Path)
LAG_S = 2.0  # time to make the common answers of a newer generation
_SECONDS_TO_FINISH = 3
_BACKLOG = 2048
_SWITCH_S = 0.0005


class Networks(click.ParamType):  # type: ignore[type-arg]
    """Addresses of machines, with commas."""

    name = "addresses"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Addresses:
        """Parse the text."""
        try:
            return value if isinstance(value, Addresses) else Addresses.parse(value)
        except ValueError as error:
            self.fail(f"{error}; write them like 127.0.0.1,172.16.0.0/12", param, ctx)


def _option(name: str, *names: str, **attributes: Any) -> Callable[[Function], Function]:
    """An option that the environment can give too: --time-limit is ENGAGEMENT_TIME_LIMIT."""
    variable = "ENGAGEMENT_" + name.removeprefix("--").replace("-", "_").upper()
    return click.option(name, *names, envvar=variable, show_envvar=True, **attributes)


@click.command()
@database_option
@_option("--host", default="127.0.0.1", metavar="ADDRESS", help="Where to listen.")
@_option("--port", type=click.IntRange(0, 65535), default=8000, help="0 takes any free one.")
@_option("--token-file", type=FILE, metavar="FILE", help="Tokens that let clients in, one a line.")
@_option("--public", is_flag=True, help="Let anybody in, also from other machines.")
@_option(
    "--allowed-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="A name that the server goes by, besides localhost and addresses; * for any.",
)
@_option(
    "--cors-origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="A site whose pages may read the answers, as https://example.org.",
)
@_option(
    "--old-cors",
    is_flag=True,
    help="Let pages of any site read what the old server's addresses answer, as it did.",
)
@_option("--mcp", is_flag=True, help="Answer assistants at /mcp; needs --token-file.")
@_option(
    "--allow-labels",
    is_flag=True,
    help="Let who may read label events, too, here alone or with a token.",
)
@_option(
    "--trusted-proxy",
    "proxies",
    type=Networks(),
    default="127.0.0.1,::1",
    metavar="ADDRESSES",
    help="Who says in X-Forwarded-For for whom it asks; networks too, with commas.",
)
@_option(
    "--units",
    type=click.Choice(list(UNITS)),
    help="Of pages, for who chooses none there.  [default: what the devices are set to, where they "
    "agree, else metric]",
)
@_option(
    "--access-log", type=_ANY, metavar="FILE", help="Add a line of JSON per request; - for stdout."
)
@_option(
    "--rate",
    type=click.FloatRange(0, 1e6),
    default=300.0,
    metavar="N",
    help="Requests a second that one client may make; 0 for any number.",
)
@_option(
    "--connections",
    "n_connections",
    type=click.IntRange(1, 100_000),
    default=500,
    metavar="N",
    help="That there may be at once; a new one takes the place of one that waits.",
)
@_option(
    "--connections-per-client",
    "n_per_client",
    type=click.IntRange(1, 100_000),
    default=64,
    metavar="N",
    help="That one client may have, but for trusted proxies.",
)
@_option(
    "--time-limit",
    type=click.FloatRange(0.1, 3600),
    default=10.0,
    metavar="SECONDS",
    help="For all queries of one request.",
)
@_option(
    "--memory-limit", type=ByteSize(), default="512MB", metavar="SIZE", help="For all queries."
)
@_option(
    "--download-limit",
    type=ByteSize(),
    default="512MiB",
    metavar="SIZE",
    help="Of one file of rows; the temporary folder has to hold twice as much.",
)
def serve(
    *,
    database: Path,
    host: str,
    port: int,
    token_file: Path | None,
    public: bool,
    hosts: Sequence[str],
    origins: Sequence[str],
    old_cors: bool,
    mcp: bool,
    allow_labels: bool,
    proxies: Addresses,
    access_log: Path | None,
    units: str | None,
    rate: float,
    n_connections: int,
    n_per_client: int,
    time_limit: float,
    memory_limit: int,
    download_limit: int,
) -> None:
    """Serve the views over HTTP, and pages to look at them.

    Nothing is written but labels, with --allow-labels. What an ingest publishes is there two
    seconds later at most; the database may also come later than the server. Other machines can
    reach it only with --token-file or --public. Where an option may be given more than once, its
    variable has spaces between the values.

    \b
    Example:
      engagement serve
      engagement serve --host 0.0.0.0 --token-file tokens.txt --allowed-host drives.example.org
    """
    if not (is_loopback(host) or token_file or public):
        raise InputError(
            f"--host {host}: other machines could read everything; "
            "ask for tokens with --token-file, or say that you want it with --public"
        )
    if allow_labels and not (is_loopback(host) or token_file):
        raise InputError(
            "--allow-labels: others may label events only with a token; see --token-file"
        )
    if mcp and not token_file:
        raise InputError("--mcp: assistants may ask only with a token; see --token-file")
    mount = assistants("http").mount if mcp else None
    with ExitStack() as stack:
        settings = Settings(
            limits=Limits(memory_limit=f"{memory_limit}B", time_limit_s=time_limit),
            connections=ConnectionLimits(n_connections, n_per_client, proxies),
            token_hashes=read_tokens(token_file) if token_file else frozenset(),
            hosts=frozenset(name.lower() for name in (*hosts, host)),
            cors_origins=frozenset(origin.rstrip("/") for origin in origins),
            has_old_cors=old_cors,
            download_bytes=download_limit,
            unsent_bytes=2 * download_limit,
            requests_per_s=rate,
            burst=max(int(2 * rate), 1),
            access_log=_open_log(stack, access_log),
            lag_s=LAG_S,
            allow_labels=allow_labels,
            units=units,
        )
        listener = stack.enter_context(listen(host, port))
        if not (is_loopback(host) or token_file):
            render.note(
                "anybody who can reach this machine can read every drive and where it was: there "
                "is no --token-file"
            )
        run(database, listener, settings, mount)


def address_of(listener: socket.socket) -> str:
    """The URL of what answers there."""
    address, port = listener.getsockname()[:2]
    return f"http://[{address}]:{port}/" if ":" in address else f"http://{address}:{port}/"


def run(
    database: Path, listener: socket.socket, settings: Settings, mount: Mount | None = None
) -> None:
    """Serve until Ctrl-C, and say where."""
    refuse_lake(database, "what is served is")
    # A thread that computes gives way to the event loop this often: by default ten times as seldom,
    # and a small answer waits for that several times.
    sys.setswitchinterval(_SWITCH_S)
    is_over, server = False, None

    def end(_signal: int, _frame: object) -> None:
        """Take a Ctrl-C until uvicorn does: an exception could get lost in what starts there."""
        nonlocal is_over
        is_over = True
        if server is not None:
            server.should_exit = True

    with signals_by(end, signal.SIGINT):
        render.note(f"serving {database} at {address_of(listener)} until Ctrl-C")
        if not database.exists():
            render.note("there is no such database yet; answers come once it is published")
        if not has_plots():
            render.note("pages have no plots: their library is missing; in a checkout, `make web`")
        server = make_server(database, settings, mount)
        if not is_over:
            server.run(sockets=[listener])


def make_server(database: Path, settings: Settings, mount: Mount | None = None) -> uvicorn.Server:
    """The server of a database; it is yet to run."""
    config = uvicorn.Config(
        create_app(database, settings=settings, mount=mount),
        access_log=False,
        forwarded_allow_ips=settings.connections.proxies.spellings(),
        # uvicorn takes whatever makes protocols, but says that it wants a class.
        http=cast("Any", connections(settings.connections)),
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
        ws="none",
    )
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A socket that clients can connect to.

    Raises:
        InputError: If there is none to be had there.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        # Of its protocol by name: asyncio turns Nagle's algorithm off for no other, and with it a
        # client waits 40 ms for the second packet of an answer.
        listener = socket.socket(family, kind, protocol or socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        problem = reason_of(error)
        raise InputError(f"--host {host} --port {port}: can't listen there: {problem}") from error
    return listener


def _open_log(stack: ExitStack, path: Path | None) -> TextIO | None:
    if path is None:
        return None
    if str(path) == "-":
        return sys.stdout
    return stack.enter_context(path.open("a", encoding="utf-8"))
