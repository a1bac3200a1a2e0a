"""An answer to a GET: encoded once per generation, compressed, and not sent twice.

What a URL answers depends on nothing but the generation of the database, so the generation is the
ETag of everything, and keeps the newest answers as bytes. The ETag is weak, as an answer may be
compressed on its way.
"""

from __future__ import annotations

import gzip
import threading
from collections import OrderedDict
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from litestar import Request

    from engagement.store.serving import Generation

JSON = "application/json"
HTML = "text/html"

_KEPT_BYTES = 32 << 20
_COMPRESS_FROM_BYTES = 1024
_GZIP_LEVEL = 5
_ENCODER = msgspec.json.Encoder()
_VERSION = version("engagement")

_Key = tuple[str, bool]  # an address, and whether its answer is packed


class _Kept:
    """The answers last asked for, as much as fits; who asks for the same waits for the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[_Key, bytes] = OrderedDict()
        self._makers: dict[_Key, threading.Lock] = {}
        self._n_bytes = 0

    def get(self, key: _Key, make: Callable[[], bytes]) -> bytes:
        """The answer of a key, made if need be."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
            maker = self._makers.setdefault(key, threading.Lock())
        with maker:
            with self._lock:
                if key in self._answers:
                    return self._answers[key]
            try:
                body = make()
            finally:
                with self._lock:
                    self._makers.pop(key, None)
            self._keep(key, body)
            return body

    def _keep(self, key: _Key, body: bytes) -> None:
        with self._lock:
            if key not in self._answers and len(body) < _KEPT_BYTES // 4:
                self._answers[key] = body
                self._n_bytes += len(body) + len(key[0])
            while self._n_bytes > _KEPT_BYTES:
                old_key, old = self._answers.popitem(last=False)
                self._n_bytes -= len(old) + len(old_key[0])


def etag(generation: Generation) -> str:
    """Names the generation, and the program, as both decide what an answer looks like."""
    published_us = int(generation.published_at_utc.timestamp() * 1e6)
    return f'W/"{generation.number:x}-{published_us:x}-{_VERSION}"'


def is_known(request: Request[Any, Any, Any], generation: Generation) -> bool:
    """Whether the client has this generation's answer already."""
    sent = request.headers.get("if-none-match", "")
    known = {tag.strip().removeprefix("W/") for tag in sent.split(",")}
    return bool(known & {etag(generation).removeprefix("W/"), "*"})


def respond(
    request: Request[Any, Any, Any],
    generation: Generation,
    make: Callable[[], object],
    *,
    media_type: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> Response[bytes]:
    """Answer with what `make` gives, unless the client has it.

    Call it when the request is known to be sound, as `make` may not be called at all.

    Args:
        request: What is answered; its path and query name the answer.
        generation: What the answer is read from.
        make: Gives bytes or text as they are to be sent, anything else is sent as JSON.
        media_type: Of the answer.
        headers: To send with it.
    """
    sent = {"etag": etag(generation), "vary": "accept-encoding", **(headers or {})}
    if is_known(request, generation):
        return Response(b"", status_code=HTTPStatus.NOT_MODIFIED, headers=sent)
    is_gzip = "gzip" in request.headers.get("accept-encoding", "")
    url = f"{request.url.path}?{request.url.query}"
    kept = generation.once("answers", _Kept)

    def plain() -> bytes:
        return kept.get((url, False), lambda: _encode(make()))

    def packed() -> bytes:
        body = plain()
        return body if len(body) < _COMPRESS_FROM_BYTES else gzip.compress(body, _GZIP_LEVEL)

    body = kept.get((url, True), packed) if is_gzip else plain()
    if body[:2] == b"\x1f\x8b":
        sent["content-encoding"] = "gzip"
    return Response(body, media_type=media_type, headers=sent)


def _encode(answer: object) -> bytes:
    if isinstance(answer, bytes):
        return answer
    return answer.encode() if isinstance(answer, str) else _ENCODER.encode(answer)
