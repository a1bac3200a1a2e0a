"""How logs are collected from devices."""

from __future__ import annotations

from dataclasses import dataclass, field

from engagement.collect.connection import DEFAULT_TIMEOUTS, Timeouts
from engagement.collect.pace import Patience
from engagement.collect.plan import WantedLogs
from engagement.collect.settings import Settings


@dataclass(frozen=True, slots=True)
class CollectOptions:
    """How to collect.

    Attributes:
        settings: Where logs lie on a device.
        wanted: Which of them.
        dongle_id: The device that logs are of which name none; else it is asked.
        codec: What the devices compress with, `zst` or `bz2`; None for nothing.
        limit_bytes_per_s: For all devices together.
        verify: Compare SHA-256 sums.
        dry_run: Only plan.
        accept_new: Take unknown host keys, and write them down.
        timeouts: How long to wait for an answer.
        patience: How often to try again.
    """

    settings: Settings = field(default_factory=Settings)
    wanted: WantedLogs = field(default_factory=WantedLogs)
    dongle_id: str | None = None
    codec: str | None = None
    limit_bytes_per_s: int | None = None
    verify: bool = False
    dry_run: bool = False
    accept_new: bool = False
    timeouts: Timeouts = DEFAULT_TIMEOUTS
    patience: Patience = field(default_factory=Patience)
