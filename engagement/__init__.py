"""How much of your driving was engaged, when and why it disengaged: openpilot logs in DuckDB.

`engagement.read_log` reads any field of a log from Python. Importing this package costs nothing:
what it offers is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engagement.reading.log_reader import LogPart, iter_log, read_log

__all__ = ["LogPart", "iter_log", "read_log"]

_HOMES = dict.fromkeys(__all__, "engagement.reading.log_reader")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
