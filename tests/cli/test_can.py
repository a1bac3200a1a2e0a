from __future__ import annotations

import json
import re

import pyarrow.csv
import pyarrow.parquet
import pytest
from cantools import database as cantools_database

from engagement.cli.exit_codes import ExitCode
from engagement.extract import cars
from engagement.logs.writer import EventBuilder
from engagement.resources import resource_dir
from engagement.simulate import fleet

DEMO = cantools_database.load_file(resource_dir("config") / "demo_car.dbc")
DRIVE = "2024-01-02--03-04-05"
CLU1 = 1264


def payload(number):
    return DEMO.get_message_by_name("CLU1").encode(
        {
            "CF_Clu_CruiseSwState": number % 5,
            "CF_Clu_VehicleSpeed": number % 200,
            "CF_Clu_Odometer": 1000 + number / 10,
        }
    )


@pytest.fixture
def drive(tmp_path):
    """Two segments: CLU1 at 10 Hz on two buses, and a message that no DBC has."""
    builder = EventBuilder()
    for segment in range(2):
        parts = [builder.event("initData", 10**9, {})]
        for number in range(20):
            mono_ns = (5 + segment * 60) * 10**9 + number * 10**8
            value = payload(segment * 20 + number)
            frames = [(CLU1, 0, value), (CLU1, 1, value[:3]), (0x777, 2, b"")]
            parts.append(builder.can(mono_ns, frames))
        path = tmp_path / "logs" / f"{DRIVE}--{segment}" / "rlog"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"".join(parts))
    return tmp_path / "logs"


def test_the_logs_of_a_drive_follow_on_and_are_what_cantools_decodes(run_alone, drive, tmp_path):
    out = tmp_path / "signals.parquet"
    result = run_alone("can", drive, "--dbc", "demo_car", "--out", out)
    assert result.exit_code == ExitCode.OK
    assert result.stdout == ""
    expected = []
    for number in range(40):
        time_s = number // 20 * 60 + number % 20 / 10
        for name, value in DEMO.decode_message(CLU1, payload(number), False).items():  # noqa: FBT003
            unit = DEMO.get_message_by_name("CLU1").get_signal_by_name(name).unit
            expected.append((round(time_s, 6), 0, CLU1, "CLU1", name, value, unit or ""))
    names = ("bus", "address", "message", "signal", "value", "unit")
    rows = pyarrow.parquet.read_table(out).to_pylist()
    got = [(round(r["time_s"], 6), *(r[name] for name in names)) for r in rows]
    assert got == expected
    assert "wrote 120 values from 120 frames of 2 logs" in result.stderr
    assert re.search(r"\([\d,]+ frames/s\)", result.stderr)
    assert "not in these logs: VSM2, STEERING_STATUS, WHL_SPD" in result.stderr


def test_chosen_signals_of_a_message_are_columns(run_alone, drive, tmp_path):
    out = tmp_path / "cluster.csv"
    result = run_alone(
        "can", drive, "--dbc", "demo_car.dbc", "--message", "CLU1",
        "--signal", "CF_Clu_Odometer", "--signal", "CLU1.CF_Clu_VehicleSpeed", "--wide",
        "--out", out,
    )  # fmt: skip
    assert result.exit_code == ExitCode.OK, result.stderr
    table = pyarrow.csv.read_csv(out)
    assert table.column_names == [
        "time_s", "mono_ns", "bus", "CF_Clu_VehicleSpeed", "CF_Clu_Odometer",
    ]  # fmt: skip
    assert table["CF_Clu_Odometer"].to_pylist() == pytest.approx([1000 + n / 10 for n in range(40)])


def test_a_list_has_what_no_dbc_knows_too(run_alone, drive):
    result = run_alone("can", drive, "--list", "--dbc", "demo_car", "--json")
    rows = json.loads(result.stdout)
    found = [
        (row["bus"], row["address"], row["message"], row["n_frames"], row["n_signals"])
        for row in rows
    ]
    assert found == [(0, CLU1, "CLU1", 40, 3), (1, CLU1, "CLU1", 40, 3), (2, 0x777, None, 40, 0)]
    assert [row["rate_hz"] for row in rows] == pytest.approx([10, 10, 10])
    table = run_alone("can", drive, "--list", "--dbc", "demo_car", "--bus", "2").stdout
    assert "0x777" in table
    assert "CLU1" not in table


def test_an_rlog_stands_for_the_qlog_of_its_segment(run_alone, drive):
    (drive / f"{DRIVE}--0" / "qlog").write_bytes(EventBuilder().can(5 * 10**9, [(9, 9, b"")]))
    rows = json.loads(run_alone("can", drive, "--list", "--json", "--dbc", "demo_car").stdout)
    assert [row["n_frames"] for row in rows] == [40, 40, 40]


def test_a_list_needs_no_dbc(run_alone, drive):
    result = run_alone("can", drive, "--list")
    assert result.exit_code == ExitCode.OK
    assert "0x4f0" in result.stdout
    assert "without names of messages: the log does not say what car it is of" in result.stderr


def test_without_the_extra_a_dbc_is_asked_for(run_alone, logs, monkeypatch, tmp_path):
    monkeypatch.setattr(cars, "has_cars", lambda: False)
    segment = next((logs / fleet.NEO.dongle_id).iterdir())
    result = run_alone("can", segment, "--out", tmp_path / "a.csv")
    assert result.exit_code == ExitCode.USAGE
    assert "--dbc FILE" in result.stderr
    assert "pip install 'engagement[cars]'" in result.stderr
    named = run_alone("can", segment, "--dbc", "toyota_nodsu_pt_generated", "--out", "a.csv")
    assert named.exit_code == ExitCode.USAGE
    assert "pip install 'engagement[cars]'" in named.stderr


def test_the_cars_own_dbc_is_found_by_its_fingerprint(run_alone, tmp_path):
    pytest.importorskip("opendbc")
    builder = EventBuilder()
    path = tmp_path / "rlog"
    wheels = bytes.fromhex("1a6f1a6f1a6f1a6f")
    path.write_bytes(
        builder.event("carParams", 1, {"carFingerprint": "TOYOTA_COROLLA_TSS2"})
        + b"".join(builder.can(n * 10**7, [(0xAA, 0, wheels)]) for n in range(1, 9))
    )
    result = run_alone("can", path, "--message", "WHEEL_SPEEDS", "--wide", "--out", "w.parquet")
    assert result.exit_code == ExitCode.OK, result.stderr
    table = pyarrow.parquet.read_table("w.parquet")
    assert table.num_rows == 8
    assert "WHEEL_SPEED_FL" in table.column_names


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--message", "CLU2", "--out", "a.csv"], "did you mean 'CLU1'?"),
        (["--signal", "CF_Clu_Odometr", "--out", "a.csv"], "did you mean 'CF_Clu_Odometer'?"),
        (["--signal", "CLU9.CF_Clu_Odometer", "--out", "a.csv"], "no signal"),
        (["--out", "a.xls"], "it ends in .parquet, .csv, .arrow"),
        ([], "name a file with --out"),
        (["--wide", "--out", "a.csv"], "--wide takes one message"),
        (["--list", "--out", "a.csv"], "exclude each other"),
    ],
)
def test_mistakes_are_told_and_leave_no_file(run_alone, drive, words, message, tmp_path):
    result = run_alone("can", drive, "--dbc", "demo_car", *words)
    assert result.exit_code == ExitCode.USAGE
    assert message in result.stderr
    assert not list(tmp_path.glob("*.csv*"))


def test_a_dbc_that_is_nowhere_is_told(run_alone, drive):
    result = run_alone("can", drive, "--dbc", "demo_cat", "--out", "a.csv")
    assert result.exit_code == ExitCode.USAGE
    assert "--dbc: no file 'demo_cat'" in result.stderr


def test_signals_that_are_not_in_the_log_leave_no_file(run_alone, drive, tmp_path):
    (tmp_path / "out.csv").write_text("precious")
    result = run_alone("can", drive, "--dbc", "demo_car", "--message", "VSM2", "--out", "out.csv")
    assert result.exit_code == ExitCode.FAILED
    assert "no frame with these signals (--list shows what there is) in" in result.stderr
    assert (tmp_path / "out.csv").read_text() == "precious"


def test_signals_that_can_not_be_read_are_named(run_alone, drive, tmp_path):
    (tmp_path / "wide.dbc").write_text(
        'VERSION ""\nBU_: XXX\nBO_ 1264 CLU1: 8 XXX\n SG_ fine : 0|8@1+ (1,0) [0|0] "" XXX\n'
        'BO_ 5 BIG: 64 XXX\n SG_ huge : 0|72@1+ (1,0) [0|0] "" XXX\n'
    )
    result = run_alone("can", drive, "--dbc", "wide.dbc", "--out", "a.csv")
    assert result.exit_code == ExitCode.OK
    assert "left out: BIG.huge: it has 72 bits" in result.stderr


def test_logs_of_two_drives_are_refused(run_alone, logs):
    result = run_alone("can", logs, "--dbc", "demo_car", "--list")
    assert result.exit_code == ExitCode.USAGE
    assert "logs of 3 drives" in result.stderr


def test_a_damaged_log_is_told_and_the_others_written(run_alone, drive, tmp_path):
    first, second = (drive / f"{DRIVE}--{n}" / "rlog" for n in range(2))
    first.write_bytes(b"this is no log, whatever its name")
    second.write_bytes(second.read_bytes()[:-10])
    result = run_alone("can", drive, "--dbc", "demo_car", "--out", "a.csv")
    assert result.exit_code == ExitCode.LOGS
    assert str(first) in result.stderr
    assert f"partial: {second}" in result.stderr
    assert pyarrow.csv.read_csv(tmp_path / "a.csv").num_rows == 19 * 3


def test_logs_that_are_none_are_one_line(run_alone, tmp_path):
    (tmp_path / "rlog").write_bytes(b"")
    for words in (["--list"], ["--list", "--json"], ["--dbc", "demo_car", "--out", "a.csv"]):
        result = run_alone("can", "rlog", *words)
        assert result.exit_code in (ExitCode.LOGS, ExitCode.FAILED)
        assert "Traceback" not in result.output
    assert run_alone("can", "nowhere", "--list").exit_code == ExitCode.USAGE


def test_json_says_what_was_written(run_alone, drive, tmp_path):
    result = run_alone(
        "can", drive, "--dbc", "demo_car", "--out", tmp_path / "all.parquet", "--json"
    )
    assert result.exit_code == ExitCode.OK
    said = json.loads(result.stdout)
    assert said["n_rows"] == pyarrow.parquet.read_metadata(tmp_path / "all.parquet").num_rows
    assert said["path"] == str(tmp_path / "all.parquet")
