"""Vehicle profiles: which CAN signals of a car carry its odometer, cruise switch and torques.

A profile names a DBC file and, per key, one signal or a list of them. Here the JSON becomes a
`VehicleProfile` whose files are known to exist; whether the DBC has the signals is for `dbc`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec

from engagement.config_files import convert, find_config, lower_first, read_config
from engagement.errors import ConfigError, suggestion

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "vehicle_profiles.json"
KNOWN_KEYS = ("odometer", "cruise_state", "steering_driver_torque", "steering_motor_torque")
AUTO, NONE = "auto", "none"  # no profile's names: find signals by the car; leave them out
MAX_ENTRIES = 52  # bits of a mask that a float64 holds exactly
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_T = TypeVar("_T")


class Transform(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a decoded value becomes: value * scale + offset."""

    scale: float = 1.0
    offset: float = 0.0


class SignalEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One signal of the DBC; `source` is the bus, None for any."""

    message: str
    signal: str
    source: Annotated[int, msgspec.Meta(ge=0, le=255)] | None = None
    transform: Transform = Transform()


@dataclass(frozen=True, slots=True)
class ProfileSignal:
    """The entries of one key; several make a bit mask of which are non-zero."""

    key: str
    entries: tuple[SignalEntry, ...]

    @property
    def is_mask(self) -> bool:
        """Whether the key's value is a bit mask."""
        return len(self.entries) > 1


@dataclass(frozen=True, slots=True)
class VehicleProfile:
    """A profile of `profiles_file`, with the place where its DBC was found."""

    name: str
    description: str
    profiles_file: Path
    dbc_file: Path
    signals: tuple[ProfileSignal, ...]
    remote_device: str


class _File(msgspec.Struct):
    profiles: dict[str, msgspec.Raw]
    default_profile: str = ""
    remote_device: str | None = None


class _Profile(msgspec.Struct):
    dbc_file: Annotated[str, msgspec.Meta(min_length=1)]
    signals: dict[str, Any]
    description: str = ""


def load_profile(
    *, profiles_file: Path | None, name: str | None, cwd: Path
) -> VehicleProfile | None:
    """Load the profile `name`, by default the file's `default_profile`.

    The file is the one given, else `config/vehicle_profiles.json` of `cwd`, else the shipped one.
    None where neither names a profile: then no CAN signals are wanted.

    Raises:
        ConfigError: If the file, the profile, one of its keys or its DBC file does not hold.
    """
    path = find_profiles(profiles_file, cwd)
    content = _decode(path, _read(path), _File)
    chosen = name or content.default_profile
    if not chosen:
        return None
    if chosen not in content.profiles:
        where = "" if name else "default_profile"
        problem = f"no profile {chosen!r}{suggestion(chosen, content.profiles)}"
        raise ConfigError(path, problem, where=where)
    # Only the chosen profile is checked: a mistake in another must not stop an ingest.
    where = f"profile {chosen!r}"
    profile = _decode(path, bytes(content.profiles[chosen]), _Profile, where=where)
    signals = tuple(_parse_signal(path, chosen, key, raw) for key, raw in profile.signals.items())
    return VehicleProfile(
        name=chosen,
        description=profile.description,
        profiles_file=path,
        dbc_file=_find_dbc(path, profile.dbc_file, cwd=cwd, where=where),
        signals=signals,
        remote_device=content.remote_device or "",
    )


def reserved_choice(*, profiles_file: Path | None, name: str | None, cwd: Path) -> str:
    """AUTO or NONE where `name`, by default the file's `default_profile`, is that; else empty.

    A profile of such a name goes before.

    Raises:
        ConfigError: If the file can't be read or does not hold.
    """
    path = find_profiles(profiles_file, cwd)
    content = _decode(path, _read(path), _File)
    chosen = name or content.default_profile
    return chosen if chosen in (AUTO, NONE) and chosen not in content.profiles else ""


def find_profiles(given: Path | None, cwd: Path) -> Path:
    """The file of profiles that is read: the one given, the folder's own, or the shipped one."""
    return find_config(FILE_NAME, given, cwd)


def _find_dbc(profiles_file: Path, dbc_file: str, *, cwd: Path, where: str) -> Path:
    beside = profiles_file.absolute().parent
    places = list(dict.fromkeys(folder / dbc_file for folder in (cwd, beside, beside.parent)))
    for place in places:
        if place.is_file():
            return place
    looked = ", ".join(str(place) for place in places)
    raise ConfigError(profiles_file, f"no DBC file {dbc_file!r}; looked for {looked}", where=where)


def _read(path: Path) -> bytes:
    return read_config(path).removeprefix(_BYTE_ORDER_MARK)


def _decode(path: Path, text: bytes, kind: type[_T], *, where: str = "") -> _T:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(path, lower_first(str(error)), where=where) from error


def _parse_signal(path: Path, profile: str, key: str, raw: object) -> ProfileSignal:
    where = f"profile {profile!r}, signal {key!r}"
    items = raw if isinstance(raw, list) else [raw]
    if not 0 < len(items) <= MAX_ENTRIES:
        problem = f"a list of {len(items)} signals; it takes 1 to {MAX_ENTRIES}"
        raise ConfigError(path, problem, where=where)
    for item in items:
        _check_keys(path, item, SignalEntry, where=where)
        if isinstance(item, dict):
            _check_keys(path, item.get("transform"), Transform, where=f"{where}, transform")
    entries = tuple(convert(item, SignalEntry, path, where=where) for item in items)
    return ProfileSignal(key, entries)


def _check_keys(path: Path, item: object, kind: type[msgspec.Struct], *, where: str) -> None:
    """Refuse a key that `kind` has no field for, and name the nearest that it has."""
    known = kind.__struct_fields__
    unknown = [key for key in item if key not in known] if isinstance(item, dict) else []
    if unknown:
        problem = f"unknown key {unknown[0]!r}{suggestion(unknown[0], known)}"
        raise ConfigError(path, problem, where=where)
