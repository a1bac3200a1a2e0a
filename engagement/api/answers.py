"""A cache of answers to GET: computed and compressed once per generation, with an ETag.

The answer of a URL depends only on the generation of the database, so the generation is the ETag of
all answers, and the newest answers are cached as bytes. The ETag is weak, as an answer may be
compressed. An answer about one drive stays valid in the next generation unless the drive's rows
have changed, so a publication does not empty the cache. Litestar's response cache keeps answers
for a time, whatever is published meanwhile, and two requests at once compute the same one twice.
"""

from __future__ import annotations

import gzip
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Response

from engagement.store.cache import SingleFlight
from engagement.store.fingerprints import read_drives

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from litestar import Request

    from engagement.store.fingerprints import Fingerprint
    from engagement.store.serving import Generation

JSON = "application/json"
HTML = "text/html"

_CACHE_BYTES = 64 << 20
_ENTRY_BYTES = 1 << 10  # memory of an empty answer with its attributes
_COMPRESS_FROM_BYTES = 1024
_GZIP_LEVEL = 5
_ENCODER = msgspec.json.Encoder()
_VERSION = version("engagement")

Address = tuple[str, str, str]  # path, query and variant


@dataclass(frozen=True, slots=True)
class OfDrive:
    """How an answer about one drive alone names the generation.

    Attributes:
        drive_id: The drive.
        mark: The part of the answer that names the generation; it is there once, and nothing else
            in it may depend on the generation. By default the `generation` of a JSON object.
    """

    drive_id: int
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    """The answer of an address, plain and, once a client has asked for that, compressed.

    Attributes:
        source: The generation that it was made from; the same object for all of its answers.
        number: Of the generation.
        mark: The part that names the generation.
        fingerprint: Of the drive that it is about; None if it is about more.
    """

    plain: bytes
    source: object
    number: int
    mark: bytes
    fingerprint: Fingerprint | None
    packed: bytes | None = None

    @property
    def n_bytes(self) -> int:
        return len(self.plain) + len(self.packed or b"") + _ENTRY_BYTES


@dataclass(frozen=True, slots=True)
class _Asked:
    """A requested address, and the generation that answers."""

    address: Address
    generation: Generation
    source: object
    of_drive: OfDrive | None

    @property
    def number(self) -> int:
        return self.generation.number

    @property
    def mark(self) -> bytes:
        given = self.of_drive.mark if self.of_drive else None
        return (f'"generation":{self.number},' if given is None else given).encode()

    def fingerprint(self) -> Fingerprint | None:
        if self.of_drive is None:
            return None
        return read_drives(self.generation).fingerprint(self.of_drive.drive_id)

    def answer(self, plain: bytes) -> _Answer:
        return _Answer(plain, self.source, self.number, self.mark, self.fingerprint())


class _AnswerCache:
    """The last used answers, up to a size; of requests for the same answer one computes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights = SingleFlight()
        self._answers: OrderedDict[Address, _Answer] = OrderedDict()
        self._n_bytes = 0
        self._newest = 0
        # Of a generation that is still to answer: they must not take the place of those that do.
        self._ahead: OrderedDict[Address, _Answer] = OrderedDict()
        self._source_ahead: object = None

    def begin_ahead(self, source: object) -> None:
        """Keep the answers with this mark apart until `end_ahead`."""
        with self._lock:
            self._source_ahead = source
            self._ahead.clear()

    def end_ahead(self) -> None:
        """Put the answers that were kept apart in the place of the older ones."""
        with self._lock:
            ahead, self._source_ahead = [*self._ahead.items()], None
            self._ahead.clear()
        for address, answer in reversed(ahead):  # the first ones are those of the last requests
            self._store(address, answer)

    def recent(self, number: int) -> list[Address]:
        """The addresses of a generation's answers, the last used one first."""
        with self._lock:
            answers = [*reversed(self._answers.items())]
        return [address for address, answer in answers if answer.number == number]

    def begin(self, number: int) -> object:
        """A new object that marks the answers of this generation."""
        with self._lock:
            if number <= self._newest:  # the file is another database
                self._answers.clear()
                self._n_bytes = 0
            self._newest = number
        return object()

    def plain(self, asked: _Asked, make: Callable[[], bytes]) -> _Answer:
        """The answer, computed if it is not cached."""
        found = self._find(asked)
        if found is not None:
            return found

        def make_once() -> _Answer:
            answer = self._find(asked)
            if answer is None:
                answer = self._carried(asked) or asked.answer(make())
                self._store(asked.address, answer)
            return answer

        return self._flights.run((asked.address, asked.source), make_once)

    def packed(self, asked: _Asked, make: Callable[[], bytes]) -> bytes:
        """The same, compressed unless it is short."""
        answer = self.plain(asked, make)
        if len(answer.plain) < _COMPRESS_FROM_BYTES:
            return answer.plain
        if answer.packed is not None:
            return answer.packed

        def pack_once() -> bytes:
            found = self._find(asked)
            if found is not None and found.packed is not None:
                return found.packed
            packed = gzip.compress(answer.plain, _GZIP_LEVEL)
            self._store(asked.address, replace(answer, packed=packed))
            return packed

        return self._flights.run((asked.address, asked.source, "packed"), pack_once)

    def _find(self, asked: _Asked) -> _Answer | None:
        with self._lock:
            if asked.source is self._source_ahead:
                return self._ahead.get(asked.address)
            found = self._answers.get(asked.address)
            if found is None or found.source is not asked.source:
                return None
            self._answers.move_to_end(asked.address)
            return found

    def _carried(self, asked: _Asked) -> _Answer | None:
        """The answer of an older generation, if only the generation's number differs."""
        with self._lock:
            found = self._answers.get(asked.address)
        if found is None or found.fingerprint is None or found.number >= asked.number:
            return None
        if found.fingerprint != asked.fingerprint() or found.plain.count(found.mark) != 1:
            return None
        return asked.answer(found.plain.replace(found.mark, asked.mark))

    def _store(self, address: Address, answer: _Answer) -> None:
        if answer.n_bytes > _CACHE_BYTES // 4:
            return
        with self._lock:
            if answer.source is self._source_ahead:
                self._ahead[address] = answer
                return
            known = self._answers.get(address)
            if known is not None and known.number > answer.number:
                return
            self._drop(address)
            self._answers[address] = answer
            self._n_bytes += _n_bytes(address, answer)
            while self._n_bytes > _CACHE_BYTES:
                self._drop(next(iter(self._answers)))

    def _drop(self, address: Address) -> None:
        old = self._answers.pop(address, None)
        if old is not None:
            self._n_bytes -= _n_bytes(address, old)


def _n_bytes(address: Address, answer: _Answer) -> int:
    return answer.n_bytes + sum(map(len, address))


def _cache_of(generation: Generation) -> tuple[_AnswerCache, object]:
    """The cache, and what marks a generation's answers in it.

    One cache is for all generations, so that answers about an unchanged drive stay in it.
    """
    cache = generation.cached_across("answers", _AnswerCache)
    source = generation.cached("source of answers", lambda: cache.begin(generation.number))
    return cache, source


def recent_addresses(generation: Generation, n_most: int) -> list[Address]:
    """What a generation was asked for last, the last one first."""
    return generation.cached_across("answers", _AnswerCache).recent(generation.number)[:n_most]


def begin_ahead(generation: Generation) -> None:
    """Have a generation's answers made before it is asked for them; `end_ahead` must follow."""
    cache, source = _cache_of(generation)
    cache.begin_ahead(source)


def end_ahead(generation: Generation) -> None:
    """Give the answers that were made ahead from now on."""
    _cache_of(generation)[0].end_ahead()


def etag(generation: Generation, variant: str = "") -> str:
    """Names the generation, the program's version and the variant: they decide an answer."""
    published_us = int(generation.published_at_utc.timestamp() * 1e6)
    return f'W/"{generation.number:x}-{published_us:x}-{_VERSION}{variant and "-"}{variant}"'


def about(generation: Generation, variant: str = "", *, is_numbered: bool = True) -> dict[str, str]:
    """The headers that say what an answer is made of: generation, and definitions of its numbers.

    An answer in the old system's terms, which is not numbered, has definitions of its own.
    """
    headers = {"etag": etag(generation, variant)}
    if is_numbered:
        headers["engagement-definitions"] = str(generation.definitions)
    return headers


def is_known(request: Request[Any, Any, Any], generation: Generation, variant: str = "") -> bool:
    """Whether the client has this generation's answer already."""
    sent = request.headers.get("if-none-match", "")
    known = {tag.strip().removeprefix("W/") for tag in sent.split(",")}
    return bool(known & {etag(generation, variant).removeprefix("W/"), "*"})


def takes_gzip(request: Request[Any, Any, Any]) -> bool:
    """Whether a request's Accept-Encoding allows gzip; `gzip;q=0` forbids it.

    Litestar's compression looks only for the word, and compresses each answer anew.
    """
    weights = dict(map(_weighed, request.headers.get("accept-encoding", "").lower().split(",")))
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def _weighed(part: str) -> tuple[str, float]:
    """An encoding and its weight: 1 if there is none, 0 if it can't be parsed."""
    name, _, parameter = part.partition(";")
    key, _, value = parameter.partition("=")
    if not key.strip():
        return name.strip(), 1.0
    try:
        return name.strip(), float(value) if key.strip() == "q" else 1.0
    except ValueError:
        return name.strip(), 0.0


def respond(
    request: Request[Any, Any, Any],
    generation: Generation,
    make: Callable[[], object],
    *,
    media_type: str = JSON,
    headers: Mapping[str, str] | None = None,
    of_drive: OfDrive | None = None,
    check: Callable[[], object] | None = None,
    variant: str = "",
    is_numbered: bool = True,
) -> Response[bytes]:
    """Answer with the result of `make`, or with 304 if the client has it.

    Check the request before, as `make` is not called for a cached answer; or let `make` and `check`
    do it.

    Args:
        request: Its path and query are the key of the answer.
        generation: The database that the answer is read from.
        make: Gives bytes or text to send, or anything else to send as JSON.
        media_type: Of the answer.
        headers: To send with it.
        of_drive: The drive, if the whole answer is about one.
        check: Called for a client that has the answer; raises what `make` would if there is none.
        variant: What besides the address decides the answer: a choice in a cookie.
        is_numbered: Whether its numbers are of the database's definitions, not the old system's.
    """
    vary = "accept-encoding, cookie" if variant else "accept-encoding"
    sent = about(generation, variant, is_numbered=is_numbered) | {"vary": vary, **(headers or {})}
    if is_known(request, generation, variant):
        if check is not None:
            check()
        return Response(b"", status_code=HTTPStatus.NOT_MODIFIED, headers=sent)
    cache, source = _cache_of(generation)
    address = (request.url.path, request.url.query, variant)
    asked = _Asked(address, generation, source, of_drive)

    def encode() -> bytes:
        return _encode(make())

    is_packed = takes_gzip(request)
    body = cache.packed(asked, encode) if is_packed else cache.plain(asked, encode).plain
    if body[:2] == b"\x1f\x8b":  # gzip; a short answer is not compressed
        sent["content-encoding"] = "gzip"
    return Response(body, media_type=media_type, headers=sent)


def _encode(answer: object) -> bytes:
    if isinstance(answer, bytes):
        return answer
    return answer.encode() if isinstance(answer, str) else _ENCODER.encode(answer)
