"""Made-up drives, as several eras of openpilot would have logged them.

`scenario` says what a drive is and `truth` what must come out of it, `fleet` and `plans` plan
drives, `world` computes how the car moves, `eras` and `can` turn that into messages, and `drives`
writes the logs. For the demo, the tests and the benchmarks: the same seed gives the same bytes.
"""

from __future__ import annotations

from engagement.simulate.drives import simulate, write_drive, write_segment
from engagement.simulate.fleet import BUSY, plan_drives
from engagement.simulate.scenario import Drive
from engagement.simulate.truth import Truth, truth_of

__all__ = [
    "BUSY",
    "Drive",
    "Truth",
    "plan_drives",
    "simulate",
    "truth_of",
    "write_drive",
    "write_segment",
]
