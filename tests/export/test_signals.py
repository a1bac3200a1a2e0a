from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.errors import InputError
from engagement.export.signal_files import LONG, long_table, open_sink, wide_schema, wide_table
from engagement.extract.dbc import parse_dbc
from engagement.extract.frames import list_signals
from tests.oracles.can import bits, decode_frame, make_frames

DBC = """VERSION ""
BU_: XXX
BO_ 1 ONE: 4 XXX
 SG_ which M : 0|2@1+ (1,0) [0|0] "" XXX
 SG_ low m0 : 8|8@1- (0.5,0) [0|0] "Nm" XXX
 SG_ bus m1 : 8|16@0+ (1,-3) [0|0] "" XXX
 SG_ number : 16|16@1- (0.1,0) [0|0] "km" XXX
BO_ 2 OTHER: 2 XXX
 SG_ number : 7|16@0- (1,0) [0|0] "" XXX
"""
DATABASE = parse_dbc(DBC, "car.dbc")
SIGNALS = list_signals(DATABASE, "car.dbc").signals
ONE = [each for each in SIGNALS if each.message == "ONE"]
FRAMES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 2), st.binary(max_size=5)), max_size=20
)


def decode(frame):
    """What cantools makes of a frame, nothing where it is none of the DBC's."""
    address, _, payload = frame
    message = next((each for each in DATABASE.messages if each.frame_id == address), None)
    return decode_frame(message, payload) if message else {}


@settings(max_examples=100, deadline=None)
@given(FRAMES)
def test_long_rows_are_what_cantools_decodes_frame_by_frame(frames):
    table = long_table(make_frames(frames), SIGNALS, start_ns=5)
    expected = []
    for row, frame in enumerate(frames):
        names = {1: "ONE", 2: "OTHER"}
        values = decode(frame)
        for each in SIGNALS:
            if names.get(frame[0]) == each.message and each.signal in values:
                time_ns = row // 3 * 10_000_000
                expected.append(
                    (time_ns + 5, frame[1], frame[0], each.message, each.signal,
                     bits(values[each.signal]), each.unit)
                )  # fmt: skip
    assert table.schema == LONG
    names = ("mono_ns", "bus", "address", "message", "signal", "value", "unit")
    rows = table.to_pylist()
    got = [tuple(bits(r[n]) if n == "value" else r[n] for n in names) for r in rows]
    assert got == expected
    times = table["time_s"].to_numpy()
    np.testing.assert_allclose(times, (table["mono_ns"].to_numpy() - 5) / 1e9)


@settings(max_examples=100, deadline=None)
@given(FRAMES)
def test_wide_rows_are_frames_with_null_for_what_is_not_in_them(frames):
    table = wide_table(make_frames(frames), ONE, start_ns=5)
    expected = []
    for row, frame in enumerate(frames):
        values = decode(frame) if frame[0] == 1 else {}
        if values:
            seconds = row // 3 * 10_000_000 / 1e9
            cells = [values.get(name) for name in ("which", "low", "bus", "number")]
            expected.append([seconds, row // 3 * 10_000_000 + 5, frame[1], *cells])
    assert [list(row.values()) for row in table.to_pylist()] == expected


def test_a_signal_named_like_a_column_has_its_message_in_front():
    schema = wide_schema(ONE)
    assert schema.names == ["time_s", "mono_ns", "bus", "which", "low", "ONE.bus", "number"]
    assert schema.field("number").metadata[b"unit"] == b"km"


def read_back(path):
    if path.suffix == ".parquet":
        return pa.parquet.read_table(path)
    if path.suffix == ".arrow":
        return pa.ipc.open_file(path).read_all()
    return pa.csv.read_csv(path)


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".arrow"])
@pytest.mark.parametrize("tabulate", [long_table, wide_table])
def test_a_file_of_several_logs_reads_back_as_what_was_written(tmp_path, suffix, tabulate):
    rng = np.random.default_rng(1)
    signals = SIGNALS if tabulate is long_table else ONE
    parts = []
    for _ in range(3):
        frames = [(int(rng.integers(1, 3)), 0, rng.bytes(4)) for _ in range(50)]
        parts.append(tabulate(make_frames(frames), signals, start_ns=0))
    path = tmp_path / f"signals{suffix}"
    with open_sink(path, parts[0].schema) as sink:
        for part in parts:
            sink.write_table(part)

    expected = [row for part in parts for row in part.to_pylist()]
    got = read_back(path).to_pylist()
    assert len(got) == len(expected) > 30
    for row, wanted in zip(got, expected, strict=True):
        assert {name: value or None for name, value in row.items()} == {
            name: value or None for name, value in wanted.items()
        }


@pytest.mark.parametrize("tabulate", [long_table, wide_table])
def test_no_spreadsheet_runs_what_a_dbc_names(tmp_path, tabulate):
    hostile = [replace(each, signal="=HYPERLINK(1)", message="@m", unit="=u") for each in ONE[:1]]
    table = tabulate(make_frames([(1, 0, b"1234")]), hostile, start_ns=0)
    with open_sink(tmp_path / "signals.csv", table.schema) as sink:
        sink.write_table(table)

    with (tmp_path / "signals.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert "'=HYPERLINK(1)" in cells
    assert tabulate is wide_table or {"'@m", "'=u"} <= set(cells)
    assert not [cell for cell in cells if cell.startswith(("=", "@"))]


def test_names_are_dictionary_encoded(tmp_path):
    path = tmp_path / "signals.parquet"
    table = long_table(make_frames([(1, 0, b"1234")] * 5), SIGNALS, start_ns=0)
    with open_sink(path, LONG) as sink:
        sink.write_table(table)
    assert pa.types.is_dictionary(read_back(path).schema.field("signal").type)


def test_what_goes_wrong_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "signals.csv"
    path.write_text("precious")
    with pytest.raises(InputError), open_sink(path, LONG):
        raise InputError("no more")
    assert path.read_text() == "precious"
    assert [each.name for each in tmp_path.iterdir()] == ["signals.csv"]


def test_a_name_without_a_format_is_refused(tmp_path):
    with (
        pytest.raises(InputError, match=r"\.parquet, \.csv, \.arrow"),
        open_sink(tmp_path / "signals.xlsx", LONG),
    ):
        pass
