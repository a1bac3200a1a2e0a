"""The DBC that a command reads with: a file, one of opendbc by its name, or the car's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engagement.cli import render
from engagement.errors import InputError, suggestion
from engagement.extract import cars
from engagement.extract.dbc import load_dbc, parse_dbc
from engagement.extract.frames import DbcSignals, list_signals
from engagement.files import replacing
from engagement.formats import text
from engagement.resources import resource_dir

DBC_HELP = "A DBC file, or the name of one that opendbc has.  [default: the car's own, by opendbc]"
_HINT = "pip install 'engagement[cars]'"
_INSTALL = f"with {_HINT} the car's own is found"


@dataclass(frozen=True, slots=True)
class ChosenDbc:
    """A DBC and what it describes; `path` is None for one that opendbc generates."""

    name: str
    signals: DbcSignals
    path: Path | None
    text: str | None = None


def choose_dbc(given: str | None, fingerprint: str | None) -> ChosenDbc:
    """The DBC by the name that was given, else the one of the car.

    Raises:
        InputError: If there is none such, or the car's is not known.
        ConfigError: If it can't be parsed.
    """
    if given is None:
        return _of_car(fingerprint)
    path = _find_file(given)
    if path is not None:
        signals = list_signals(load_dbc(path), path.name)
        if signals.note:
            render.note(text(f"{path}: {signals.note}"))
        return ChosenDbc(path.name, signals, path)
    name = given.removesuffix(".dbc")
    if not cars.has_cars():
        raise InputError(f"--dbc: no file {given!r}; the DBCs of opendbc are not here: {_HINT}")
    known = cars.available_dbcs()
    if name not in known:
        raise InputError(f"--dbc: no file {given!r}, and opendbc has none{suggestion(name, known)}")
    return _of_opendbc(name, known[name])


def keep_dbc(chosen: ChosenDbc, profiles_file: Path) -> str:
    """How a profile in a file names a DBC; one that is not the user's own is put beside the file.

    Raises:
        InputError: If another file of that name is there.
        OSError: If it can't be written.
    """
    folder = profiles_file.absolute().parent
    path = chosen.path
    if path is not None and not path.absolute().is_relative_to(resource_dir("config")):
        for base in (folder, folder.parent):
            if path.absolute().is_relative_to(base):
                return str(path.absolute().relative_to(base))
        return str(path.absolute())
    text = chosen.text.encode() if chosen.text is not None else b""
    content = path.read_bytes() if path is not None else text
    kept = folder / f"{chosen.name.removesuffix('.dbc')}.dbc"
    if kept.exists() and kept.read_bytes() != content:
        raise InputError(f"{kept}: another file is there; move it, or name it with --dbc")
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(kept) as file:
            file.write(content)
    return kept.name


def own_dbc_name(fingerprint: str | None) -> str | None:
    """The name of the DBC that opendbc has for a car, None where that is not known."""
    if fingerprint is None or not cars.has_cars():
        return None
    found = cars.car_database(fingerprint)
    return found.dbc_name if found else None


def _of_car(fingerprint: str | None) -> ChosenDbc:
    if fingerprint is None:
        raise InputError("the log does not say what car it is of; name a DBC with --dbc")
    if not cars.has_cars():
        raise InputError(f"name a DBC with --dbc FILE; {_INSTALL} ({fingerprint!r})")
    found = cars.car_database(fingerprint)
    if found is None:
        raise InputError(f"opendbc has no DBC for {fingerprint!r}; name one with --dbc")
    return _of_opendbc(found.dbc_name, found.text)


def _of_opendbc(name: str, text: str) -> ChosenDbc:
    signals = list_signals(parse_dbc(text, f"{name}.dbc"), name)
    return ChosenDbc(name, signals, None, text)


def _find_file(given: str) -> Path | None:
    """A file as given, else of that name in config/ here, else one that ships."""
    folders = (Path.cwd() / "config", resource_dir("config"))
    named = [folder / name for folder in folders for name in (given, f"{given}.dbc")]
    return next((path for path in (Path(given), *named) if path.is_file()), None)
