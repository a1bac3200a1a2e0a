"""The CAN tables of one log: the wanted signals, where each was read, and the `can` messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from engagement.extract.can_decoding import CanFrames, extract_signals

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from engagement.extract.can_decoding import CanSignals
    from engagement.extract.car_signals import CarPlan
    from engagement.extract.signal_specs import SignalSpec
    from engagement.logs.arrays import Int, PerFrame
    from engagement.logs.columns import Structs
    from engagement.logs.log import Log

    Wanted: TypeAlias = tuple[SignalSpec, ...] | CarPlan

_OLD_STEERING = {"steering_driver_torque", "steering_motor_torque"}


def read_can(log: Log, wanted: Wanted) -> dict[str, pa.Table]:
    """The rows of `can_signal`, `can_source` and `can_message`; none if nothing is wanted.

    For a car's plan, `can_message` is left out unless both torques are there in Nm: only the old
    system's steering interventions read it, and they compare the two.
    """
    plan = None if isinstance(wanted, tuple) else wanted
    specs = wanted if isinstance(wanted, tuple) else wanted.specs
    if not specs:
        return {}
    frames = log.items("can")
    first = np.flatnonzero(np.diff(frames.parent, prepend=-1))
    n_frames = np.diff(np.append(first, len(frames)))
    carriers = _carriers(frames, np.arange(len(frames)) - np.repeat(first, n_frames), specs)
    if plan is not None:
        from engagement.extract.car_signals import choose_signals  # noqa: PLC0415 - imports cantools

        specs = choose_signals(carriers, plan)
    signals = extract_signals(carriers, specs)
    tables = {
        "can_signal": _signal_table(signals, plan),
        "can_source": _source_table(signals, specs),
    }
    if plan is None or {spec.key for spec in specs} >= _OLD_STEERING:
        tables["can_message"] = _message_table(log, frames, first, n_frames)
    return tables


def _message_table(
    log: Log, frames: Structs, first: PerFrame[Int], n_frames: PerFrame[Int]
) -> pa.Table:
    """Every `can` message that has frames."""
    message_num = frames.message_num[first]
    is_good = ~log.is_damaged[message_num]
    return pa.table(
        {
            "message_num": message_num.astype(np.int32)[is_good],
            "mono_ns": log.mono_ns[message_num][is_good],
            "n_frames": n_frames.astype(np.int32)[is_good],
        }
    )


def _carriers(frames: Structs, frame_num: PerFrame[Int], specs: Sequence[SignalSpec]) -> CanFrames:
    """The frames of undamaged messages that may carry a wanted signal."""
    addresses = np.array([spec.address for spec in specs], dtype=np.uint32)
    wanted = np.flatnonzero(np.isin(frames.column("address"), addresses))
    carriers = frames.take(wanted)
    octets = carriers.octets("dat")
    is_good = ~frames.messages.is_damaged[carriers.message_num]
    return CanFrames(
        message_num=carriers.message_num.astype(np.int32)[is_good],
        frame_num=frame_num[wanted].astype(np.int32)[is_good],
        mono_ns=carriers.mono_ns[is_good],
        address=carriers.column("address")[is_good],
        bus=carriers.column("src")[is_good],
        start_byte=octets.start[is_good],
        length_bytes=octets.length.astype(np.int32)[is_good],
        buffer=octets.buffer,
    )


def _signal_table(signals: CanSignals, plan: CarPlan | None) -> pa.Table:
    keys = pa.DictionaryArray.from_arrays(
        signals.key_num.astype(np.int32), pa.array(signals.keys, pa.string())
    )
    table = pa.table(
        {
            "message_num": signals.message_num,
            "frame_num": signals.frame_num,
            "mono_ns": signals.mono_ns,
            "signal_key": keys,
            "bus": signals.bus,
            "value": signals.value,
        }
    )
    is_kept = np.isfinite(signals.value)
    if plan is not None:
        from engagement.extract.car_signals import keep_telling  # noqa: PLC0415 - imports cantools

        is_kept &= keep_telling(signals, plan.keys)
    return table if is_kept.all() else table.filter(pa.array(is_kept))


def _source_table(signals: CanSignals, specs: Sequence[SignalSpec]) -> pa.Table:
    """The signal, message and bus of the samples of each key.

    A signal that is read from any bus has a row for each bus that has samples of the key.
    """
    rows = []
    for key_num, key in enumerate(signals.keys):
        is_ours = signals.key_num == key_num
        buses, counts = np.unique(signals.bus[is_ours], return_counts=True)
        for bus, n_samples in zip(buses.tolist(), counts.tolist(), strict=True):
            rows += [
                {
                    "signal_key": key,
                    "entry_num": spec.entry_num,
                    "message": spec.message,
                    "signal": spec.signal,
                    "bus": bus,
                    "n_samples": n_samples,
                }
                for spec in specs
                if spec.key == key and spec.bus in (None, bus)
            ]
    return pa.Table.from_pylist(rows, schema=_source_columns())


def _source_columns() -> pa.Schema:
    types: dict[str, pa.DataType] = {
        "signal_key": pa.string(),
        "entry_num": pa.int16(),
        "message": pa.string(),
        "signal": pa.string(),
        "bus": pa.uint8(),
        "n_samples": pa.int64(),
    }
    return pa.schema(types)
