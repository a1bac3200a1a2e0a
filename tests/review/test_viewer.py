from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from engagement.review import viewer
from engagement.review.settings import load_settings


def _settings(tmp_path, docker=None, **plotjuggler):
    shipped = load_settings(None, tmp_path)
    return msgspec.structs.replace(
        shipped,
        plotjuggler=msgspec.structs.replace(shipped.plotjuggler, **plotjuggler),
        docker=msgspec.structs.replace(shipped.docker, **(docker or {})),
    )


def _install(file):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)


@pytest.fixture(autouse=True)
def programs(tmp_path, monkeypatch):
    """The only folder of programs, with none in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setenv("DISPLAY", ":5")
    return folder


def test_the_first_way_that_is_there_is_taken(tmp_path, programs):
    docker = {"image": "plot:1"}
    checkout = str(tmp_path / "openpilot")
    _install(programs / "docker")
    assert viewer.choose_way(_settings(tmp_path, docker)) == "docker"
    _install(programs / "plotjuggler")
    assert viewer.choose_way(_settings(tmp_path, docker)) == "local"
    assert viewer.choose_way(_settings(tmp_path, docker, openpilot=checkout)) == "local"
    _install(tmp_path / "openpilot/openpilot/tools/plotjuggler/juggle.py")
    assert viewer.choose_way(_settings(tmp_path, docker, openpilot=checkout)) == "openpilot"
    assert viewer.choose_way(_settings(tmp_path, docker, way="docker")) == "docker"


def test_without_one_it_says_what_was_tried_and_how_to_get_one(tmp_path):
    with pytest.raises(viewer.NoViewerError) as caught:
        viewer.choose_way(_settings(tmp_path))
    message = str(caught.value)
    assert message.startswith(
        "no PlotJuggler: openpilot: no checkout is named; local: plotjuggler is not installed; "
        "docker: no image is named\n"
    )
    for remedy in ("install it", "[docker] image", "[plotjuggler] openpilot", "--with browser"):
        assert remedy in message


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"way": "local"}, "local: plotjuggler is not installed"),
        ({"way": "docker"}, "docker: no image is named"),
        ({"way": "docker", "docker": {"image": "plot:1"}}, "docker: docker is not installed"),
        ({"way": "openpilot"}, "openpilot: no checkout is named"),
    ],
)
def test_a_way_of_the_settings_is_the_only_one(tmp_path, changes, problem):
    with pytest.raises(viewer.NoViewerError) as caught:
        viewer.choose_way(_settings(tmp_path, **changes))
    assert caught.value.problems == (problem,)


def test_docker_needs_a_display(tmp_path, programs, monkeypatch):
    _install(programs / "docker")
    monkeypatch.delenv("DISPLAY")
    settings = _settings(tmp_path, {"image": "plot:1"}, way="docker")
    with pytest.raises(viewer.NoViewerError, match="DISPLAY is not set"):
        viewer.choose_way(settings)
    settings = _settings(tmp_path, {"image": "plot:1", "display": ":9"}, way="docker")
    assert viewer.choose_way(settings) == "docker"


@pytest.mark.parametrize("script", viewer._SCRIPTS)
@pytest.mark.parametrize("has_own_python", [True, False])
def test_openpilots_script_is_started_with_its_own_python(
    tmp_path, programs, script, has_own_python
):
    root = tmp_path / "openpilot"
    _install(root / script)
    _install(programs / "python3")
    python = root / ".venv/bin/python" if has_own_python else programs / "python3"
    _install(python)
    settings = _settings(tmp_path, openpilot=str(root))
    start = viewer.start_openpilot(settings, Path("/c/rlog"), Path("/c/layout.xml"))
    assert start.command == (
        str(python), str(root / script), "/c/rlog", "--layout", "/c/layout.xml"
    )  # fmt: skip
    assert start.environment == {"PYTHONPATH": str(root)}


def test_openpilots_script_keeps_the_users_paths(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/own")
    _install(tmp_path / "tools/plotjuggler/juggle.py")
    settings = _settings(tmp_path, openpilot=str(tmp_path))
    start = viewer.start_openpilot(settings, Path("/c/rlog"), Path("/c/layout.xml"))
    assert start.environment == {"PYTHONPATH": f"{tmp_path}{os.pathsep}/own"}
    assert start.command[0] == sys.executable


def test_openpilots_script_hands_a_layout_to_a_shell_as_one_word(tmp_path):
    _install(tmp_path / "tools/plotjuggler/juggle.py")
    settings = _settings(tmp_path, openpilot=str(tmp_path))
    layout = "/my clips; $(touch pwned) '/layout.xml"
    start = viewer.start_openpilot(settings, Path("/my clips/rlog"), Path(layout))
    as_the_script_does = f"printf '%s|' -l {start.command[-1]}"
    found = subprocess.run(["/bin/sh", "-c", as_the_script_does], capture_output=True, check=True)
    assert found.stdout.decode() == f"-l|{layout}|"
    assert start.command[2] == "/my clips/rlog"


def test_a_local_one_is_started_as_the_settings_say(tmp_path, programs):
    _install(programs / "flatpak")
    settings = _settings(tmp_path, command=["flatpak", "run", "io.plotjuggler.PlotJuggler"])
    start = viewer.start_local(settings, viewer.file_words(None, "/c/layout.xml"))
    assert start.command == (
        str(programs / "flatpak"), "run", "io.plotjuggler.PlotJuggler", "-l", "/c/layout.xml"
    )  # fmt: skip
    assert viewer.file_words("/c/a.rlog", "/c/l.xml") == ("-d", "/c/a.rlog", "-l", "/c/l.xml")


def test_docker_gets_image_mounts_display_and_arguments_of_the_settings(tmp_path, programs):
    _install(programs / "podman")
    docker = {
        "command": ["podman"],
        "image": "plot:1",
        "plotjuggler": ["/opt/pj", "-n"],
        "folder": "/data",
        "mounts": ["/a:/b:ro", "/c:/d"],
        "display": "host:1",
        "arguments": ["--user=1000"],
    }
    start = viewer.start_docker(
        _settings(tmp_path, docker), Path("/a/clip, 1"), "review", ["-l", "/data/l.xml"]
    )
    assert start.command == (
        str(programs / "podman"), "run", "--rm", "--init", "--name", "review",
        "--env", "DISPLAY=host:1", "--volume", "/a:/b:ro", "--volume", "/c:/d",
        "--mount", 'type=bind,"source=/a/clip, 1",target=/data,readonly',
        "--user=1000", "plot:1", "/opt/pj", "-n", "-l", "/data/l.xml",
    )  # fmt: skip
    assert start.last == (str(programs / "podman"), "rm", "--force", "review")


def test_the_display_is_that_of_the_environment_where_none_is_named(tmp_path, programs):
    _install(programs / "docker")
    settings = _settings(tmp_path, {"image": "plot:1"})
    start = viewer.start_docker(settings, Path("/a/clip"), "review", [])
    assert "DISPLAY=:5" in start.command
    assert "type=bind,source=/a/clip,target=/clips,readonly" in start.command
