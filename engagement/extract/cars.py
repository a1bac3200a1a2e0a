"""Cars that openpilot knows: which DBC describes the CAN traffic of which fingerprint.

opendbc has them, the optional extra `cars`; it is imported only when a function is called.
Fingerprints come from logs, so they are only looked up in a table, never used as a path.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engagement.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_INSTALLED = "it is not installed"
_UNKNOWN_CAR = "auto:none"
_MAIN_BUSES = (
    "pt",
    "party",
    "main",
)  # opendbc's carState reads nearly all its signals there


class MissingCarsError(InputError):
    """The extra `cars` is not installed, or can't be imported for a reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"DBCs of cars need opendbc: pip install 'engagement[cars]' ({reason})")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CarDatabase:
    """The DBC of a car's main bus.

    Attributes:
        fingerprint: The car, as opendbc spells it today: HYUNDAI_ELANTRA.
        brand: The folder of opendbc that it is in: hyundai.
        dbc_name: The DBC, without .dbc.
        text: Its content.
        path: Where it lies; None for one that opendbc generates.
        dbc_names: The DBC of each of the car's buses: pt, radar, chassis.
    """

    fingerprint: str
    brand: str
    dbc_name: str
    text: str
    path: Path | None
    dbc_names: Mapping[str, str]


def has_cars() -> bool:
    """Whether the extra is installed; a mere folder of that name, as in openpilot, is not."""
    try:
        return bool(cars_version()) and find_spec("opendbc") is not None
    except (MissingCarsError, ImportError, ValueError):
        return False


@cache
def cars_version() -> str:
    """The version of opendbc.

    Raises:
        MissingCarsError: Without the extra.
    """
    try:
        return version("opendbc")
    except PackageNotFoundError as error:
        raise MissingCarsError(_NOT_INSTALLED) from error


def label_of(car: CarDatabase | None) -> str:
    """The `profile` of segments whose CAN signals were found by the car.

    Raises:
        MissingCarsError: Without the extra.
    """
    if car is None:
        return f"{_UNKNOWN_CAR} {_maker()}"
    return f"auto:{car.fingerprint} ({car.dbc_name}, {_maker()[1:]}"


def is_unknown_car(label: str) -> bool:
    """Whether a label says that opendbc does not know the car."""
    return label.startswith(_UNKNOWN_CAR)


def is_current_label(label: str) -> bool:
    """Whether a label is of the opendbc that is installed."""
    return label.startswith("auto:") and label.endswith(_maker()[1:])


def _maker() -> str:
    return f"(opendbc {cars_version()})"


def available_dbcs() -> dict[str, str]:
    """The text of every DBC of opendbc, the generated ones too, by name, sorted.

    Raises:
        MissingCarsError: Without the extra.
    """
    return dict(sorted({name: dbc_text(name) for name in _dbc_paths()}.items()))


def car_database(fingerprint: str) -> CarDatabase | None:
    """The DBC of a car, also by a name that it had before 2024; None for a car not known.

    Raises:
        MissingCarsError: Without the extra.
    """
    platform = _platforms().get(fingerprint)
    dbc_name = None if platform is None else _main_dbc(platform)
    if dbc_name is None:
        return None
    return CarDatabase(
        fingerprint=str(platform),
        brand=_brand(platform),
        dbc_name=dbc_name,
        text=dbc_text(dbc_name),
        path=_dbc_paths()[dbc_name],
        dbc_names=_buses(platform),
    )


def dbc_text(name: str) -> str:
    """The text of one of opendbc's DBCs.

    Raises:
        KeyError: If it has none of that name.
        MissingCarsError: Without the extra.
    """
    path = _dbc_paths()[name]
    if path is None:
        return str(_opendbc().get_generated_dbcs()[name])
    return path.read_text(encoding="utf-8", errors="replace")


def fingerprints() -> dict[str, str]:
    """Every car of opendbc that has a DBC, by its name of today, with its brand.

    Raises:
        MissingCarsError: Without the extra.
    """
    platforms = {str(platform): platform for platform in _platforms().values()}
    return {
        name: _brand(platform)
        for name, platform in sorted(platforms.items())
        if _main_dbc(platform) is not None
    }


def dbcs_of_brands() -> dict[str, list[str]]:
    """The DBCs of each brand's cars, sorted; of their main buses only.

    Raises:
        MissingCarsError: Without the extra.
    """
    found: dict[str, set[str]] = {}
    for platform in _platforms().values():
        dbc_name = _main_dbc(platform)
        if dbc_name is not None:
            found.setdefault(_brand(platform), set()).add(dbc_name)
    return {brand: sorted(names) for brand, names in found.items()}


def old_fingerprints() -> dict[str, str]:
    """Names that cars with a DBC had in logs before 2024, with those of today.

    Raises:
        MissingCarsError: Without the extra.
    """
    known = fingerprints()
    return {
        old: str(now) for old, now in _platforms().items() if old != str(now) and str(now) in known
    }


def _buses(platform: Any) -> dict[str, str]:
    return {str(bus): str(name) for bus, name in platform.config.dbc_dict.items()}


def _main_dbc(platform: Any) -> str | None:
    buses = _buses(platform)
    name = next((buses[bus] for bus in _MAIN_BUSES if bus in buses), None)
    return name if name in _dbc_paths() else None


def _brand(platform: Any) -> str:
    return str(type(platform).__module__).split(".")[-2]


def _opendbc() -> Any:
    try:
        import opendbc  # noqa: PLC0415 - an extra
        import opendbc.car.fingerprints  # noqa: PLC0415
        import opendbc.car.values  # noqa: PLC0415
    except ImportError as error:
        raise MissingCarsError(str(error)) from error
    return opendbc


@cache
def _platforms() -> dict[str, Any]:
    car = _opendbc().car
    return {**car.fingerprints.MIGRATION, **car.values.PLATFORMS}


@cache
def _dbc_paths() -> dict[str, Path | None]:
    """Where each DBC lies, None for those generated."""
    opendbc = _opendbc()
    files = {path.stem: path for path in Path(opendbc.DBC_PATH).glob("*.dbc")}
    return {**files, **dict.fromkeys(opendbc.get_generated_dbcs())}
