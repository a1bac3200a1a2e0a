"""Cores for processes and threads, in a module of its own: who reads loads no decoder."""

from __future__ import annotations

import os


def default_jobs() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
