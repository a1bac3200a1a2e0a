"""`engagement profile check`: which signals of a profile are in a log, and what they look like."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from engagement.cli import render
from engagement.cli.drive_logs import find_drive_logs, read_each
from engagement.cli.exit_codes import ExitCode
from engagement.cli.options import json_option
from engagement.cli.profile_options import profiles_option
from engagement.cli.sparkline import resample, shows_plots, sparkline
from engagement.cli.table_parts import Column, Line
from engagement.errors import InputError, suggestion
from engagement.extract.dbc import load_dbc, specify
from engagement.extract.frames import DbcSignal, decode_values, read_frames
from engagement.extract.profile_files import read_profiles
from engagement.extract.profiles import find_profiles, load_profile
from engagement.formats import count, number, reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engagement.extract.frames import Values
    from engagement.extract.profiles import VehicleProfile
    from engagement.logs.find import LogFile

_PLOT_POINTS = 24
_COLUMNS = (
    Column("key", "key", is_whole=True),
    Column("signal", "signal", rank=5),
    Column("bus", "bus", is_number=True),
    Column("values", "n_values", is_number=True, rank=2),
    Column("/s", "rate_hz", number, rank=1),
    Column("least", "least", reading, is_number=True),
    Column("greatest", "greatest", reading, is_number=True),
    Column("last", "last", reading, is_number=True, rank=3),
    Column("unit", "unit", rank=4),
    Column("over time", "plot", is_whole=True),
    Column("problem", "problem", lambda value: value or ""),
)


@dataclass(slots=True)
class _Wanted:
    """An entry of the profile and its values by bus; `buses` have its address at all."""

    key: str
    signal: DbcSignal
    parts: dict[int, list[Values]] = field(default_factory=dict)
    buses: set[int] = field(default_factory=set)


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="LOG...", type=click.Path(path_type=Path))
@click.option("--profile", "name", metavar="NAME", help="The profile.  [default: the file's own]")
@profiles_option
@json_option
def check(
    *, paths: tuple[Path, ...], name: str | None, profiles_file: Path | None, as_json: bool
) -> None:
    """Show which signals of a profile are in a log, at what rate, in what range, with a plot.

    LOGs are those of one drive, or its folder. Values are as the profile makes them, by its scale
    and offset. In a terminal a small plot shows them over time; a signal that is missing says why.

    \b
    Exit status: 0 if all signals are there, 1 if some are not.

    \b
    Example:
      engagement profile check rlogs/2025-07-31--14-48-20--0 --profile demo
    """
    found = _load(profiles_file, name)
    wanted = _entries(found)
    logs = find_drive_logs(paths)
    span_ns = _read(logs, wanted)
    rows = [row for each in wanted for row in _rows(each, span_ns)]
    absent = {(row["key"], row["signal"]) for row in rows if row["problem"]}
    if as_json:
        render.print_json(rows)
    else:
        _print(rows)
        said = f"{count(len(wanted), 'signal')} of profile {found.name!r}"
        where = f"in {count(len(logs), 'log')}"
        n_there = len(wanted) - len(absent)
        render.note(f"{said}: {n_there} {where}" if absent else f"{said}: all {where}")
    if absent:
        click.get_current_context().exit(ExitCode.FAILED)


def _load(profiles_file: Path | None, name: str | None) -> VehicleProfile:
    """The profile that is asked for.

    Raises:
        InputError: If none is named and none is the default.
    """
    found = load_profile(profiles_file=profiles_file, name=name, cwd=Path.cwd())
    if found is None:
        path = find_profiles(profiles_file, Path.cwd())
        known = suggestion("", read_profiles(path).get("profiles", {}))
        raise InputError(f"{path}: no profile is the default; name one with --profile{known}")
    return found


def _entries(found: VehicleProfile) -> list[_Wanted]:
    """Each entry of the profile as a signal by itself, masks taken apart.

    Raises:
        ConfigError: If the DBC lacks one of them.
    """
    database = load_dbc(found.dbc_file)
    wanted = []
    for signal in found.signals:
        for entry in signal.entries:
            (spec,) = specify(database, signal.key, [entry], path=found.dbc_file)
            described = database.get_message_by_name(entry.message).get_signal_by_name(entry.signal)
            ours = DbcSignal(entry.message, entry.signal, described.unit or "", "", spec)
            wanted.append(_Wanted(signal.key, ours))
    return wanted


def _read(logs: list[LogFile], wanted: list[_Wanted]) -> tuple[int, int]:
    """Fill in the values; from when to when there are CAN frames at all."""
    start_ns, end_ns = np.iinfo(np.int64).max, 0
    for log in read_each(logs):
        frames = read_frames(log)
        if not len(frames):
            continue
        start_ns = min(start_ns, int(frames.mono_ns[0]))
        end_ns = max(end_ns, int(frames.mono_ns[-1]))
        for each in wanted:
            ours = frames.address == each.signal.spec.address
            each.buses.update(np.unique(frames.bus[ours]).tolist())
            for values in decode_values(frames, [each.signal]):
                each.parts.setdefault(values.bus, []).append(values)
    return start_ns, end_ns


def _rows(wanted: _Wanted, span_ns: tuple[int, int]) -> Iterator[dict[str, Any]]:
    """A row for each bus that the entry is read from; one that says why if there is none."""
    bus = wanted.signal.spec.bus
    buses = [bus] if bus is not None else sorted(wanted.parts)
    row: dict[str, Any] = {
        "key": wanted.key,
        "signal": f"{wanted.signal.message}.{wanted.signal.signal}",
        "bus": bus,
        "unit": wanted.signal.unit,
        "problem": None,
    }
    there = [each for each in buses if each in wanted.parts]
    for each in there:
        yield row | {"bus": each} | _statistics(wanted.parts[each], span_ns)
    if not there:
        nothing = dict.fromkeys(("rate_hz", "least", "greatest", "last"))
        yield row | {"n_values": 0, **nothing, "points": [], "problem": _problem(wanted)}


def _problem(wanted: _Wanted) -> str:
    bus, address = wanted.signal.spec.bus, wanted.signal.spec.address
    if not wanted.buses:
        return f"no frame of 0x{address:x} is in the log"
    if bus is not None and bus not in wanted.buses:
        there = ", ".join(str(each) for each in sorted(wanted.buses))
        return f"not on bus {bus}, but on {there}"
    return "its frames are too short, or never select it"


def _statistics(parts: list[Values], span_ns: tuple[int, int]) -> dict[str, Any]:
    mono_ns = np.concatenate([part.mono_ns for part in parts])
    value = np.concatenate([part.value for part in parts])
    spans_ns = sum(int(part.mono_ns[-1] - part.mono_ns[0]) for part in parts)
    finite = value[np.isfinite(value)]
    points = resample(mono_ns, value, span_ns, _PLOT_POINTS)
    return {
        "n_values": len(value),
        "rate_hz": (len(value) - len(parts)) * 1e9 / spans_ns if spans_ns else None,
        "least": float(finite.min()) if len(finite) else None,
        "greatest": float(finite.max()) if len(finite) else None,
        "last": float(finite[-1]) if len(finite) else None,
        "points": [None if np.isnan(point) else point for point in points.tolist()],
    }


def _print(rows: list[dict[str, Any]]) -> None:
    """Print a line an entry; plots on a terminal only, and the problems if there are any."""
    is_shown = {
        "plot": shows_plots() and any(row["points"] for row in rows),
        "problem": any(row["problem"] for row in rows),
    }
    shown = [column for column in _COLUMNS if is_shown.get(column.name, True)]
    lines = []
    for row in rows:
        points = np.array([np.nan if point is None else point for point in row["points"]])
        style = "red" if row["problem"] else ""
        lines.append(Line(row | {"plot": sparkline(points)}, style))
    render.print_table(shown, [lines])
