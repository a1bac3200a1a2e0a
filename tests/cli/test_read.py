"""`engagement fields` and `engagement read`: what is in a log, and any of it as a file."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pyarrow.parquet
import pytest

import engagement
from engagement.cli.exit_codes import ExitCode


@pytest.fixture
def log(logs):
    return min(logs.rglob("rlog*"))


def test_services_are_listed_by_the_bytes_that_they_take(run_alone, log):
    rows = json.loads(run_alone("fields", log, "--json").stdout)

    by_service = {row["service"]: row for row in rows}
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert [row["n_bytes"] for row in rows] == sorted((r["n_bytes"] for r in rows), reverse=True)
    speeds = engagement.read_log(log, ["carState.vEgo"])
    assert by_service["carState"]["n_messages"] == speeds.num_rows
    times = speeds.column("mono_ns").to_numpy()
    rate_hz = (len(times) - 1) * 1e9 / (times[-1] - times[0])
    assert by_service["carState"]["rate_hz"] == pytest.approx(rate_hz)


def test_fields_that_fit_have_their_range(run_alone, log):
    rows = json.loads(run_alone("fields", log, "carstate.VEGO*", "--json").stdout)

    found = {row["name"]: row for row in rows}
    speeds = engagement.read_log(log, ["carState.vEgo"]).column("carState.vEgo").to_pylist()
    assert found["carState.vEgo"]["low"] == min(speeds)
    assert found["carState.vEgo"]["high"] == max(speeds)
    assert all(name.startswith("carState.vEgo") for name in found)
    nothing = run_alone("fields", log, "nothing.like*")
    assert nothing.exit_code == ExitCode.FAILED
    assert "no field in these logs that fits 'nothing.like*'" in nothing.stderr


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "csv"])
def test_a_file_has_what_python_reads(run_alone, log, tmp_path, suffix):
    out = tmp_path / f"fields.{suffix}"
    names = ["carState.vEgo", "carState.gearShifter", "carState.buttonEvents.type", "can[0x4F0]"]

    result = run_alone("read", log, *names, "--grid", "5", "--to", "20", "--out", out)

    assert result.exit_code == ExitCode.OK, result.stderr
    expected = engagement.read_log(log, names, grid_hz=5, between_s=(0, 20))
    if suffix == "parquet":
        assert pyarrow.parquet.read_table(out).to_pylist() == expected.to_pylist()
    elif suffix == "arrow":
        assert pyarrow.ipc.open_file(out).read_all().to_pylist() == expected.to_pylist()
    else:
        rows = list(csv.DictReader(io.StringIO(out.read_text())))
        for row, known in zip(rows, expected.to_pylist(), strict=True):
            speed, frame, types = (known[name] for name in (names[0], names[3], names[2]))
            assert (row[names[0]] == "") == (speed is None)
            assert np.float32(row[names[0]] or 0) == np.float32(speed or 0)
            assert row[names[3]] == (frame or b"").hex()
            assert json.loads(row[names[2]] or "null") == types


def test_without_a_file_it_is_csv_and_a_mistake_is_one_line(run_alone, log, tmp_path):
    printed = run_alone("read", log, "carState.vEgo", "--from", "1", "--to", "1.1").stdout
    assert printed.startswith("mono_ns,carState.vEgo\n")
    expected = engagement.read_log(log, ["carState.vEgo"], between_s=(1, 1.1))
    assert len(printed.splitlines()) == 1 + expected.num_rows > 1

    rows = json.loads(run_alone("read", log, "carState.vEgo", "--to", "1", "--json").stdout)
    assert rows == engagement.read_log(log, ["carState.vEgo"], between_s=(0, 1)).to_pylist()
    for bounds in (("--from", "1"), ("--from", "1", "--to", "1e300")):
        late = run_alone("read", log, "carState.vEgo", *bounds, "--json").stdout
        all_s = engagement.read_log(log, ["carState.vEgo"]).to_pylist()
        assert json.loads(late) == all_s[-len(json.loads(late)) :]
        assert 0 < len(json.loads(late)) < len(all_s)
    written = run_alone("read", log, "carState.vEgo", "--out", "x.csv", "--json").stdout
    assert json.loads(written)["fields"] == ["carState.vEgo"]

    for words, said in (
        ((log,), "name fields"),
        (("carState.vEgo",), "there is no such log"),
        ((tmp_path / "none", "carState.vEgo"), "there is no such log"),
        ((log, "carState.vEg"), "did you mean 'vEgo'"),
        ((log, "carState.vEgo", "--out", "x.xls"), "the name says no format"),
        ((log, "carState.vEgo", "--to", "nan"), "a time is a number"),
    ):
        result = run_alone("read", *words)
        assert result.exit_code in (ExitCode.FAILED, ExitCode.USAGE)
        assert said in result.stderr


def test_a_topic_of_mcap_has_what_its_service_says(run_alone, log, tmp_path):
    reader = pytest.importorskip("mcap.reader")
    names = ["carState.vEgo", "carState.gearShifter", "radarState.leadOne.dRel"]
    out = tmp_path / "fields.mcap"
    assert run_alone("read", log, *names, "--to", "5", "--out", out).exit_code == 0
    wanted = {}
    for row in engagement.read_log(log, names, between_s=(0, 5)).to_pylist():
        for name in names:
            service, _, field = name.partition(".")
            if row[name] is not None:
                said = wanted.setdefault(
                    (f"/{service}", row["mono_ns"]), {"mono_ns": row["mono_ns"]}
                )
                said[field] = row[name]
    with out.open("rb") as file:
        found = {
            (channel.topic, message.log_time): json.loads(message.data)
            for _, channel, message in reader.make_reader(file).iter_messages()
        }
    assert {topic for topic, _ in found} == {"/carState", "/radarState"}
    assert found == wanted
