"""From a profile and its DBC file to `SignalSpec`s: plain numbers, ready for worker processes.

cantools parses the file, once per run; nothing of it is left in the specs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import cantools.database
from cantools.database.can import Database
from cantools.database.errors import UnsupportedDatabaseFormatError

from engagement.errors import ConfigError, suggestion
from engagement.extract.can import BitField, Multiplexer, SignalSpec

if TYPE_CHECKING:
    from pathlib import Path

    from cantools.database.can import Message, Signal

    from engagement.extract.profiles import ProfileSignal, SignalEntry, VehicleProfile

__all__ = ["SignalSpec", "load_dbc", "load_signal_specs"]

_FLOAT_LENGTHS_BITS = (16, 32, 64)
_MAX_LENGTH_BITS = 64
_MAX_NUMBER = 1e18  # of a scale or offset; what cars use is far below
_MAX_PROBLEM_CHARACTERS = 200

# VAL_, its message and signal, its pairs of number and name; then a semicolon or the junk before it
_NAMED_VALUES = re.compile(
    r'^[ \t]*(VAL_\s+(?:(?P<frame>\d+)\s+)?(?P<signal>\w+)(?:\s+[-+]?\d[\d.]*\s*"(?:\\"|[^"])*")*)'
    r"(?:\s*;|[^\n;]*;?)",
    re.MULTILINE,
)
_DEFINITION = re.compile(r"^[ \t]*(?:BO_\s+(\d+)|SG_\s+(\w+))", re.MULTILINE)


def load_signal_specs(profile: VehicleProfile) -> tuple[SignalSpec, ...]:
    """Look up every signal of the profile in its DBC, in the profile's order.

    Raises:
        ConfigError: If the DBC can't be parsed, or lacks one of the signals.
    """
    path = profile.dbc_file
    database = load_dbc(path)
    return tuple(
        _specify(path, database, signal, entry_num)
        for signal in profile.signals
        for entry_num in range(len(signal.entries))
    )


def load_dbc(path: Path) -> Database:
    """Parse a DBC file; one that fails is tried again with its VAL_ lines repaired.

    Raises:
        ConfigError: If it can't be read, or is broken beyond that.
    """
    text = _read(path)
    try:
        return _parse(text)
    except UnsupportedDatabaseFormatError:
        repaired = _repair(text)
    try:
        return _parse(repaired)
    except UnsupportedDatabaseFormatError as error:
        problem = " ".join(str(error.e_dbc or error).split())
        shown = problem[:_MAX_PROBLEM_CHARACTERS]
        raise ConfigError(path, f"is no DBC that can be parsed: {shown}") from error


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(path, f"can't be read: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _parse(text: str) -> Database:
    # Not strict: overlapping signals are common, and each is well defined by itself.
    database = cantools.database.load_string(text, database_format="dbc", strict=False)
    if not isinstance(database, Database):
        raise UnsupportedDatabaseFormatError(None, TypeError("no CAN database"), None, None, None)
    return database


def _repair(text: str) -> str:
    """Give each VAL_ its semicolon, and drop those of signals that the file does not define.

    Their names never reach a value, so a pair that is cut off may go too.
    """
    defined: set[tuple[str, str]] = set()
    frame = ""
    for found in _DEFINITION.finditer(text):
        frame = found[1] or frame
        if found[2]:
            defined.add((frame, found[2]))

    def mend(found: re.Match[str]) -> str:
        is_orphan = found["frame"] and (found["frame"], found["signal"]) not in defined
        return "" if is_orphan else f"{found[1]} ;"

    return _NAMED_VALUES.sub(mend, text)


def _specify(path: Path, database: Database, wanted: ProfileSignal, entry_num: int) -> SignalSpec:
    entry = wanted.entries[entry_num]
    message, signal = _find(path, database, entry)
    selectors = _selectors(message)
    places = {name: place for place, name in enumerate(selectors)}
    if signal.multiplexer_signal and signal.multiplexer_signal not in places:
        problem = f"its multiplexer {signal.multiplexer_signal!r} selects nothing"
        raise ConfigError(path, problem, where=_where(message, signal))
    return SignalSpec(
        key=wanted.key,
        entry_num=entry_num,
        is_mask=wanted.is_mask,
        address=message.frame_id,
        bus=entry.source,
        message_length_bytes=message.length,
        field=_field(path, message, signal),
        transform_scale=entry.transform.scale,
        transform_offset=entry.transform.offset,
        multiplexers=tuple(
            Multiplexer(
                field=_field(path, message, selector),
                known_ids=_known_ids(message, selector),
                parent=places.get(selector.multiplexer_signal or ""),
                parent_ids=tuple(selector.multiplexer_ids or ()),
            )
            for selector in selectors.values()
        ),
        selector=places.get(signal.multiplexer_signal or ""),
        selector_ids=tuple(signal.multiplexer_ids or ()),
    )


def _find(path: Path, database: Database, entry: SignalEntry) -> tuple[Message, Signal]:
    where = f"message {entry.message!r}, signal {entry.signal!r}"
    messages = {message.name: message for message in database.messages}
    if entry.message not in messages:
        raise ConfigError(
            path, f"no such message{suggestion(entry.message, messages)}", where=where
        )
    message = messages[entry.message]
    signals = {signal.name: signal for signal in message.signals}
    if entry.signal not in signals:
        raise ConfigError(path, f"no such signal{suggestion(entry.signal, signals)}", where=where)
    return message, signals[entry.signal]


def _where(message: Message, signal: Signal) -> str:
    return f"message {message.name!r}, signal {signal.name!r}"


def _selectors(message: Message) -> dict[str, Signal]:
    """Give the message's multiplexers by name, each after the one that selects it."""
    found: dict[str, Signal] = {}
    waiting = [signal for signal in message.signals if signal.is_multiplexer]
    while True:
        ready = [s for s in waiting if (s.multiplexer_signal or "") in ("", *found)]
        if not ready:
            return found
        found |= {signal.name: signal for signal in ready}
        waiting = [signal for signal in waiting if signal.name not in found]


def _known_ids(message: Message, selector: Signal) -> tuple[int, ...]:
    """Give the ids that select a signal, and those that the DBC names."""
    ids = set(selector.conversion.choices or ())
    for signal in message.signals:
        if signal.multiplexer_signal == selector.name:
            ids.update(signal.multiplexer_ids or ())
    return tuple(sorted(ids))


def _field(path: Path, message: Message, signal: Signal) -> BitField:
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
