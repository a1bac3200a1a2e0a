"""config/car_signals.toml: the messages and signals that we need, by brand."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

import msgspec

from engagement.config_files import convert, read_toml
from engagement.errors import ConfigError, suggestion
from engagement.resources import resource_dir

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "car_signals.toml"
_MAX_CHARACTERS = 1000


class CarKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a key means, and which of its samples are kept.

    Attributes:
        meaning: In words.
        unit: Of its values; empty where there is none.
        range: The least and the greatest value that is a reading.
        every_s: At most one sample is kept in so many seconds; 0 for all.
        changes: Only samples are kept whose value is another than the one before, and the first
            and the last of a log.
    """

    meaning: str
    unit: str = ""
    range: tuple[float, float] = (-math.inf, math.inf)
    every_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0.0
    changes: bool = False


class Times(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signal of the same message by which a value is multiplied, and by what."""

    signal: str
    by: dict[str, float]


class CarEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"one_of": "is"}):
    """One place where a key may be; the file says what its fields are."""

    message: str
    signal: str | Annotated[list[str], msgspec.Meta(min_length=1, max_length=52)]
    scale: float = 1.0
    offset: float = 0.0
    times: Times | None = None
    one_of: Annotated[list[float], msgspec.Meta(min_length=1)] | None = None
    above: float | None = None
    cars: str = ""

    @property
    def signals(self) -> list[str]:
        """The signals' names; several make a bit mask."""
        return [self.signal] if isinstance(self.signal, str) else self.signal

    @property
    def wanted(self) -> list[str]:
        """Every signal that its message must have."""
        return self.signals + ([self.times.signal] if self.times else [])

    def is_for(self, fingerprint: str) -> bool:
        """Whether it holds for a car."""
        return re.search(self.cars, fingerprint) is not None


class CarTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file: what keys mean, and where each brand has them."""

    keys: dict[str, CarKey] = {}
    brands: dict[str, dict[str, list[CarEntry]]] = {}


def find_own_table(cwd: Path) -> Path | None:
    """The user's `config/car_signals.toml` of a folder, if there is one."""
    path = cwd / "config" / _NAME
    return path if path.is_file() and path.resolve() != _shipped().resolve() else None


@lru_cache(maxsize=4)
def load_car_table(own: Path | None = None) -> CarTable:
    """The shipped table; the keys of a user's file replace its own.

    Raises:
        ConfigError: If the file can't be read or does not hold.
    """
    shipped = read_car_table(_shipped())
    if own is None:
        return shipped
    added = read_car_table(own)
    keys = shipped.keys | added.keys
    _check(own, added, keys)
    brands = {
        brand: shipped.brands.get(brand, {}) | added.brands.get(brand, {})
        for brand in (*shipped.brands, *added.brands)
    }
    return CarTable(keys, brands)


def car_signals(brand: str, own: Path | None = None) -> dict[str, list[CarEntry]]:
    """Where the cars of a brand have each key, the preferred place first; empty for none known."""
    return load_car_table(own).brands.get(brand, {})


def read_car_table(path: Path) -> CarTable:
    """The table of one file alone.

    Raises:
        ConfigError: If it can't be read, or is no such table.
    """
    return convert(read_toml(path), CarTable, path)


def _shipped() -> Path:
    return resource_dir("config") / _NAME


def _check(path: Path, table: CarTable, keys: dict[str, CarKey]) -> None:
    for name, meaning in table.keys.items():
        if not meaning.range[0] < meaning.range[1]:
            where = f"key {name!r}"
            raise ConfigError(path, "`range` is from the less to the greater", where=where)
    for brand, signals in table.brands.items():
        for key, entries in signals.items():
            where = f"brand {brand!r}, key {key!r}"
            if key not in keys:
                problem = f"no such key{suggestion(key, keys)}; [keys.{key}] would say what it is"
                raise ConfigError(path, problem, where=where)
            for entry in entries:
                problem = _problem(entry)
                if problem:
                    raise ConfigError(path, problem, where=where)


def _problem(entry: CarEntry) -> str:
    """Say what is wrong with an entry, if anything is."""
    factors = entry.times.by if entry.times else {}
    numbers = [entry.scale, entry.offset, entry.above or 0, *(entry.one_of or ())]
    if not all(map(math.isfinite, [*numbers, *factors.values()])):
        return "inf and nan are no numbers to reckon with"
    if entry.one_of is not None and entry.above is not None:
        return "it is `is` or `above`, not both"
    if len(entry.cars) > _MAX_CHARACTERS:
        return "the pattern `cars` is too long"
    try:
        re.compile(entry.cars)
    except re.error as error:
        return f"`cars` is no pattern: {error}"
    for value in factors:
        try:
            float(value)
        except ValueError:
            return f"`by` has {value!r}, which is no number"
    return ""
