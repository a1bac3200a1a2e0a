"""The reader that one would write first: message by message, into lists, into Arrow.

It reads the fields that the columnar decoder reads, by the same mapping, with pycapnp's own
objects, and decodes the profile's frames with cantools. `attrgetter` takes all fields of a message
in one call, which is as fast as pycapnp gets.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from bench.bare import read_raw
from bench.demo_profile import demo_profile, load_dbc
from engagement.extract.sources import SOURCES
from engagement.logs.schema import load_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from engagement.extract.sources import Source

    Handler = Callable[[int, int, Any], None]
    Row = tuple[Any, ...]

_LIMIT_WORDS = 1 << 40
_PANDA_FLAGS = attrgetter("ignitionLine", "ignitionCan")
_CHANGES_ONLY = ("alert", "lane_change")
_HEAD = ("message_num", "mono_ns")


class PlainReader:
    """Reads logs one after the other; holds what does not change between them."""

    def __init__(self) -> None:
        self._event = load_schema().event
        members = set(self._event.schema.union_fields)
        self._sources = [source for source in SOURCES if source.event in members]
        database = load_dbc(demo_profile().dbc_file)
        self._signals: dict[int, list[tuple[Any, int | None, str, str]]] = {}
        for signal in demo_profile().signals:
            for entry in signal.entries:
                message = database.get_message_by_name(entry.message)
                wanted = (message, entry.source, entry.signal, signal.key)
                self._signals.setdefault(message.frame_id, []).append(wanted)

    def tables(self, raw: bytes) -> dict[str, pa.Table]:
        """The tables of a log, their rows in file order."""
        rows: dict[str, list[Row]] = {}
        heads: dict[str, tuple[str, ...]] = {}
        handlers: dict[str, list[Handler]] = {}
        for source in self._sources:
            if source.table == "car_event" and source.event == "carState":
                continue  # these logs have a list of their own
            heads.setdefault(source.table, (*_HEAD, *source.columns))
            found = rows.setdefault(source.table, [])
            handlers.setdefault(source.event, []).append(_handler(source, found))
        self._add_others(rows, heads, handlers)
        events = self._event.read_multiple_bytes(raw, traversal_limit_in_words=_LIMIT_WORDS)
        for number, event in enumerate(events):
            which = event.which()
            if which in handlers:
                member = getattr(event, which)
                mono_ns = event.logMonoTime
                for handle in handlers[which]:
                    handle(number, mono_ns, member)
        return {table: _arrow(heads[table], found) for table, found in rows.items()}

    def _add_others(
        self,
        rows: dict[str, list[Row]],
        heads: dict[str, tuple[str, ...]],
        handlers: dict[str, list[Handler]],
    ) -> None:
        """What is not in the mapping: CAN, ignition by pandas, params."""
        signals, messages = rows.setdefault("can_signal", []), rows.setdefault("can_message", [])
        heads["can_signal"] = (*_HEAD, "frame_num", "bus", "signal_key", "value")
        heads["can_message"] = (*_HEAD, "n_frames")
        handlers.setdefault("can", []).append(self._can_handler(signals, messages))
        ignition = rows["ignition"]

        def read_pandas(number: int, mono_ns: int, pandas: Iterable[Any]) -> None:
            ignition.append((number, mono_ns, any(any(_PANDA_FLAGS(panda)) for panda in pandas)))

        def read_params(number: int, mono_ns: int, init_data: Any) -> None:
            entries = init_data.params.entries
            params.extend((number, mono_ns, entry.key, bytes(entry.value)) for entry in entries)

        params = rows.setdefault("param", [])
        heads["param"] = (*_HEAD, "name", "value")
        handlers.setdefault("pandaStates", []).append(read_pandas)
        handlers.setdefault("initData", []).append(read_params)

    def _can_handler(self, signals: list[Row], messages: list[Row]) -> Handler:
        wanted = self._signals

        def read(number: int, mono_ns: int, frames: Any) -> None:
            messages.append((number, mono_ns, len(frames)))
            for frame_num, frame in enumerate(frames):
                address = frame.address
                if address not in wanted:
                    continue
                bus = frame.src
                values = wanted[address][0][0].decode(frame.dat, decode_choices=False)
                for _, source, name, key in wanted[address]:
                    if source in (None, bus):
                        signals.append((number, mono_ns, frame_num, bus, key, values[name]))

        return read


def _handler(source: Source, found: list[Row]) -> Handler:
    """What appends a source's rows: of alerts and the like only those that change."""
    fields = _getter(source)
    last: Row = ()

    def read_one(number: int, mono_ns: int, member: Any) -> None:
        found.append((number, mono_ns, *fields(member)))

    def read_changes(number: int, mono_ns: int, member: Any) -> None:
        nonlocal last
        now = fields(member)
        if now != last:
            found.append((number, mono_ns, *now))
            last = now

    def read_items(number: int, mono_ns: int, member: Any) -> None:
        items = getattr(member, source.items) if source.items else member
        found.extend((number, mono_ns, *fields(item)) for item in items)

    if source.items is not None:
        return read_items
    return read_changes if source.table in _CHANGES_ONLY else read_one


def _getter(source: Source) -> Callable[[Any], Row]:
    paths = list(source.columns.values())
    if not paths:
        return lambda _: ()
    if any(path.endswith("]") for path in paths):
        getters = [_element(path) if path.endswith("]") else attrgetter(path) for path in paths]
        return lambda member: tuple(get(member) for get in getters)
    getter = attrgetter(*paths)
    return getter if len(paths) > 1 else lambda member: (getter(member),)


def _element(path: str) -> Callable[[Any], Any]:
    name, number = path.removesuffix("]").split("[")
    place = int(number)

    def get(member: Any) -> Any:
        values = getattr(member, name)
        return values[place] if place < len(values) else None

    return get


def _arrow(head: tuple[str, ...], rows: list[Row]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(head)
    return pa.table({name: _array(values) for name, values in zip(head, columns, strict=True)})


def _array(values: Row) -> pa.Array[Any]:
    """An Arrow array; enums, which pycapnp has objects for, become their names."""
    is_enum = bool(values) and hasattr(values[0], "raw")
    array: pa.Array[Any] = pa.array([str(value) for value in values] if is_enum else values)
    return array


_reader: list[PlainReader] = []


def count_rows(path: Path) -> int:
    """Read a file in a worker process; its rows stay there."""
    if not _reader:
        _reader.append(PlainReader())
    return sum(table.num_rows for table in _reader[0].tables(read_raw(path)).values())
