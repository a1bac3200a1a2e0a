"""SIGTERM as a command wants it: as a Ctrl-C, or as a wish that is looked at between steps."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def sigterm_handled(handler: Callable[[int, Any], Any]) -> Iterator[None]:
    """Let a function hear SIGTERM meanwhile; nothing happens outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end what is under way as Ctrl-C does, so that it tidies up."""
    with sigterm_handled(signal.default_int_handler):
        yield
