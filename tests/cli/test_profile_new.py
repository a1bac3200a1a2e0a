from __future__ import annotations

import json
import os
import select
import termios

import pytest

from engagement.cli.exit_codes import ExitCode
from engagement.extract.dbc import load_signal_specs
from engagement.extract.profiles import ProfileSignal, SignalEntry, Transform, load_profile
from engagement.simulate import BUSY, plan_drives, write_drive
from tests.support.terminal import Terminal

FILE = "config/vehicle_profiles.json"


@pytest.fixture(scope="session")
def log(tmp_path_factory):
    """A segment of the car of config/demo_car.dbc."""
    folder = tmp_path_factory.mktemp("demo_log")
    drive = next(d for d in plan_drives(8, calm=BUSY) if d.car.has_demo_can and d.n_segments > 2)
    return list(write_drive(folder, drive))[1]


def start(tmp_path, *words, **environment):
    arguments = ["profile", "new", *map(str, words)]
    return Terminal(arguments, tmp_path, columns=110, **environment)


def load(tmp_path, name):
    return load_profile(profiles_file=None, name=name, cwd=tmp_path)


def take(terminal, question, typed):
    """Wait for a list, type till it has one line, and take that."""
    terminal.read_until(question)
    terminal.read_until("Esc back")
    terminal.send(typed)
    terminal.read_until(f"> {typed}▏")
    assert "\n1 of " in terminal.read_until("Esc back").replace("\r", "")
    terminal.send("\r")


def answer(terminal, question, line=""):
    terminal.read_until(question)
    terminal.send(f"{line}\n")


def test_a_profile_is_made_from_lists_with_the_values_of_a_log(tmp_path, log):
    terminal = start(tmp_path, "--from", log)
    answer(terminal, "Name of the profile: ", "my car")
    take(terminal, "Which DBC?", "demo_car")
    take(terminal, "which key?", "odometer")

    terminal.read_until("which signal?")
    shown = terminal.read_until("Esc back")
    first = next(line for line in shown.splitlines() if line.startswith("> CLU1.CF_Clu_Odometer"))
    assert "bus 0" in first
    assert "follows 0.9" in first
    assert "▁" in first
    assert "km  [482" in first
    assert "moment: 30.0 s" in shown
    terminal.send("\x1b[D\x1b[D")
    terminal.read_until("moment: 27.6 s")
    terminal.send("\r")
    take(terminal, "on which bus?", "any")
    answer(terminal, "Scale of CLU1.CF_Clu_Odometer [1.0]: ", "much")
    answer(terminal, "'much' is no number")
    answer(terminal, "Offset, after the scale [0.0]: ", "-1.5")
    answer(terminal, "Another signal for this key, as a bit mask? [y/N]: ", "n")

    take(terminal, "which key?", "cruise_state")
    take(terminal, "which signal?", "cruisesw")
    take(terminal, "on which bus?", "bus 0")
    answer(terminal, "Scale of CLU1.CF_Clu_CruiseSwState [1.0]: ")
    answer(terminal, "Offset, after the scale [0.0]: ")
    answer(terminal, "as a bit mask? [y/N]: ", "y")
    take(terminal, "which signal?", "alive vsm2")
    take(terminal, "on which bus?", "bus 0")
    answer(terminal, "Scale of VSM2.CF_Mdps_Alive [1.0]: ", "2")
    answer(terminal, "Offset, after the scale [0.0]: ")
    answer(terminal, "as a bit mask? [y/N]: ")

    take(terminal, "which key?", "save")
    shown = terminal.read_until("Save it? [Y/n]: ")
    assert "odometer: CLU1.CF_Clu_Odometer-1.5" in shown
    assert "cruise_state: CLU1.CF_Clu_CruiseSwState@0 + VSM2.CF_Mdps_Alive@0*2" in shown
    terminal.send("\n")
    answer(terminal, "Description: ", "the blue one")
    answer(terminal, "Use it where no --profile is named? [y/N]: ", "y")
    terminal.read_until("saved profile 'my car'")
    assert terminal.wait() == ExitCode.OK

    found = load(tmp_path, None)
    assert (found.name, found.description) == ("my car", "the blue one")
    assert found.signals == (
        ProfileSignal(
            "odometer", (SignalEntry("CLU1", "CF_Clu_Odometer", None, Transform(1, -1.5)),)
        ),
        ProfileSignal(
            "cruise_state",
            (
                SignalEntry("CLU1", "CF_Clu_CruiseSwState", 0),
                SignalEntry("VSM2", "CF_Mdps_Alive", 0, Transform(2)),
            ),
        ),
    )
    assert len(load_signal_specs(found)) == 3


def test_without_a_log_the_bus_is_typed_and_a_key_can_be_of_ones_own(tmp_path):
    terminal = start(tmp_path, "mine", "--dbc", "demo_car")
    take(terminal, "which key?", "another")
    answer(terminal, "Key: ", "  ")
    answer(terminal, "a name has letters", "steering_angle")
    take(terminal, "which signal?", "angle")
    answer(terminal, "Bus (nothing for any): ", "256")
    answer(terminal, "'256' is no bus", "²")
    answer(terminal, "'²' is no bus", "2")
    answer(terminal, "Scale of STEERING_STATUS.STEERING_ANGLE [1.0]: ", "0.5")
    answer(terminal, "Offset, after the scale [0.0]: ")
    answer(terminal, "as a bit mask? [y/N]: ")
    take(terminal, "which key?", "steering_angle")
    take(terminal, "what about it?", "remove")
    take(terminal, "which key?", "wheel_speed_fl")
    take(terminal, "which signal?", "spd_fl")
    answer(terminal, "Bus (nothing for any): ")
    answer(terminal, "Scale of WHL_SPD.WHL_SPD_FL [1.0]: ")
    answer(terminal, "Offset, after the scale [0.0]: ")
    answer(terminal, "as a bit mask? [y/N]: ")
    take(terminal, "which key?", "save")
    answer(terminal, "Save it? [Y/n]: ")
    answer(terminal, "Description: ")
    answer(terminal, "is named? [y/N]: ")
    assert terminal.wait() == ExitCode.OK
    found = load(tmp_path, "mine")
    assert found.signals == (
        ProfileSignal("wheel_speed_fl_kph", (SignalEntry("WHL_SPD", "WHL_SPD_FL"),)),
    )
    assert load(tmp_path, None) is None


def test_single_signals_are_edited_and_deleted(tmp_path, run_alone):
    made = run_alone(
        "profile", "new", "mine", "--dbc", "demo_car", "--description", "the blue one",
        "--key", "odometer=CLU1.CF_Clu_Odometer@0*0.1+5",
        "--key", "cruise_state=CLU1.CF_Clu_CruiseSwState@1",
        "--key", "cruise_state=VSM2.CF_Mdps_Alive",
    )  # fmt: skip
    assert made.exit_code == ExitCode.OK, made.stderr
    terminal = start(tmp_path, "mine", "--edit")
    take(terminal, "which key?", "odometer")
    take(terminal, "what about it?", "edit")
    answer(terminal, "Bus of CLU1.CF_Clu_Odometer (any, or a number) [0]: ", "any")
    answer(terminal, "Scale of CLU1.CF_Clu_Odometer [0.1]: ")
    answer(terminal, "Offset, after the scale [5.0]: ", "7")
    take(terminal, "which key?", "cruise_state")
    take(terminal, "what about it?", "delete clu1")
    take(terminal, "which key?", "save")
    answer(terminal, "Save it? [Y/n]: ")
    answer(terminal, "Description [the blue one]: ")
    answer(terminal, "is named? [y/N]: ")
    assert terminal.wait() == ExitCode.OK
    found = load(tmp_path, "mine")
    assert found.description == "the blue one"
    assert {each.key: each.entries for each in found.signals} == {
        "odometer": (SignalEntry("CLU1", "CF_Clu_Odometer", None, Transform(0.1, 7)),),
        "cruise_state": (SignalEntry("VSM2", "CF_Mdps_Alive"),),
    }


def test_a_key_of_a_profile_is_set_without_questions(tmp_path, run_alone):
    words = ("profile", "new", "mine", "--dbc", "demo_car", "--description", "the blue one")
    run_alone(*words, "--key", "a=CLU1.CF_Clu_Odometer", "--key", "b=VSM2.CF_Mdps_Alive@1")
    result = run_alone("profile", "new", "mine", "--edit", "--key", "a=CLU1.CF_Clu_Odometer*2")
    assert result.exit_code == ExitCode.OK, result.stderr
    found = load(tmp_path, "mine")
    assert found.description == "the blue one"
    assert {each.key: each.entries for each in found.signals} == {
        "a": (SignalEntry("CLU1", "CF_Clu_Odometer", None, Transform(2)),),
        "b": (SignalEntry("VSM2", "CF_Mdps_Alive", 1),),
    }
    for name in ((), ("other",)):
        result = run_alone("profile", "new", *name, "--edit", "--key", "a=CLU1.CF_Clu_Odometer")
        assert result.exit_code == ExitCode.USAGE


def existing(tmp_path):
    """A file with a profile `mine`, and its bytes."""
    path = tmp_path / FILE
    path.parent.mkdir()
    path.write_text('{"profiles": {"mine": {"dbc_file": "x.dbc", "signals": {}}}}')
    return path, path.read_bytes()


def choose_odometer(terminal):
    take(terminal, "which key?", "odometer")
    take(terminal, "which signal?", "odometer")
    answer(terminal, "Bus (nothing for any): ")
    answer(terminal, "[1.0]: ")
    answer(terminal, "[0.0]: ")
    answer(terminal, "as a bit mask? [y/N]: ")


def test_a_profile_is_replaced_only_when_that_is_said(tmp_path):
    path, before = existing(tmp_path)
    terminal = start(tmp_path, "mine", "--dbc", "demo_car")
    choose_odometer(terminal)
    take(terminal, "which key?", "save")
    answer(terminal, "There is a profile 'mine'. Replace it? [y/N]: ", "n")
    answer(terminal, "Another name: ", "other")
    take(terminal, "which key?", "save")
    answer(terminal, "Save it? [Y/n]: ")
    answer(terminal, "Description: ")
    answer(terminal, "is named? [y/N]: ")
    assert terminal.wait() == ExitCode.OK
    document = json.loads(path.read_text())
    assert document["profiles"]["mine"] == json.loads(before)["profiles"]["mine"]
    assert list(document["profiles"]) == ["mine", "other"]


def press_ctrl_c(terminal):
    """Until it is noticed: one that comes just before Python waits for a key is not, at once."""
    for _ in range(30):
        terminal.send("\x03")
        while select.select([terminal.file], [], [], 0.5)[0]:
            terminal.unread += os.read(terminal.file, 4096)
            if b"interrupted; nothing half-done was kept" in terminal.unread:
                return
    pytest.fail(f"Ctrl-C has no effect: {terminal.unread}")


@pytest.mark.parametrize("where", ["list", "prompt"])
def test_ctrl_c_leaves_the_file_and_the_terminal_as_they_were(tmp_path, where):
    path, before = existing(tmp_path)
    terminal = start(tmp_path, "other", "--dbc", "demo_car")
    choose_odometer(terminal)
    terminal.read_until("which key?")
    terminal.read_until("Esc back")
    if where == "prompt":
        terminal.send("save\r")
        terminal.read_until("Save it? [Y/n]: ")
    press_ctrl_c(terminal)
    assert termios.tcgetattr(terminal.file)[3] & termios.ECHO
    assert terminal.wait() == ExitCode.INTERRUPTED
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_leaving_without_saving_is_asked_about(tmp_path):
    terminal = start(tmp_path, "mine", "--dbc", "demo_car")
    choose_odometer(terminal)
    take(terminal, "which key?", "quit")
    answer(terminal, "Leave without saving? [y/N]: ", "n")
    take(terminal, "which key?", "quit")
    answer(terminal, "Leave without saving? [y/N]: ", "y")
    terminal.read_until("nothing was saved")
    assert terminal.wait() == ExitCode.OK
    assert not (tmp_path / "config").exists()


def test_escape_clears_what_was_typed_then_leaves(tmp_path):
    terminal = start(tmp_path, "mine", "--dbc", "demo_car")
    terminal.read_until("Esc back")
    terminal.send("nothing at all")
    terminal.read_until("nothing fits")
    terminal.send("\x1b")
    terminal.read_until("km that the car has driven")
    terminal.read_until("Esc back")
    terminal.send("\x1b")
    terminal.read_until("nothing was saved")
    assert terminal.wait() == ExitCode.OK


def test_options_make_a_profile_without_questions(run_alone, tmp_path):
    result = run_alone(
        "profile", "new", "mine", "--dbc", "demo_car", "--default",
        "--description", "the blue one",
        "--key", "odometer=CLU1.CF_Clu_Odometer@0*0.1+5",
        "--key", "cruise_state=CLU1.CF_Clu_CruiseSwState@1",
        "--key", "cruise_state=VSM2.CF_Mdps_Alive",
        "--key", "steering_driver_torque=VSM2.CR_Mdps_StrTq*-1e-2-.5",
    )  # fmt: skip
    assert result.exit_code == ExitCode.OK, result.stderr
    assert "saved profile 'mine'" in result.stderr
    found = load(tmp_path, None)
    assert found.description == "the blue one"
    assert {each.key: each.entries for each in found.signals} == {
        "odometer": (SignalEntry("CLU1", "CF_Clu_Odometer", 0, Transform(0.1, 5)),),
        "cruise_state": (
            SignalEntry("CLU1", "CF_Clu_CruiseSwState", 1),
            SignalEntry("VSM2", "CF_Mdps_Alive"),
        ),
        "steering_driver_torque": (
            SignalEntry("VSM2", "CR_Mdps_StrTq", None, Transform(-0.01, -0.5)),
        ),
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["mine"], "there is no terminal to ask in; give a name and signals"),
        (["--dbc", "demo_car", "--key", "a=CLU1.CF_Clu_Odometer"], "name the profile"),
        (["mine", "--key", "a=CLU1.CF_Clu_Odometer"], "name a DBC with --dbc"),
        (["mine", "--dbc", "demo_car", "--key", "a=CLU1"], "is no signal of a key"),
        (["mine", "--dbc", "demo_car", "--key", "a=CLU1.x@999"], "there is no bus 999"),
        (["mine", "--dbc", "demo_car", "--key", f"a=CLU1.x@{'9' * 5000}"], "is no signal of a key"),
        (["mine", "--dbc", "demo_car", "--key", "a=CLU1.x*1e999"], "too large"),
        ([" ", "--dbc", "demo_car", "--key", "a=CLU1.CF_Clu_Odometer"], "needs a name"),
        (
            ["mine", "--dbc", "demo_car", *["--key", "a=CLU1.CF_Clu_Odometer"] * 53],
            "--key a: a key takes up to 52 signals",
        ),
        (
            ["mine", "--dbc", "demo_car", "--key", "a=CLU1.CF_Clu_Odometr"],
            "did you mean 'CLU1.CF_Clu_Odometer'?",
        ),
    ],
)
def test_mistakes_are_told_and_change_nothing(run_alone, tmp_path, words, message):
    result = run_alone("profile", "new", *words)
    assert result.exit_code == ExitCode.USAGE
    assert message in result.stderr
    assert not (tmp_path / "config").exists()


def test_options_replace_a_profile_only_with_replace(run_alone, tmp_path):
    path, before = existing(tmp_path)
    words = ("profile", "new", "mine", "--dbc", "demo_car", "--key", "a=CLU1.CF_Clu_Odometer")
    result = run_alone(*words)
    assert result.exit_code == ExitCode.USAGE
    assert "--replace replaces it" in result.stderr
    assert path.read_bytes() == before
    assert run_alone(*words, "--replace").exit_code == ExitCode.OK
    assert load(tmp_path, "mine").signals[0].key == "a"


def test_a_terminal_that_can_not_show_lists_is_not_asked_in(tmp_path):
    terminal = start(tmp_path, "mine", "--dbc", "demo_car", TERM="dumb")
    terminal.read_until("this terminal can't show lists; give a name and signals")
    assert terminal.wait() == ExitCode.USAGE
