"""What looks after every drive allow to say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engagement.analysis.wording import measure_name, missing
from engagement.formats import count, ratio_number, two_digits
from engagement.units import METRIC

if TYPE_CHECKING:
    from engagement.analysis.differences import Difference
    from engagement.analysis.sequential import Look, Sequence
    from engagement.units import Units


def looks_text(difference: Difference, units: Units = METRIC) -> str:
    """Decided after 31 drives, or still open; no full stop."""
    what = measure_name(difference, units)
    sequence = difference.sequence
    if difference.a.value is None or difference.b.value is None:
        return f"{what}: no look, as {missing(difference)}"
    if sequence is None or not sequence.looks:
        return f"{what}: no look yet, which takes three dated drives of each group"
    if sequence.decided is None:
        return f"{what}: {_open(sequence)}"
    is_better = sequence.is_higher == (difference.better == "higher")
    return (
        f"{what}: decided after {_drives(sequence.looks[sequence.decided])}: B is "
        f"{'better' if is_better else 'worse'}, {_by_then(sequence.ratio)} by then"
    )


def _by_then(ratio: float | None) -> str:
    if not ratio or math.isinf(ratio):
        return f"as {'A' if ratio else 'B'} had none at like speeds"
    return f"{ratio_number(ratio)} x A"


def _open(sequence: Sequence) -> str:
    last = sequence.looks[-1]
    if last.is_too_few:
        return f"too few to tell so far, after {_drives(last)}"
    reached = f"{_evidence(sequence, last)} of {sequence.limit:g}"
    if sequence.is_over:
        return f"not decided at the planned end, after {_drives(last)} ({reached})"
    return f"still open after {_drives(last)} ({reached})"


def _evidence(sequence: Sequence, look: Look) -> str:
    name = "e-value" if sequence.method == "e-value" else "line"
    return f"{name} {two_digits(look.evidence)}"


def _drives(look: Look) -> str:
    return f"{count(look.n_a + look.n_b, 'drive')} ({look.n_a} of A, {look.n_b} of B)"
