"""What a driver who watches the drive would say of it: what its logs must come to.

It follows from the script alone, so that tests can hold the views against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from engagement.simulate.scenario import Cause, Interval, Why

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engagement.simulate.scenario import Drive, LateralOnly, Press

    Mode: TypeAlias = Literal["engaged", "lateral_only"]

LEAST_PRESS_S = 0.3
_MERGED_WITHIN_S = 2.0
_INPUTS = {
    Cause.BRAKE: "brake", Cause.GAS: "gas", Cause.STEER: "steer", Cause.CANCEL: "cancel",
    Cause.MAIN: "main",
}  # fmt: skip
_JOINING = (Cause.SEATBELT, Cause.INATTENTION)  # no takeover alone, the end of one that goes before
_INPUT_OF_AXIS = {"lateral": "steer", "longitudinal": "gas"}
_TINY_S = 1e-6


@dataclass(frozen=True, slots=True)
class Act:
    """Something that the driver did while assisted, [start_s, end_s).

    `what` is the reason of a press, or "end" or "switch_off" if it ends an engagement or a run of
    lateral only.
    """

    start_s: float
    end_s: float
    input: str
    what: str
    mode: Mode
    is_takeover: bool

    @property
    def is_end(self) -> bool:
        """Whether assistance ends with it."""
        return self.what in ("end", "switch_off")


@dataclass(frozen=True, slots=True)
class Intervention:
    """One moment in which the driver took over, by all inputs that belong to it."""

    time_s: float
    inputs: tuple[str, ...]
    mode: Mode
    ends_engagement: bool


@dataclass(frozen=True, slots=True)
class Disengagement:
    """The end of an engagement; `is_end_of_drive` for parking at the drive's end."""

    time_s: float
    cause: Cause
    is_end_of_drive: bool


@dataclass(frozen=True, slots=True)
class Truth:
    """What the logs of a drive must say when every segment is there as an rlog.

    The steering misses what openpilot desires by a sine of `lateral_error_mps2`, and is saturated
    in `saturated`, unless the driver holds the wheel then.
    """

    engaged: tuple[Interval, ...]
    lateral_only: tuple[LateralOnly, ...]
    disengagements: tuple[Disengagement, ...]
    acts: tuple[Act, ...]
    interventions: tuple[Intervention, ...]
    overrides: tuple[Press, ...]
    bookmarks_s: tuple[float, ...]
    saturated: tuple[Interval, ...]
    lateral_error_mps2: float | None

    @property
    def engaged_s(self) -> float:
        """Seconds engaged."""
        return sum(interval.duration_s for interval in self.engaged)


def truth_of(drive: Drive) -> Truth:
    """The ground truth of a drive; an engagement that the log's end cuts is no disengagement."""
    ends = [e for e in drive.engagements if e.cause is not Cause.LOG_END]
    acts = sorted([*_presses(drive), *_ends(drive)], key=lambda act: act.start_s)
    return Truth(
        engaged=tuple(Interval(e.start_s, e.end_s) for e in drive.engagements),
        lateral_only=drive.lateral_only,
        disengagements=tuple(Disengagement(e.end_s, e.cause, e.cause is Cause.PARK) for e in ends),
        acts=tuple(acts),
        interventions=tuple(_interventions(drive, [act for act in acts if act.is_takeover])),
        overrides=tuple(p for p in drive.presses if p.duration_s > LEAST_PRESS_S - _TINY_S),
        bookmarks_s=drive.bookmarks_s,
        saturated=tuple(e.saturated for e in drive.engagements if e.saturated),
        lateral_error_mps2=drive.era.lateral_error_mps2,
    )


def _presses(drive: Drive) -> Iterator[Act]:
    for press in drive.presses:
        is_takeover = press.why is Why.TAKEOVER and press.duration_s > LEAST_PRESS_S - _TINY_S
        alone = _holds(drive.lateral_only, press.start_s)
        if press.axis == "lateral" or not alone:
            yield Act(
                press.start_s, press.end_s, _INPUT_OF_AXIS[press.axis], press.why.name.lower(),
                "lateral_only" if alone else "engaged", is_takeover,
            )  # fmt: skip


def _ends(drive: Drive) -> Iterator[Act]:
    for engagement in drive.engagements:
        if engagement.cause in _INPUTS:
            end_s = engagement.end_s
            yield Act(end_s, end_s, _INPUTS[engagement.cause], "end", "engaged", is_takeover=True)
    for run in drive.lateral_only:
        if run.is_switched_off:
            end_s = run.end_s
            yield Act(end_s, end_s, "main", "switch_off", "lateral_only", is_takeover=True)


def _holds(runs: Iterable[LateralOnly], time_s: float) -> bool:
    return any(run.start_s <= time_s < run.end_s for run in runs)


def _interventions(drive: Drive, takeovers: list[Act]) -> Iterator[Intervention]:
    """Takeovers of one assisted run are one while each follows within 2 s of the one before."""
    moment: list[Act] = []
    for act in takeovers:
        if moment and not _goes_on(drive, moment, act):
            yield _intervention(drive, moment)
            moment = []
        moment.append(act)
    if moment:
        yield _intervention(drive, moment)


def _goes_on(drive: Drive, moment: list[Act], act: Act) -> bool:
    last_s = max(one.end_s for one in moment)
    begins_s = [e.start_s for e in drive.engagements] + [r.start_s for r in drive.lateral_only]
    ends_s = {e.end_s for e in drive.engagements} | {r.end_s for r in drive.lateral_only}
    starts_anew = any(
        moment[0].start_s < begin_s <= act.start_s for begin_s in begins_s if begin_s not in ends_s
    )
    return act.start_s - last_s <= _MERGED_WITHIN_S and not starts_anew


def _intervention(drive: Drive, moment: list[Act]) -> Intervention:
    last_s = max(act.end_s for act in moment)
    joining = [e for e in drive.engagements if e.cause in _JOINING and last_s <= e.end_s]
    joins = any(e.warned_s - last_s <= _MERGED_WITHIN_S for e in joining)
    return Intervention(
        time_s=moment[0].start_s,
        inputs=tuple(sorted({act.input for act in moment})),
        mode=moment[0].mode,
        ends_engagement=joins or any(act.is_end for act in moment),
    )
