"""What every request passes on its way in, and every answer on its way out.

It is around the router, so that a request for an unknown path is checked, counted and logged too.
Litestar's own middleware (allowed hosts, authentication, rate limit, logging, Prometheus) runs only
for paths that have a handler. What else the library's lacks, each piece here says.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import json
import math
import re
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import HttpMethod, ScopeType

from engagement.api.clients import RateLimit, Turns, client_group
from engagement.api.problems import MEDIA_TYPE, Problem, problem
from engagement.api.settings import hash_token
from engagement.store.limits import deadline_for_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

    from engagement.api.metrics import Metrics
    from engagement.api.settings import Settings

# A page may load nothing from other sites, and has scripts and styles only in files.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self'; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_SECURITY_HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_OLD_ADDRESSES = re.compile(
    r"/health|/devices(/[^/]+)?|/stats|/stats_mod|/api/compare|/api/total_stats"
    r"|/api/drive-stats/export|/total_stats(/style[1-4])?"
)
MAX_BODY_BYTES = 1 << 16
_MAX_URL_LENGTH = 8192
_OPEN_TO_ALL = frozenset({"/health", "/ready"})
_COST_NOTHING = ("/health", "/ready", "/static/", "/vendor/", "/favicon.ico")
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?")


class Middleware:
    """Checks each request, limits the time for it, and completes, counts and logs its answer.

    HEAD is answered as GET without the body, which Litestar does not do by itself.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._rate = RateLimit(settings.requests_per_s, settings.burst)
        self._turns = Turns(settings.n_at_once, settings.n_per_client, settings.n_alone)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send, self._settings)
        self._metrics.begin()
        try:
            await self._answer(scope, receive, exchange)
        finally:
            self._end(scope, exchange)

    async def _answer(self, scope: HTTPScope, receive: Receive, exchange: _Exchange) -> None:
        refusal, headers = self._refusal(scope, exchange.headers)
        if refusal is not None:
            await _send_problem(exchange, refusal, headers)
        elif exchange.is_preflight:
            await _send(exchange, HTTPStatus.NO_CONTENT, b"", _PREFLIGHT)
        else:
            if exchange.is_head:
                scope["method"] = HttpMethod.GET
            await self._in_turn(scope, receive, exchange)

    async def _in_turn(self, scope: HTTPScope, receive: Receive, exchange: _Exchange) -> None:
        """Let the application answer when it is the client's turn, which ends with the first byte.

        Without that, the queries of one client would take all threads and cores.
        """
        limit_s = self._settings.limits.time_limit_s
        if scope["path"].startswith(_COST_NOTHING):
            await self._app(scope, receive, exchange.send)
            return
        client = self._client(scope, exchange.headers)
        if not await self._turns.take(client, limit_s):
            detail = "you have asked for more at once than could be answered in time; ask again"
            refusal = problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, kind="server-busy")
            await _send_problem(exchange, refusal, {"retry-after": "5"})
            return
        started_s = time.monotonic()

        def give_back() -> None:
            self._turns.give_back(client, time.monotonic() - started_s)

        with ExitStack() as turn:
            turn.callback(give_back)
            exchange.at_start = turn.close
            with deadline_for_all(limit_s):
                await self._app(scope, receive, exchange.send)

    def _client(self, scope: HTTPScope, headers: Headers) -> str:
        """Who shares turns: all who have a token, or else an address."""
        if self._settings.token_hashes:
            return hash_token(_token(headers.get("authorization", ""))).hex()
        client = scope.get("client")
        return client_group(client[0] if client else "")

    def _refusal(self, scope: HTTPScope, headers: Headers) -> tuple[Problem | None, dict[str, str]]:
        """The problem for which a request is refused, and headers for it; None to let it in."""
        if not is_known_host(headers.get("host", ""), self._settings.hosts):
            detail = "the Host header names another server; see `engagement serve --allowed-host`"
            return problem(HTTPStatus.BAD_REQUEST, detail, kind="unknown-host"), {}
        client = scope.get("client")
        wait_s = self._rate.wait_s(client[0] if client else "")
        if wait_s:
            detail = f"no more than {self._settings.requests_per_s:g} requests a second"
            refusal = problem(HTTPStatus.TOO_MANY_REQUESTS, detail)
            return refusal, {"retry-after": str(math.ceil(wait_s))}
        if _length(headers) > MAX_BODY_BYTES:
            detail = f"no body here has more than {MAX_BODY_BYTES} bytes"
            return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail), {"connection": "close"}
        if len(scope["raw_path"]) + len(scope["query_string"]) > _MAX_URL_LENGTH:
            detail = f"the address has more than {_MAX_URL_LENGTH} letters"
            return problem(HTTPStatus.REQUEST_URI_TOO_LONG, detail), {}
        if self._needs_token(scope) and not has_token(
            headers.get("authorization", ""), self._settings.token_hashes
        ):
            detail = "send a token as `Authorization: Bearer TOKEN`, or as the password"
            challenge = 'Bearer realm="engagement", Basic realm="engagement", charset="UTF-8"'
            return problem(HTTPStatus.UNAUTHORIZED, detail), {"www-authenticate": challenge}
        return None, {}

    def _needs_token(self, scope: HTTPScope) -> bool:
        if not self._settings.token_hashes or scope["path"] in _OPEN_TO_ALL:
            return False
        return scope["method"] != "OPTIONS"

    def _end(self, scope: HTTPScope, exchange: _Exchange) -> None:
        duration_s = time.perf_counter() - exchange.started_s
        route = scope.get("path_template") or "unmatched"
        self._metrics.end(exchange.method, route, exchange.status, duration_s)
        log = self._settings.access_log
        if log is None:
            return
        client = scope.get("client")
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "client": client[0] if client else None,
            "method": exchange.method,
            "path": scope["path"],
            "query": exchange.query,
            "status": exchange.status,
            "size_bytes": exchange.n_bytes,
            "duration_ms": round(duration_s * 1000, 3),
            "user_agent": exchange.headers.get("user-agent"),
        }
        with suppress(OSError):  # a full disk or a closed pipe must not fail the request
            log.write(json.dumps(line) + "\n")
            log.flush()


def is_known_host(header: str, names: frozenset[str]) -> bool:
    """Whether a Host header names this server: an address, localhost, or one of its names.

    A foreign page can let its own host name resolve to this server, and then read the answers in
    its visitors' browsers (DNS rebinding); it can't do so with an address. Litestar's allowed
    hosts can't allow every address.
    """
    match = _HOST.fullmatch(header)
    if match is None:
        return False
    host = match[1].strip("[]").lower().rstrip(".")
    if host == "localhost" or "*" in names or host in names:
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def has_token(authorization: str, token_hashes: frozenset[bytes]) -> bool:
    """Whether an Authorization header has a token: as Bearer, or as the password of Basic.

    It takes the same time for every token, valid or not.
    """
    given = hash_token(_token(authorization))
    matches = [hmac.compare_digest(given, known) for known in token_hashes]
    return any(matches)


def _token(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        decoded = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return decoded.partition(":")[2]


class _Exchange:
    """A request and what has been sent for it.

    Litestar's CORS replaces `vary` in an answer, and leaves it out for other sites: a cache would
    give one site's answer to another.
    """

    def __init__(self, scope: HTTPScope, send: Send, settings: Settings) -> None:
        self._send = send
        self._settings = settings
        self.headers = Headers.from_scope(scope)
        self.method: str = scope["method"]
        self.query = scope["query_string"].decode("latin-1")
        self.is_head = self.method == "HEAD"
        self.origin = self.headers.get("origin", "")
        self.is_open = settings.has_old_cors and bool(_OLD_ADDRESSES.fullmatch(scope["path"]))
        self.is_preflight = (
            self.method == "OPTIONS"
            and (self.is_open or self.origin in settings.cors_origins)
            and "access-control-request-method" in self.headers
        )
        self.started_s = time.perf_counter()
        self.at_start: Callable[[], object] | None = None
        self.status = 0
        self.n_bytes = 0

    async def send(self, message: Message) -> None:
        """Send a part of the answer, with the headers that every answer has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.at_start is not None:
                self.at_start()
            self._complete(MutableScopeHeaders.from_message(message))
        elif message["type"] == "http.response.body":
            if self.is_head:
                message["body"] = b""
            self.n_bytes += len(message["body"])
        await self._send(message)

    def _complete(self, headers: MutableScopeHeaders) -> None:
        for name, value in _SECURITY_HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("cache-control", "private, no-cache")
        if self.is_open:
            headers["access-control-allow-origin"] = "*"
            headers["cross-origin-resource-policy"] = "cross-origin"
            return
        if not self._settings.cors_origins:
            return
        headers.extend_header_value("vary", "origin")
        if self.origin in self._settings.cors_origins:
            headers["access-control-allow-origin"] = self.origin
            headers["access-control-expose-headers"] = (
                "etag, engagement-definitions, link, retry-after"
            )
            headers["cross-origin-resource-policy"] = "cross-origin"


_PREFLIGHT = {
    "access-control-allow-methods": "GET, HEAD",
    "access-control-allow-headers": "authorization, if-none-match",
    "access-control-max-age": "600",
}


def _length(headers: Headers) -> int:
    value = headers.get("content-length", "0")
    return int(value) if value.isdecimal() and value.isascii() else 0


async def _send_problem(exchange: _Exchange, refusal: Problem, headers: dict[str, str]) -> None:
    sent = {"content-type": MEDIA_TYPE, "cache-control": "no-store", **headers}
    await _send(exchange, HTTPStatus(refusal.status), msgspec.json.encode(refusal), sent)


async def _send(
    exchange: _Exchange, status: HTTPStatus, body: bytes, headers: dict[str, Any]
) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    if body:
        raw.append((b"content-length", str(len(body)).encode()))
    await exchange.send({"type": "http.response.start", "status": int(status), "headers": raw})
    await exchange.send({"type": "http.response.body", "body": body, "more_body": False})
