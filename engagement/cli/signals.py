"""Signals as a command wants them: as a Ctrl-C, or as a wish that is looked at between steps."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def signals_by(handler: Callable[[int, Any], Any] | int, *numbers: int) -> Iterator[None]:
    """Let a handler take some signals meanwhile; nothing happens outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end what is under way as Ctrl-C does, so that it tidies up."""
    with signals_by(signal.default_int_handler, signal.SIGTERM):
        yield
