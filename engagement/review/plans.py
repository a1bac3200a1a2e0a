"""What opens an event, and an event that is open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engagement.review.child import Child
    from engagement.review.viewer import Start

PATIENCE_S = 0.6
"""A program that can't run here says so within this time; a window that is up has taken it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What opens an event.

    Attributes:
        way: openpilot, local, docker, browser, mcap, cabana or jotpluggler.
        start: The program; None where none is started.
        files: What is written into the folder first.
        url: The page.
    """

    way: str
    start: Start | None = None
    files: tuple[str, ...] = ()
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """An event that is open: what shows it, and what there is to say."""

    plan: Plan
    child: Child | None
    notes: tuple[str, ...] = field(default=())
