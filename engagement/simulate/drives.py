"""Write simulated drives to a folder, as devices lay their logs out.

A segment begins with initData and a sentinel and ends with a sentinel; in between messages stand
roughly in the order of time, with neighbours swapped here and there as in real logs.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from engagement.logs.template import Stamper
from engagement.logs.writer import SUFFIXES, EventBuilder, write_log
from engagement.simulate import eras
from engagement.simulate.filler import filler_messages
from engagement.simulate.fleet import one_segment_drive, plan_drives
from engagement.simulate.scenario import SEGMENT_S
from engagement.simulate.world import make_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engagement.logs.writer import Codec
    from engagement.simulate.eras import Recording
    from engagement.simulate.scenario import Drive
    from engagement.simulate.world import World

_ZSTD_LEVEL = 3  # a third of the time of the 10 that devices use, for a tenth more bytes
_SWAPPED_SHARE = 0.04
_LOGGERD_BEFORE_NS = 1_200_000_000
_EDGE_NS = 500_000
_LONG_PARAM_BYTES = 9_000  # initData outgrows one segment of its message, as real ones do


def simulate(
    out: Path, *, drives: int, seed: int = 1, calm: float = 1.0, full_size: bool = False
) -> Iterator[tuple[Drive, Path]]:
    """Write `drives` drives below `out`; yield each drive and log file once it is written.

    Small logs carry 20 samples a second; full-size ones are like a device's, about 25 MB raw a
    segment. `calm` is that of `plan_drives`. The same arguments give the same bytes.
    """
    for drive in plan_drives(drives, seed=seed, calm=calm):
        for path in write_drive(out, drive, recording=eras.FULL if full_size else eras.SMALL):
            yield drive, path


def write_drive(out: Path, drive: Drive, *, recording: Recording = eras.SMALL) -> Iterator[Path]:
    """Write a drive's segments below `out`; yield each file once it is written."""
    world = make_world(drive, recording.rate_hz)
    for number in range(drive.n_segments):
        if number in drive.missing_segments:
            continue
        kind = "qlog" if number in drive.qlog_segments else "rlog"
        path = out / _relative_path(drive, number, kind, drive.era.codec)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = _segment_messages(drive, world, number, recording, is_qlog=kind == "qlog")
        path.write_bytes(write_log(content, drive.era.codec, level=_ZSTD_LEVEL))
        yield path


def write_segment(out: Path, *, codec: Codec = "zst", seed: int = 1) -> Path:
    """Write one full-size rlog of 60 s below `out`, for benchmarks; return its path."""
    drive = one_segment_drive(seed=seed)
    path = out / _relative_path(drive, 0, "rlog", codec)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = _segment_messages(drive, make_world(drive, eras.FULL.rate_hz), 0, eras.FULL)
    path.write_bytes(write_log(content, codec, level=_ZSTD_LEVEL))
    return path


@cache
def _stamper() -> Stamper:
    return Stamper()


def _relative_path(drive: Drive, number: int, kind: str, codec: Codec) -> str:
    file = kind + SUFFIXES[codec]
    if drive.layout == "flat":
        return f"{drive.device.dongle_id}_{drive.name}--{number}--{file}"
    return f"{drive.device.dongle_id}/{drive.name}--{number}/{file}"


def _segment_messages(
    drive: Drive, world: World, number: int, recording: Recording, *, is_qlog: bool = False
) -> list[bytes]:
    samples = SEGMENT_S * recording.rate_hz
    first = number * samples
    stretch = world.cut(first, first + samples)
    writer = eras.EraWriter(
        drive, stretch, recording, stamper=_stamper(), first=first, is_qlog=is_qlog
    )
    writer.write()
    builder = EventBuilder()
    timed = list(zip(writer.mono_ns, writer.messages, strict=True))
    timed += _car_params(builder, drive, stretch)
    if recording.is_filled and not is_qlog:
        timed += filler_messages(builder, drive, stretch, seed=drive.seed + number)
    rng = np.random.default_rng([drive.seed, number])
    times, messages = _nearly_sorted(timed, rng)
    is_last = number == drive.n_segments - 1
    return [
        _init_data(builder, drive),
        *_sentinel(builder, drive, "startOfSegment" if number else "startOfRoute", times[0]),
        *messages,
        *_sentinel(builder, drive, "endOfRoute" if is_last else "endOfSegment", times[-1]),
    ]


def _nearly_sorted(
    timed: list[tuple[int, bytes]], rng: np.random.Generator
) -> tuple[list[int], list[bytes]]:
    """The times in order, and the messages almost so: some neighbours have changed places."""
    times = np.array([time for time, _ in timed], dtype=np.int64)
    order = np.argsort(times, kind="stable")
    in_order = times[order].tolist()
    swapped = np.flatnonzero(rng.random(len(order) // 2) < _SWAPPED_SHARE) * 2
    order[swapped], order[swapped + 1] = order[swapped + 1], order[swapped].copy()
    return in_order, [timed[index][1] for index in order.tolist()]


def _sentinel(builder: EventBuilder, drive: Drive, kind: str, near_ns: int) -> list[bytes]:
    if not drive.era.has_sentinel:
        return []
    mono_ns = near_ns + (_EDGE_NS if kind.startswith("end") else -_EDGE_NS)
    return [builder.event("sentinel", mono_ns, {"type": kind})]


def _init_data(builder: EventBuilder, drive: Drive) -> bytes:
    """The drive's first message, repeated unchanged in every segment, its time included."""
    era = drive.era
    mono_ns = drive.start_mono_ns - _LOGGERD_BEFORE_NS
    params = {
        "DongleId": drive.device.dongle_id,
        "GitBranch": era.git_branch,
        "Version": era.version,
        **drive.params,
        "CalibrationParams": "0123456789abcdef" * (_LONG_PARAM_BYTES // 16),
    }
    content: dict[str, Any] = {
        "dongleId": drive.device.dongle_id,
        "deviceType": drive.device.kind,
        "version": era.version,
        "gitCommit": era.git_commit,
        "gitBranch": era.git_branch,
        "gitRemote": era.git_remote,
        "params": {
            "entries": [{"key": key, "value": text.encode()} for key, text in params.items()]
        },
    }
    if not era.has_date_names:
        stale_ns = 0 if drive.clock_jump_s is None else eras.STALE_CLOCK_NS
        content["wallTimeNanos"] = mono_ns + drive.boot_wall_ns - stale_ns
    return builder.event("initData", mono_ns, content)


def _car_params(builder: EventBuilder, drive: Drive, world: World) -> list[tuple[int, bytes]]:
    car = drive.car
    content = {
        "brand": car.brand,
        "carFingerprint": car.fingerprint,
        "openpilotLongitudinalControl": car.openpilot_longitudinal,
        "pcmCruise": car.pcm_cruise,
        "minEnableSpeed": car.min_enable_speed_mps,
        "mass": 1400.0,
        "wheelbase": 2.7,
        "steerRatio": 15.0,
        "steerControlType": "torque",
    }
    first_s, last_s = float(world.time_s[0]), float(world.time_s[-1])
    every_s = eras.CAR_PARAMS_EVERY_S
    due_s = range(-int(-first_s // every_s) * every_s, int(last_s) + 1, every_s)
    times = [drive.start_mono_ns + due * 10**9 + _EDGE_NS for due in due_s]
    return [(time, builder.event("carParams", time, content)) for time in times]
