"""Addresses of the pages that rows lead to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAFE_NAME = re.compile(r"[A-Za-z0-9._|-]+")


def drive_url(row: Mapping[str, Any]) -> str:
    """The page of a drive: by its route's name, by its number where that is no plain name."""
    name = f"{row['dongle_id']}|{row['drive']}"
    return f"/drive/{quote(name)}" if _SAFE_NAME.fullmatch(name) else f"/drive/{row['drive_id']}"


def moment_url(row: Mapping[str, Any]) -> str:
    """The page of a drive at a moment of it, to a tenth of a second."""
    return f"{drive_url(row)}@{row['time_s']:.1f}"


def event_url(row: Mapping[str, Any]) -> str:
    """The page of an event."""
    return f"/event/{quote(row['event_id'], safe='')}"
