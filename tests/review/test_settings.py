from __future__ import annotations

from pathlib import Path

import pytest

from engagement.errors import ConfigError
from engagement.resources import resource_dir
from engagement.review.settings import expanded, load_settings


def _own(folder, text):
    file = folder / "config" / "viewer.toml"
    file.parent.mkdir()
    file.write_text(text)
    return file


def test_the_shipped_file_holds_and_names_no_folder_of_a_user(tmp_path):
    settings = load_settings(None, tmp_path)
    assert settings.viewer == "plotjuggler"
    assert (settings.plotjuggler.way, settings.plotjuggler.feed) == ("auto", "csv")
    assert (settings.plotjuggler.openpilot, settings.docker.image, settings.folder) == ("", "", "")
    assert settings.video.trees == []


def test_what_an_own_file_leaves_out_is_as_shipped(tmp_path):
    shipped = load_settings(None, tmp_path)
    file = _own(tmp_path, 'with = "mcap"\n[docker]\nimage = "plot:1"\n')
    settings = load_settings(file, tmp_path)
    assert (settings.viewer, settings.docker.image) == ("mcap", "plot:1")
    assert settings.docker.mounts == shipped.docker.mounts
    assert settings.video == shipped.video


def test_a_named_file_stands_before_that_of_the_folder(tmp_path):
    _own(tmp_path, "before_s = 3.0\n")
    named = tmp_path / "mine.toml"
    named.write_text("before_s = 4.0\n")
    assert load_settings(named, tmp_path).before_s == 4.0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("viewer = 1", "unknown field `viewer`"),
        ("[plotjuggler]\nlayuot = ''", "unknown field `layuot` - at `$.plotjuggler`"),
        ('with = "foxglove"', "invalid enum value 'foxglove'"),
        ("before_s = 0", "before_s: must be over 0 and at most 600 s"),
        ("after_s = 1e9", "after_s: must be over 0 and at most 600 s"),
        ("[video]\nbefore_s = -1", "video.before_s: must be a number from 0 on"),
        ("[video]\nbefore_s = nan", "video.before_s: must be a number from 0 on"),
        ("before_s = nan", "before_s: must be over 0"),
        ("[docker]\nfolder = 'clips'", "docker.folder: must be an absolute path"),
        ("[docker]\ncommand = []", "docker.command: names no program"),
        ("[mcap]\ncommands = [['']]", "mcap.commands[0]: names no program"),
        ("[docker]\ncommand = 'docker'", "expected `array`, got `str` - at `$.docker.command`"),
        ("with = ", "Invalid value"),
    ],
)
def test_what_does_not_hold_is_named(tmp_path, text, problem):
    file = _own(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_settings(file, tmp_path)
    assert str(caught.value).startswith(f"{file}: ")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[plotjuggler]\ncommand = ['touch', 'x']", "plotjuggler.command"),
        ("[plotjuggler]\nopenpilot = '.'", "plotjuggler.openpilot"),
        ("[plotjuggler]\nlayout = 'with_lua.xml'", "plotjuggler.layout"),
        ("[docker]\nimage = 'theirs'", "docker.image"),
        ("[docker]\nmounts = ['/:/host']", "docker.mounts"),
        ("[mcap]\ncommands = [['touch', 'x']]", "mcap.commands"),
        ("[video]\nplayers = [{ command = ['touch', 'x'] }]", "video.players"),
    ],
)
def test_a_file_that_lies_in_the_folder_names_no_programs(tmp_path, text, where):
    file = _own(tmp_path, text)
    with pytest.raises(ConfigError, match=f"{where}: says what is started.*--config"):
        load_settings(None, tmp_path)
    load_settings(file, tmp_path)


def test_the_shipped_file_may_lie_in_the_folder(tmp_path):
    shipped = resource_dir("config") / "viewer.toml"
    _own(tmp_path, shipped.read_text())
    assert load_settings(None, tmp_path) == load_settings(shipped, tmp_path)


def test_a_file_that_is_no_text_or_not_there_is_named(tmp_path):
    file = tmp_path / "viewer.toml"
    with pytest.raises(ConfigError, match="can't be read: No such file"):
        load_settings(file, tmp_path)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"viewer\.toml"):
        load_settings(file, tmp_path)


def test_the_home_of_nobody_is_a_name_as_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert expanded("~/clips") == Path("/home/me/clips")
    assert expanded("~nobody-of-that-name/clips") == tmp_path / "~nobody-of-that-name/clips"
