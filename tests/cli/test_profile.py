from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from engagement.cli.exit_codes import ExitCode
from engagement.extract.profiles import SignalEntry, Transform, load_profile
from engagement.logs.writer import EventBuilder
from engagement.resources import resource_dir
from engagement.simulate import BUSY, fleet, plan_drives, write_drive
from tests.support.terminal import ESCAPES, Terminal

TRUTHS = {
    "odometer": "CF_Clu_Odometer",
    "cruise_state": "CF_Clu_CruiseSwState",
    "steering_driver_torque": "CR_Mdps_StrTq",
    "steering_motor_torque": "STEERING_TORQUE",
    "wheel_speed": "WHL_SPD_FL",
}


@pytest.fixture(scope="session")
def demo_drive(tmp_path_factory):
    """A drive of the car of config/demo_car.dbc."""
    folder = tmp_path_factory.mktemp("demo_drive")
    drive = next(d for d in plan_drives(8, calm=BUSY) if d.car.has_demo_can and d.n_segments > 2)
    list(write_drive(folder, drive))
    return folder


@pytest.fixture
def other_drive(logs):
    """A drive of another car."""
    return min(path for path in (logs / fleet.NEO.dongle_id).iterdir())


def own_profiles(folder, text):
    path = folder / "config" / "vehicle_profiles.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def in_terminal(*words, folder):
    """What a command shows in a terminal of 100 columns."""
    terminal = Terminal([str(word) for word in words], folder)
    shown = b""
    while True:
        try:
            piece = os.read(terminal.file, 4096)
        except OSError:  # nobody writes any more
            break
        if not piece:
            break
        shown += piece
    terminal.wait()
    lines = ESCAPES.sub(b"", shown).decode().replace("\r\n", "\n").splitlines()
    return "\n".join(line.rstrip() for line in lines)


def test_the_page_on_profiles_shows_what_the_demo_prints(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text("utf-8")
    drive = next(d for d in plan_drives(8) if d.car.has_demo_can)
    logs = sorted(write_drive(tmp_path / "rlogs", drive))
    for words in (
        ("profile", "suggest", *logs, "--dbc", "demo_car", "--write", "mycar"),
        ("profile", "check", *logs, "--profile", "mycar"),
        ("can", *logs, "--dbc", "demo_car", "--list"),
    ):
        shown = in_terminal(*words, folder=tmp_path).partition("\nsaved profile")[0]
        assert shown in page


# list and show


def test_the_shipped_profile_is_listed(run_alone):
    result = run_alone("profile", "list")
    assert "demo_car.dbc" in result.stdout
    assert "odometer, cruise_state, steering_driver_torque" in result.stdout
    (row,) = json.loads(run_alone("profile", "list", "--json").stdout)
    assert (row["name"], row["is_default"], row["problem"]) == ("demo", False, None)


def test_profiles_that_do_not_hold_are_listed_with_what_is_wrong(run_alone, tmp_path):
    own_profiles(
        tmp_path,
        '{"default_profile": "bad", "profiles": {"bad": {"dbc_file": "no.dbc", "signals": {}},'
        '"worse": 3, "": {"dbc_file": "x", "signals": {}}}}',
    )
    result = run_alone("profile", "list", "--json")
    assert result.exit_code == ExitCode.OK
    bad, worse, unnamed = json.loads(result.stdout)
    assert "no DBC file 'no.dbc'" in bad["problem"]
    assert bad["is_default"]
    assert worse["problem"]
    assert unnamed["problem"]
    assert "no DBC file" in run_alone("profile", "list").stdout


def test_a_profile_is_shown_with_what_the_dbc_says(run_alone):
    result = run_alone("profile", "show", "demo")
    assert "The driver's torque on the steering wheel." in result.stdout
    document = json.loads(run_alone("profile", "show", "demo", "--json").stdout)
    assert document["signals"][0] == {
        "key": "odometer", "message": "CLU1", "signal": "CF_Clu_Odometer", "bus": 0,
        "scale": 1.0, "offset": 0.0, "unit": "km", "comment": "", "address": 1264,
        "address_hex": "0x4f0",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "demi"], "did you mean 'demo'?"),
        (["show"], "no profile is the default"),
        (["check", "."], "no profile is the default; name one with --profile; there is demo"),
    ],
)
def test_a_profile_that_is_not_there_is_told(run_alone, words, message):
    result = run_alone("profile", *words)
    assert result.exit_code == ExitCode.USAGE
    assert message in result.stderr


# check


def test_check_finds_each_signal_of_the_demo(run_alone, demo_drive):
    result = run_alone("profile", "check", demo_drive, "--profile", "demo", "--json")
    assert result.exit_code == ExitCode.OK
    rows = {row["key"]: row for row in json.loads(result.stdout)}
    assert set(rows) == set(TRUTHS) - {"wheel_speed"}
    assert rows["odometer"]["rate_hz"] == pytest.approx(5)
    assert rows["steering_driver_torque"]["rate_hz"] == pytest.approx(20, rel=0.01)
    assert 48_213 < rows["odometer"]["least"] < rows["odometer"]["greatest"] < 48_300
    assert rows["odometer"]["last"] == rows["odometer"]["greatest"]
    points = rows["odometer"]["points"]
    assert points == sorted(points)
    assert all(row["bus"] == 0 and row["problem"] is None for row in rows.values())


def test_check_is_plain_in_a_pipe_and_has_plots_in_a_terminal(run_alone, demo_drive, tmp_path):
    words = ("profile", "check", str(demo_drive), "--profile", "demo")
    plain = run_alone(*words)
    assert "over time" not in plain.stdout
    assert plain.stdout.isascii()
    assert "4 signals of profile 'demo': all in" in plain.stderr
    terminal = Terminal(words, tmp_path)
    shown = terminal.read_until("all in")
    assert terminal.wait() == ExitCode.OK
    odometer = next(line for line in shown.splitlines() if line.startswith("odometer"))
    assert odometer.rstrip().endswith("█")
    assert "▁" in odometer


def test_check_of_another_car_says_what_is_missing(run_alone, other_drive):
    result = run_alone("profile", "check", other_drive, "--profile", "demo")
    assert result.exit_code == ExitCode.FAILED
    assert "no frame of 0x4f0 is in the log" in result.stdout
    assert "4 signals of profile 'demo': 0 in 1 log" in result.stderr


def test_check_says_on_which_bus_a_signal_is_instead(run_alone, tmp_path):
    shutil.copy(resource_dir("config") / "demo_car.dbc", tmp_path)
    entry = '{"message": "CLU1", "signal": "CF_Clu_Odometer"'
    own_profiles(
        tmp_path,
        '{"profiles": {"p": {"dbc_file": "demo_car.dbc", "signals": {'
        f'"any": {entry}}}, "one": {entry}, "source": 1}}, "six": {entry}, "source": 6}},'
        ' "short": {"message": "VSM2", "signal": "CR_Mdps_StrTq"}}}}}',
    )
    builder = EventBuilder()
    frames = [(1264, 1, bytes(8)), (1264, 2, bytes(8)), (357, 0, b"123")]
    (tmp_path / "rlog").write_bytes(b"".join(builder.can(n * 10**8, frames) for n in range(1, 9)))
    result = run_alone("profile", "check", "rlog", "--profile", "p", "--json")
    rows = [(row["key"], row["bus"], row["problem"]) for row in json.loads(result.stdout)]
    assert rows == [
        ("any", 1, None),
        ("any", 2, None),
        ("one", 1, None),
        ("six", 6, "not on bus 6, but on 1, 2"),
        ("short", None, "its frames are too short, or never select it"),
    ]
    assert result.exit_code == ExitCode.FAILED


# suggest


def test_suggest_puts_the_truth_of_the_demo_first(run_alone, demo_drive):
    result = run_alone("profile", "suggest", demo_drive, "--dbc", "demo_car", "--json")
    assert result.exit_code == ExitCode.OK
    rankings = {ranking["key"]: ranking for ranking in json.loads(result.stdout)}
    best = {key: each["candidates"][0] for key, each in rankings.items() if each["fits"]}
    assert {key: each["signal"] for key, each in best.items()} == TRUTHS
    assert best["odometer"]["scale"] == 1
    assert best["steering_driver_torque"]["scale"] == pytest.approx(100, rel=0.01)
    for ranking in rankings.values():
        scores = [each["score"] for each in ranking["candidates"]]
        assert scores == sorted(scores, reverse=True)
        assert not ranking["fits"] or len(scores) == 1 or scores[0] >= scores[1]


def test_suggest_says_of_a_flag_that_it_does_not_change(run_alone, tmp_path):
    planned = next(d for d in plan_drives(8, calm=BUSY) if d.car.has_demo_can)
    list(write_drive(tmp_path, replace(planned, lane_changes=(), duration_s=70.0)))
    result = run_alone("profile", "suggest", tmp_path, "--dbc", "demo_car", "--json")
    rankings = {ranking["key"]: ranking for ranking in json.loads(result.stdout)}
    assert rankings["right_blinker"]["problem"] == "carState.rightBlinker does not change"


def test_suggest_writes_a_profile_that_check_finds(run_alone, demo_drive, tmp_path):
    words = ("profile", "suggest", demo_drive, "--dbc", "demo_car", "--write", "mine")
    result = run_alone(*words)
    assert result.exit_code == ExitCode.OK
    assert (
        "saved profile 'mine' with odometer, cruise_state, steering_driver_torque" in result.stderr
    )
    profile = load_profile(profiles_file=None, name="mine", cwd=tmp_path)
    assert profile.dbc_file == tmp_path / "config" / "demo_car.dbc"
    found = {each.key: each.entries for each in profile.signals}
    assert found["odometer"] == (SignalEntry("CLU1", "CF_Clu_Odometer", 0, Transform(1.0)),)
    assert found["wheel_speed_rr_kph"] == (SignalEntry("WHL_SPD", "WHL_SPD_RR", 0, Transform(1.0)),)
    checked = run_alone("profile", "check", demo_drive, "--profile", "mine")
    assert checked.exit_code == ExitCode.OK
    again = run_alone(*words)
    assert again.exit_code == ExitCode.USAGE
    assert "there is a profile 'mine' already; --replace replaces it" in again.stderr
    assert run_alone(*words, "--replace").exit_code == ExitCode.OK


def test_suggest_says_so_where_nothing_fits(run_alone, other_drive, tmp_path):
    result = run_alone("profile", "suggest", other_drive, "--dbc", "demo_car", "--write", "mine")
    assert result.exit_code == ExitCode.FAILED
    assert "nothing in demo_car.dbc fits these logs" in result.stderr
    assert "(no signal of the DBC has 20 values)" in result.stdout
    assert not (tmp_path / "config").exists()


def test_signals_that_follow_nothing_are_not_suggested(run_alone, demo_drive, tmp_path):
    signals = {"beat": 0, "number": 16, "noise": 48, "more_noise": 56}
    (tmp_path / "others.dbc").write_text(
        'VERSION ""\nBU_: XXX\nBO_ 1280 OTHER: 8 XXX\n'
        + "".join(f' SG_ {n} : {bit}|8@1+ (1,0) [0|0] "" XXX\n' for n, bit in signals.items())
    )
    result = run_alone("profile", "suggest", demo_drive, "--dbc", "others.dbc")
    assert result.exit_code == ExitCode.FAILED
    assert "nothing in others.dbc fits these logs" in result.stderr
    assert "(nothing follows carState.steeringTorque)" in result.stdout
    assert "(nothing follows the integral of carState.vEgo)" in result.stdout


def test_a_profile_with_the_cars_own_dbc_keeps_a_copy_of_it(run_alone, tmp_path):
    pytest.importorskip("opendbc")
    fingerprint = {"carFingerprint": "TOYOTA_COROLLA_TSS2"}
    (tmp_path / "rlog").write_bytes(EventBuilder().event("carParams", 1, fingerprint))
    key = "wheel_speed_fl_kph=WHEEL_SPEEDS.WHEEL_SPEED_FL@0"
    words = ("profile", "new", "mine", "--from", "rlog", "--key", key)
    result = run_alone(*words)
    assert result.exit_code == ExitCode.OK, result.stderr
    copy = tmp_path / "config" / "toyota_nodsu_pt_generated.dbc"
    assert load_profile(profiles_file=None, name="mine", cwd=tmp_path).dbc_file == copy
    copy.write_text("something else")
    result = run_alone(*words, "--replace")
    assert result.exit_code == ExitCode.USAGE
    assert "another file is there" in result.stderr
    assert copy.read_text() == "something else"


def test_a_dbc_of_the_folder_is_named_from_the_file(run_alone, tmp_path):
    shutil.copy(resource_dir("config") / "demo_car.dbc", tmp_path / "car.dbc")
    key = "odometer=CLU1.CF_Clu_Odometer"
    run_alone("profile", "new", "mine", "--dbc", "car.dbc", "--key", key)
    document = json.loads(Path("config/vehicle_profiles.json").read_text())
    assert document["profiles"]["mine"]["dbc_file"] == "car.dbc"
    assert load_profile(profiles_file=None, name="mine", cwd=tmp_path).dbc_file.is_file()
