"""A stand-in for a server that holds logs, as comma's and its like: their API, and a blob store.

Written from what clients of such servers say, apart from the client here:

* `GET v1/me/`, `v1/me/devices/`, `v1/devices/D/routes` (newest first, `limit`, `created_before`),
  `v1/devices/D/routes/preserved`, `v1/route/D|L/`, `v1/route/D|L/files` (signed addresses, five
  calls a minute), `POST v1/D/upload_urls/`, and the JSON-RPC of the devices, `POST /athena/D`.
* The header is `Authorization: JWT <token>`; public routes need none; a stranger gets 403.
* Addresses of files hold until their `se`, and are signed for GET alone; ranges are answered.

The blob store is another server, so another origin. `Fault`s are used up in turn.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjQxMDI0NDQ4MDB9.c2lnbmF0dXJl"  # noqa: S105 - expires in 2100
_GROUPS = {"qlog": "qlogs", "rlog": "logs", "qcamera": "qcameras", "fcamera": "cameras"}


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked: `where` is `api` or `blobs`."""

    where: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next requests whose path holds a text.

    Attributes:
        path: Part of the paths that it meets.
        n_times: For how many requests.
        status: Answered instead of all else.
        headers: Of that answer.
        cut_after_bytes: Of the body; then the connection ends.
        silent_s: So long nothing is said, and then nothing more.
        extra: More bytes than were announced.
        body: Sent in place of the file's bytes, under its own length.
        no_ranges: The whole file is sent whatever was asked.
    """

    path: str
    n_times: int = 1
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut_after_bytes: int | None = None
    silent_s: float | None = None
    extra: bytes = b""
    body: bytes | None = None
    no_ranges: bool = False


@dataclass(slots=True)
class Route:
    """A route of the server; `files` is of each segment the files by name."""

    dongle_id: str
    log_id: str
    files: dict[int, dict[str, bytes]]
    start_time: str | None = "2025-07-31T08:20:30"
    create_time: int = 1_753_950_000
    is_public: bool = False
    is_preserved: bool = False
    maxqlog: int | None = None
    events: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def fullname(self) -> str:
        return f"{self.dongle_id}|{self.log_id}"


class StandIn:
    """The server: what it has, how it fails, and what it was asked."""

    def __init__(self) -> None:
        self.devices: dict[str, str] = {}  # dongle id -> alias
        self.routes: list[Route] = []
        self.tokens = {TOKEN}
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.lifetime_s = 3600.0
        self.max_files_calls = 1000
        self.online: set[str] = set()
        self.queue: list[dict[str, Any]] = []
        self.uploads: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._files_calls: list[float] = []
        self._api = _listen(self, "api")
        self._blobs = _listen(self, "blobs")
        self.api = f"http://127.0.0.1:{self._api.server_address[1]}"
        self.blobs = f"http://127.0.0.1:{self._blobs.server_address[1]}"

    def close(self) -> None:
        for server in (self._api, self._blobs):
            server.shutdown()
            server.server_close()

    def add(self, route: Route) -> Route:
        self.devices.setdefault(route.dongle_id, "my car")
        self.routes.append(route)
        return route

    def asked(self, part: str, where: str = "api") -> list[Request]:
        """The requests whose path holds a text."""
        return [one for one in self.requests if one.where == where and part in one.path]

    def take_fault(self, path: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.n_times and fault.path in path:
                    fault.n_times -= 1
                    return fault
        return None

    def note(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)

    def sign(self, path: str, until_s: float) -> str:
        return hashlib.sha256(f"{path} {until_s} secret".encode()).hexdigest()

    def address(self, route: Route, segment: int, name: str) -> str:
        path = f"/store/{route.dongle_id}/{route.log_id}/{segment}/{name}"
        until_s = round(time.time() + self.lifetime_s, 3)
        return f"{self.blobs}{path}?se={until_s}&sig={self.sign(path, until_s)}"

    def is_over_limit(self) -> bool:
        with self._lock:
            now_s = time.monotonic()
            self._files_calls = [at_s for at_s in self._files_calls if at_s > now_s - 60]
            self._files_calls.append(now_s)
            return len(self._files_calls) > self.max_files_calls


@contextmanager
def run_stand_in() -> Iterator[StandIn]:
    server = StandIn()
    try:
        yield server
    finally:
        server.close()


def _listen(server: StandIn, where: str) -> ThreadingHTTPServer:
    handler = type("Handler", (_Api if where == "api" else _Blobs,), {"server_": server})
    listener = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    listener.daemon_threads = True
    threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True).start()
    return listener


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_: StandIn
    where = ""

    def log_message(self, *_: object) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _take(self) -> Request:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        headers = {key.lower(): value for key, value in self.headers.items()}
        body = self.rfile.read(length)
        request = Request(self.where, self.command, unquote(parts.path), query, headers, body)
        self.server_.note(request)
        return request

    def _is_faulty(self, fault: Fault | None) -> bool:
        """Do what a fault wants instead of an answer, if it does."""
        if fault is None:
            return False
        if fault.silent_s is not None:
            time.sleep(fault.silent_s)
            self.close_connection = True
            return True
        if fault.status is None:
            return False
        text = json.dumps({"error": "made to fail"}).encode()
        self.send_response(fault.status)
        for key, value in fault.headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        return True

    def _send(self, document: object, status: int = 200) -> None:
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


class _Api(_Handler):
    where = "api"

    def do_GET(self) -> None:
        request = self._take()
        if not self._is_faulty(self.server_.take_fault(request.path)):
            self._answer(request)

    def do_POST(self) -> None:
        self.do_GET()

    def _answer(self, request: Request) -> None:
        given = request.headers.get("authorization")
        is_known = given in {f"JWT {token}" for token in self.server_.tokens}
        if given and not is_known:
            self._send({"error": "unauthorized", "description": "bad token"}, 401)
            return
        for pattern, method in _PATHS:
            match = re.fullmatch(pattern, request.path)
            if match:
                getattr(self, method)(request, *match.groups(), is_known=is_known)
                return
        self._send({"error": "not found"}, 404)

    def _me(self, _request: Request, *, is_known: bool) -> None:
        if not is_known:
            self._send({"error": "unauthorized"}, 401)
            return
        self._send({"id": "me", "email": "me@example.org", "user_id": "me"})

    def _devices(self, _request: Request, *, is_known: bool) -> None:
        if not is_known:
            self._send({"error": "unauthorized"}, 401)
            return
        self._send(
            [
                {"dongle_id": dongle_id, "alias": alias, "device_type": "tici", "is_owner": True}
                for dongle_id, alias in self.server_.devices.items()
            ]
        )

    def _routes(self, request: Request, dongle_id: str, *, is_known: bool) -> None:
        if not is_known or dongle_id not in self.server_.devices:
            self._send([])  # a stranger gets an empty list
            return
        limit = int(request.query.get("limit", 20))
        before = int(request.query.get("created_before", 1 << 60))
        found = [route for route in self.server_.routes if route.dongle_id == dongle_id]
        found = [route for route in found if route.create_time < before]
        found.sort(key=lambda route: -route.create_time)
        self._send([self._describe(route) for route in found[:limit]])

    def _preserved(self, _request: Request, dongle_id: str, *, is_known: bool) -> None:
        routes = [one for one in self.server_.routes if one.dongle_id == dongle_id]
        self._send([self._describe(one) for one in routes if one.is_preserved and is_known])

    def _route(self, _request: Request, name: str, *, is_known: bool) -> None:
        route = self._find(name, is_known=is_known)
        if route:
            self._send(self._describe(route))

    def _files(self, _request: Request, name: str, *, is_known: bool) -> None:
        route = self._find(name, is_known=is_known)
        if route is None:
            return
        if self.server_.is_over_limit():
            self.send_response(429)
            self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        groups: dict[str, list[str]] = {
            name: [] for name in ("cameras", "dcameras", "ecameras", "logs", "qcameras", "qlogs")
        }
        for segment in sorted(route.files):
            for file in sorted(route.files[segment]):
                group = _GROUPS.get(file.split(".")[0])
                if group:
                    groups[group].append(self.server_.address(route, segment, file))
        self._send(groups)

    def _upload_urls(self, request: Request, dongle_id: str, *, is_known: bool) -> None:
        if not is_known:
            self._send({"error": "forbidden"}, 403)
            return
        paths = json.loads(request.body)["paths"]
        self._send(
            [
                {"url": f"{self.server_.blobs}/put/{dongle_id}/{path}", "headers": {"x-a": "b"}}
                for path in paths
            ]
        )

    def _athena(self, request: Request, dongle_id: str, *, is_known: bool) -> None:
        if not is_known:
            self._send({"error": "forbidden"}, 403)
            return
        asked = json.loads(request.body)
        assert asked["method"] == "uploadFilesToUrls"
        files = asked["params"]["files_data"]
        if dongle_id in self.server_.online:
            self.server_.queue += files
            result: object = {"enqueued": len(files), "items": files, "failed": []}
        elif asked.get("expiry"):
            self.server_.queue += files
            result = "Device offline, message queued"
        else:
            self._send({"id": asked["id"], "error": {"message": "Device not registered"}})
            return
        self._send({"id": asked["id"], "jsonrpc": "2.0", "result": result})

    def _find(self, name: str, *, is_known: bool) -> Route | None:
        for route in self.server_.routes:
            if route.fullname == name:
                if is_known or route.is_public:
                    return route
                self._send({"error": "forbidden"}, 403)
                return None
        self._send({"error": "not found"}, 404)
        return None

    def _describe(self, route: Route) -> dict[str, object]:
        n_qlogs = [n for n, files in route.files.items() if any("qlog" in name for name in files)]
        last = max(n_qlogs, default=-1) if route.maxqlog is None else route.maxqlog
        return {
            "fullname": route.fullname,
            "dongle_id": route.dongle_id,
            "create_time": route.create_time,
            "start_time": route.start_time,
            "end_time": None,
            "maxqlog": last,
            "procqlog": last,
            "is_public": route.is_public,
            "is_preserved": route.is_preserved,
            "distance": 1.5,
            "platform": "TOYOTA_COROLLA_TSS2",
            "url": f"{self.server_.blobs}/derived/{route.dongle_id}/0123abcd_{route.log_id}",
        }


_DONGLE = "([0-9a-f]{16})"
_PATHS = [
    (r"/v1/me/", "_me"),
    (r"/v1/me/devices/", "_devices"),
    (rf"/v1/devices/{_DONGLE}/routes", "_routes"),
    (rf"/v1/devices/{_DONGLE}/routes/preserved", "_preserved"),
    (r"/v1/route/([^/]+)/", "_route"),
    (r"/v1/route/([^/]+)/files", "_files"),
    (rf"/v1/{_DONGLE}/upload_urls/", "_upload_urls"),
    (rf"/athena/{_DONGLE}", "_athena"),
]


class _Blobs(_Handler):
    where = "blobs"

    def do_GET(self) -> None:
        request = self._take()
        fault = self.server_.take_fault(request.path)
        if self._is_faulty(fault):
            return
        body = self._find(request)
        if isinstance(body, int):
            self.send_response(body)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._send_file(request, body, fault or Fault(""))

    def do_PUT(self) -> None:
        request = self._take()
        self.server_.uploads.append((request.path, request.body.decode(errors="replace")))
        self._send({})

    def _find(self, request: Request) -> bytes | int:
        kind, *rest = request.path.strip("/").split("/")
        if kind == "derived":
            return self._find_derived(*rest)
        until_s = float(request.query.get("se", 0))
        if request.query.get("sig") != self.server_.sign(request.path, until_s):
            return 403
        if until_s < time.time():
            return 403
        dongle_id, log_id, segment, name = rest
        for route in self.server_.routes:
            if (route.dongle_id, route.log_id) == (dongle_id, log_id):
                return route.files.get(int(segment), {}).get(name, 404)
        return 404

    def _find_derived(self, dongle_id: str, name: str, segment: str, file: str) -> bytes | int:
        for route in self.server_.routes:
            if route.dongle_id == dongle_id and name.endswith(f"_{route.log_id}"):
                events = route.events.get(int(segment))
                if file == "events.json" and events is not None:
                    return json.dumps(events).encode()
        return 404

    def _send_file(self, request: Request, body: bytes, fault: Fault) -> None:
        etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        sent, status, length = body, 200, len(body)
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        is_same = request.headers.get("if-range", etag) == etag
        self.protocol_headers: dict[str, str] = {}
        if asked and is_same and not fault.no_ranges:
            begin = int(asked[1])
            if begin >= length:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{length}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            status, sent = 206, body[begin:]
            self.protocol_headers["Content-Range"] = f"bytes {begin}-{length - 1}/{length}"
        if fault.body is not None:
            sent = fault.body
        self.send_response(status)
        for key, value in self.protocol_headers.items():
            self.send_header(key, value)
        self.send_header("ETag", etag)
        self.send_header("Last-Modified", formatdate(1_753_950_000, usegmt=True))
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        if fault.cut_after_bytes is not None:
            self.wfile.write(sent[: fault.cut_after_bytes])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(sent + fault.extra)
