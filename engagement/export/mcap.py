"""A part of a drive as MCAP, for Foxglove: one topic a channel, messages in JSON.

Each topic has a JSON schema with the unit of every field; a message leaves out what is null or not
a number. Times are wall-clock times where a clock of the drive tells them, else logMonoTime. Beside
the channels, `/fix/SOURCE` has foxglove.LocationFix for maps, and `/log` foxglove.Log: alerts as
they change, and the database's events.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import msgspec

from engagement.errors import InputError
from engagement.export.channels import bounds
from engagement.files import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from engagement.export.channels import Channel
    from engagement.export.window import ClipWindow
    from engagement.store.query_types import Queryable

    Row = dict[str, Any]
    Message = tuple[int, int, bytes]  # its time, its topic's number, its content

_NS_PER_S = 1_000_000_000
_JSON_TYPES = {"BOOLEAN": "boolean", "VARCHAR": "string", "FLOAT": "number", "DOUBLE": "number"}
_INFO, _WARNING, _ERROR = 2, 3, 4
_LEVELS = {"userPrompt": _WARNING, "critical": _ERROR}

_TIME = {
    "type": "object",
    "title": "time",
    "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}},
}
# Both by https://docs.foxglove.dev/docs/sdk/schemas
_LOCATION_FIX = {
    "timestamp": _TIME,
    "frame_id": {"type": "string"},
    "latitude": {"type": "number", "description": "deg"},
    "longitude": {"type": "number", "description": "deg"},
    "altitude": {"type": "number", "description": "m"},
    "position_covariance": {"type": "array", "items": {"type": "number"}},
    "position_covariance_type": {"type": "integer"},
}
_LOG = {
    "timestamp": _TIME,
    "level": {"type": "integer"},
    "message": {"type": "string"},
    "name": {"type": "string"},
    "file": {"type": "string"},
    "line": {"type": "integer"},
}
_EVENTS = """
select mono_ns, kind, cause, is_critical from result.events
where drive_id = $drive_id and mono_ns >= $start_ns and mono_ns < $end_ns
order by mono_ns, kind
"""


class MissingMcapError(InputError):
    """The extra `mcap` is not installed."""

    def __init__(self) -> None:
        super().__init__("MCAP needs its library: pip install 'engagement[mcap]'")


@dataclass(frozen=True, slots=True)
class _Topic:
    """Messages of one schema: the query for their rows, and the message that a row becomes.

    Topics of one name are one channel in the file.
    """

    name: str
    schema: str
    fields: dict[str, Any]
    query: str
    message: Callable[[Row, int], Row | None]


def write_mcap(
    reader: Queryable,
    clip: ClipWindow,
    channels: Sequence[Channel],
    out: Path,
) -> dict[str, int]:
    """Write the channels of a window, and say how many messages and channels the file has.

    Args:
        reader: The generation to read.
        clip: The window.
        channels: Those that have a sample in it.
        out: The file, which is replaced.

    Raises:
        MissingMcapError: If the extra is not installed.
        OSError: If the file can't be written.
    """
    topics = [*map(_plain, channels), *_fixes(channels), *_logs(channels)]
    by_name = {topic.name: topic for topic in topics}
    offset_ns = clip.wall_offset_ns or 0
    with replacing(out) as file:
        writer = mcap_writer(file)
        writer.start(profile="", library="engagement")
        writer.add_metadata("engagement.clip", _metadata(clip))
        number_by_name = {name: _register(writer, one) for name, one in by_name.items()}
        n_messages = 0
        # Messages are sorted by time step by step, so that only those of one step are in memory.
        for start_ns, end_ns in clip.steps():
            part = bounds(clip.part, start_ns, end_ns)
            messages = [
                message
                for topic in topics
                for message in _messages(reader, topic, number_by_name[topic.name], part, offset_ns)
            ]
            messages.sort(key=lambda message: message[0])
            for time_ns, number, content in messages:
                writer.add_message(number, time_ns, content, time_ns)
            n_messages += len(messages)
        writer.finish()
    return {"message": n_messages, "channel": len(by_name)}


def mcap_writer(file: IO[bytes]) -> Any:
    """The library's writer to a file that is open.

    Raises:
        MissingMcapError: If the extra is not installed.
    """
    try:
        from mcap.writer import CompressionType, Writer  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingMcapError from error
    return Writer(file, compression=CompressionType.LZ4)


def _metadata(clip: ClipWindow) -> dict[str, str]:
    clock = "logMonoTime" if clip.wall_offset_ns is None else "UTC"
    facts = {name: str(value) for name, value in clip.facts().items() if value is not None}
    return facts | {"clock": clock}


def _register(writer: Any, topic: _Topic) -> int:
    document = {"title": topic.schema, "type": "object", "properties": topic.fields}
    schema = writer.register_schema(topic.schema, "jsonschema", json.dumps(document).encode())
    number: int = writer.register_channel(f"/{topic.name}", "json", schema)
    return number


def _messages(
    reader: Queryable, topic: _Topic, number: int, part: dict[str, Any], offset_ns: int
) -> list[Message]:
    found = []
    for row in reader.rows(topic.query, part):
        time_ns = row["mono_ns"] + offset_ns
        message = topic.message(row, time_ns)
        if message is not None:
            known = {name: value for name, value in message.items() if _is_known(value)}
            found.append((time_ns, number, msgspec.json.encode(known)))
    return found


def _is_known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def _plain(channel: Channel) -> _Topic:
    """The channel as it is."""
    fields: dict[str, Any] = {"mono_ns": {"type": "integer", "description": "ns"}}
    for signal in channel.signals:
        fields[signal.name] = {"type": _JSON_TYPES.get(signal.kind, "integer")}
        if signal.unit:
            fields[signal.name]["description"] = signal.unit
    schema = f"engagement.{channel.table}"
    return _Topic(channel.name, schema, fields, _rows_of(channel), lambda row, _time_ns: row)


def _rows_of(channel: Channel) -> str:
    # The shortest number that is the same single: 0.1, not 0.10000000149011612.
    columns = [
        f"({one.sql})::varchar::double as {one.name}"
        if one.kind == "FLOAT"
        else f"{one.sql} as {one.name}"
        for one in channel.signals
    ]
    return channel.sql(["mono_ns", *columns], f"order by mono_ns, {channel.order}")


def _fixes(channels: Sequence[Channel]) -> list[_Topic]:
    return [
        _Topic(
            channel.name.replace("gps", "fix", 1),
            "foxglove.LocationFix",
            _LOCATION_FIX,
            _rows_of(channel),
            _fix,
        )
        for channel in channels
        if channel.table == "gps"
    ]


def _fix(row: Row, time_ns: int) -> Row | None:
    if not (row["has_fix"] and _is_known(row["latitude"]) and _is_known(row["longitude"])):
        return None
    variance = (row["horizontal_accuracy_m"] or 0.0) ** 2
    return {
        "timestamp": _timestamp(time_ns),
        "frame_id": "gps",
        "latitude": row["latitude"],
        "longitude": row["longitude"],
        "altitude": row["altitude_m"],
        "position_covariance": [variance, 0.0, 0.0, 0.0, variance, 0.0, 0.0, 0.0, 0.0],
        "position_covariance_type": 1 if variance else 0,
    }


def _logs(channels: Sequence[Channel]) -> list[_Topic]:
    alerts = [
        _Topic("log", "foxglove.Log", _LOG, _rows_of(channel), _alert)
        for channel in channels
        if channel.table == "alert"
    ]
    return [*alerts, _Topic("log", "foxglove.Log", _LOG, _EVENTS, _event)]


def _alert(row: Row, time_ns: int) -> Row | None:
    text = ": ".join(part for part in (row["text1"], row["text2"]) if part)
    level = _LEVELS.get(row["alert_status"], _INFO)
    return _log(time_ns, level, text, row["alert_type"] or "alert") if text else None


def _event(row: Row, time_ns: int) -> Row:
    text = ": ".join(part for part in (row["kind"], row["cause"]) if part)
    return _log(time_ns, _ERROR if row["is_critical"] else _WARNING, text, "engagement")


def _log(time_ns: int, level: int, message: str, name: str) -> Row:
    return {
        "timestamp": _timestamp(time_ns),
        "level": level,
        "message": message,
        "name": name,
        "file": "",
        "line": 0,
    }


def _timestamp(time_ns: int) -> dict[str, int]:
    seconds, nanoseconds = divmod(time_ns, _NS_PER_S)
    return {"sec": seconds, "nsec": nanoseconds}
