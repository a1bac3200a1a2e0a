from __future__ import annotations

import socket
import sys
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from engagement.errors import InputError
from engagement.review import server
from engagement.review.child import ViewerError


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8000",
        "file:///etc/passwd",
        "http://",
        "ftp://a/",
        "javascript:alert(1)",
        "http://[::1",
        "http://a:x",
        "http://a:99999",
    ],
)
def test_what_is_no_url_of_a_server_is_refused(url):
    with pytest.raises(InputError, match="no URL of a server"):
        server.check_url(url)


def test_a_url_loses_the_slash_at_its_end():
    assert server.check_url("https://drives.example.org/a/") == "https://drives.example.org/a"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(self.path[1:]))
        self.end_headers()

    def log_message(self, *_words):
        pass


@pytest.fixture
def url(monkeypatch):
    """A server that answers /STATUS so, and a proxy that nobody is to ask."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with HTTPServer(("127.0.0.1", 0), _Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "has_page"), [(200, True), (401, True), (404, False), (500, False), (503, False)]
)
def test_a_server_has_a_page_or_asks_for_a_token(url, status, has_page):
    assert server.has_page(url, f"/{status}") == has_page


def test_where_nobody_speaks_http_is_no_page():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]

        def hang_up():
            other, _ = listener.accept()
            other.sendall(b"SSH-2.0-x\r\n")
            other.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert not server.has_page(f"http://127.0.0.1:{port}", "/")
        thread.join()
    assert not server.has_page(f"http://127.0.0.1:{port}", "/")


def test_a_server_that_does_not_start_says_why(tmp_path, monkeypatch):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho engagement: no such thing\nexit 2\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(ViewerError, match="serve: it ended with status 2: engagement: no such"):
        server.start_server(tmp_path / "a.duckdb", tmp_path / "said.txt")


def test_there_is_no_browser_without_a_display(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert not server.show_page("http://127.0.0.1:1/")
