"""A command on a pseudo-terminal, as a user has it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from unittest.mock import patch

from engagement.cli import main

ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
PATIENCE_S = 30


# The terminal must be the command's own, or Ctrl-C would reach nobody.
START = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
sys.argv[0] = "engagement"
from engagement.cli import main
main()
"""


class Terminal:
    """A command on a pseudo-terminal."""

    def __init__(self, args, folder, columns=100, **environment):
        self.unread = b""
        self.file, inside = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, *args],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            env=os.environ
            | {"TERM": "xterm", "HOME": str(folder), "COLUMNS": str(columns)}
            | environment,
        )
        os.close(inside)

    def send(self, text):
        os.write(self.file, text.encode())

    def interrupt(self):
        """Press Ctrl-C until something comes of it.

        Python notices one that comes just before it waits for a key only at the next key.
        """
        for _ in range(10):
            self.send("\x03")
            while select.select([self.file], [], [], PATIENCE_S / 10)[0]:
                self._read()
                if self.unread.strip(b"^C\r\n"):  # more than its echo
                    return

    def read_until(self, text):
        """What is shown up to and with a text; what came with it and after it is kept."""
        wanted = text.encode()
        deadline_s = time.monotonic() + PATIENCE_S
        while wanted not in self.unread:
            left_s = max(deadline_s - time.monotonic(), 0)
            assert select.select([self.file], [], [], left_s)[0], self.unread
            self._read()
        shown, _, self.unread = self.unread.partition(wanted)
        return (shown + wanted).decode()

    def _read(self):
        self.unread = ESCAPES.sub(b"", self.unread + os.read(self.file, 4096))

    def wait(self):
        """The exit status; what is still shown is let go."""
        deadline_s = time.monotonic() + PATIENCE_S
        while select.select([self.file], [], [], max(deadline_s - time.monotonic(), 0))[0]:
            try:
                os.read(self.file, 4096)
            except OSError:  # nobody writes any more
                break
        os.close(self.file)
        return self.process.wait(PATIENCE_S)


def on_terminal(command, folder, variables, columns=100):
    """A command's exit status, its stdout as a terminal of that width shows it, and its stderr.

    Colours are left out. stderr is no terminal.
    """
    with tempfile.TemporaryFile() as said:
        status, shown = on_raw_terminal(command, folder, variables, columns, stderr=said)
        said.seek(0)
        plain = ESCAPES.sub(b"", shown).decode().replace("\r\n", "\n")
        return status, plain, said.read().decode()


def on_raw_terminal(command, folder, variables, columns=100, *, stderr=None):
    """A command's exit status and the bytes that a terminal of that width gets.

    stderr goes there as well where it is given no file.
    """
    reader, writer = os.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with os.fdopen(reader, "rb", buffering=0) as terminal:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=writer, stderr=stderr or writer, cwd=folder,
            env=variables | {"COLUMNS": str(columns)},
        )  # fmt: skip
        os.close(writer)
        shown = _all_of(terminal)
        return process.wait(PATIENCE_S), shown


def shown_in_terminal(*args, columns=100, **environment):
    """What a terminal shows of `engagement`, without colours; narration is left out."""
    with tempfile.TemporaryFile("w") as narration:
        raw = _run_here(args, columns, environment, stderr=narration)
    shown = ESCAPES.sub(b"", raw).decode().replace("\r\n", "\n")
    return "\n".join(line.rstrip() for line in shown.splitlines()).strip("\n")


def raw_in_terminal(*args, columns=100, **environment):
    """The same as the terminal gets it, with the narration."""
    return _run_here(args, columns, environment)


def _run_here(args, columns, environment, *, stderr=None):
    """What a terminal gets of `engagement` in this process, which spares a program's start."""
    reader, writer = os.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with (
        ThreadPoolExecutor(1) as pool,
        os.fdopen(reader, "rb", buffering=0) as terminal,
        Path(os.devnull).open() as nothing,
        patch.dict(os.environ, {"TERM": "xterm", "COLUMNS": str(columns)} | environment),
        patch.object(sys, "stdin", nothing),
    ):
        shown = pool.submit(_all_of, terminal)
        with (
            os.fdopen(writer, "w", encoding="utf-8") as stream,
            redirect_stdout(stream),
            redirect_stderr(stderr or stream),
            suppress(SystemExit),
        ):
            main([str(arg) for arg in args], prog_name="engagement")
        return shown.result(PATIENCE_S)


def _all_of(terminal):
    shown = b""
    while True:
        try:
            piece = terminal.read(65536)
        except OSError:  # how Linux says that the other end is closed
            return shown
        if not piece:
            return shown
        shown += piece
