"""Which CAN signals are read: those of a vehicle profile, those found by the car, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engagement.extract.car_table import find_own_table, load_car_table
from engagement.extract.cars import MissingCarsError, has_cars
from engagement.extract.profiles import AUTO, NONE, load_profile, reserved_choice
from engagement.extract.segment import ReadOptions

if TYPE_CHECKING:
    from pathlib import Path


def choose_can(*, profiles_file: Path | None, name: str | None, cwd: Path) -> ReadOptions:
    """How to read logs by a profile's name: `auto` finds signals by the car, `none` reads none.

    Without a name it is the file's `default_profile`, else `auto` where the extra `cars` is there.

    Raises:
        MissingCarsError: If `auto` is named without the extra.
        ConfigError: If a file, the profile or its DBC does not hold.
    """
    reserved = reserved_choice(profiles_file=profiles_file, name=name, cwd=cwd)
    if reserved == NONE:
        return ReadOptions()
    if reserved == AUTO and not has_cars():
        raise MissingCarsError("it is not installed")
    if reserved == AUTO:
        return _auto(cwd, is_default=False)
    profile = load_profile(profiles_file=profiles_file, name=name, cwd=cwd)
    if profile:
        from engagement.extract import dbc  # noqa: PLC0415 - cantools is slow

        database = dbc.load_dbc(profile.dbc_file)
        note = dbc.note_of(database)
        return ReadOptions(
            specs=dbc.specify_profile(database, profile),
            profile=profile.name,
            dbc_note=f"{profile.dbc_file}: {note}" if note else "",
        )
    return _auto(cwd, is_default=True) if has_cars() else ReadOptions(is_default=True)


def _auto(cwd: Path, *, is_default: bool) -> ReadOptions:
    own = find_own_table(cwd)
    if own is not None:  # here, so that its errors are raised even if no log needs it
        from engagement.extract.car_signals import check_own_table  # noqa: PLC0415 - opendbc

        load_car_table(own)
        check_own_table(own)
    return ReadOptions(is_auto=True, is_default=is_default, car_signals_file=own)
