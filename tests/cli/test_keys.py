from __future__ import annotations

import os
import pty
import sys
import termios
import threading
import time

import pytest

from engagement.cli import keys


@pytest.fixture
def terminal(monkeypatch):
    """A pseudo-terminal, of which the inside is stdin; gives the outside."""
    outside, inside = pty.openpty()
    with os.fdopen(inside, "r") as file:
        monkeypatch.setattr(sys, "stdin", file)
        yield outside
    os.close(outside)


@pytest.fixture
def keyboard(terminal):  # noqa: ARG001 - its stdin
    with keys.Keys() as opened:
        yield opened


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        (b"n", ["n"]),
        ("é\x1b".encode(), ["é", keys.ESCAPE]),
        (b"\x1b[A\x1bOB\x1b[Cx", [keys.UP, keys.DOWN, keys.RIGHT, "x"]),
        (b"\x1b[6~\r\x7f\x15\x04", [keys.PAGE_DOWN, keys.ENTER, keys.BACKSPACE, keys.CLEAR]),
        (b"\x1bq", [keys.ESCAPE, "q"]),
        # Sequences for which there is no name are no keys, and what is cut off loses no key.
        (b"\x1b[200~\x1b[1;5Cy", ["y"]),
        (b"\x1b[\x1b[A", [keys.ESCAPE, "[", keys.UP]),
        (b"\x00\x01z", ["z"]),
    ],
)
def test_keys_are_read_one_by_one(terminal, keyboard, typed, wanted):
    os.write(terminal, typed)
    assert [keyboard.read() for _ in wanted] == wanted


def test_half_a_letter_after_an_escape_is_no_error(terminal, keyboard):
    os.write(terminal, b"\x1b\xc3")
    assert keyboard.read() == keys.ESCAPE
    os.write(terminal, b"\xa9")
    assert keyboard.read() == "é"


def test_a_sequence_that_comes_in_parts_is_one_key(terminal, keyboard, monkeypatch):
    monkeypatch.setattr(keys, "_SEQUENCE_WAIT_S", 20)

    def type_slowly():
        for byte in b"\x1b[C":
            os.write(terminal, bytes([byte]))
            time.sleep(0.05)

    typing = threading.Thread(target=type_slowly)
    typing.start()
    assert keyboard.read() == keys.RIGHT
    typing.join()


def test_who_waits_may_do_something_meanwhile(terminal, keyboard, monkeypatch):
    monkeypatch.setattr(keys, "_LOOK_EVERY_S", 0.01)
    assert keyboard.read(lambda: os.write(terminal, b"x")) == "x"


def test_a_line_that_was_typed_ahead_is_a_line(terminal, keyboard):
    os.write(terminal, b"ltrue\n")
    assert keyboard.read() == "l"
    with keyboard.lines():
        assert sys.stdin.readline() == "true\n"
        assert termios.tcgetattr(terminal)[3] & termios.ICANON
    os.write(terminal, b"q")
    assert keyboard.read() == "q"


def test_a_terminal_that_goes_away_is_no_error_of_its_own(monkeypatch):
    outside, inside = pty.openpty()
    with os.fdopen(inside, "r") as file:
        monkeypatch.setattr(sys, "stdin", file)
        with keys.Keys() as keyboard:
            with keyboard.lines():
                os.close(outside)
            assert keyboard.read() == keys.END
