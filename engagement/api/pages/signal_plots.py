"""The plots of a drive: which there are, which are chosen, and what a script needs to draw them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engagement.api.pages.words import curly
from engagement.api.problems import ParameterError
from engagement.errors import suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engagement.store.samples import Series
    from engagement.units import Units

MAX_PLOTS = 12
_CHOSEN_FIRST = ("speed", "lead", "angle", "torque", "inputs")


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a plot.

    Attributes:
        series: Its name.
        label: What it is called beside its value.
        color: The variable of its colour.
        quantity: What it is converted as, of `Units`; as it is without.
        is_dashed: For what is wanted, beside what is.
        is_zero_none: Where 0 says that there is none.
        has_own_scale: Where its unit is another than that of the plot's other lines.
    """

    series: str
    label: str
    color: str
    quantity: str = ""
    is_dashed: bool = False
    is_zero_none: bool = False
    has_own_scale: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over the same time.

    Attributes:
        name: In the address.
        title: Without the unit.
        lines: What it shows, from above.
        unit: Of its values; without if it is that of `quantity`.
        quantity: Of `Units`, for the title.
        starts_at_zero: Whether its axis does.
        is_of_flags: Whether each line is on or off, in a row of its own.
        nothing: What is said where there is nothing to draw.
    """

    name: str
    title: str
    lines: Sequence[Line]
    unit: str = ""
    quantity: str = ""
    starts_at_zero: bool = False
    is_of_flags: bool = False
    nothing: str = ""

    def heading(self, units: Units) -> str:
        """Its title with the unit."""
        unit = units[self.quantity].name if self.quantity else self.unit
        return f"{self.title}, {unit}" if unit else self.title

    def drawn(self, units: Units) -> str:
        """What the script draws it by, as JSON."""
        return json.dumps(
            {
                "title": curly(self.heading(units)),
                "fromZero": self.starts_at_zero,
                "isOfFlags": self.is_of_flags,
                "nothing": self.nothing or curly(f"The logs say nothing of it: {self.title}."),
                "lines": [_drawn(line, units) for line in self.lines],
            }
        )


_ENGAGED, _PEDAL, _BAD, _OVERRIDE, _LEAD, _SOFT = (
    f"--{name}" for name in ("engaged", "pedal", "bad", "override", "lead", "soft")
)
_PLOTS = (
    Plot(
        "speed", "Speed",
        (
            Line("speed_mps", "speed", _ENGAGED, "road_speed"),
            Line("cruise_speed_mps", "set speed", _SOFT, "road_speed",
                 is_dashed=True, is_zero_none=True),
        ),
        quantity="road_speed", starts_at_zero=True,
    ),
    Plot(
        "lead", "Car ahead", (Line("lead_distance_m", "distance", _LEAD, "length"),),
        quantity="length", starts_at_zero=True, nothing="No car ahead was seen.",
    ),
    Plot("angle", "Steering angle", (Line("steering_angle_deg", "angle", _ENGAGED),), "°"),
    Plot(
        "torque", "The driver's torque", (Line("steering_torque", "torque", _OVERRIDE),),
        "the car's own unit",
    ),
    Plot(
        "inputs", "The driver's inputs",
        (
            Line("gas_pressed", "gas", _PEDAL),
            Line("brake_pressed", "brake", _BAD),
            Line("steering_pressed", "wheel", _OVERRIDE),
        ),
        is_of_flags=True,
    ),
    Plot(
        "curvature", "Curvature, wanted and driven",
        (
            Line("curvature_per_m", "driven", _ENGAGED),
            Line("desired_curvature_per_m", "wanted", _OVERRIDE, is_dashed=True),
        ),
        "1/m",
    ),
    Plot(
        "acceleration", "Acceleration, asked for and driven",
        (
            Line("acceleration_mps2", "driven", _ENGAGED),
            Line("acceleration_command_mps2", "asked for", _OVERRIDE, is_dashed=True),
        ),
        "m/s²",
    ),
    Plot(
        "torques", "Torques, each on a scale of its own",
        (
            Line("steering_torque_eps", "motor", _ENGAGED),
            Line("steering_torque", "driver", _LEAD, has_own_scale=True),
            Line("torque_command", "asked for", _OVERRIDE, is_dashed=True, has_own_scale=True),
        ),
    ),
)  # fmt: skip
_BY_NAME: Mapping[str, Plot] = {one.name: one for one in _PLOTS}


@dataclass(frozen=True, slots=True)
class Chosen:
    """Plots of a page.

    Attributes:
        plots: Those that are shown, in order.
        named: All that have a name, in order, and after them the others that are shown.
        signals: What else there is to choose, by table.
        is_usual: Whether nobody chose.
    """

    plots: Sequence[Plot]
    named: Sequence[Plot]
    signals: Mapping[str, Sequence[Series]]
    is_usual: bool


def check_plots(names: Sequence[str], known: Mapping[str, Series]) -> None:
    """Refuse names of plots that there are not.

    Args:
        names: Of plots, or of signals as TABLE.COLUMN; empty texts are passed over.
        known: The series of the database.

    Raises:
        ParameterError: If there is no such plot, or there are too many.
    """
    for name in names:
        if name and name not in _BY_NAME and not _is_signal(name, known):
            all_names = (*_BY_NAME, *known)
            raise ParameterError("signals", f"no signal {name!r}{suggestion(name, all_names)}")
    if len({*names}) > MAX_PLOTS:
        raise ParameterError("signals", f"more than {MAX_PLOTS} are asked for")


def choose_plots(names: Sequence[str], known: Mapping[str, Series]) -> Chosen:
    """The plots of these names, which `check_plots` has let pass; the usual ones without any."""
    wanted = list(dict.fromkeys(name for name in names if name))
    plots = [_BY_NAME.get(name) or _of_signal(known[name]) for name in wanted or _CHOSEN_FIRST]
    others = [one for one in plots if one.name not in _BY_NAME]
    signals: dict[str, list[Series]] = {}
    for name, series in known.items():
        if _is_signal(name, known) and name not in wanted:
            signals.setdefault(series.table, []).append(series)
    return Chosen(plots, (*_PLOTS, *others), signals, not wanted)


def _is_signal(name: str, known: Mapping[str, Series]) -> bool:
    return "." in name and name in known


def _of_signal(series: Series) -> Plot:
    """A signal alone in its plot."""
    label = series.name.partition(".")[2]
    lines = (Line(series.name, label, _ENGAGED),)
    return Plot(series.name, series.name, lines, series.unit, is_of_flags=series.is_flag)


def _drawn(line: Line, units: Units) -> dict[str, Any]:
    return {
        "series": line.series,
        "label": line.label,
        "color": line.color,
        "perSi": units[line.quantity].per_si if line.quantity else 1,
        "isDashed": line.is_dashed,
        "isZeroNone": line.is_zero_none,
        "hasOwnScale": line.has_own_scale,
    }
