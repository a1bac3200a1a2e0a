"""A script as one would write it for four signals: `python -m bench.old_script FOLDER`.

It goes through raw logs message by message with pycapnp, takes two fields of each of two types of
messages, and prints how long openpilot was on: the least that reading logs by a script costs. What
was used before engagement did more with each message, and took longer.
"""

from __future__ import annotations

import sys
from pathlib import Path

from engagement.logs.schema import load_schema


def read_as_before(folder: Path) -> dict[str, tuple[float, float, float]]:
    """Engaged seconds of each log of a folder, and the greatest speed and steering in them."""
    event = load_schema().event
    found = {}
    for path in sorted(folder.rglob("rlog")):
        engaged_ns, since_ns = 0, None
        speeds, angles = [], []
        for message in event.read_multiple_bytes(path.read_bytes()):
            kind = message.which()
            if kind == "carState":
                speeds.append(message.carState.vEgo)
                angles.append(message.carState.steeringAngleDeg)
            elif kind == "selfdriveState":
                state = message.selfdriveState
                if since_ns is not None:
                    engaged_ns += message.logMonoTime - since_ns
                since_ns = message.logMonoTime if state.enabled and state.active else None
        found[str(path)] = engaged_ns / 1e9, max(speeds, default=0.0), max(angles, default=0.0)
    return found


if __name__ == "__main__":
    for name, (engaged_s, speed_mps, angle_deg) in read_as_before(Path(sys.argv[1])).items():
        print(f"{name}: {engaged_s:.1f} s, {speed_mps:.1f} m/s, {angle_deg:.0f} deg")
