"""A log of what a redacted database holds, so that nothing of the log itself is in it.

A message as it was recorded holds more than its fields: texts, what a fork put beside them, and
whatever lay in the room between. So each is built anew, from the columns that were read of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engagement.export.channels import bounds
from engagement.export.clip_table import ClipReport
from engagement.export.raw import codec_of
from engagement.extract.sources import SOURCES
from engagement.files import replacing
from engagement.logs.log_clip import LogSink
from engagement.logs.writer import EventBuilder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from engagement.export.window import ClipWindow
    from engagement.extract.sources import Source
    from engagement.store.reader import Reader

_TABLES = (
    "bookmark", "car_control", "car_event", "car_params", "car_state", "clock", "controls_state",
    "gps", "lead", "live_parameters", "live_torque_parameters", "longitudinal_plan",
    "selfdrive_state",
)  # fmt: skip
_INIT_DATA = """
select dongle_id, version, git_branch, git_commit, git_remote, device_type, wall_time_ns, mono_ns
from log.init_data where drive_id = $drive_id order by segment_num limit 1
"""


def write_redacted_raw_clip(shared: Reader, clip: ClipWindow, out: Path) -> ClipReport:
    """Write a part of a drive of a redacted database as a log, compressed as its name says.

    Raises:
        InputError: If `out` is no name of a log.
        StoreError: If the database can't be read.
        OSError: If the file can't be written.
    """
    codec = codec_of(out)
    builder = EventBuilder()
    messages = [
        message
        for source in SOURCES
        if source.table in _TABLES and source.items in (None, "")
        for message in _messages(shared, clip, source, builder)
    ]
    messages.sort(key=lambda message: message[0])
    init_data = shared.rows(_INIT_DATA, {"drive_id": clip.part.drive_id})
    columns = next(source.columns for source in SOURCES if source.table == "init_data")
    with replacing(out) as file:
        sink = LogSink(file, codec)
        for row in init_data:
            value = _value(row, columns, builder.enumerants("initData"))
            sink.write(memoryview(builder.event("initData", row["mono_ns"], value)))
        for _, octets in messages:
            sink.write(memoryview(octets))
        sink.finish()
    counts = {"message": len(messages) + len(init_data), "segment": len(clip.logs)}
    return ClipReport(out, "rlog", counts, out.stat().st_size)


def _messages(
    shared: Reader, clip: ClipWindow, source: Source, builder: EventBuilder
) -> Iterator[tuple[int, bytes]]:
    """The messages of a source, each with its logMonoTime; an element of a list is a row."""
    condition = "drive_id = $drive_id and mono_ns >= $start_ns and mono_ns < $end_ns"
    if "source" in source.constants:
        condition += f" and source = '{source.constants['source']}'"
    listed = "".join(f", {column}" for column in source.columns)
    rows = shared.rows(
        f"select segment_num, message_num, mono_ns{listed} from log.{source.table} "
        f"where {condition} order by segment_num, message_num",
        bounds(clip.part),
    )
    enumerants = builder.enumerants(source.event)
    if source.items is None:
        for row in rows:
            value = _value(row, source.columns, enumerants)
            yield row["mono_ns"], builder.event(source.event, row["mono_ns"], value)
        return
    lists: dict[tuple[int, int, int], list[Mapping[str, Any]]] = {}
    for row in rows:
        key = row["mono_ns"], row["segment_num"], row["message_num"]
        elements = lists.setdefault(key, [])
        if row["name"] is not None:  # a list without elements is a row without a name
            elements.append(_value(row, source.columns, enumerants))
    for (mono_ns, *_), elements in lists.items():
        yield mono_ns, builder.event(source.event, mono_ns, list(elements))


def _value(
    row: Mapping[str, Any], columns: Mapping[str, str], enumerants: Mapping[str, Iterable[str]]
) -> dict[str, Any]:
    """A row as the fields of its message; what is null, or has a name of no schema, is left out."""
    value: dict[str, Any] = {}
    for column, path in columns.items():
        found = row.get(column)
        names = enumerants.get(path)
        if found is None or (names is not None and found not in names):
            continue
        *groups, last = path.split(".")
        place = value
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = found
    return value
