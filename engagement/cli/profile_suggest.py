"""`engagement profile suggest`: which signals of a DBC follow what openpilot says of the car."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engagement.cli import render
from engagement.cli.dbc_choice import DBC_HELP, choose_dbc, keep_dbc
from engagement.cli.drive_logs import find_drive_logs, read_car, read_each
from engagement.cli.exit_codes import ExitCode
from engagement.cli.options import json_option
from engagement.cli.profile_options import PROFILES_FILE, profiles_option
from engagement.cli.table_parts import Column, Line
from engagement.cli.wrapping import is_terminal
from engagement.extract.frames import read_frames
from engagement.extract.profile_files import NewProfile, check_name, read_profiles, save_profile
from engagement.extract.references import read_reference
from engagement.extract.suggested_profile import profile_entries
from engagement.extract.suggestions import Suggester
from engagement.formats import fitted, two_decimals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engagement.cli.dbc_choice import ChosenDbc
    from engagement.extract.suggestions import Candidate, Ranking
    from engagement.logs.find import LogFile

_MIN_SHOWN_SCORE = 0.05
_COLUMNS = (
    Column("key", "key"),
    Column("fits", "is_best", lambda value: "yes" if value else ""),
    Column("score", "score", two_decimals),
    Column("signal", "signal"),
    Column("bus", "bus", is_number=True),
    Column("scale", "scale", fitted, rank=1, is_number=True),
    Column("offset", "offset", fitted, rank=2, is_number=True),
    Column("later by\nms", "lag_ms", is_number=True, rank=3),
    Column("unit", "unit", rank=4),
)


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="LOG...", type=click.Path(path_type=Path))
@click.option("--dbc", metavar="FILE|NAME", help=DBC_HELP)
@click.option(
    "--top", "n_shown", type=click.IntRange(min=1), default=3, metavar="N", help="How many a key."
)
@click.option("--write", "name", metavar="NAME", help="Save those that fit as this profile.")
@click.option("--replace", "may_replace", is_flag=True, help="With --write: replace one of it.")
@profiles_option
@json_option
def suggest(
    *,
    paths: tuple[Path, ...],
    dbc: str | None,
    n_shown: int,
    name: str | None,
    may_replace: bool,
    profiles_file: Path | None,
    as_json: bool,
) -> None:
    """Rank the signals of a DBC by how well they follow what openpilot says of the car.

    The odometer is to rise with the integral of carState.vEgo, the torques to follow
    steeringTorque and steeringTorqueEps, the cruise switch to change when buttonEvents come, and
    so on. A score of 1 is exactly, 0 not at all; value * scale + offset is what carState says
    (km for the odometer), so many ms later. LOGs are those of one drive: some kilometres, with
    turns, and buttons pressed, say most.

    \b
    Exit status: 0 if something fits, 1 if nothing does.

    \b
    Example:
      engagement profile suggest rlogs/2025-07-31--14-48-20--0 --dbc demo_car
      engagement profile suggest rlog.zst --dbc car.dbc --write mycar
    """
    path = profiles_file or PROFILES_FILE
    if name is not None:
        # Before the work, not after it.
        check_name(path, name, read_profiles(path).get("profiles", {}), may_replace=may_replace)
    logs = find_drive_logs(paths)
    chosen = choose_dbc(dbc, None if dbc else read_car(logs))
    rankings = rank_signals(logs, chosen)
    if as_json:
        render.print_json([_document(ranking, n_shown) for ranking in rankings])
    else:
        render.print_table(_COLUMNS, [_lines(ranking, n_shown) for ranking in rankings])
    if not any(ranking.best for ranking in rankings):
        render.note(f"nothing in {chosen.name} fits these logs")
        if any(log.name.log_kind == "qlog" for log in logs):
            render.note("a qlog leaves out nearly all of CAN: name rlogs")
        click.get_current_context().exit(ExitCode.FAILED)
    if name is not None:
        _save(path, name, chosen, rankings, may_replace=may_replace)


def rank_signals(logs: Sequence[LogFile], chosen: ChosenDbc) -> list[Ranking]:
    """Rank the signals of a DBC by the logs of a drive."""
    suggester = Suggester(chosen.signals.signals)
    for log in read_each(logs):
        suggester.add(read_frames(log), read_reference(log))
    return suggester.rank()


def _save(
    path: Path, name: str, chosen: ChosenDbc, rankings: list[Ranking], *, may_replace: bool
) -> None:
    signals = profile_entries(rankings)
    dbc_file = keep_dbc(chosen, path)
    profile = NewProfile(name, dbc_file, signals, f"suggested from {chosen.name}")
    save_profile(path, profile, may_replace=may_replace)
    keys = ", ".join(signals)
    render.note(f"saved profile {name!r} with {keys} to {path}")


def _lines(ranking: Ranking, n_shown: int) -> list[Line]:
    """The best candidates; a line that says so where nothing fits."""
    shown = [each for each in ranking.candidates if each.score >= _MIN_SHOWN_SCORE][:n_shown]
    shown += [each for each in ranking.best if each not in shown]
    lines = [Line(_row(ranking, each)) for each in shown]
    if not ranking.best:
        problem = ranking.problem or f"nothing follows {ranking.source}"
        lines.insert(0, Line({"signal": f"({problem})"}, "dim"))
    first, *rest = (replace(line, values={**line.values, "key": ranking.key}) for line in lines)
    return [first, *(rest if not is_terminal(sys.stdout) else lines[1:])]


def _row(ranking: Ranking, candidate: Candidate) -> dict[str, Any]:
    return {
        "is_best": candidate in ranking.best,
        "score": candidate.score,
        "signal": f"{candidate.signal.message}.{candidate.signal.signal}",
        "bus": candidate.bus,
        "scale": candidate.scale,
        "offset": candidate.offset,
        "lag_ms": round(candidate.lag_s * 1000),
        "unit": candidate.signal.unit,
    }


def _document(ranking: Ranking, n_shown: int) -> dict[str, Any]:
    candidates = [each for each in ranking.candidates if each.score >= _MIN_SHOWN_SCORE]
    shown = [*candidates[:n_shown], *(c for c in ranking.best if c not in candidates[:n_shown])]
    return {
        "key": ranking.key,
        "source": ranking.source,
        "problem": ranking.problem or None,
        "fits": bool(ranking.best),
        "candidates": [
            {
                "message": each.signal.message,
                "signal": each.signal.signal,
                "bus": each.bus,
                "score": each.score,
                "is_best": each in ranking.best,
                "scale": each.scale,
                "offset": each.offset,
                "lag_s": each.lag_s,
                "n_values": each.n_values,
                "unit": each.signal.unit,
            }
            for each in shown
        ],
    }
