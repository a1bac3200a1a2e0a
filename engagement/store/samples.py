"""Samples of one drive for plots: every sample between two times, or buckets of them.

A plot has some hundred pixels and a drive some hundred thousand samples: a bucket has the least
and the greatest of its samples, so that no peak is lost. Times are seconds from the drive's first
sample, as in the public views.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engagement.errors import NotFoundError, QueryTooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engagement.store.query_types import Queryable

_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Series:
    """A quantity over time: the column that it is in, its unit, what it is.

    `is_flag` tells that it is on or off: 1 or 0.
    """

    name: str
    table: str
    column: str
    unit: str
    title: str
    condition: str = "true"
    is_flag: bool = False


_OF_CAR_STATE = (
    ("speed_mps", "v_ego_mps", "m/s", "speed"),
    ("acceleration_mps2", "a_ego_mps2", "m/s²", "acceleration"),
    ("steering_angle_deg", "steering_angle_deg", "°", "angle of the steering wheel"),
    ("steering_rate_deg_per_s", "steering_rate_deg_per_s", "°/s", "its rate of change"),
    ("steering_torque", "steering_torque", "", "the driver's torque, in the car's own unit"),
    ("steering_torque_eps", "steering_torque_eps", "", "the motor's torque, in the car's own unit"),
    ("cruise_speed_mps", "cruise_speed_mps", "m/s", "set speed"),
    ("steering_pressed", "steering_pressed", "", "the driver steers"),
    ("gas_pressed", "gas_pressed", "", "the driver accelerates"),
    ("brake_pressed", "brake_pressed", "", "the driver brakes"),
    ("left_blinker", "left_blinker", "", "left blinker"),
    ("right_blinker", "right_blinker", "", "right blinker"),
)
_OF_OTHERS = (
    Series("lead_distance_m", "lead", "d_rel_m", "m", "distance to the lead car", "is_present"),
    Series("lead_speed_mps", "lead", "v_rel_mps", "m/s", "its speed, less one's own", "is_present"),
    Series("curvature_per_m", "controls_state", "curvature_per_m", "1/m", "curvature driven"),
    Series(
        "desired_curvature_per_m",
        "controls_state",
        "desired_curvature_per_m",
        "1/m",
        "curvature wanted",
    ),
    Series("torque_command", "car_control", "torque", "", "torque asked for, -1 to 1"),
    Series(
        "steering_angle_command_deg",
        "car_control",
        "steering_angle_deg",
        "°",
        "steering angle asked for",
    ),
    Series("acceleration_command_mps2", "car_control", "accel_mps2", "m/s²", "acceleration asked"),
)

SERIES: Mapping[str, Series] = {
    series.name: series
    for series in (
        *(
            Series(name, "car_state", column, unit, title)
            for name, column, unit, title in _OF_CAR_STATE
        ),
        *_OF_OTHERS,
    )
}

_ORIGIN = "select first_mono_ns, duration_s from result.drive_metrics where drive_id = $drive_id"

_TRACK = """
with

fixes as (
    select
        gps.mono_ns,
        last(gps.latitude order by gps.segment_num, gps.message_num) as latitude,
        last(gps.longitude order by gps.segment_num, gps.message_num) as longitude,
        last(gps.speed_mps order by gps.segment_num, gps.message_num) as speed_mps
    from log.gps
    where
        gps.drive_id = $drive_id
        and gps.source = (select gps_source from result.drive_facts where drive_id = $drive_id)
        and gps.has_fix
        and is_plausible_fix(gps.latitude, gps.longitude)
    group by gps.mono_ns
),

intervals as (
    select start_mono_ns, end_mono_ns, mode from result.state_intervals where drive_id = $drive_id
),

moded as (
    select
        fixes.*,
        case when fixes.mono_ns < intervals.end_mono_ns then intervals.mode else 'unknown' end
            as mode
    from fixes
    asof left join intervals on fixes.mono_ns >= intervals.start_mono_ns
),

numbered as (
    select
        *,
        row_number() over (order by mono_ns) - 1 as number,
        count(*) over () as n_fixes,
        mode is distinct from lag(mode) over (order by mono_ns) as is_change
    from moded
)

select
    (mono_ns - $first_mono_ns) / 1e9 as time_s,
    latitude,
    longitude,
    case when isfinite(speed_mps) then speed_mps::varchar::double end as speed_mps,
    coalesce(mode, 'unknown') as mode
from numbered
where
    is_change
    or number % greatest(ceil(n_fixes / $n_points)::bigint, 1) = 0
    or number = n_fixes - 1
order by mono_ns
"""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a drive: from `start_s` until before `end_s`."""

    drive_id: int
    first_mono_ns: int
    start_s: float
    end_s: float

    @property
    def start_ns(self) -> int:
        """The start, in logMonoTime."""
        return self.first_mono_ns + round(self.start_s * _NS_PER_S)

    @property
    def end_ns(self) -> int:
        """The end, in logMonoTime."""
        return self.first_mono_ns + round(self.end_s * _NS_PER_S)


@dataclass(frozen=True, slots=True)
class Buckets:
    """Series in buckets of one length; lists are as long as `time_s`, null where nothing is."""

    bucket_s: float
    time_s: list[float]
    least: dict[str, list[float | None]]
    greatest: dict[str, list[float | None]]


def window(
    reader: Queryable, drive_id: int, start_s: float | None = None, end_s: float | None = None
) -> Window:
    """A part of a drive, by default all of it.

    Raises:
        NotFoundError: If the drive has no samples, as an imported one.
    """
    rows = reader.rows(_ORIGIN, {"drive_id": drive_id})
    if not rows or rows[0]["first_mono_ns"] is None:
        raise NotFoundError("samples of drive", str(drive_id))
    duration_s = rows[0]["duration_s"] or 0.0
    return Window(
        drive_id,
        rows[0]["first_mono_ns"],
        0.0 if start_s is None else start_s,
        # The end is excluded, so it is put after the last sample.
        duration_s + 1e-3 if end_s is None else end_s,
    )


def in_buckets(
    reader: Queryable,
    part: Window,
    names: Sequence[str],
    n_buckets: int,
    known: Mapping[str, Series] = SERIES,
) -> Buckets:
    """The least and the greatest value of each series in each of up to `n_buckets` buckets."""
    length_ns = max(part.end_ns - part.start_ns, 1)
    width_ns = max(-(-length_ns // n_buckets), 1)
    n_buckets = -(-length_ns // width_ns)
    found = Buckets(
        width_ns / _NS_PER_S,
        [part.start_s + number * width_ns / _NS_PER_S for number in range(n_buckets)],
        {name: [None] * n_buckets for name in names},
        {name: [None] * n_buckets for name in names},
    )
    for (table, condition), series in _by_table(names, known).items():
        selected = ", ".join(
            f"{_shortest(f'{kind}({_value(one)})')} as {kind}_{number}"
            for number, one in enumerate(series)
            for kind in ("min", "max")
        )
        rows = reader.rows(
            f"select (mono_ns - $start_ns) // $width_ns as bucket, {selected} "
            f"from log.{table} {_WHERE} and {condition} group by bucket",
            _bounds(part) | {"width_ns": width_ns},
        )
        for row in rows:
            for number, one in enumerate(series):
                found.least[one.name][row["bucket"]] = row[f"min_{number}"]
                found.greatest[one.name][row["bucket"]] = row[f"max_{number}"]
    return found


def whole(
    reader: Queryable,
    part: Window,
    names: Sequence[str],
    max_samples: int,
    known: Mapping[str, Series] = SERIES,
) -> dict[str, tuple[list[float], list[float | None]]]:
    """Every sample of each series: times and values, by name.

    Raises:
        QueryTooLargeError: If there are more than `max_samples` of all series together.
    """
    found = {}
    n_left = max_samples
    for (table, condition), series in _by_table(names, known).items():
        selected = ", ".join(
            f"{_shortest(_value(one))} as value_{number}" for number, one in enumerate(series)
        )
        rows = reader.rows(
            f"select (mono_ns - {part.first_mono_ns}) / 1e9 as time_s, {selected} from log.{table} "
            f"{_WHERE} and {condition} order by mono_ns, segment_num, message_num "
            f"limit {n_left // len(series) + 1}",
            _bounds(part),
        )
        n_left -= len(rows) * len(series)
        if n_left < 0:
            raise QueryTooLargeError(f"more than {max_samples} samples")
        times_s = [row["time_s"] for row in rows]
        for number, one in enumerate(series):
            found[one.name] = (times_s, [row[f"value_{number}"] for row in rows])
    return {name: found[name] for name in names}


def track(reader: Queryable, drive_id: int, n_points: int) -> list[dict[str, Any]]:
    """Where the drive went: about `n_points` GPS fixes, and each at which the mode changed."""
    part = window(reader, drive_id)
    return reader.rows(
        _TRACK,
        {"drive_id": drive_id, "first_mono_ns": part.first_mono_ns, "n_points": n_points},
    )


_WHERE = "where drive_id = $drive_id and mono_ns >= $start_ns and mono_ns < $end_ns"


def _bounds(part: Window) -> dict[str, int]:
    return {"drive_id": part.drive_id, "start_ns": part.start_ns, "end_ns": part.end_ns}


def _by_table(
    names: Iterable[str], known: Mapping[str, Series]
) -> dict[tuple[str, str], list[Series]]:
    """The series by their table: one query reads all of a table."""
    found: dict[tuple[str, str], list[Series]] = {}
    for series in map(known.__getitem__, names):
        found.setdefault((series.table, series.condition), []).append(series)
    return found


def _value(series: Series) -> str:
    """A number, or null where a log has one that is not finite."""
    number = f"{series.column}::float"
    return f"case when isfinite({number}) then {number} end"


def _shortest(value: str) -> str:
    """The shortest decimal that is the same float32: 0.1, not 0.10000000149011612."""
    return f"({value})::varchar::double"
