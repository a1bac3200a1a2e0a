"""An MCAP clip holds what the database holds, and what Foxglove's maps and logs want."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engagement.errors import InputError
from engagement.export.clip_table import drive_window, event_window, write_clip
from engagement.export.mcap import MissingMcapError
from engagement.store.reader import Reader
from tests.export.conftest import TEXTS
from tests.export.samples import samples

mcap_reader = pytest.importorskip("mcap.reader")
HEAD = {"mono_ns"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TYPES = {"number": (float, int), "integer": int, "boolean": bool, "string": str, "object": dict}


@pytest.fixture(params=["simulated", "hostile"])
def clip(request, tmp_path):
    """A reader, a window around an event, and the file of it."""
    with Reader(request.getfixturevalue(request.param).database) as reader:
        event = reader.rows("from events where kind = 'disengagement' order by mono_ns")[0]
        window = event_window(reader, event)
        report = write_clip(reader, window, tmp_path / "clip.mcap")
        yield reader, window, report


def read(path):
    """Channels, with their schemas, by topic; and the messages of each in the file's order."""
    messages = defaultdict(list)
    schemas = {}
    with path.open("rb") as file:
        for schema, channel, message in mcap_reader.make_reader(file).iter_messages():
            schemas[channel.topic] = schema
            assert channel.message_encoding == "json"
            messages[channel.topic].append((message.log_time, json.loads(message.data)))
    return schemas, messages


def test_each_channel_has_the_samples_of_its_table(clip):
    reader, window, report = clip
    _, messages = read(report.path)
    expected = samples(reader, window.part.drive_id, window.part.start_ns, window.part.end_ns)
    found = defaultdict(list)
    for topic, rows in messages.items():
        for _, row in rows:
            for name in row.keys() - HEAD:
                found[f"{topic[1:]}/{name}"].append(
                    (row["mono_ns"] if row.keys() >= HEAD else 0, row[name])
                )
    derived = {name for name in found if name.startswith(("fix/", "log/"))}
    assert found.keys() - derived == {name for name, values in expected.items() if values}
    for name in found.keys() - derived:
        assert [time for time, _ in found[name]] == [time for time, _ in expected[name]]
        pairs = zip(found[name], expected[name], strict=True)
        assert all(same(mine, theirs) for (_, mine), (_, theirs) in pairs), name
    with report.path.open("rb") as file:
        statistics = mcap_reader.make_reader(file).get_summary().statistics
    assert report.counts["message"] == statistics.message_count == sum(map(len, messages.values()))
    assert report.counts["channel"] == statistics.channel_count


def same(found, expected):
    """Singles are written in the fewest digits that are the same single."""
    if isinstance(expected, float):
        return found == pytest.approx(expected, rel=1e-7, abs=1e-44)
    return found == expected


def test_every_message_is_as_its_schema_says(clip):
    schemas, messages = read(clip[2].path)
    for topic, schema in schemas.items():
        assert schema.encoding == "jsonschema"
        document = json.loads(schema.data)
        assert document["title"] == schema.name
        assert document["type"] == "object"
        fields = document["properties"]
        for _, row in messages[topic]:
            assert row.keys() <= fields.keys()
            for name, value in row.items():
                if fields[name]["type"] != "array":
                    assert isinstance(value, TYPES[fields[name]["type"]]), (topic, name, value)
    speed = json.loads(schemas["/car_state"].data)["properties"]["v_ego_mps"]
    assert speed == {"type": "number", "description": "m/s"}


def test_times_are_those_of_the_clock_and_in_order(clip):
    reader, window, report = clip
    [drive] = reader.rows(f"from drives where drive_id = {window.part.drive_id}")
    started_at = drive["started_at_utc"].replace(tzinfo=UTC)
    started_ns = (started_at - EPOCH) // timedelta(microseconds=1) * 1000
    with report.path.open("rb") as file:
        times = [m.log_time for _, _, m in mcap_reader.make_reader(file).iter_messages()]
    assert times == sorted(times)
    _, messages = read(report.path)
    for time_ns, row in messages["/car_state"]:
        assert time_ns - started_ns == row["mono_ns"] - window.part.first_mono_ns


def test_fixes_are_where_the_gps_has_one(clip):
    reader, window, report = clip
    schemas, messages = read(report.path)
    part = window.part
    rows = reader.rows(
        f"from log.gps where drive_id = {part.drive_id} and mono_ns >= {part.start_ns} "
        f"and mono_ns < {part.end_ns} and has_fix and longitude is not null "
        "order by mono_ns, segment_num, message_num"
    )
    topics = {topic for topic in schemas if topic.startswith("/fix/")}
    assert topics == {f"/fix/{row['source']}" for row in rows}
    for topic in topics:
        assert schemas[topic].name == "foxglove.LocationFix"
        found = [(fix["latitude"], fix["longitude"]) for _, fix in messages[topic]]
        mine = [row for row in rows if topic == f"/fix/{row['source']}"]
        assert found == [(row["latitude"], row["longitude"]) for row in mine]
        for time_ns, fix in messages[topic]:
            assert fix["timestamp"] == {"sec": time_ns // 10**9, "nsec": time_ns % 10**9}
            assert len(fix["position_covariance"]) == 9


def test_the_log_has_alerts_and_events(clip):
    _, window, report = clip
    schemas, messages = read(report.path)
    assert schemas["/log"].name == "foxglove.Log"
    texts = [row["message"] for _, row in messages["/log"]]
    event = window.event
    assert f"{event['kind']}: {event['cause']}" in texts
    assert all(texts)
    levels = {row["message"]: row["level"] for _, row in messages["/log"]}
    assert levels[f"{event['kind']}: {event['cause']}"] == (4 if event["is_critical"] else 3)


def test_hostile_texts_come_back(hostile, tmp_path):
    with Reader(hostile.database) as reader:
        write_clip(reader, drive_window(reader, 1), tmp_path / "clip.mcap")
    _, messages = read(tmp_path / "clip.mcap")
    texts = {row.get("text1") for _, row in messages["/alert/selfdriveState"]}
    assert {text for text in TEXTS if text} <= texts


def test_the_file_says_what_it_is_of(clip):
    _, window, report = clip
    with report.path.open("rb") as file:
        [record] = mcap_reader.make_reader(file).iter_metadata()
    assert record.name == "engagement.clip"
    assert record.metadata["event_id"] == window.event["event_id"]
    assert record.metadata["clock"] == "UTC"


def test_without_a_clock_the_time_is_that_of_the_log(hostile, tmp_path):
    with Reader(hostile.database) as reader:
        window = replace(drive_window(reader, 1), wall_offset_ns=None)
        write_clip(reader, window, tmp_path / "clip.mcap")
    _, messages = read(tmp_path / "clip.mcap")
    assert all(time == row["mono_ns"] for time, row in messages["/car_state"])


def test_without_the_extra_it_is_said_how_to_get_it(hostile, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mcap.writer", None)
    with Reader(hostile.database) as reader, pytest.raises(InputError) as told:
        write_clip(reader, drive_window(reader, 1), tmp_path / "clip.mcap")
    assert isinstance(told.value, MissingMcapError)
    assert "pip install 'engagement[mcap]'" in str(told.value)
    assert list(tmp_path.iterdir()) == []
