"""The menus of `engagement profile new`: a DBC, then signals for keys, until it is saved."""

from __future__ import annotations

from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from engagement.cli import render
from engagement.cli.dbc_choice import choose_dbc, own_dbc_name
from engagement.cli.drive_logs import read_car
from engagement.cli.keys import Keys
from engagement.cli.picker import Option, Picker
from engagement.cli.profile_options import MAX_BUS
from engagement.cli.profile_preview import Preview
from engagement.errors import InputError
from engagement.extract import cars
from engagement.extract.profiles import MAX_ENTRIES, SignalEntry, Transform
from engagement.formats import count, number, text
from engagement.resources import resource_dir

if TYPE_CHECKING:
    from collections.abc import Collection

    from engagement.cli.dbc_choice import ChosenDbc
    from engagement.extract.frames import DbcSignal
    from engagement.extract.profiles import VehicleProfile
    from engagement.logs.find import LogFile

_MEANINGS = {
    "odometer": "km that the car has driven in its life",
    "cruise_state": "not 0 while a cruise button is held; several signals are a bit each",
    "steering_driver_torque": "torque of the driver on the wheel",
    "steering_motor_torque": "torque of the steering motor",
    "gas_pressed": "not 0 while the gas pedal is pressed",
    "brake_pressed": "not 0 while the brake pedal is pressed",
    "left_blinker": "not 0 while the left turn signal is on",
    "right_blinker": "not 0 while the right turn signal is on",
    "wheel_speed_fl_kph": "km/h of the front left wheel",
    "wheel_speed_fr_kph": "km/h of the front right wheel",
    "wheel_speed_rl_kph": "km/h of the rear left wheel",
    "wheel_speed_rr_kph": "km/h of the rear right wheel",
}
_SAVE, _QUIT, _OTHER = "save", "quit", "another key"
_MIN_SCORE = 0.3
_BUSES = {str(bus) for bus in range(MAX_BUS + 1)}


class Session:
    """One run of the menus; what was chosen is in its attributes afterwards."""

    chosen: ChosenDbc

    def __init__(
        self,
        *,
        name: str | None,
        dbc: str | None,
        log: LogFile | None,
        taken: Collection[str],
        before: VehicleProfile | None = None,
    ) -> None:
        """`before` is the profile that is edited."""
        self.name = (name or "").strip()
        self.description = before.description if before else ""
        self.is_default = False
        self.signals = {each.key: list(each.entries) for each in before.signals} if before else {}
        self._dbc = dbc
        self._log = log
        self._taken = taken
        self._keyboard = Keys()
        self._preview: Preview | None = None

    def run(self, *, may_replace: bool) -> bool:
        """Ask until it is to be saved; False if it is not."""
        self.name = self.name or _ask_name("Name of the profile")
        if not self._find_dbc():
            return False
        render.note(f"{self.chosen.name}: {len(self.chosen.signals.signals)} signals")
        if self._log:
            with Console(stderr=True).status("reading the log"):
                self._preview = Preview(self._log, self.chosen.signals.signals)
        while True:
            key = self._choose_key()
            if key == _OTHER:
                key = _ask_name("Key")
            if key is None or key == _QUIT:
                if not self.signals or click.confirm("Leave without saving?", err=True):
                    return False
            elif key != _SAVE:
                self._edit(key)
            elif self._is_confirmed(may_replace=may_replace):
                return True

    def _find_dbc(self) -> bool:
        """The DBC that was named, else the one that is chosen; False if none is."""
        if self._dbc:
            self.chosen = choose_dbc(self._dbc, None)
            return True
        while True:
            name = self._choose_dbc()
            if name is None:
                return False
            try:
                self.chosen = choose_dbc(name, None)
            except InputError as error:
                render.note(text(error))
            else:
                return True

    def _choose_dbc(self) -> str | None:
        """The car's own first, then those of the folder, then opendbc's."""
        own = own_dbc_name(read_car([self._log])) if self._log else None
        files = sorted(
            str(path) for folder in (Path(), Path("config")) for path in folder.glob("*.dbc")
        )
        options = [Option(own, own, "of the log's car, by opendbc")] if own else []
        options += [Option(file, file, "a file here") for file in files]
        shipped = sorted(path.name for path in resource_dir("config").glob("*.dbc"))
        options += [Option(each, each, "ships with engagement") for each in shipped]
        if cars.has_cars():
            options += [Option(n, n, "opendbc") for n in cars.available_dbcs() if n != own]
        else:
            render.note("for the DBCs of opendbc: pip install 'engagement[cars]'")
        return Picker(self._keyboard, "Which DBC?", options).choose()

    def _choose_key(self) -> str | None:
        """A key to set, or what else to do."""
        names = dict.fromkeys([*self.signals, *_MEANINGS])
        options = [Option(key, key, self._summary(key) or _MEANINGS.get(key, "")) for key in names]
        options.append(Option(_OTHER, "another key", "one that you name"))
        if self.signals:
            options.insert(
                0, Option(_SAVE, "save", f"{count(len(self.signals), 'key')} as {self.name!r}")
            )
        options.append(Option(_QUIT, "quit", "without saving"))
        title = f"Profile {self.name!r} with {self.chosen.name}: which key?"
        return Picker(self._keyboard, title, options).choose()

    def _summary(self, key: str) -> str:
        return " + ".join(_shown(entry) for entry in self.signals.get(key, []))

    def _edit(self, key: str) -> None:
        """Choose the signals of a key; what it had stays if none is chosen."""
        act, number = self._choose_act(key) if key in self.signals else ("anew", 0)
        if act == "remove":
            del self.signals[key]
        elif act == "delete":
            gone = self.signals[key].pop(number)
            render.note(f"{key}: {_shown(gone)} is deleted")
        elif act == "edit":
            entry = self._edited(self.signals[key][number])
            self.signals[key][number] = entry
            render.note(f"{key}: {_shown(entry)}")
        elif act is not None:
            self._add(key, [] if act == "anew" else list(self.signals[key]))

    def _choose_act(self, key: str) -> tuple[str | None, int]:
        """What to do with a key, and with which of its signals."""
        entries = list(enumerate(self.signals[key]))
        edit = [
            Option(("edit", n), f"edit {_shown(entry)}", "its bus, scale and offset")
            for n, entry in entries
        ]
        delete = [
            Option(("delete", n), f"delete {_shown(entry)}", f"bit {n} of the mask; others move up")
            for n, entry in entries
        ]
        options = [
            *edit,
            *(delete if len(entries) > 1 else []),
            Option(("anew", 0), "choose anew", self._summary(key)),
            Option(("add", 0), "add a signal", "the key becomes a bit mask"),
            Option(("remove", 0), "remove it", "all of the key"),
        ]
        found = Picker(self._keyboard, f"{key}: what about it?", options).choose()
        return found or (None, 0)

    def _add(self, key: str, entries: list[SignalEntry]) -> None:
        """Choose signals of a key, after those that it has."""
        while True:
            entry = self._choose_entry(key)
            if entry is None:
                break
            entries.append(entry)
            render.note(f"{key}: {_shown(entry)}")
            question = "Another signal for this key, as a bit mask?"
            if len(entries) >= MAX_ENTRIES or not click.confirm(question, err=True):
                break
        if entries:
            self.signals[key] = entries

    def _choose_entry(self, key: str) -> SignalEntry | None:
        signal = self._choose_signal(key)
        if signal is None:
            return None
        bus = self._choose_bus(signal)
        return SignalEntry(signal.message, signal.signal, bus, _ask_transform(signal.key))

    def _edited(self, entry: SignalEntry) -> SignalEntry:
        """The same signal with another bus, scale or offset; Enter keeps each."""
        name = f"{entry.message}.{entry.signal}"
        bus = click.prompt(
            f"Bus of {name} (any, or a number)",
            default="any" if entry.source is None else str(entry.source),
            value_proc=lambda value: "" if value == "any" else _bus(value),
            err=True,
        )
        transform = _ask_transform(name, entry.transform)
        return SignalEntry(entry.message, entry.signal, int(bus) if bus else None, transform)

    def _choose_signal(self, key: str) -> DbcSignal | None:
        signals = list(self.chosen.signals.signals)
        preview = self._preview
        if preview is None:
            options = [_option(each) for each in signals]
            return Picker(self._keyboard, f"{key}: which signal?", options).choose()
        scores = {each.key: preview.score(key, each) for each in signals}
        signals.sort(key=lambda each: (-scores[each.key], not preview.has(each)))
        options = [
            _option(
                each, f"follows {number(score)}" if (score := scores[each.key]) > _MIN_SCORE else ""
            )
            for each in signals
        ]
        return Picker(
            self._keyboard,
            f"{key}: which signal?",
            options,
            describe=preview.describe,
            moment_name=preview.moment_name,
        ).choose()

    def _choose_bus(self, signal: DbcSignal) -> int | None:
        """The bus, by the log where it has the signal; None for any."""
        found = self._preview.values(signal) if self._preview else []
        if found:
            options = [Option(str(each.bus), f"bus {each.bus}") for each in found]
            options.append(Option("", "any bus"))
            chosen = Picker(self._keyboard, f"{signal.key}: on which bus?", options).choose()
        else:
            chosen = click.prompt(
                "Bus (nothing for any)", default="", show_default=False, value_proc=_bus, err=True
            )
        return int(chosen) if chosen else None

    def _is_confirmed(self, *, may_replace: bool) -> bool:
        """Show the profile and ask what is left to ask."""
        for key in self.signals:
            render.note(f"  {key}: {self._summary(key)}")
        if self.name in self._taken and not may_replace:
            message = f"There is a profile {self.name!r}. Replace it?"
            if not click.confirm(message, err=True):
                self.name = _ask_name("Another name")
                return False
        elif not click.confirm("Save it?", default=True, err=True):
            return False
        was = self.description
        self.description = click.prompt(
            "Description", default=was, show_default=bool(was), err=True
        )
        self.is_default = click.confirm("Use it where no --profile is named?", err=True)
        return True


def _option(signal: DbcSignal, detail: str = "") -> Option[DbcSignal]:
    place = f"0x{signal.spec.address:x}"
    search = f"{signal.unit} {signal.comment} {place}"
    return Option(signal, signal.key, detail or f"{place} {signal.comment}".strip(), search)


def _shown(entry: SignalEntry) -> str:
    """An entry as --key takes it."""
    bus = "" if entry.source is None else f"@{entry.source}"
    scale, offset = entry.transform.scale, entry.transform.offset
    scaled = f"*{scale:g}" if scale != 1 else ""
    return f"{entry.message}.{entry.signal}{bus}{scaled}{f'{offset:+g}' if offset else ''}"


def _ask_transform(name: str, was: Transform | None = None) -> Transform:
    """Scale and offset of a signal; Enter keeps what they were."""
    was = was or Transform()
    scale = click.prompt(f"Scale of {name}", default=was.scale, value_proc=_finite, err=True)
    offset = click.prompt(
        "Offset, after the scale", default=was.offset, value_proc=_finite, err=True
    )
    return Transform(scale, offset)


def _ask_name(question: str) -> str:
    return str(click.prompt(question, value_proc=_named, err=True))


def _named(value: str) -> str:
    if not value.strip():
        raise click.BadParameter("a name has letters")
    return value.strip()


def _finite(value: str) -> float:
    try:
        found = float(value)
    except ValueError:
        found = nan
    if not isfinite(found):
        raise click.BadParameter(f"{value!r} is no number")
    return found


def _bus(value: str) -> str:
    if value and value not in _BUSES:
        raise click.BadParameter(f"{value!r} is no bus; it is a number up to {MAX_BUS}, or nothing")
    return value
