"""A connection to a host through a command, as ProxyCommand in ssh_config(5)."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import ExitStack


def run_proxy_command(command: str, stack: ExitStack) -> socket.socket:
    """Start the command of a user's configuration, with a socket for stdin and stdout."""
    ours, theirs = socket.socketpair()
    stack.callback(ours.close)
    with theirs:
        words = ["/bin/sh", "-c", f"exec {command}"]
        end = theirs.fileno()
        process = subprocess.Popen(words, stdin=end, stdout=end, start_new_session=True)
    stack.callback(_end, process)
    return ours


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
