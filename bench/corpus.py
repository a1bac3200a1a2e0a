"""Simulated full-size logs to measure on, made once and cached under bench/out.

Three drives of three whole segments are simulated and compressed as devices do (zstd at level 10).
A corpus of any size is those files again under other names: every drive has its own device and
name, so that a database sees distinct drives whose segments follow each other. The same log twice
would count once, so what is there again has a text message more, in a frame of its own.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import engagement.logs
import engagement.simulate
from engagement.logs.schema import load_schema
from engagement.logs.writer import SUFFIXES, Codec, EventBuilder, compress
from engagement.simulate import plan_drives, write_drive
from engagement.simulate.eras import FULL

if TYPE_CHECKING:
    from engagement.simulate import Drive

OUT = Path(__file__).parent / "out"
CODECS: tuple[Codec, ...] = ("bz2", "zst")
LIBRARIES = {"bz2": "bz2", "zst": "zstd"}
_HEAD_BYTES = 1 << 20  # the first message is within so many
SEGMENTS_PER_DRIVE = 3
_DRIVES = 3
N_DISTINCT = _DRIVES * SEGMENTS_PER_DRIVE
_N_PLANNED = 6  # of the simulated fleet, the last three of which send CAN of the demo profile
_N_DEVICES = 5
_FIRST_DEVICE = 0xBE00_0000_0000_0000


@dataclass(frozen=True, slots=True)
class Corpus:
    """A folder of logs of one codec."""

    folder: Path
    codec: Codec
    n_segments: int


def raw_segments() -> list[Path]:
    """The distinct segments, uncompressed."""
    return [_raw_path(drive, number) for drive, number in _distinct()]


def prepare() -> None:
    """Make the distinct segments that are not there yet; some 7 s for each on one core."""
    missing = [
        (drive, codec)
        for drive in range(_DRIVES)
        for codec in CODECS
        if not all(_path(drive, number, codec).exists() for number in range(SEGMENTS_PER_DRIVE))
    ]
    drives = sorted({drive for drive, _ in missing})
    with ProcessPoolExecutor() as pool:
        list(pool.map(_simulate, drives))
        list(pool.map(_compress, *zip(*missing, strict=True))) if missing else []


def corpus(codec: Codec, n_segments: int) -> Corpus:
    """A folder of `n_segments` logs, drives of three segments each."""
    folder = OUT / f"{codec}-{n_segments}"
    shutil.rmtree(folder, ignore_errors=True)
    for index in range(n_segments):
        copy, number = divmod(index, SEGMENTS_PER_DRIVE)
        device = f"{_FIRST_DEVICE + copy % _N_DEVICES:016x}"
        place = folder / device / f"{copy:08x}--{copy:010x}--{number}" / f"rlog{SUFFIXES[codec]}"
        place.parent.mkdir(parents=True)
        _put(place, copy, number, codec)
    return Corpus(folder, codec, n_segments)


def _put(place: Path, copy: int, number: int, codec: Codec) -> None:
    """A log of a drive's, as it is the first time, and with a mark of its own after that."""
    source = _path(copy % _DRIVES, number, codec)
    if copy < _DRIVES:
        place.hardlink_to(source)
        return
    raw = _raw_path(copy % _DRIVES, number)
    with raw.open("rb") as file:
        first = next(load_schema().event.read_multiple_bytes(file.read(_HEAD_BYTES)))
    mark = EventBuilder().event("logMessage", first.logMonoTime, f"copy {copy}")
    place.write_bytes(source.read_bytes() + compress(mark, codec))


def _distinct() -> list[tuple[int, int]]:
    return [(drive, number) for drive in range(_DRIVES) for number in range(SEGMENTS_PER_DRIVE)]


def _planned() -> list[Drive]:
    """Drives of a car that the demo profile fits, without the gaps that some have."""
    drives = [drive for drive in plan_drives(_N_PLANNED) if drive.car.has_demo_can]
    return [
        replace(drive, era=replace(drive.era, codec="none"), layout="folders") for drive in drives
    ]


def _simulate(drive: int) -> None:
    """Write a drive's whole segments; the rest of its last minute is left out."""
    scratch = _cache() / f"scratch-{drive}"
    written = write_drive(scratch, _planned()[drive], recording=FULL)
    for number, path in zip(range(SEGMENTS_PER_DRIVE), written, strict=False):
        path.rename(_raw_path(drive, number))
    shutil.rmtree(scratch)


def _compress(drive: int, codec: Codec) -> None:
    for number in range(SEGMENTS_PER_DRIVE):
        path = _path(drive, number, codec)
        partial = path.with_name(f"{path.name}.part")  # both codecs are written side by side
        partial.write_bytes(compress(_raw_path(drive, number).read_bytes(), codec))
        partial.rename(path)


def _path(drive: int, number: int, codec: Codec) -> Path:
    return _cache() / f"{drive}-{number}{SUFFIXES[codec] or '.raw'}"


def _raw_path(drive: int, number: int) -> Path:
    return _path(drive, number, "none")


def _cache() -> Path:
    """Logs of another simulator are other logs."""
    digest = sha256()
    sources = [Path(engagement.logs.__file__).with_name("writer.py")]
    sources += sorted(Path(engagement.simulate.__file__).parent.glob("*.py"))
    for path in (*sources, Path(__file__)):
        digest.update(path.read_bytes())
    folder = OUT / f"segments-{digest.hexdigest()[:10]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
