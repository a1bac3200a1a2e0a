"""`engagement profile new`: make a profile, by menus in a terminal or by options."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from engagement.cli import render
from engagement.cli.dbc_choice import choose_dbc, keep_dbc
from engagement.cli.drive_logs import find_drive_logs, read_car
from engagement.cli.profile_options import PROFILES_FILE, KeyEntry, profiles_option
from engagement.cli.profile_session import Session
from engagement.errors import InputError, suggestion
from engagement.extract.profile_files import NewProfile, check_name, read_profiles, save_profile
from engagement.extract.profiles import MAX_ENTRIES, load_profile

if TYPE_CHECKING:
    from engagement.cli.dbc_choice import ChosenDbc
    from engagement.extract.profiles import SignalEntry, VehicleProfile
    from engagement.logs.find import LogFile


@click.command()
@click.argument("name", required=False)
@click.option(
    "--dbc",
    metavar="FILE|NAME",
    help="A DBC file, or the name of one that opendbc has.  [default: ask, or the log's car's own]",
)
@click.option(
    "--from",
    "log_file",
    type=click.Path(path_type=Path),
    metavar="LOG",
    help="Show the values of this log beside the signals.",
)
@click.option(
    "--key",
    "keys",
    type=KeyEntry(),
    multiple=True,
    metavar="KEY=SIGNAL",
    help="A signal, as MESSAGE.SIGNAL[@BUS][*SCALE][+OFFSET]; the same key again makes a bit mask.",
)
@click.option("--description", metavar="TEXT", help="What car it is for.")
@click.option("--default", "is_default", is_flag=True, help="Use it where no --profile is named.")
@click.option("--replace", "may_replace", is_flag=True, help="Replace a profile of that name.")
@click.option(
    "--edit", "is_edited", is_flag=True, help="Begin with the profile of that name, as it is."
)
@profiles_option
def new(
    *,
    name: str | None,
    dbc: str | None,
    log_file: Path | None,
    keys: tuple[tuple[str, SignalEntry], ...],
    description: str | None,
    is_default: bool,
    may_replace: bool,
    is_edited: bool,
    profiles_file: Path | None,
) -> None:
    """Make a profile: choose a DBC, then a signal for each key.

    In a terminal, lists get shorter as you type; with --from they have the values of a log beside
    them, and the signals that follow what openpilot says come first. With --key there are no
    questions. The file is changed at the end, at once, or not at all. With --edit, single signals
    are edited, added and deleted; --key then sets its key and leaves the others.

    \b
    Example:
      engagement profile new mycar --from rlog.zst
      engagement profile new mycar --dbc car.dbc --key 'odometer=CLU1.CF_Clu_Odometer@0'
      engagement profile new mycar --edit
    """
    path = profiles_file or PROFILES_FILE
    taken = read_profiles(path).get("profiles", {})
    before = _profile_before(path, name) if is_edited else None
    if before:
        may_replace = True
        dbc = dbc or str(before.dbc_file)
        description = before.description if keys and description is None else description
    if keys:
        if not name:
            raise InputError("name the profile: engagement profile new NAME --key ...")
        check_name(path, name, taken, may_replace=may_replace)
        chosen = _chosen_dbc(dbc, log_file)
        old = {each.key: list(each.entries) for each in before.signals} if before else {}
        signals = old | _group(chosen, keys)
    else:
        _check_terminal()
        log = _one_log(log_file)
        session = Session(name=name, dbc=dbc, log=log, taken=taken, before=before)
        if not _ask(session, may_replace=may_replace):
            render.note("nothing was saved")
            return
        name, chosen, signals = session.name, session.chosen, session.signals
        is_default = is_default or session.is_default
        may_replace = True  # the session has asked
        description = session.description if description is None else description
    dbc_file = keep_dbc(chosen, path)
    profile = NewProfile(name, dbc_file, signals, description or "")
    save_profile(path, profile, may_replace=may_replace, is_default=is_default)
    render.note(f"saved profile {name!r} to {path}")
    where = f" --vehicle-profiles {profiles_file}" if profiles_file else ""
    render.note(f"see it in a log with `engagement profile check LOG --profile {name}{where}`")


def _profile_before(path: Path, name: str | None) -> VehicleProfile:
    """The profile that is to be edited.

    Raises:
        InputError: If none is named.
        ConfigError: If there is none of that name, or it does not hold.
    """
    found = load_profile(profiles_file=path, name=name, cwd=Path.cwd()) if name else None
    if found is None:
        raise InputError("name the profile: engagement profile new NAME --edit")
    return found


def _check_terminal() -> None:
    """Refuse to ask where nobody answers.

    Raises:
        InputError: If stdin or stderr is no terminal, or one that can't move its cursor.
    """
    is_terminal = sys.stdin.isatty() and sys.stderr.isatty()
    if not is_terminal or Console(stderr=True).is_dumb_terminal:
        problem = (
            "this terminal can't show lists" if is_terminal else "there is no terminal to ask in"
        )
        raise InputError(
            f"{problem}; give a name and signals: engagement profile new NAME "
            "--dbc FILE --key odometer=MESSAGE.SIGNAL"
        )


def _ask(session: Session, *, may_replace: bool) -> bool:
    """Whether the session ends with something to save.

    Raises:
        KeyboardInterrupt: At Ctrl-C, for which click's prompts have an error of their own.
    """
    try:
        return session.run(may_replace=may_replace)
    except click.Abort as error:
        raise KeyboardInterrupt from error


def _one_log(path: Path | None) -> LogFile | None:
    if path is None:
        return None
    logs = find_drive_logs([path])
    if len(logs) > 1:
        render.note(f"showing values of {logs[0].path}, the first of {len(logs)} logs")
    return logs[0]


def _chosen_dbc(dbc: str | None, log_file: Path | None) -> ChosenDbc:
    if dbc is None and log_file is None:
        raise InputError("name a DBC with --dbc, or a log of the car with --from")
    return choose_dbc(dbc, read_car(find_drive_logs([log_file])) if log_file and not dbc else None)


def _group(
    chosen: ChosenDbc, keys: tuple[tuple[str, SignalEntry], ...]
) -> dict[str, list[SignalEntry]]:
    """The entries by key.

    Raises:
        InputError: If the DBC lacks a signal, it can't be read, or a key has too many.
    """
    known = {each.key for each in chosen.signals.signals}
    unreadable = dict(chosen.signals.unreadable)
    signals: dict[str, list[SignalEntry]] = {}
    for key, entry in keys:
        wanted = f"{entry.message}.{entry.signal}"
        if wanted not in known:
            problem = unreadable.get(wanted, f"no such signal{suggestion(wanted, known)}")
            raise InputError(f"--key {key}: {chosen.name}: {wanted}: {problem}")
        signals.setdefault(key, []).append(entry)
        if len(signals[key]) > MAX_ENTRIES:
            raise InputError(f"--key {key}: a key takes up to {MAX_ENTRIES} signals")
    return signals
