"""Fields of a log as MCAP, for Foxglove: a topic a service, messages in JSON.

A message has what its service says at that time, by the fields' names below the service; it leaves
out what is null or not a number. Times are logMonoTime. Bytes are hexadecimal.
"""

from __future__ import annotations

import json
import math
import re
from typing import IO, TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from engagement.export.mcap import mcap_writer

if TYPE_CHECKING:
    from collections.abc import Mapping

    Topics = Mapping[str, Mapping[str, str]]  # of each service its columns, and their names in it

_TIME = "mono_ns"
_SERVICE = re.compile(r"\w+")
_TYPES = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_integer, "integer"),
    (pa.types.is_floating, "number"),
    (pa.types.is_list, "array"),
)


def write_field_mcap(table: pa.Table, file: IO[bytes]) -> None:
    """Write a table of `read_log` to a binary file.

    Raises:
        MissingMcapError: If the extra is not installed.
    """
    writer = mcap_writer(file)
    writer.start(profile="", library="engagement")
    topics = _topics(table.column_names)
    numbers = {name: _register(writer, table.schema, name, topics[name]) for name in topics}
    for batch in table.to_batches():
        for row in batch.to_pylist():
            for name, columns in topics.items():
                known = {short: _plain(row[column]) for column, short in columns.items()}
                content = {short: value for short, value in known.items() if value is not None}
                if content:
                    time_ns = row[_TIME]
                    encoded = msgspec.json.encode({_TIME: time_ns} | content)
                    writer.add_message(numbers[name], time_ns, encoded, time_ns)
    writer.finish()


def _topics(names: list[str]) -> Topics:
    found: dict[str, dict[str, str]] = {}
    for name in names:
        service = _SERVICE.match(name)
        if name != _TIME and service:
            below = name[service.end() :].removeprefix(".")
            found.setdefault(service[0], {})[name] = below or name
    return found


def _register(writer: Any, schema: pa.Schema, service: str, columns: Mapping[str, str]) -> int:
    fields = {_TIME: {"type": "integer"}} | {
        short: {"type": _json_type(schema.field(name).type)} for name, short in columns.items()
    }
    document = {"title": service, "type": "object", "properties": fields}
    number = writer.register_schema(service, "jsonschema", json.dumps(document).encode())
    channel: int = writer.register_channel(f"/{service}", "json", number)
    return channel


def _json_type(kind: pa.DataType) -> str:
    return next((word for is_kind, word in _TYPES if is_kind(kind)), "string")


def _plain(value: Any) -> Any:
    """A value as JSON has it; None for what is no number."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.hex() if isinstance(value, bytes) else value
