"""From a profile and its DBC file to `SignalSpec`s: plain numbers, ready for worker processes.

cantools parses the file, once per run; nothing of it is left in the specs.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

import cantools
import cantools.database
from cantools.database.can import Database
from cantools.database.errors import UnsupportedDatabaseFormatError

from engagement.config_files import read_config
from engagement.errors import ConfigError, suggestion
from engagement.extract.dbc_lines import LinewiseDatabase, has_too_many_ids, read_linewise
from engagement.extract.dbc_repair import repair
from engagement.extract.signal_specs import BitField, Multiplexer, SignalSpec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cantools.database.can import Message, Signal

    from engagement.extract.profiles import SignalEntry, VehicleProfile

_FLOAT_LENGTHS_BITS = (16, 32, 64)
_MAX_LENGTH_BITS = 64
_MAX_NUMBER = 1e18  # of a scale or offset; those of cars are much smaller
_MAX_PROBLEM_CHARACTERS = 200
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
# Chinese letters are pairs of high bytes; western ones mostly stand alone, as the sign for degrees.
_HAS_PAIRS = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xfe]{2})*")
# What cantools and its parser raise for a text that is not sound; recursion for a deep one.
_FAILURES = (cantools.Error, ArithmeticError, LookupError, ValueError, TypeError, RecursionError)

# Its warnings are of messages that share an id, which are both there for us.
logging.getLogger("cantools").addHandler(logging.NullHandler())


def load_signal_specs(profile: VehicleProfile) -> tuple[SignalSpec, ...]:
    """Look up every signal of the profile in its DBC, in the profile's order.

    Raises:
        ConfigError: If the DBC can't be parsed, or lacks one of the signals.
    """
    return specify_profile(load_dbc(profile.dbc_file), profile)


def specify_profile(database: Database, profile: VehicleProfile) -> tuple[SignalSpec, ...]:
    """The same, in the profile's DBC that is loaded already."""
    return tuple(
        spec
        for signal in profile.signals
        for spec in specify(database, signal.key, signal.entries, path=profile.dbc_file)
    )


def specify(
    database: Database, key: str, entries: Sequence[SignalEntry], *, path: Path | str
) -> tuple[SignalSpec, ...]:
    """Look up the entries of one key in a DBC, in their order.

    Args:
        database: The DBC.
        key: What the signals carry; several entries make a bit mask.
        entries: Their messages and signals.
        path: What errors call the DBC.

    Raises:
        ConfigError: If it lacks one of the signals.
    """
    messages = named_messages(database)
    by_plain_name: dict[str, list[str]] = {}
    for name, message in messages.items():
        by_plain_name.setdefault(message.name, []).append(name)
    specs = []
    for entry_num, entry in enumerate(entries):
        names = by_plain_name.get(entry.message, [])
        found_as = entry.message if entry.message in messages else "".join(names[:1])
        if found_as not in messages or (len(names) > 1 and found_as != entry.message):
            where = f"message {entry.message!r}, signal {entry.signal!r}"
            problem = f"no such message{suggestion(entry.message, messages)}"
            if names:
                problem = f"several messages have that name: {', '.join(names)}"
            raise ConfigError(path, problem, where=where)
        found = MessageSignals(messages[found_as], path)
        specs.append(found.specify(key, entry, entry_num=entry_num, is_mask=len(entries) > 1))
    return tuple(specs)


def named_messages(database: Database) -> dict[str, Message]:
    """The messages by name; those that share one have their id after it, as in NAME@0x1a0."""
    n_named = Counter(message.name for message in database.messages)
    return {
        message.name if n_named[message.name] == 1 else f"{message.name}@0x{message.frame_id:x}":
        message
        for message in database.messages
    }  # fmt: skip


class MessageSignals:
    """The signals of one message, by name; what they have in common is looked up once."""

    def __init__(self, message: Message, path: Path | str) -> None:
        self.signals = {signal.name: signal for signal in message.signals}
        self._message = message
        self._path = path
        self._selectors = _selectors(message)
        self._places = {name: place for place, name in enumerate(self._selectors)}
        self._n_named = Counter(signal.name for signal in message.signals)

    def specify(
        self, key: str, entry: SignalEntry, *, entry_num: int = 0, is_mask: bool = False
    ) -> SignalSpec:
        """Look up an entry of a key.

        Raises:
            ConfigError: If the message lacks the signal, or it has no value that could be read.
        """
        signal = self._find(entry)
        return SignalSpec(
            key=key,
            entry_num=entry_num,
            is_mask=is_mask,
            address=self._message.frame_id,
            bus=entry.source,
            message_length_bytes=self._message.length,
            field=_field(self._path, self._message, signal),
            transform_scale=entry.transform.scale,
            transform_offset=entry.transform.offset,
            multiplexers=self._multiplexers,
            selector=self._places.get(signal.multiplexer_signal or ""),
            selector_ids=tuple(signal.multiplexer_ids or ()),
            message=self._message.name,
            signal=signal.name,
        )

    def _find(self, entry: SignalEntry) -> Signal:
        problem = ""
        signal = self.signals.get(entry.signal)
        if signal is None:
            problem = f"no such signal{suggestion(entry.signal, self.signals)}"
        elif self._n_named[entry.signal] > 1:
            problem = "its message has several signals of that name"
        elif signal.multiplexer_signal and signal.multiplexer_signal not in self._places:
            problem = f"its multiplexer {signal.multiplexer_signal!r} selects nothing"
        if signal is None or problem:
            where = f"message {entry.message!r}, signal {entry.signal!r}"
            raise ConfigError(self._path, problem, where=where)
        return signal

    @cached_property
    def _multiplexers(self) -> tuple[Multiplexer, ...]:
        return tuple(
            Multiplexer(
                field=_field(self._path, self._message, selector),
                parent=self._places.get(selector.multiplexer_signal or ""),
                parent_ids=tuple(selector.multiplexer_ids or ()),
            )
            for selector in self._selectors.values()
        )


def load_dbc(path: Path) -> Database:
    """Parse a DBC file; one that fails is repaired, else read line by line.

    Raises:
        ConfigError: If it can't be read, or there is no signal in it.
    """
    return parse_dbc(_decode(read_config(path)), path)


def parse_dbc(text: str, path: Path | str) -> Database:
    """Parse the text of a DBC, which errors call `path`, as `load_dbc` does.

    Raises:
        ConfigError: If there is no signal in it.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        return _parse(text)
    except _FAILURES:
        repaired = repair(text)
    try:
        return _parse(repaired)
    except _FAILURES as error:
        reason = getattr(error, "e_dbc", None) or error
        problem = " ".join(str(reason).split())[:_MAX_PROBLEM_CHARACTERS]
        found = read_linewise(text, problem)
        if any(message.signals for message in found.messages):
            return found
        raise ConfigError(path, f"is no DBC that can be parsed: {problem}") from error


def note_of(database: Database) -> str:
    """What is to be said of a DBC of which not all could be read; nothing for a sound one."""
    return database.note if isinstance(database, LinewiseDatabase) else ""


def _decode(content: bytes) -> str:
    """The text of a DBC: in Unicode, else in Chinese or western letters."""
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    if content[1::2].count(0) > len(content) // 4:
        return content.decode("utf-16-le", errors="replace")
    if content[::2].count(0) > len(content) // 4:
        return content.decode("utf-16-be", errors="replace")
    for encoding in ("utf-8", *(["gb18030"] if _HAS_PAIRS.fullmatch(content) else [])):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("cp1252", errors="replace")


def _parse(text: str) -> Database:
    # Not strict: overlapping signals are common, and each is well defined by itself.
    if has_too_many_ids(text):
        raise UnsupportedDatabaseFormatError(
            None, ValueError("multiplexers that select by too many values"), None, None, None
        )
    database = cantools.database.load_string(text, database_format="dbc", strict=False)
    if not isinstance(database, Database):
        raise UnsupportedDatabaseFormatError(None, TypeError("no CAN database"), None, None, None)
    return database


def field_of(path: Path | str, message: Message, name: str) -> BitField:
    """The place and conversion of a message's signal, which it has.

    Raises:
        ConfigError: If it has no value that could be read.
    """
    return _field(path, message, message.get_signal_by_name(name))


def _where(message: Message, signal: Signal) -> str:
    return f"message {message.name!r}, signal {signal.name!r}"


def _selectors(message: Message) -> dict[str, Signal]:
    """Give the message's multiplexers by name, each after the one that selects it.

    One that can't be read is left out, and so are those that it selects: it costs no other signal.
    """
    found: dict[str, Signal] = {}
    waiting = [s for s in message.signals if s.is_multiplexer and not _problem(message, s)]
    while True:
        ready = [s for s in waiting if (s.multiplexer_signal or "") in ("", *found)]
        if not ready:
            return found
        found |= {signal.name: signal for signal in ready}
        waiting = [signal for signal in waiting if signal.name not in found]


def _field(path: Path | str, message: Message, signal: Signal) -> BitField:
    """Give the signal's place and conversion.

    Raises:
        ConfigError: If it leaves its message, or its length or conversion is out of range.
    """
    problem = _problem(message, signal)
    if problem:
        raise ConfigError(path, problem, where=_where(message, signal))
    scale, offset = signal.conversion.scale, signal.conversion.offset
    is_float = signal.conversion.is_float
    if not is_float and float(scale).is_integer() and float(offset).is_integer():
        scale, offset = int(scale), int(offset)  # as cantools does: integers stay exact
    return BitField(
        start_bit=signal.start,
        length_bits=signal.length,
        is_big_endian=signal.byte_order == "big_endian",
        is_signed=signal.is_signed,
        is_float=is_float,
        scale=scale,
        offset=offset,
    )


def _problem(message: Message, signal: Signal) -> str:
    """Say why the signal has no value that could be read, if so."""
    is_big_endian = signal.byte_order == "big_endian"
    bytes_ = BitField(signal.start, signal.length, is_big_endian=is_big_endian).span[0]
    if not 0 <= min(bytes_) <= max(bytes_) < message.length:
        return f"it leaves its message of {message.length} bytes"
    if signal.length > _MAX_LENGTH_BITS:
        return f"it has {signal.length} bits; at most {_MAX_LENGTH_BITS} can be read"
    if signal.conversion.is_float and signal.length not in _FLOAT_LENGTHS_BITS:
        return f"it is a float of {signal.length} bits; one has 16, 32 or 64"
    numbers = signal.conversion.scale, signal.conversion.offset
    if not all(abs(number) <= _MAX_NUMBER for number in numbers):
        return f"its scale or offset is beyond {_MAX_NUMBER:g}"
    return ""
