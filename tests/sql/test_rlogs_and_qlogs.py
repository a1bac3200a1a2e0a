"""The same drives as rlogs and as qlogs give the same numbers, to within one in twenty."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import pytest

from engagement.simulate import truth_of
from engagement.simulate.fleet import SUNNYPILOT, V083, V099
from engagement.store.reader import Reader
from tests.support.pressed_drives import ingested, pressed_drive

ONE_IN_TWENTY = 0.05
N_DRIVES = 6
ERAS = {
    "a state a second": replace(V083, codec="none"),
    "today": V099,
    "steering alone": SUNNYPILOT,
}


@dataclass(frozen=True)
class Both:
    """The rows of a query in the database of rlogs and in that of qlogs, and what was played."""

    drives: list
    rlogs: Reader
    qlogs: Reader

    def rows(self, query):
        return self.rlogs.rows(query), self.qlogs.rows(query)


@pytest.fixture(scope="module", params=ERAS, ids=lambda name: name.replace(" ", "-"))
def both(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pressed")
    era = ERAS[request.param]
    drives = [pressed_drive(era, number, seed=3) for number in range(N_DRIVES)]
    rlogs = ingested(folder / "rlogs", drives, as_qlogs=False)
    qlogs = ingested(folder / "qlogs", drives, as_qlogs=True)
    with Reader(rlogs) as first, Reader(qlogs) as second:
        yield Both(drives, first, second)


def alike(first, second):
    return abs(first - second) <= ONE_IN_TWENTY * first


def differing(first, second):
    """The share of the first list's members that the second has not, or has too often."""
    ours, theirs = Counter(first), Counter(second)
    return ((ours - theirs).total() + (theirs - ours).total()) / max(len(first), 1)


def matched(first, second, within_s):
    """How many of the first list's (drive, nanoseconds) have one of the second near, each once."""
    left = sorted(second)
    found = 0
    for drive, mono_ns in sorted(first):
        near = [
            other
            for other in left
            if other[0] == drive and abs(other[1] - mono_ns) <= within_s * 1e9
        ]
        if near:
            left.remove(min(near, key=lambda other: abs(other[1] - mono_ns)))
            found += 1
    return found


def test_there_are_enough_events_of_skewed_length(both):
    presses = [press.duration_s for drive in both.drives for press in drive.presses]
    n_ends = sum(len(drive.engagements) for drive in both.drives)
    assert len(presses) + n_ends > 500
    assert 0.28 < sum(0.2 <= length <= 0.5 for length in presses) / len(presses) < 0.42
    assert min(presses) < 0.1
    assert max(presses) > 2.5


def test_interventions(both):
    rlog, qlog = both.rows("select drive, mono_ns, inputs from interventions")
    assert len(rlog) > 300
    assert alike(len(rlog), len(qlog))
    times = [[(row["drive"], row["mono_ns"]) for row in rows] for rows in (rlog, qlog)]
    assert matched(*times, 1.0) > (1 - ONE_IN_TWENTY) * len(rlog)
    inputs = [[tuple(row["inputs"]) for row in rows] for rows in (rlog, qlog)]
    assert differing(*inputs) < 2 * ONE_IN_TWENTY


def test_interventions_are_those_that_were_played(both):
    """A watching driver's: each with its moment, inputs, mode, and whether it ended engagement."""
    played = [
        (drive, moment, round((drive.boot_s + moment.time_s) * 1e9))
        for drive in both.drives
        for moment in truth_of(drive).interventions
    ]
    found = both.rlogs.rows("select * from interventions")
    times = [(row["drive"], row["mono_ns"]) for row in found]
    assert len(found) == len(played)
    assert matched([(drive.name, mono_ns) for drive, _, mono_ns in played], times, 0.3) == len(
        found
    )
    assert sorted((tuple(row["inputs"]), row["mode"], row["ends_engagement"]) for row in found) == (
        sorted((moment.inputs, moment.mode, moment.ends_engagement) for _, moment, _ in played)
    )


def test_counted_disengagements(both):
    rlog, qlog = both.rows("select drive, mono_ns from disengagements where is_counted")
    assert len(rlog) > 100
    assert alike(len(rlog), len(qlog))
    times = [[(row["drive"], row["mono_ns"]) for row in rows] for rows in (rlog, qlog)]
    assert matched(*times, 1.0) > (1 - ONE_IN_TWENTY) * len(rlog)


def test_causes(both):
    rlog, qlog = (
        [row["cause"] for row in rows]
        for rows in both.rows("select cause from disengagements where mode = 'engaged'")
    )
    played = [
        ended.cause.value.partition(":")[0]
        for drive in both.drives
        for ended in truth_of(drive).disengagements
    ]
    assert differing(played, rlog) == 0
    assert differing(rlog, qlog) <= ONE_IN_TWENTY
