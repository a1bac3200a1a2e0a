from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from engagement.errors import ConfigError
from engagement.resources import resource_dir
from engagement.review import layout

OURS = resource_dir("config") / "plotjuggler_layout.xml"
OF_LOGS = resource_dir("config") / "plotjuggler_rlog_layout.xml"


def _root(file):
    return ET.parse(file).getroot()  # noqa: S314 - ours


@pytest.fixture(params=[OURS, OF_LOGS], ids=["samples", "messages"])
def root(request):
    return _root(request.param)


def test_a_layout_is_built_as_plotjuggler_reads_it(root):
    assert root.tag == "root"
    [window] = root.findall("tabbed_widget")
    assert window.get("parent") == "main_window"
    for tab in window.findall("Tab"):
        assert tab.get("tab_name")
        [splitter] = tab.findall("Container/DockSplitter")
        areas = splitter.findall("DockArea")
        sizes = [float(size) for size in splitter.get("sizes").split(";")]
        assert int(splitter.get("count")) == len(areas) == len(sizes)
        assert sum(sizes) == pytest.approx(1)
        for area in areas:
            [plot] = area.findall("plot")
            assert plot.get("mode") == "TimeSeries"
            assert plot.findall("curve")


def test_curves_have_colours_of_their_own_and_each_tab_marks_the_event(root):
    for tab in root.iter("Tab"):
        assert "event" in [curve.get("name") for curve in tab.iter("curve")]
        for plot in tab.iter("plot"):
            colours = [curve.get("color") for curve in plot.findall("curve")]
            assert len(set(colours)) == len(colours)
            assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours)


@pytest.mark.parametrize(
    ("clip", "loader", "settings"),
    [
        ("/c/clip.csv", "DataLoad CSV", ("parameters", "time_axis")),
        ("/c/clip.parquet", "DataLoad Parquet", ("default", "prevTimestamp")),
    ],
)
def test_the_layout_of_a_clip_names_it_and_its_time(tmp_path, clip, loader, settings):
    out = tmp_path / "layout.xml"
    layout.write_layout(OURS, out, clip, {"event", "car_state/v_ego_mps"}, (5.0, 25.0))
    root = _root(out)
    [file] = root.findall("previouslyLoaded_Datafiles/fileInfo")
    assert (file.get("filename"), file.get("prefix")) == (clip, "")
    element, attribute = settings
    for plugin in (file.find("plugin"), root.find("Plugins/plugin")):
        assert plugin.get("ID") == loader
        assert plugin.find(element).get(attribute) == "time_s"
    assert {edges.get("left") for edges in root.iter("range")} == {"5.000000"}
    assert {edges.get("right") for edges in root.iter("range")} == {"25.000000"}


def test_curves_without_a_column_are_left_out(tmp_path):
    out = tmp_path / "layout.xml"
    layout.write_layout(OURS, out, "/c/clip.csv", {"event", "car_state/v_ego_mps"}, (0.0, 1.0))
    assert set(layout.curves(out)) == {"event", "car_state/v_ego_mps"}
    root = _root(out)
    assert [len(tab.findall(".//plot")) for tab in root.iter("Tab")] == [2, 1, 1]
    for splitter in root.iter("DockSplitter"):
        assert len(splitter) == int(splitter.get("count")) == len(splitter.get("sizes").split(";"))


def test_a_layout_without_any_column_keeps_its_plots(tmp_path):
    out = tmp_path / "layout.xml"
    layout.write_layout(OURS, out, "/c/clip.csv", {"time_s"}, (0.0, 1.0))
    assert layout.curves(out) == []
    assert len(list(_root(out).iter("plot"))) == len(list(_root(OURS).iter("plot")))


def test_a_curve_steps_up_at_the_event_in_a_log(tmp_path):
    out = tmp_path / "layout.xml"
    layout.write_rlog_layout(OF_LOGS, out, 599_185_200_000)
    root = _root(out)
    [snippet] = root.findall("customMathEquations/snippet")
    assert snippet.get("name") == "event"
    assert snippet.findtext("function") == "return time >= 599.185200 and 1 or 0"
    assert snippet.findtext("linked_source") in layout.curves(OF_LOGS)


def test_a_layout_of_the_users_own_need_not_mark_the_event(tmp_path):
    own, out = tmp_path / "own.xml", tmp_path / "layout.xml"
    own.write_text("<root><tabbed_widget/></root>")
    layout.write_rlog_layout(own, out, 1)
    assert _root(out).find("tabbed_widget") is not None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<root>", "is no XML"),
        ("<layout/>", "has no tabbed_widget"),
        ("<root/>", "has no tabbed_widget"),
    ],
)
def test_what_is_no_layout_is_named(tmp_path, text, problem):
    own = tmp_path / "own.xml"
    own.write_text(text)
    with pytest.raises(ConfigError, match=problem):
        layout.curves(own)
    with pytest.raises(ConfigError, match="can't be read"):
        layout.curves(tmp_path / "none.xml")
