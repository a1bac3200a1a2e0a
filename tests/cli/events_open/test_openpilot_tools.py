"""cabana and jotpluggler: a folder that they know, and the name of the segment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engagement.errors import EngagementError, InputError
from engagement.review.openpilot_tools import ToolOpener
from engagement.review.settings import load_settings

OPTIONS = {"cabana": "--data_dir", "jotpluggler": "--data-dir"}
tools = pytest.mark.parametrize("name", OPTIONS)


@pytest.fixture
def log(tmp_path):
    """A flat file with its video beside it."""
    found = tmp_path / "0123456789abcdef_0000002a--0123456789--7--rlog.zst"
    found.write_bytes(b"log")
    found.with_name(found.name.replace("rlog.zst", "qcamera.ts")).write_bytes(b"video")
    found.with_name("qcamera.ts").write_bytes(b"another segment's")
    return found


def event_of(log, **changed):
    named = {"dongle_id": "0123456789abcdef", "drive": "0000002a--0123456789", "segment_num": 7}
    rest = {"log_kind": "rlog", "path": str(log), "segment_time_s": 12.34}
    return {**named, **rest, **changed}


def settings(tmp_path, text=""):
    file = tmp_path / "own.toml"
    file.write_text(text)
    return load_settings(file, tmp_path)


@tools
def test_the_program_gets_links_laid_out_as_on_the_device(programs, tmp_path, log, name):
    program = programs.install(name)
    folder = tmp_path / "folder"
    folder.mkdir()

    opened = ToolOpener(name, settings(tmp_path)).open(event_of(log), folder)

    [started] = programs.started(1)
    opened.child.end()
    route = "0123456789abcdef/0000002a--0123456789/7"
    assert started["argv"] == [str(program), OPTIONS[name], str(folder), route]
    segment = folder / "0000002a--0123456789--7"
    assert {one.name: one.read_bytes() for one in segment.iterdir()} == {
        "rlog.zst": b"log",
        "qcamera.ts": b"video",
    }
    assert opened.notes == (f"{name}: the event's segment; the event is 12.3 s into it",)


@tools
@pytest.mark.parametrize("place", ["tools", "openpilot/tools"])
def test_the_checkout_has_it_where_none_is_installed(programs, tmp_path, log, name, place):
    own = programs.write(tmp_path / "op" / place / name / name, "#!/bin/sh\n")
    text = f"[plotjuggler]\nopenpilot = {json.dumps(str(tmp_path / 'op'))}\n"

    plan = ToolOpener(name, settings(tmp_path, text)).plan(event_of(log), Path("FOLDER"))

    assert plan.start.command[0] == str(own)


@tools
def test_one_that_is_nowhere_is_told(programs, tmp_path, name):
    assert programs.started() == []
    with pytest.raises(EngagementError, match=f"no {name}: {name} is not installed"):
        ToolOpener(name, settings(tmp_path))


def test_no_text_of_a_log_is_a_word_of_the_command(programs, tmp_path, log):
    programs.install("cabana")
    opener = ToolOpener("cabana", settings(tmp_path))
    for changed in ({"drive": "--help"}, {"drive": "$(x)"}, {"dongle_id": "-x"}, {"drive": None}):
        with pytest.raises(InputError, match="no name of a drive"):
            opener.plan(event_of(log, **changed), Path("FOLDER"))


def test_a_log_that_is_gone_is_told(programs, tmp_path, log):
    programs.install("cabana")
    log.unlink()
    with pytest.raises(InputError, match="the log is not there any more"):
        ToolOpener("cabana", settings(tmp_path)).open(event_of(log), tmp_path)
