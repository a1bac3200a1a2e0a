"""What the signals of a log look like, beside their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engagement.cli.sparkline import resample, sparkline
from engagement.extract.frames import decode_values, open_log, read_frames
from engagement.extract.references import read_reference
from engagement.extract.suggestions import Suggester
from engagement.formats import reading, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engagement.extract.frames import DbcSignal, Values
    from engagement.logs.find import LogFile

_PLOT_POINTS = 16


class Preview:
    """One log's frames, from which signals are read as they are looked at."""

    def __init__(self, log: LogFile, signals: Sequence[DbcSignal]) -> None:
        with open_log(log.path) as (opened, _):
            self._frames = read_frames(opened)
            reference = read_reference(opened)
        suggester = Suggester(signals)
        suggester.add(self._frames, reference)
        self._scores = {
            ranking.key: {each.signal.key: each.score for each in reversed(ranking.candidates)}
            for ranking in suggester.rank()
        }
        times = self._frames.mono_ns
        self._span_ns = (int(times[0]), int(times[-1])) if len(times) else (0, 0)
        self._values: dict[str, list[Values]] = {}
        self._addresses = set(np.unique(self._frames.address).tolist())

    def score(self, key: str, signal: DbcSignal) -> float:
        """How well a signal follows what openpilot says of a key, 0 where nothing is known."""
        of_key = self._scores.get("wheel_speed" if key.startswith("wheel_speed") else key, {})
        return of_key.get(signal.key, 0.0)

    def has(self, signal: DbcSignal) -> bool:
        """Whether a signal's message is in the log."""
        return signal.spec.address in self._addresses

    def values(self, signal: DbcSignal) -> list[Values]:
        """The values of a signal by bus."""
        if signal.key not in self._values:
            self._values[signal.key] = list(decode_values(self._frames, [signal]))
        return self._values[signal.key]

    def moment_name(self, moment: float) -> str:
        """A moment of the log, 0 to 1, in seconds from its start."""
        start_ns, end_ns = self._span_ns
        return f"{(end_ns - start_ns) / 1e9 * moment:.1f} s"

    def describe(self, signal: DbcSignal, moment: float) -> str:
        """A signal at a moment: bus, value, range and a plot; the first bus of several."""
        found = self.values(signal)
        if not found:
            return "not in the log"
        first = found[0]
        buses = ",".join(str(each.bus) for each in found)
        at_ns = self._span_ns[0] + (self._span_ns[1] - self._span_ns[0]) * moment
        row = max(int(np.searchsorted(first.mono_ns, at_ns, side="right")) - 1, 0)
        least, greatest = reading(float(first.value.min())), reading(float(first.value.max()))
        points = resample(first.mono_ns, first.value, self._span_ns, _PLOT_POINTS)
        now = reading(float(first.value[row]))
        unit = f" {text(signal.unit)}" if signal.unit else ""
        return f"bus {buses}  {sparkline(points)}  {now}{unit}  [{least}..{greatest}]"
