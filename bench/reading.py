"""`read_log` against a loop over pycapnp's messages, for 1, 10 and 100 fields of raw segments.

Two loops: the least that pycapnp needs, and one in the style of openpilot's own tools, that keeps
the messages of a log in a list by time and takes each field from its message by attributes. All
start from the file and end with arrays. Before they are timed, their values are compared.
"""

from __future__ import annotations

import time
from operator import attrgetter
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.corpus import raw_segments
from bench.output import print_table, ratio, seconds
from engagement.logs.schema import load_schema
from engagement.reading.field_names import all_fields
from engagement.reading.log_reader import read_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.runs import Setting

_AIMS = {1: 20, 10: 15, 100: 8}
_SERVICES = ("carState", "carControl", "controlsState", "radarState")
_LIMIT_WORDS = 1 << 40


def run(setting: Setting) -> None:
    """Measure and print."""
    segments = raw_segments()[: setting.repetitions]
    wanted = _fields(segments[0])
    rows = []
    for n_fields, aim in _AIMS.items():
        names = wanted[:n_fields]
        _compare(segments[0], names)
        ours, least, usual = (
            median(_timed(read, path, names) for path in segments)
            for read in (read_log, _least_loop, _usual_loop)
        )
        rows.append(
            (
                f"{len(names)} fields",
                seconds(ours),
                seconds(least),
                seconds(usual),
                ratio(least, ours),
                ratio(usual, ours),
                f">= {aim} x",
            )
        )
    heads = ("", "read_log", "least loop", "usual loop", "least / ours", "usual / ours", "aim")
    print_table("Fields of a raw segment as arrays, processor time, one core", heads, rows)


def _fields(path: Path) -> list[str]:
    """Numbers of several services, as many as the largest case has, vEgo first."""
    schema = load_schema()
    known = [each for name in _SERVICES for each in all_fields(name, schema)]
    names = dict.fromkeys(["carState.vEgo", *(each.name for each in known)])
    table = read_log(path, [*names])
    return [name for name in names if _is_plain(table.column(name), table)][: max(_AIMS)]


def _is_plain(column: Any, table: Any) -> bool:
    """A number or bool that the messages have: where they don't, pycapnp reads a default."""
    kind = str(column.type)
    is_number = kind in ("float", "double", "bool") or kind.startswith(("int", "uint"))
    return is_number and table.num_rows > column.null_count


def _least_loop(path: Path, names: list[str]) -> dict[str, Any]:
    """Each member is taken once a message, and no message is kept."""
    getters: dict[str, list[tuple[str, Any]]] = {}
    for name in names:
        service, _, rest = name.partition(".")
        getters.setdefault(service, []).append((name, attrgetter(rest)))
    values: dict[str, list[Any]] = {name: [] for name in names}
    times: dict[str, list[int]] = {service: [] for service in getters}
    for message in _messages(path):
        which = str(message.which())
        if which in getters:
            member = getattr(message, which)
            times[which].append(message.logMonoTime)
            for name, get in getters[which]:
                values[name].append(get(member))
    return {name: np.array(found) for name, found in values.items()}


class _Kept:
    """A message whose union member is looked up once."""

    def __init__(self, message: Any) -> None:
        self._message = message
        self._which: str | None = None

    def which(self) -> str:
        if self._which is None:
            self._which = str(self._message.which())
        return self._which

    def __getattr__(self, name: str) -> Any:
        return getattr(self._message, name)


def _usual_loop(path: Path, names: list[str]) -> dict[str, Any]:
    """All messages are kept, sorted, and gone through once; a field is `message.service.field`."""
    messages = sorted(map(_Kept, _messages(path)), key=lambda kept: kept.logMonoTime)
    getters: dict[str, list[tuple[str, Any]]] = {}
    for name in names:
        getters.setdefault(name.partition(".")[0], []).append((name, attrgetter(name)))
    values: dict[str, list[Any]] = {name: [] for name in names}
    for message in messages:
        for name, get in getters.get(message.which(), ()):
            values[name].append((message.logMonoTime, get(message)))
    return {name: np.array([value for _, value in found]) for name, found in values.items()}


def _messages(path: Path) -> Any:
    event = load_schema().event
    return event.read_multiple_bytes(path.read_bytes(), traversal_limit_in_words=_LIMIT_WORDS)


def _compare(path: Path, names: list[str]) -> None:
    table = read_log(path, names)
    for loop in (_least_loop, _usual_loop):
        theirs = loop(path, names)
        for name in names:
            ours = np.sort(table.column(name).drop_null().to_numpy().astype(float))
            if not np.array_equal(ours, np.sort(theirs[name].astype(float)), equal_nan=True):
                raise ValueError(f"{name} differs from what pycapnp reads")


def _timed(read: Callable[[Path, list[str]], Any], path: Path, names: list[str]) -> float:
    started_s = time.process_time()
    read(path, names)
    return time.process_time() - started_s
