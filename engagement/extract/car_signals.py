"""The CAN signals that we need, for every car that opendbc knows, without a vehicle profile.

Many cars share a DBC, and send only some of its messages: each key has several possible signals,
and the frames of a log decide which one is read, and from which bus.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from engagement.errors import ConfigError, suggestion
from engagement.extract import cars
from engagement.extract.car_table import CarKey, load_car_table, read_car_table
from engagement.extract.dbc import field_of, parse_dbc, specify
from engagement.extract.profiles import SignalEntry, Transform
from engagement.extract.signal_specs import Refinement

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cantools.database.can import Database

    from engagement.extract.can_decoding import CanFrames, CanSignals
    from engagement.extract.car_table import CarEntry
    from engagement.extract.signal_specs import SignalSpec
    from engagement.logs.arrays import Bool, PerValue

    Places = tuple[tuple[SignalSpec, ...], ...]

_SENT_BUS = 128  # panda reports the frames that openpilot sends on buses from here on


@dataclass(frozen=True, slots=True)
class CarPlan:
    """What to look for in a car's logs.

    Attributes:
        label: What a segment's `profile` says of it.
        keys: What is known of each key.
        places: Where each key may be, as specs without buses; the preferred place first.
    """

    label: str
    keys: Mapping[str, CarKey] = field(default_factory=dict)
    places: Mapping[str, Places] = field(default_factory=dict)

    @property
    def specs(self) -> tuple[SignalSpec, ...]:
        """Every signal that may be looked for."""
        return tuple(spec for places in self.places.values() for place in places for spec in place)


@lru_cache(maxsize=16)
def plan_car(fingerprint: str | None, own: Path | None = None) -> CarPlan:
    """What to look for in the logs of a car; nothing where opendbc does not know it.

    Args:
        fingerprint: As a log has it, of today or of before 2024.
        own: A file of the user's beside the shipped table.

    Raises:
        MissingCarsError: Without the extra.
        ConfigError: If the user's file does not hold.
    """
    table = load_car_table(own)
    car = cars.car_database(fingerprint) if fingerprint else None
    if car is None:
        return CarPlan(cars.label_of(None))
    database = _database(car.dbc_name)
    places: dict[str, Places] = {}
    for key, entries in table.brands.get(car.brand, {}).items():
        found = tuple(
            _specify(database, car.dbc_name, key, table.keys[key], entry)
            for entry in entries
            if entry.is_for(car.fingerprint) and _is_described(database, entry)
        )
        if found:
            places[key] = found
    return CarPlan(cars.label_of(car), table.keys, places)


def check_own_table(own: Path) -> None:
    """Check that the signals of a user's file are in the DBC of some car of the brand.

    Raises:
        MissingCarsError: Without the extra.
        ConfigError: If the file does not hold, or names what no DBC of the brand has.
    """
    dbc_names = cars.dbcs_of_brands()
    for brand, signals in read_car_table(own).brands.items():
        if brand not in dbc_names:
            problem = f"no such brand{suggestion(brand, dbc_names)}"
            raise ConfigError(own, problem, where=repr(brand))
        for key, entry in ((key, entry) for key, entries in signals.items() for entry in entries):
            if not any(_is_described(_database(name), entry) for name in dbc_names[brand]):
                named = f"{' and '.join(entry.wanted)} in a message {entry.message}"
                where = f"brand {brand!r}, key {key!r}"
                raise ConfigError(own, f"no DBC of the brand has {named}", where=where)


def choose_signals(frames: CanFrames, plan: CarPlan) -> tuple[SignalSpec, ...]:
    """The specs of what is in a log's frames, each with the bus to read it from.

    Of a key's places it is the first whose message was received, from the lowest bus that has it
    in the length of the DBC, else longer. What openpilot sends itself is left out; so is a bus with
    less than half of another's frames: until a harness is switched, its buses are one.
    """
    buses: dict[tuple[int, int], int | None] = {}
    chosen: list[SignalSpec] = []
    for places in plan.places.values():
        for place in places:
            message = place[0].address, place[0].message_length_bytes
            if message not in buses:
                buses[message] = _bus_of(frames, *message)
            bus = buses[message]
            if bus is not None:
                chosen += [replace(spec, bus=bus) for spec in place]
                break
    return tuple(chosen)


def _bus_of(frames: CanFrames, address: int, length_bytes: int) -> int | None:
    is_candidate = (frames.address == address) & (frames.bus < _SENT_BUS)
    for fits in (frames.length_bytes == length_bytes, frames.length_bytes > length_bytes):
        buses, counts = np.unique(frames.bus[is_candidate & fits], return_counts=True)
        if len(buses):
            return int(buses[np.argmax(2 * counts >= counts.max())])
    return None


def keep_telling(signals: CanSignals, keys: Mapping[str, CarKey]) -> PerValue[Bool]:
    """Which samples to keep: of most keys all, of others changes, or one in some seconds."""
    is_kept: PerValue[Bool] = np.ones(len(signals), dtype=np.bool_)
    for key_num, name in enumerate(signals.keys):
        key = keys.get(name)
        if key is None or not (key.every_s or key.changes):
            continue
        rows = np.flatnonzero(signals.key_num == key_num)
        told: Any = signals.value[rows]
        if key.every_s:
            told = signals.mono_ns[rows] // max(1, int(key.every_s * 1e9))
        is_new: PerValue[Bool] = np.ones(len(rows), dtype=np.bool_)
        is_new[1:] = told[1:] != told[:-1]
        if key.changes:
            is_new[-1:] = True
        is_kept[rows] = is_new
    return is_kept


@lru_cache(maxsize=4)
def _database(dbc_name: str) -> Database:
    return parse_dbc(cars.dbc_text(dbc_name), _called(dbc_name))


def _called(dbc_name: str) -> str:
    return f"{dbc_name}.dbc of opendbc"


def _is_described(database: Database, entry: CarEntry) -> bool:
    wanted = {*entry.wanted}
    return any(
        message.name == entry.message and wanted <= {signal.name for signal in message.signals}
        for message in database.messages
    )


def _specify(
    database: Database, dbc_name: str, key: str, meaning: CarKey, entry: CarEntry
) -> tuple[SignalSpec, ...]:
    transform = Transform(entry.scale, entry.offset)
    wanted = [SignalEntry(entry.message, name, None, transform) for name in entry.signals]
    refinement = Refinement(
        lowest=meaning.range[0],
        highest=meaning.range[1],
        one_of=None if entry.one_of is None else tuple(entry.one_of),
        above=entry.above,
    )
    if entry.times:
        message = database.get_message_by_name(entry.message)
        refinement = replace(
            refinement,
            factor=field_of(_called(dbc_name), message, entry.times.signal),
            factors=tuple((float(value), factor) for value, factor in entry.times.by.items()),
        )
    more = refinement if refinement != Refinement() else None
    specs = specify(database, key, wanted, path=_called(dbc_name))
    return tuple(_as_opendbc(replace(spec, refinement=more)) for spec in specs)


def _as_opendbc(spec: SignalSpec) -> SignalSpec:
    """Read a signal that no multiplexer selects for all ids, as opendbc's parser does.

    The DBCs describe few of the ids that cars send.
    """
    return replace(spec, multiplexers=()) if spec.selector is None else spec
