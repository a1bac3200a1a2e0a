"""All CAN traffic of a log: what is in it, and any signal of a DBC as columns.

A profile names a few signals; here a whole DBC is read, one log at a time. Frames are sorted by
time, so that the values of consecutive logs are in order too.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from engagement.errors import ConfigError, LogError
from engagement.extract.can_decoding import CanFrames, extract_signals
from engagement.extract.dbc import MessageSignals, named_messages, note_of
from engagement.extract.fingerprint import find_fingerprint
from engagement.extract.profiles import SignalEntry
from engagement.logs.codec import DEFAULT_LIMIT_BYTES, decompress_file
from engagement.logs.log import Log
from engagement.logs.other_formats import other_format
from engagement.logs.schema import load_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from cantools.database.can import Database

    from engagement.extract.signal_specs import SignalSpec
    from engagement.logs.arrays import PerFrame, PerValue

_SENT_BUS = 128  # panda reports the frames that openpilot sends on buses from here on


@dataclass(frozen=True, slots=True)
class DbcSignal:
    """A signal of a DBC; the spec's key is `message.signal`."""

    message: str
    signal: str
    unit: str
    comment: str
    spec: SignalSpec

    @property
    def key(self) -> str:
        """The signal's name with its message's."""
        return self.spec.key


@dataclass(frozen=True, slots=True)
class DbcSignals:
    """What a DBC describes.

    Attributes:
        name: The DBC, for people: its file or its name.
        messages: Names of messages by address, those without signals too.
        signals: In the order of the DBC.
        unreadable: Signals that have no value that could be read: `message.signal`, and why.
        note: What is to be said of a DBC of which not all could be read.
    """

    name: str
    messages: dict[int, str]
    signals: tuple[DbcSignal, ...]
    unreadable: tuple[tuple[str, str], ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Frames of one message on one bus, in one log or several.

    `span_ns` is the sum of the times from the first to the last of each log: gaps between logs do
    not count.
    """

    bus: int
    address: int
    n_logs: int
    n_frames: int
    span_ns: int
    min_length_bytes: int
    max_length_bytes: int

    @property
    def rate_hz(self) -> float | None:
        """Frames a second, None for a single one."""
        n_gaps = self.n_frames - self.n_logs
        return n_gaps * 1e9 / self.span_ns if self.span_ns > 0 else None

    def merge(self, other: Traffic) -> Traffic:
        """This and what another log has of it."""
        return replace(
            self,
            n_logs=self.n_logs + other.n_logs,
            n_frames=self.n_frames + other.n_frames,
            span_ns=self.span_ns + other.span_ns,
            min_length_bytes=min(self.min_length_bytes, other.min_length_bytes),
            max_length_bytes=max(self.max_length_bytes, other.max_length_bytes),
        )


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one signal on one bus in the order of time."""

    signal: DbcSignal
    bus: int
    mono_ns: PerValue[np.int64]
    value: PerValue[np.float64]


def list_signals(database: Database, name: str) -> DbcSignals:
    """List the signals of a DBC that have a value; `name` is the DBC's, for people."""
    found: list[DbcSignal] = []
    unreadable: list[tuple[str, str]] = []
    messages: dict[int, str] = {}
    for message_name, message in named_messages(database).items():
        before = messages.get(message.frame_id)
        messages[message.frame_id] = f"{before}, {message_name}" if before else message_name
        ours = MessageSignals(message, name)
        for signal in ours.signals.values():
            key = f"{message_name}.{signal.name}"
            try:
                spec = ours.specify(key, SignalEntry(message.name, signal.name))
            except ConfigError as error:
                unreadable.append((key, error.problem))
                continue
            unit, comment = signal.unit or "", " ".join((signal.comment or "").split())
            found.append(DbcSignal(message_name, signal.name, unit, comment, spec))
    return DbcSignals(name, messages, tuple(found), tuple(unreadable), note_of(database))


@contextmanager
def open_log(
    path: Path, *, schema_dir: Path | None = None, limit_bytes: int = DEFAULT_LIMIT_BYTES
) -> Iterator[tuple[Log, str | None]]:
    """Read a log's messages; also what is damaged, None for a whole one.

    Raises:
        LogError: If there is no message in it that can be read.
        OSError: If the file can't be read.
        ConfigError: If the schemas don't compile.
    """
    with path.open("rb") as stream:
        decompressed = decompress_file(stream, limit_bytes=limit_bytes)
    log = Log(decompressed.raw, load_schema(schema_dir))
    log.refuse_lost_times()
    damage = decompressed.damage or log.damage
    if len(log) <= log.n_damaged:
        problem = other_format(decompressed.raw) or damage
        raise LogError(path, problem or "no message in it can be read; is it an rlog?")
    try:
        yield log, damage
    finally:
        log.close()


def started_ns(log: Log) -> int:
    """The time of a log's first message, initData aside: that has the drive's in every segment."""
    is_good = ~log.is_damaged
    is_good[log.numbers_of("initData")] = False
    times = log.mono_ns[is_good]
    return int(times.min()) if len(times) else 0


def read_fingerprint(log: Log) -> str | None:
    """The car's fingerprint in the log, None if there is none."""
    codes, texts = log.structs("carParams").texts("carFingerprint", keeps_message=True)
    said = next((texts[code] for code in codes.tolist() if texts[code]), None)
    return said or find_fingerprint(log, None, None)


def read_frames(log: Log) -> CanFrames:
    """The frames that a log's `can` messages carry, in the order of time."""
    frames = log.items("can")
    octets = frames.octets("dat")
    first = np.flatnonzero(np.diff(frames.parent, prepend=-1))
    n_frames = np.diff(np.append(first, len(frames)))
    frame_num = np.arange(len(frames)) - np.repeat(first, n_frames)
    address, bus, mono_ns = frames.column("address"), frames.column("src"), frames.mono_ns
    rows = np.flatnonzero(~log.is_damaged[frames.message_num])
    rows = rows[np.argsort(mono_ns[rows], kind="stable")]
    return CanFrames(
        message_num=frames.message_num[rows].astype(np.int32),
        frame_num=frame_num[rows].astype(np.int32),
        mono_ns=mono_ns[rows],
        address=address[rows].astype(np.uint32),
        bus=bus[rows].astype(np.uint8),
        start_byte=octets.start[rows],
        length_bytes=octets.length[rows].astype(np.int32),
        buffer=octets.buffer,
    )


def take_frames(frames: CanFrames, rows: PerFrame[np.int64]) -> CanFrames:
    """Some of the frames."""
    return CanFrames(
        message_num=frames.message_num[rows],
        frame_num=frames.frame_num[rows],
        mono_ns=frames.mono_ns[rows],
        address=frames.address[rows],
        bus=frames.bus[rows],
        start_byte=frames.start_byte[rows],
        length_bytes=frames.length_bytes[rows],
        buffer=frames.buffer,
    )


def count_traffic(frames: CanFrames) -> dict[tuple[int, int], Traffic]:
    """What messages there are, by bus and address in that order."""
    places = frames.bus.astype(np.int64) << 32 | frames.address
    order = np.argsort(places, kind="stable")
    first = np.flatnonzero(np.diff(places[order], prepend=-1))
    found = {}
    for rows in np.split(order, first[1:]) if len(order) else []:
        times, lengths = frames.mono_ns[rows], frames.length_bytes[rows]
        bus, address = int(frames.bus[rows[0]]), int(frames.address[rows[0]])
        found[bus, address] = Traffic(
            bus, address, 1, len(rows), int(times[-1] - times[0]),
            int(lengths.min()), int(lengths.max()),
        )  # fmt: skip
    return found


def merge_traffic(
    parts: Iterable[dict[tuple[int, int], Traffic]],
) -> dict[tuple[int, int], Traffic]:
    """What several logs have, by bus and address in that order."""
    whole: dict[tuple[int, int], Traffic] = {}
    for part in parts:
        for place, traffic in part.items():
            whole[place] = whole[place].merge(traffic) if place in whole else traffic
    return dict(sorted(whole.items()))


def is_sent(bus: int) -> bool:
    """Whether the frames of a bus were sent by openpilot, not by the car."""
    return bus >= _SENT_BUS


def decode_values(frames: CanFrames, signals: Sequence[DbcSignal]) -> Iterator[Values]:
    """Decode signals apart by bus, those of one message together; none where it is not sent."""
    by_address: dict[int, list[DbcSignal]] = {}
    for each in signals:
        by_address.setdefault(each.spec.address, []).append(each)
    for address, ours in by_address.items():
        rows = np.flatnonzero(frames.address == address)
        for bus in np.unique(frames.bus[rows]).tolist():
            carriers = take_frames(frames, rows[frames.bus[rows] == bus])
            for each in ours:
                found = extract_signals(carriers, [replace(each.spec, bus=None)])
                if len(found):
                    yield Values(each, bus, found.mono_ns, found.value)
