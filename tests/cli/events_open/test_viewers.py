from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pyarrow.parquet as pq
import pytest

from engagement.api.addresses import event_url
from engagement.logs.log import Log
from engagement.logs.schema import load_schema
from tests.cli.events_open.conftest import PATIENCE_S

NOBODY = '[browser]\nurl = "http://127.0.0.1:9"\n'


def _folder(started):
    return Path(started["argv"][-1]).parent


def test_docker_gets_the_clip_and_its_container_is_removed(review, programs):
    docker = programs.install("docker")
    text = """
        [docker]
        image = "example/pj:3"
        display = ":7"
        mounts = ["/x:/y"]
        arguments = ["--network=none"]
    """
    names = []

    def look():
        [run] = programs.started(1)
        argv = run["argv"]
        names.append(argv[5])
        folder = argv[11].removeprefix("type=bind,source=").removesuffix(",target=/clips,readonly")
        assert argv == [
            str(docker), "run", "--rm", "--init", "--name", names[0], "--env", "DISPLAY=:7",
            "--volume", "/x:/y", "--mount", f"type=bind,source={folder},target=/clips,readonly",
            "--network=none", "example/pj:3", "plotjuggler", "-n", "-l", "/clips/layout.xml",
        ]  # fmt: skip
        [file] = ET.parse(Path(folder) / "layout.xml").getroot().iter("fileInfo")  # noqa: S314
        assert file.get("filename") == "/clips/clip.csv"
        assert (Path(folder) / "clip.csv").is_file()

    shown = review(look, "q", text=text)
    assert programs.started(2)[1]["argv"] == [str(docker), "rm", "--force", names[0]]
    assert "PlotJuggler (docker): 20 s; the curve `event` is 1 at the event" in shown


def _length_s(log):
    """The time of a log's messages; initData has that of the drive's start."""
    _, first_ns, *_, last_ns = sorted(Log(log.read_bytes(), load_schema()).mono_ns.tolist())
    return (last_ns - first_ns) / 1e9


def test_openpilots_script_gets_the_messages_as_a_log(review, programs, tmp_path, worst):
    root = tmp_path / "openpilot"
    script = programs.install_script(root / "tools/plotjuggler/juggle.py")
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/bin/python").symlink_to(sys.executable)

    def look():
        [started] = programs.started(1)
        folder = _folder(started)
        layout = folder / "layout.xml"
        assert started["argv"] == [str(script), str(folder / "rlog"), "--layout", str(layout)]
        assert started["path"] == str(root)
        function = ET.parse(layout).getroot().findtext("customMathEquations/snippet/function")  # noqa: S314
        assert function == f"return time >= {worst[0]['mono_ns'] / 1e9:.6f} and 1 or 0"
        assert _length_s(folder / "rlog") == pytest.approx(20, abs=0.5)

    review(look, "q", text=f"[plotjuggler]\nopenpilot = {json.dumps(str(root))}\n")


@pytest.mark.parametrize(("feed", "duration_s"), [("raw", 20), ("log", 60)])
def test_a_plotjuggler_with_the_rlog_plugin_gets_messages(review, programs, feed, duration_s):
    program = programs.install("plotjuggler")

    def look():
        [started] = programs.started(1)
        folder = _folder(started)
        clip, layout = folder / "clip.rlog", str(folder / "layout.xml")
        assert started["argv"] == [str(program), "-n", "-d", str(clip), "-l", layout]
        assert _length_s(clip) == pytest.approx(duration_s, abs=0.5)

    review(look, "q", text=f'[plotjuggler]\nfeed = "{feed}"\n')


def test_parquet_is_given_where_the_settings_say_so(review, programs):
    programs.install("plotjuggler")

    def look():
        [started] = programs.started(1)
        table = pq.read_table(_folder(started) / "clip.parquet")
        assert table.column_names[0] == "time_s"
        assert "clip.parquet" in Path(started["argv"][-1]).read_text()

    review(look, "q", text='[plotjuggler]\nfeed = "parquet"\n')


def test_a_layout_of_the_users_own_is_shown(review, programs, tmp_path):
    programs.install("plotjuggler")
    own = tmp_path / "own.xml"
    own.write_text('<root><tabbed_widget name="mine"/></root>')

    def look():
        assert 'name="mine"' in Path(programs.started(1)[0]["argv"][-1]).read_text()

    review(look, "q", text=f'[plotjuggler]\nlayout = "{own}"\n')


def test_video_is_played_from_before_the_event(review, programs, tmp_path, worst):
    programs.install("plotjuggler")
    player = programs.install("mpv")
    event = worst[0]
    folder = tmp_path / "tree" / event["drive"] / str(event["segment_num"])
    folder.mkdir(parents=True)
    for name in ("qcamera.ts", "dcamera.hevc"):
        (folder / name).write_bytes(b"\0")
    text = f"[video]\ntrees = [{json.dumps(str(tmp_path / 'tree'))}]\n"
    shown = review(lambda: programs.started(2), "n", "q", text=text, with_video=True)
    start = f"--start={event['segment_time_s'] - 3:.2f}"
    played = [one["argv"] for one in programs.started() if one["argv"][0] == str(player)]
    assert played == [[str(player), start, str(folder / "qcamera.ts")]]
    assert "  also there: dcamera.hevc\n  no fcamera.hevc, ecamera.hevc\n" in shown
    at = f"the event is at {event['segment_time_s']:.1f} s"
    assert f"  video: {folder / 'qcamera.ts'}, played by mpv; {at}\n" in shown
    assert f"no video of segment {worst[1]['segment_num']}: no fcamera.hevc, qcamera.ts" in shown
    assert str(Path(worst[1]["path"]).parent) in shown


def test_without_a_player_the_video_is_named(review, programs, tmp_path, worst):
    programs.install("plotjuggler")
    folder = tmp_path / "tree" / f"{worst[0]['drive']}--{worst[0]['segment_num']}"
    folder.mkdir(parents=True)
    (folder / "fcamera.hevc").write_bytes(b"\0")
    text = f"[video]\ntrees = [{json.dumps(str(tmp_path / 'tree'))}]\n"
    shown = review("q", text=text, with_video=True)
    nobody = "no player is installed: mpv, vlc, ffplay; the event is at "
    assert f"  video: {folder / 'fcamera.hevc'}; {nobody}" in shown


def test_the_dashboard_is_served_for_the_time_of_the_review(review, programs, worst, monkeypatch):
    browser = programs.install("browser", seconds=0)
    monkeypatch.setenv("BROWSER", str(browser))
    pages = []

    def look():
        [page] = programs.started(len(pages) + 1)[len(pages)]["argv"][1:]
        assert page.startswith("http://127.0.0.1:")
        assert page.endswith(event_url(worst[len(pages)]))
        assert worst[len(pages)]["drive"] in _get(page)
        pages.append(page)

    def review_beside():
        """Another review finds the server of this one, and leaves it be."""
        url = pages[0].partition("/event")[0]
        review("q", kind="browser", text=f'[browser]\nurl = "{url}"\n')
        assert programs.started(3)[2]["argv"][1:] == [pages[0]]
        _get(pages[0])

    review(look, "n", look, review_beside, "q", kind="browser", text=NOBODY)
    with pytest.raises(OSError, match="refused"):
        _get(pages[0])


def _get(url):
    with build_opener(ProxyHandler({})).open(url, timeout=PATIENCE_S) as answer:
        return answer.read().decode()


def test_without_a_browser_the_page_is_named(review, programs, monkeypatch):
    monkeypatch.setattr("engagement.review.server.has_page", lambda _url, _path: True)
    shown = review("q", kind="browser")
    assert "http://127.0.0.1:8000/event/" in shown
    assert "there is no browser here; open it in yours" in shown
    assert programs.started() == []


@pytest.mark.parametrize("has_foxglove", [True, False])
def test_a_clip_is_written_for_foxglove(review, programs, tmp_path, has_foxglove):
    program = programs.install("foxglove-studio") if has_foxglove else None

    def look():
        [file] = (tmp_path / "clips").glob("*/clip.mcap")
        assert file.read_bytes().startswith(b"\x89MCAP0\r\n")
        started = [one["argv"] for one in programs.started(int(has_foxglove))]
        assert started == ([[str(program), str(file)]] if program else [])

    shown = review(look, "q", kind="mcap")
    assert ("open it in Foxglove before you go on" in shown) == (not has_foxglove)
