"""The moments in which the driver takes over: inputs that touch or follow each other are one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.oracles.metric_causes import braked, earliest, gassed, steered

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.oracles.metric_causes import Cause, End
    from tests.oracles.metric_overrides import Override
    from tests.oracles.metric_runs import Run

BY_CAUSE = {
    "driver_brake": "brake",
    "driver_gas": "gas",
    "driver_steer": "steer",
    "driver_cancel": "cancel",
    "driver_main": "main",
    "driver_park": "park",
}
OF_DRIVER = frozenset({*BY_CAUSE, "driver_other"}) - {"driver_park"}
IF_JOINED = frozenset({"driver_soft", "driver_park", "driver_inattention"})
PEDALS = frozenset({"driver_brake", "driver_gas"})
DRIVING = frozenset({"brake", "gas"})  # while openpilot only steers
AXES = {"lateral": "steer", "longitudinal": "gas"}


@dataclass(frozen=True, slots=True)
class Input:
    """An override or a disengagement, when it began and ended, and what the driver used."""

    start_ns: int
    end_ns: int
    inputs: frozenset[str]
    source: Override | Run
    is_only_joining: bool = False


@dataclass(frozen=True, slots=True)
class Intervention:
    """One moment; its parts are in the order in which they began."""

    parts: list[Input]

    @property
    def start_ns(self) -> int:
        return self.parts[0].start_ns

    @property
    def end_ns(self) -> int:
        return max(part.end_ns for part in self.parts)

    @property
    def first_event_ns(self) -> int:
        """The start of an override; the end that the first press made."""
        source = self.parts[0].source
        return source.start_ns if is_override(source) else source.end_ns

    @property
    def inputs(self) -> list[str]:
        return sorted(frozenset[str]().union(*(part.inputs for part in self.parts)))

    @property
    def ends(self) -> list[Run]:
        """The runs that it ends."""
        return [part.source for part in self.parts if not is_override(part.source)]  # type: ignore[misc]

    @property
    def mode(self) -> str:
        source = self.parts[0].source
        return source.run.mode if is_override(source) else source.mode  # type: ignore[union-attr]


def is_override(source: Override | Run) -> bool:
    return hasattr(source, "axis")


def is_pause(run: Run, cause: Cause) -> bool:
    """Whether a pedal, which is driving while openpilot only steers, paused the steering."""
    return run.mode == "lateral_only" and cause.cause in PEDALS


def interventions(
    chains: list[list[Run]],
    overrides: list[Override],
    cause: Callable[[Run], Cause],
    end: Callable[[Run], End],
    merge_ns: int,
) -> list[Intervention]:
    """By their start within each assisted run."""
    found = []
    for chain in chains:
        mine = [o for o in overrides if o.run in chain and o.is_input]
        parts = [Input(o.start_ns, o.end_ns, frozenset({AXES[o.axis]}), o) for o in mine]
        for run in chain:
            if run.end_kind == "disengagement" and not is_pause(run, cause(run)):
                parts += _ends(run, cause(run), end(run))
        # Park, belt and inattention are the driver's only beside another input.
        found += [
            Intervention(group)
            for group in _merged(parts, merge_ns)
            if not all(part.is_only_joining for part in group)
        ]
    return found


def _merged(parts: list[Input], merge_ns: int) -> list[list[Input]]:
    groups: list[list[Input]] = []
    until_ns = 0
    for part in sorted(parts, key=lambda part: (part.start_ns, part.end_ns)):
        if groups and part.start_ns - until_ns <= merge_ns:
            groups[-1].append(part)
            until_ns = max(until_ns, part.end_ns)
        else:
            groups.append([part])
            until_ns = part.end_ns
    return groups


def _ends(run: Run, cause: Cause, end: End) -> list[Input]:
    """The disengagement as an input of the driver, if it is one."""
    name = cause.cause
    inputs = frozenset({BY_CAUSE[name]} if name in BY_CAUSE else ())
    told_ns = earliest(run.end_ns, press_ns(end, name))
    start_ns = max(run.start_ns, told_ns or run.end_ns)
    if name in OF_DRIVER:
        return [Input(start_ns, run.end_ns, inputs, run)]
    if name not in IF_JOINED:
        return []
    driving = DRIVING if run.mode == "lateral_only" else frozenset()
    pressed = {name: ns for name, ns in _pressed(end).items() if name not in driving}
    if pressed:
        # Who unbuckles has taken nothing over yet; who parks has.
        began_ns = min([*pressed.values(), *([start_ns] if inputs else [])])
        start_ns = max(run.start_ns, min(began_ns, run.end_ns))
    names = inputs | frozenset(pressed)
    return [Input(start_ns, run.end_ns, names, run, is_only_joining=not pressed)]


def _pressed(end: End) -> dict[str, int]:
    """Wheel and pedals that are pressed around the end, and when (ns) each press began."""
    tests = {"brake": braked, "gas": gassed, "steer": steered}
    began = {name: end.began_ns(is_on) for name, is_on in tests.items()}
    return {name: ns for name, ns in began.items() if ns is not None}


def press_ns(end: End, cause: str) -> int | None:
    """When (ns) the press around an end began that its cause names."""
    presses = {
        "driver_brake": lambda: end.first(braked),
        "driver_gas": lambda: end.first(gassed),
        "driver_steer": lambda: earliest(
            end.first(steered), end.first(lambda r: r["steering_disengage"] is True)
        ),
        "driver_cancel": lambda: end.button("cancel"),
        "driver_main": lambda: end.main_ns,
        "driver_park": lambda: end.gear_ns,
    }
    return earliest(presses.get(cause, lambda: None)(), end.told_ns(cause))
