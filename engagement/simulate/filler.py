"""What fills a full-size log: the model's output and the log lines that no view reads.

Bulk that compresses as real logs do: an rlog of 25 MB makes about 9 MB of bz2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engagement.simulate.world import LANE_CHANGE_STATES

if TYPE_CHECKING:
    from engagement.logs.writer import EventBuilder
    from engagement.simulate.scenario import Drive
    from engagement.simulate.world import World

_MODEL_HZ = 20
_MODEL_BYTES = 13_200
_LINES_HZ = 40
_SYMBOLS = 14  # of 256 values a byte has: what sets how far the bulk compresses


def filler_messages(
    builder: EventBuilder, drive: Drive, world: World, *, seed: int
) -> list[tuple[int, bytes]]:
    """The (time, message) pairs of a stretch of a drive, in no order."""
    rng = np.random.default_rng(seed)
    starts_ns = drive.start_mono_ns + round(float(world.time_s[0]) * 1e9)
    duration_s = len(world.time_s) * float(world.time_s[1] - world.time_s[0])
    found: list[tuple[int, bytes]] = []
    n_frames = round(duration_s * _MODEL_HZ)
    for index in range(n_frames):
        mono_ns = starts_ns + index * 10**9 // _MODEL_HZ + 4_000_000
        output = rng.integers(0, _SYMBOLS, size=_MODEL_BYTES, dtype=np.uint8).tobytes()
        content: dict[str, Any] = {"frameId": index, "rawPredictions": output}
        if "modelV2" in drive.era.lane_change_services:
            sample = index * len(world.time_s) // n_frames
            state = LANE_CHANGE_STATES[world.lane_change_state[sample]]
            direction = int(world.lane_change_direction[sample])
            content["meta"] = {"laneChangeState": state, "laneChangeDirection": direction}
        found.append((mono_ns, builder.event("modelV2", mono_ns, content)))
    for index in range(round(duration_s * _LINES_HZ)):
        mono_ns = starts_ns + index * 10**9 // _LINES_HZ + 5_000_000
        line = f'{{"level": 20, "created": {mono_ns / 1e9:.6f}, "msg": "loop {index}"}}'
        found.append((mono_ns, builder.event("logMessage", mono_ns, line)))
    return found
