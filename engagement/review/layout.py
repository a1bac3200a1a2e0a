"""PlotJuggler's layout for one clip: which curves it shows, where the clip lies, and the moment.

A layout that names the clip and its column of time is all that PlotJuggler needs: with a file named
on the command line it would ask which column is the time.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from engagement.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

TIME = "time_s"
MARK = "event"

_LOADERS = {
    ".csv": (
        "DataLoad CSV",
        {
            # The first for PlotJuggler 3.2 and later, the second for those before.
            "parameters": {"time_axis": TIME, "delimiter": "0"},
            "default": {"time_axis": TIME},
        },
    ),
    ".parquet": (
        "DataLoad Parquet",
        {"default": {"prevTimestamp": TIME, "radioIndexChecked": "0", "parseDateTime": "0"}},
    ),
}


def write_layout(
    template: Path, out: Path, clip: str, columns: Collection[str], span_s: tuple[float, float]
) -> None:
    """Write the layout for a clip of samples.

    Curves that the clip has no column for are left out, as PlotJuggler would ask about each.

    Args:
        template: The layout to fill.
        out: The file to write.
        clip: Where PlotJuggler finds the clip.
        columns: Of the clip.
        span_s: The time that it covers.

    Raises:
        ConfigError: If the template is none.
    """
    root = _read(template)
    for plot in root.iter("plot"):
        for edges in plot.findall("range"):
            edges.attrib |= {"left": f"{span_s[0]:.6f}", "right": f"{span_s[1]:.6f}"}
        for curve in plot.findall("curve"):
            if curve.get("name") not in columns:
                plot.remove(curve)
    for splitter in root.iter("DockSplitter"):
        _drop_empty_plots(splitter)
    for name in ("Plugins", "previouslyLoaded_Datafiles"):
        for element in root.findall(name):
            root.remove(element)
    # The file to load takes the place of the one that the template was saved with.
    loader, settings = _LOADERS[clip[clip.rindex(".") :]]
    _add_plugin(ET.SubElement(root, "Plugins"), loader, settings)
    loaded = ET.SubElement(root, "previouslyLoaded_Datafiles")
    file = ET.SubElement(loaded, "fileInfo", {"filename": clip, "prefix": ""})
    ET.SubElement(file, "selected_datasources", {"value": ""})
    _add_plugin(file, loader, settings)
    _write(root, out)


def write_rlog_layout(template: Path, out: Path, mono_ns: int) -> None:
    """Write the layout for a clip of messages; a curve of its own steps up at the event.

    Raises:
        ConfigError: If the template is none.
    """
    root = _read(template)
    equations = root.find("customMathEquations")
    if equations is None:
        equations = ET.SubElement(root, "customMathEquations")
    for snippet in equations.findall("snippet"):
        if snippet.get("name") == MARK:
            function = snippet.find("function")
            if function is not None:
                # The plugin gives times in seconds of logMonoTime.
                function.text = f"return time >= {mono_ns / 1e9:.6f} and 1 or 0"
    _write(root, out)


def curves(template: Path) -> list[str]:
    """The names of the curves of a layout, in its order.

    Raises:
        ConfigError: If it is none.
    """
    return [curve.get("name") or "" for curve in _read(template).iter("curve")]


def _read(template: Path) -> ET.Element:
    try:
        root = ET.parse(template).getroot()  # noqa: S314 - ours, or the user's own
    except OSError as error:
        raise ConfigError(template, f"can't be read: {error.strerror}") from error
    except ET.ParseError as error:
        raise ConfigError(template, f"is no XML: {error}") from error
    if root.tag != "root" or root.find("tabbed_widget") is None:
        raise ConfigError(template, "is no layout of PlotJuggler: it has no tabbed_widget")
    return root


def _drop_empty_plots(splitter: ET.Element) -> None:
    """Leave out plots without a curve, unless that is all; the others keep their proportions."""
    areas = list(splitter)
    sizes = (splitter.get("sizes") or "").split(";")
    is_empty = [area.find("plot") is not None and area.find("plot/curve") is None for area in areas]
    if all(is_empty) or not any(is_empty) or len(sizes) != len(areas):
        return
    for area, is_gone in zip(areas, is_empty, strict=True):
        if is_gone:
            splitter.remove(area)
    kept = [size for size, is_gone in zip(sizes, is_empty, strict=True) if not is_gone]
    splitter.attrib |= {"count": str(len(kept)), "sizes": ";".join(kept)}


def _add_plugin(parent: ET.Element, loader: str, settings: dict[str, dict[str, str]]) -> None:
    plugin = ET.SubElement(parent, "plugin", {"ID": loader})
    for name, values in settings.items():
        ET.SubElement(plugin, name, values)


def _write(root: ET.Element, out: Path) -> None:
    ET.indent(root, " ")
    ET.ElementTree(root).write(out, encoding="UTF-8", xml_declaration=True)
