"""Files to send in tests, and ways to the server that are cut."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from random import Random

from engagement.collect.hosts import parse_host
from engagement.collect.sending import Upload, send

SIZE = 1_500_000


def send_one(source, target, *, host="device", **options):
    [sent] = send(parse_host(host), [Upload(source, str(target))], **options)
    return sent


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def settled_size(path):
    """Size once the server has ended what was under way when the connection was cut."""
    size = -1
    while size != (size := path.stat().st_size):
        time.sleep(0.3)
    return size


def slowly(_done, _total):
    """Let the server write down what it has, so that a cut costs no more than what is sent then."""
    time.sleep(0.02)


def changed(content, seed=2):
    """The content with a tenth of it replaced."""
    start = len(content) // 2
    return content[:start] + Random(seed).randbytes(len(content) // 10) + content[start * 6 // 5 :]


@contextmanager
def cutting_line(port, limits):
    """A way to the server that is cut after some bytes upward, for each limit once."""
    limits = iter(limits)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve_line, args=(listener, port, limits), daemon=True).start()
        yield listener.getsockname()[1]
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _serve_line(listener, port, limits):
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            there = socket.create_connection(("127.0.0.1", port))
            limit = next(limits, None)
            for one, other, most in ((client, there, limit), (there, client, None)):
                threading.Thread(target=_carry, args=(one, other, most), daemon=True).start()


def _carry(one, other, most):
    n_bytes = 0
    with suppress(OSError):
        while piece := one.recv(65536):
            n_bytes += len(piece)
            if most is not None and n_bytes > most:
                break
            other.sendall(piece)
    for end in (one, other):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
