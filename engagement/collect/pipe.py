"""rsync starts this instead of `ssh`: it forwards everything to the process with the connection.

Run as a script with the number of an inherited socket; the words after that are rsync's, first
the host, then the command, which goes first through the socket, each word ended by a zero byte.
Nothing of this package is imported, so that it starts at once.
"""

from __future__ import annotations

import os
import socket
import sys
import threading

_CHUNK_BYTES = 1 << 18


def main() -> None:
    """Forward stdin, and the answer to stdout, until that ends."""
    line = socket.socket(fileno=int(sys.argv[1]))
    words = sys.argv[3:]
    line.sendall(b"".join(os.fsencode(word) + b"\0" for word in words) + b"\0")
    threading.Thread(target=_send, args=(line,), daemon=True).start()
    while piece := line.recv(_CHUNK_BYTES):
        view = memoryview(piece)
        while view:
            view = view[os.write(1, view) :]


def _send(line: socket.socket) -> None:
    while piece := os.read(0, _CHUNK_BYTES):
        line.sendall(piece)
    line.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main()
