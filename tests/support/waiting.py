"""Waiting for what another thread or process does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def wait_for(is_so: Callable[[], bool], at_most_s: float = 20) -> None:
    """Return once it is so.

    Raises:
        AssertionError: If it is not within `at_most_s` seconds.
    """
    until_s = time.monotonic() + at_most_s
    while not is_so():
        assert time.monotonic() < until_s, f"not within {at_most_s} s"
        time.sleep(0.01)
