"""Asks a server's API, and says in words what it refuses.

What may pass is tried again: a cut connection, 500, 502, 503, 504, and 429 after the time that the
server asks for. A redirect is followed within the server alone, as the token would go along.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

import httpx
import msgspec

from engagement.collect.faults import GoneError
from engagement.errors import ConnectionLostError, RemoteError

if TYPE_CHECKING:
    from engagement.collect.pace import Patience, Stop
    from engagement.servers.client import Client
    from engagement.servers.known import Server
    from engagement.servers.tokens import Token

_MAX_BYTES = 64 << 20  # of an answer; one of a year's routes has about 5 MB
_MAX_REDIRECTS = 3
_MAX_WAIT_S = 300.0  # that a server may ask for
_TRY_AGAIN = {500, 502, 503, 504}
_TOO_MANY = 429
_MAX_SAID = 200
_Kind = TypeVar("_Kind")


class DeniedError(RemoteError):
    """The server does not let in whoever asks."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: httpx.Headers
    body: bytes


class Api:
    """A server's API."""

    def __init__(
        self,
        server: Server,
        token: Token | None,
        client: Client,
        patience: Patience,
        stop: Stop,
        *,
        scheme: str = "JWT",
    ) -> None:
        self.server = server
        self.token = token
        self._scheme = scheme
        self.n_retries = 0
        self._client = client
        self._patience = patience
        self._stop = stop

    def get(self, path: str, kind: type[_Kind], **parameters: str | int) -> _Kind:
        """Ask for a document of a type.

        Raises:
            DeniedError: If the token is missing, no longer good, or for others.
            GoneError: If there is no such thing.
            ConnectionLostError: If it could not be reached, often enough.
            RemoteError: If it refuses otherwise, or answers what it should not.
        """
        body = self._ask("GET", f"{self.server.api}/{path}", parameters=parameters)
        return self._decode(body, kind, path)

    def post(self, url: str, document: dict[str, Any], kind: type[_Kind]) -> _Kind:
        """Send a document; errors as in `get`."""
        return self._decode(self._ask("POST", url, document=document), kind, urlsplit(url).path)

    def _ask(
        self,
        method: str,
        url: str,
        *,
        parameters: dict[str, str | int] | None = None,
        document: dict[str, Any] | None = None,
    ) -> bytes:
        """Ask until there is an answer, or several attempts have had none."""
        attempt = 0
        while True:
            attempt += 1
            problem, wait_s = "", self._patience.wait_s(attempt)
            try:
                answer = self._request(method, url, parameters, document)
            except httpx.HTTPError as error:
                problem = said(error)
            else:
                if answer.status == _TOO_MANY:
                    wait_s = retry_after_s(answer.headers) or wait_s
                    problem = f"too many requests (429); it asks to wait {wait_s:.0f} s"
                elif answer.status not in _TRY_AGAIN:
                    return self._body_of(answer, url)
                else:
                    problem = f"the server has a problem ({answer.status})"
            if attempt > self._patience.retries or self._stop.is_set or wait_s > _MAX_WAIT_S:
                raise ConnectionLostError(self.server.name, problem)
            if self._stop.wait(wait_s):
                raise ConnectionLostError(self.server.name, "stopped")
            self.n_retries += 1

    def _request(
        self,
        method: str,
        url: str,
        parameters: dict[str, str | int] | None,
        document: dict[str, Any] | None,
    ) -> _Answer:
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"{self._scheme} {self.token.text}"
        for _ in range(_MAX_REDIRECTS + 1):
            with self._client.stream(
                method, url, params=parameters or None, json=document, headers=headers
            ) as response:
                if response.is_redirect:
                    url = self._redirected(response)
                    parameters = None
                    continue
                return _Answer(response.status_code, response.headers, self._read(response))
        raise RemoteError(self.server.name, "it redirects in circles")

    def _read(self, response: httpx.Response) -> bytes:
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > _MAX_BYTES:
                raise RemoteError(self.server.name, f"an answer has over {_MAX_BYTES >> 20} MB")
        return bytes(body)

    def _redirected(self, response: httpx.Response) -> str:
        """Where a redirect within the server leads."""
        here = response.request.url
        try:
            there = here.join(response.headers.get("location", ""))
        except httpx.InvalidURL:
            there = here.copy_with(host="an invalid address")
        if (there.scheme, there.host, there.port) != (here.scheme, here.host, here.port):
            problem = f"it redirects to {there.host!r}; the token is not sent there"
            raise RemoteError(self.server.name, problem)
        return str(there)

    def _body_of(self, answer: _Answer, url: str) -> bytes:
        """The body of an answer that is no error."""
        path, name = unquote(urlsplit(url).path), self.server.name
        if answer.status < 300:  # noqa: PLR2004
            return answer.body
        if answer.status in (401, 403):
            raise DeniedError(name, self._denial(answer.status))
        if answer.status in (404, 410):
            raise GoneError(name, f"there is no {path!r} ({answer.status})")
        detail = _detail(answer.body)
        raise RemoteError(name, f"it refuses {path!r} ({answer.status}){detail}")

    def _denial(self, status: int) -> str:
        """Why the server may not let us in."""
        token = self.token
        if token is None:
            return f"it asks for a token ({status}); docs/collect.md says where one comes from"
        if token.is_expired:
            return f"the token from {token.source} expired on {token.expires_at_utc:%Y-%m-%d}"
        return f"the token from {token.source} does not open this ({status})"

    def _decode(self, body: bytes, kind: type[_Kind], path: str) -> _Kind:
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            problem = f"what it answers to {path!r} can't be understood: {error}"
            raise RemoteError(self.server.name, problem) from error


def retry_after_s(headers: httpx.Headers) -> float | None:
    """The seconds that a server asks to wait, if it says them so."""
    text = headers.get("retry-after", "")
    return float(text) if re.fullmatch(r"[0-9]{1,6}", text) else None


def said(error: httpx.HTTPError) -> str:
    """What is wrong with a connection, without the address, which may be signed."""
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    if isinstance(error, httpx.ConnectError):
        text = str(error).partition("] ")[2] or str(error)
        return f"can't be reached: {text.lower()}" if text else "can't be reached"
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError):
        return "the connection was cut"
    return f"the connection failed: {type(error).__name__}"


def _detail(body: bytes) -> str:
    """The server's own words, if they are few."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    words = found.get("description") or found.get("error") if isinstance(found, dict) else None
    return f": {words[:_MAX_SAID]}" if isinstance(words, str) else ""
