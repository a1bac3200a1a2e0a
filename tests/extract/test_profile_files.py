from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from engagement.errors import ConfigError, InputError
from engagement.extract.profile_files import NewProfile, read_profiles, save_profile
from engagement.extract.profiles import (
    ProfileSignal,
    SignalEntry,
    Transform,
    find_profiles,
    load_profile,
)
from engagement.resources import resource_dir

ENTRIES = {
    "odometer": [SignalEntry("CLU1", "CF_Clu_Odometer", 0, Transform(0.1, -5.5))],
    "cruise_state": [SignalEntry("A", "x"), SignalEntry("B", "y", 2)],
}


@pytest.fixture
def path(tmp_path):
    (tmp_path / "config").mkdir()
    shutil.copy(resource_dir("config") / "demo_car.dbc", tmp_path / "config")
    return tmp_path / "config" / "vehicle_profiles.json"


def test_a_saved_profile_loads_as_what_was_given(path, tmp_path):
    save_profile(path, NewProfile("mine", "demo_car.dbc", ENTRIES, "old"), is_default=True)
    found = load_profile(profiles_file=None, name=None, cwd=tmp_path)
    assert (found.name, found.description) == ("mine", "old")
    assert found.dbc_file == path.parent / "demo_car.dbc"
    assert found.signals == tuple(ProfileSignal(k, tuple(e)) for k, e in ENTRIES.items())


def test_the_rest_of_the_file_stays(path):
    before = {
        "profiles": {"other": {"dbc_file": "x.dbc", "signals": {}, "note": "ünknown key"}},
        "default_profile": "other",
        "future": [1.5, None, 12345678901234567890],
    }
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(before).encode())
    path.chmod(0o640)
    save_profile(path, NewProfile("mine", "demo_car.dbc", ENTRIES))
    after = read_profiles(path)
    assert after["profiles"].pop("mine")
    assert after == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [each.name for each in path.parent.glob("*.json*")] == [path.name]
    assert "ünknown" in path.read_text("utf-8")


def test_what_utf_8_can_not_say_does_not_spoil_the_file(path):
    path.write_text('{"note": "\\ud800", "profiles": {}}')
    save_profile(path, NewProfile("mine", "demo_car.dbc", ENTRIES))
    assert json.loads(path.read_bytes().decode())["note"] == "\ud800"


def test_a_profile_is_replaced_only_if_it_may_be(path):
    save_profile(path, NewProfile("mine", "a.dbc", ENTRIES))
    before = path.read_bytes()
    with pytest.raises(InputError, match="a profile 'mine' already"):
        save_profile(path, NewProfile("mine", "b.dbc", {}))
    assert path.read_bytes() == before
    save_profile(path, NewProfile("mine", "b.dbc", {}), may_replace=True)
    assert read_profiles(path)["profiles"]["mine"]["dbc_file"] == "b.dbc"


@pytest.mark.parametrize("name", ["", "  "])
def test_a_profile_has_a_name(path, name):
    with pytest.raises(InputError, match="needs a name"):
        save_profile(path, NewProfile(name, "a.dbc", ENTRIES))
    assert not path.exists()


@pytest.mark.parametrize("n_entries", [0, 53])
def test_what_could_not_be_loaded_is_not_saved(path, n_entries):
    entries = [SignalEntry("A", f"x{number}") for number in range(n_entries)]
    with pytest.raises(InputError, match=f"{n_entries} signals; a key takes 1 to 52"):
        save_profile(path, NewProfile("mine", "demo_car.dbc", {"key": entries}))
    assert not path.exists()


def test_the_most_signals_that_a_key_takes_are_loaded_again(path, tmp_path):
    entries = [SignalEntry("A", f"x{number}") for number in range(52)]
    save_profile(path, NewProfile("mine", "demo_car.dbc", {"key": entries}))
    found = load_profile(profiles_file=path, name="mine", cwd=tmp_path)
    assert found.signals == (ProfileSignal("key", tuple(entries)),)


@pytest.mark.parametrize(
    "content",
    [
        b'{"profiles": {}, "x": 1e999}',
        b'{"profiles": {}, "x": NaN}',
        b"{",
        b"[]",
        b'{"profiles": []}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
    ids=repr,
)
def test_a_file_that_does_not_hold_stays_as_it_is(path, content):
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        save_profile(path, NewProfile("mine", "a.dbc", ENTRIES))
    assert path.read_bytes() == content


def test_a_file_that_can_not_be_written_stays_as_it_is(path, monkeypatch):
    save_profile(path, NewProfile("mine", "a.dbc", ENTRIES))
    before = path.read_bytes()

    def fail(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        save_profile(path, NewProfile("other", "a.dbc", ENTRIES))
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()].count(path.name) == 1
    assert not list(path.parent.glob(".*"))


def test_a_link_is_followed(path, tmp_path):
    real = tmp_path / "real.json"
    real.write_text('{"profiles": {}}')
    path.symlink_to(real)
    save_profile(path, NewProfile("mine", "a.dbc", ENTRIES))
    assert path.is_symlink()
    assert "mine" in json.loads(real.read_text())["profiles"]


def test_the_folders_own_file_comes_before_the_shipped_one(path, tmp_path):
    shipped = resource_dir("config") / "vehicle_profiles.json"
    assert find_profiles(None, tmp_path) == shipped
    path.write_text("{}")
    assert find_profiles(None, tmp_path) == path
    assert find_profiles(Path("x.json"), tmp_path) == Path("x.json")
