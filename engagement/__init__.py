"""How much of your driving was engaged, when and why it disengaged: openpilot logs in DuckDB.

`engagement.read_log` reads any field of a log from Python, `engagement.open` the views of a
database; `ingest`, `rates` and `compare` do what the commands of these names do. Importing this
package costs nothing: what it offers is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engagement.functions import Compared, compare, ingest, rates
    from engagement.reading.log_reader import LogPart, iter_log, read_log
    from engagement.store.opened import Database
    from engagement.store.opened import open_database as open  # noqa: A004 - as `gzip.open`

__all__ = [
    "Compared",
    "Database",
    "LogPart",
    "compare",
    "ingest",
    "iter_log",
    "open",
    "rates",
    "read_log",
]

_HOMES = {
    **{name: ("engagement.functions", name) for name in ("Compared", "compare", "ingest", "rates")},
    "Database": ("engagement.store.opened", "Database"),
    "LogPart": ("engagement.reading.log_reader", "LogPart"),
    "iter_log": ("engagement.reading.log_reader", "iter_log"),
    "open": ("engagement.store.opened", "open_database"),
    "read_log": ("engagement.reading.log_reader", "read_log"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
