"""A clip holds what the database holds in the window, no more and no less."""

from __future__ import annotations

import csv
import json
import math
import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from engagement.csv_cells import as_written
from engagement.export import channels
from engagement.export import clip_table as clips
from engagement.export.clip_table import drive_window, event_window, write_clip
from engagement.store.reader import Reader
from tests.export.conftest import TEXTS
from tests.export.samples import samples

HEAD = ["time_s", "mono_ns", "event", "event_kind", "event_cause", "definitions"]


@pytest.fixture(params=["simulated", "hostile"])
def reader(request):
    with Reader(request.getfixturevalue(request.param).database) as opened:
        yield opened


@pytest.fixture
def hostile_reader(hostile):
    with Reader(hostile.database) as opened:
        yield opened


def an_event(reader):
    return reader.rows("from events where kind = 'disengagement' order by drive desc, mono_ns")[0]


def windows(reader):
    """Around an event, a part of a drive, and a drive from its first sample, beyond a segment."""
    event = an_event(reader)
    drive_id = event["drive_id"]
    return [
        event_window(reader, event),
        event_window(reader, event, -2.5, 0.0),
        drive_window(reader, drive_id, 1.0, 4.75),
        drive_window(reader, drive_id, None, 70.0),
    ]


def wanted(reader, window):
    return samples(reader, window.part.drive_id, window.part.start_ns, window.part.end_ns)


def same(found, expected):
    if isinstance(expected, float) and math.isnan(expected):
        return math.isnan(found)
    return found == expected and type(found) is type(expected)


def test_parquet_equals_the_base_tables(reader, tmp_path):
    for window in windows(reader):
        report = write_clip(reader, window, tmp_path / "clip.parquet")
        table = pyarrow.parquet.read_table(tmp_path / "clip.parquet")
        expected = wanted(reader, window)
        assert len(expected) > 30
        assert set(table.column_names) == {*HEAD, *expected}
        assert report.counts == {"row": table.num_rows, "column": table.num_columns}
        times = table["mono_ns"].to_pylist()
        for name, values in expected.items():
            cells = zip(times, table[name].to_pylist(), strict=True)
            found = [cell for cell in cells if cell[1] is not None]
            assert [time for time, _ in found] == [time for time, _ in values], name
            pairs = zip(found, values, strict=True)
            assert all(same(mine[1], theirs[1]) for mine, theirs in pairs), name


def test_csv_equals_the_base_tables(reader, tmp_path):
    window = event_window(reader, an_event(reader))
    write_clip(reader, window, tmp_path / "clip.csv")
    with (tmp_path / "clip.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    expected = wanted(reader, window)
    assert list(rows[0])[: len(HEAD)] == HEAD
    assert set(rows[0]) == {*HEAD, *expected}
    for name, values in expected.items():
        found = [(int(row["mono_ns"]), row[name]) for row in rows if row[name]]
        known = [(time, value) for time, value in values if value != "" and value == value]  # noqa: PLR0124
        assert [time for time, _ in found] == [time for time, _ in known], name
        assert all(
            same_cell(text, value) for (_, text), (_, value) in zip(found, known, strict=True)
        ), name


def same_cell(text, value):
    """Whether a cell is the value; of a single, the fewest digits that are the same single."""
    if isinstance(value, bool):
        return text == str(int(value))
    if isinstance(value, float):
        return np.float32(text) == np.float32(value) and "e" not in text
    return as_written(text) == str(value)


def test_plotjuggler_finds_a_number_in_every_cell_of_a_number(reader, tmp_path):
    window = event_window(reader, an_event(reader))
    write_clip(reader, window, tmp_path / "clip.parquet")
    write_clip(reader, window, tmp_path / "clip.csv")
    schema = pyarrow.parquet.read_schema(tmp_path / "clip.parquet")
    numbers = [field.name for field in schema if not pa.types.is_string(field.type)]
    with (tmp_path / "clip.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(numbers) > 30
    for name in numbers:
        assert all(re.fullmatch(r"(-?\d+(\.\d+)?)?", row[name]) for row in rows), name


def test_every_column_of_a_table_has_a_type_in_the_file(hostile_reader):
    tables = ", ".join(f"'{table}'" for table in channels._TABLES)
    kinds = hostile_reader.rows(
        "select distinct data_type from duckdb_columns() "
        f"where database_name = 'engagement' and table_name in ({tables})"
    )
    assert {row["data_type"] for row in kinds} <= clips._TYPES.keys()


def test_doubles_lose_no_digit_in_csv(hostile_reader, tmp_path):
    window = drive_window(hostile_reader, 1)
    write_clip(hostile_reader, window, tmp_path / "clip.csv")
    with (tmp_path / "clip.csv").open(newline="", encoding="utf-8") as file:
        cells = [row["gps/gpsLocation/latitude"] for row in csv.DictReader(file)]
    expected = wanted(hostile_reader, window)["gps/gpsLocation/latitude"]
    assert [float(cell) for cell in cells if cell] == [value for _, value in expected]


def test_arrow_reads_the_csv_too(reader, tmp_path):
    write_clip(reader, event_window(reader, an_event(reader)), tmp_path / "clip.csv")
    options = pa.csv.ParseOptions(newlines_in_values=True)
    table = pa.csv.read_csv(tmp_path / "clip.csv", parse_options=options)
    assert table["car_state/v_ego_mps"].type in (pa.float64(), pa.int64())
    assert set(table["car_state/brake_pressed"].to_pylist()) <= {None, 0, 1}


def test_rows_are_in_the_order_of_their_time_which_counts_from_the_first_sample(reader, tmp_path):
    for window in windows(reader)[:3]:
        write_clip(reader, window, tmp_path / "clip.parquet")
        table = pyarrow.parquet.read_table(tmp_path / "clip.parquet")
        times = table["mono_ns"].to_pylist()
        assert all(one <= other for one, other in pairwise(times))
        first = window.part.first_mono_ns
        assert table["time_s"].to_pylist() == [(time - first) / 1e9 for time in times]
        assert window.part.start_ns <= times[0]
        assert times[-1] < window.part.end_ns


def test_there_is_one_row_a_time_unless_a_channel_has_several_samples_then(reader, tmp_path):
    window = drive_window(reader, an_event(reader)["drive_id"], 5.0, 45.0)
    write_clip(reader, window, tmp_path / "clip.parquet")
    times = pyarrow.parquet.read_table(tmp_path / "clip.parquet")["mono_ns"].to_pylist()
    most: dict[int, int] = {}
    for values in wanted(reader, window).values():
        for time, number in Counter(time for time, _ in values).items():
            most[time] = max(most.get(time, 0), number)
    assert Counter(times) == most


def test_the_event_is_marked_in_its_row_and_others_are_named(reader, tmp_path):
    event = an_event(reader)
    window = event_window(reader, event, -60.0, 60.0)
    write_clip(reader, window, tmp_path / "clip.parquet")
    rows = pyarrow.parquet.read_table(tmp_path / "clip.parquet", columns=HEAD).to_pylist()
    [marked] = [row for row in rows if row["event"] == 1]
    assert marked["mono_ns"] == event["mono_ns"]
    assert marked["time_s"] == pytest.approx(event["time_s"])
    assert event["kind"] in marked["event_kind"].split()
    assert {row["event"] for row in rows} == {0, 1}
    others = reader.rows(f"from events where drive_id = {event['drive_id']} order by mono_ns, kind")
    others = [row for row in others if -60 <= row["time_s"] - event["time_s"] < 60]
    named = [kind for row in rows if row["event_kind"] for kind in row["event_kind"].split()]
    assert named == [row["kind"] for row in others]
    causes = [cause for row in rows if row["event_cause"] for cause in row["event_cause"].split()]
    assert causes == [row["cause"] for row in others if row["cause"]]


def test_in_a_part_of_a_drive_every_event_is_marked(reader, tmp_path):
    drive_id = an_event(reader)["drive_id"]
    write_clip(reader, drive_window(reader, drive_id, None, 60.0), tmp_path / "clip.parquet")
    rows = pyarrow.parquet.read_table(tmp_path / "clip.parquet", columns=HEAD).to_pylist()
    marked = {row["mono_ns"] for row in rows if row["event"]}
    events = reader.rows(f"select mono_ns from events where drive_id = {drive_id} and time_s < 60")
    assert marked == {row["mono_ns"] for row in events}


def test_a_parquet_file_says_what_it_is_of_and_the_units(reader, tmp_path):
    event = an_event(reader)
    write_clip(reader, event_window(reader, event), tmp_path / "clip.parquet")
    schema = pyarrow.parquet.read_schema(tmp_path / "clip.parquet")
    facts = json.loads(schema.metadata[b"engagement.clip"])
    assert facts["event_id"] == event["event_id"]
    assert facts["drive"] == event["drive"]
    assert facts["event_time_s"] - facts["start_s"] == pytest.approx(10.0)
    units = {
        "time_s": b"s", "mono_ns": b"ns", "car_state/v_ego_mps": b"m/s",
        "car_state/a_ego_mps2": b"m/s^2", "car_state/steering_angle_deg": b"deg",
        "car_state/steering_rate_deg_per_s": b"deg/s", "car_state/v_cruise_kph": b"km/h",
    }  # fmt: skip
    found = {name: schema.field(name).metadata[b"unit"] for name in units}
    assert found == units
    assert schema.field("car_state/gear").metadata is None


def test_the_hostile_drive_has_what_it_should(hostile_reader, tmp_path):
    write_clip(hostile_reader, drive_window(hostile_reader, 1), tmp_path / "clip.csv")
    with (tmp_path / "clip.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    texts = {as_written(row["alert/selfdriveState/text1"]) for row in rows}
    assert {text for text in TEXTS if text} <= texts
    numbers = {row["car_state/a_ego_mps2"] for row in rows}
    assert {"0.0000001", "0.1", "-3500000000000", "0", ""} <= numbers
    assert not {"nan", "NaN", "inf"} & numbers
    assert {row["car_event/onroadEvents/names"] for row in rows} == {
        "", "none", "pedalPressed", "doorOpen pedalPressed",
    }  # fmt: skip
