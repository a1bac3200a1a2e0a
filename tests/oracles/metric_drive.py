"""One drive's base-table rows in time order, and what each source says at a moment."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Row = dict[str, Any]
Tables = dict[str, list[Row]]
Span = tuple[int, int]

GPS_SOURCES = ("gpsLocationExternal", "gpsLocation")


@dataclass(frozen=True, slots=True)
class Parameters:
    """The thresholds of the definitions, under the names that the store has for them."""

    max_gap_s: float = 1.0
    max_gap_qlog_s: float = 1.5
    event_max_gap_s: float = 2.0
    engagement_min_off_s: float = 0.5
    counted_min_on_s: float = 2.0
    counted_min_off_s: float = 2.0
    pause_grace_s: float = 2.0
    override_min_s: float = 0.3
    override_merge_s: float = 1.0
    prompt_before_s: float = 1.0
    nudge_max_s: float = 1.5
    intervention_merge_s: float = 2.0
    moving_min_mps: float = 1.0
    city_max_mps: float = 15.3
    road_max_mps: float = 25.0
    cause_before_s: float = 0.5
    cause_after_s: float = 0.1
    soft_disable_s: float = 5.0
    consequence_s: float = 0.5
    cruise_min_margin_mps: float = 1.0
    end_of_drive_s: float = 2.0
    position_max_age_s: float = 2.0
    severity_before_s: float = 3.0
    severity_after_s: float = 5.0
    jerk_window_s: float = 0.3
    ttc_min_closing_mps: float = 0.5
    thw_min_speed_mps: float = 0.5
    drac_min_distance_m: float = 5.0
    critical_ttc_s: float = 1.5
    critical_thw_s: float = 0.8
    critical_drac_mps2: float = 3.0
    critical_deceleration_mps2: float = 3.0
    planned_max_speed_mps: float = 2.0
    planned_park_m: float = 200.0
    unplanned_before_s: float = 2.0
    unplanned_deceleration_mps2: float = 0.3
    reaction_max_s: float = 10.0

    def ns(self, name: str) -> int:
        """The threshold `name`, which is in seconds, in ns."""
        value_s: float = getattr(self, name)
        return round(value_s * 1e9)


DEFAULTS = Parameters()


def place(row: Row) -> tuple[int, int, int]:
    """What orders the rows of a source: of two rows of one time the later one wins."""
    return row["mono_ns"], row["segment_num"], row["message_num"]


class Samples:
    """The rows of one source in time order; each holds until the next one, if that is near."""

    def __init__(self, rows: list[Row], parameters: Parameters, qlogs: set[int]) -> None:
        self.rows = sorted(rows, key=place)
        self.times: list[int] = [row["mono_ns"] for row in self.rows]
        self._parameters = parameters
        self._qlogs = qlogs

    def is_contiguous(self, index: int) -> bool:
        """Whether row `index` holds until the row after it."""
        if not 0 <= index < len(self.rows) - 1:
            return False
        row, following = self.rows[index], self.rows[index + 1]
        is_qlog = row["segment_num"] in self._qlogs
        max_gap_ns = self._parameters.ns("max_gap_qlog_s" if is_qlog else "max_gap_s")
        is_missing_between = following["segment_num"] - row["segment_num"] > 1
        # A change that was moved to its event was logged when it was logged.
        logged_ns = [r.get("logged_ns", r["mono_ns"]) for r in (row, following)]
        return logged_ns[1] - logged_ns[0] <= max_gap_ns and not is_missing_between

    def known(self, mono_ns: int) -> Row | None:
        """The row that holds at a moment; None where nothing is known."""
        index = bisect_right(self.times, mono_ns) - 1
        return self.rows[index] if self.is_contiguous(index) else None

    def newest(self, mono_ns: int) -> Row | None:
        """The last row at or before a moment, however old."""
        index = bisect_right(self.times, mono_ns) - 1
        return self.rows[index] if index >= 0 else None

    def pairs(self) -> list[tuple[Row, Row]]:
        """(row, row after it) for every row that holds for some time."""
        return [
            (self.rows[index], self.rows[index + 1])
            for index in range(len(self.rows))
            if self.is_contiguous(index) and self.times[index + 1] > self.times[index]
        ]

    def spans(self, is_on: Callable[[Row], bool]) -> list[Span]:
        """[start_ns, end_ns) of every row that holds, and is on."""
        return [(a["mono_ns"], b["mono_ns"]) for a, b in self.pairs() if is_on(a)]

    def within(self, start_ns: int, end_ns: int) -> list[Row]:
        """The rows in [start_ns, end_ns], both ends included."""
        return self.rows[bisect_left(self.times, start_ns) : bisect_right(self.times, end_ns)]

    def steps_within(
        self, start_ns: int, end_ns: int, *, is_held: bool = True
    ) -> list[tuple[Row, Row]]:
        """(previous row, row) for rows in [start_ns, end_ns] that follow one without a gap.

        By default only of rows that hold themselves.
        """
        first = bisect_left(self.times, start_ns)
        stop = bisect_right(self.times, end_ns)
        return [
            (self.rows[index - 1], self.rows[index])
            for index in range(max(first, 1), stop)
            if self.is_contiguous(index - 1) and (self.is_contiguous(index) or not is_held)
        ]


class Drive:
    """What the base tables hold of one drive."""

    def __init__(self, tables: Tables, parameters: Parameters) -> None:
        self.drive_id: int = tables["drive"][0]["drive_id"]
        self.parameters = parameters
        self._tables = tables

        self._sorted: dict[str, list[Row]] = {}

    def rows(self, table: str) -> list[Row]:
        """The drive's rows of a table; the rows of messages are in time order."""
        if table not in self._sorted:
            rows = self._tables.get(table, [])
            is_timed = bool(rows) and "mono_ns" in rows[0]
            self._sorted[table] = sorted(rows, key=place) if is_timed else rows
        return self._sorted[table]

    def within(self, table: str, start_ns: int, end_ns: int) -> list[Row]:
        """The rows of a table's messages in [start_ns, end_ns], both ends included."""
        rows = self.rows(table)
        first = bisect_left(rows, start_ns, key=lambda row: row["mono_ns"])
        return rows[first : bisect_right(rows, end_ns, key=lambda row: row["mono_ns"])]

    def samples(self, table: str) -> Samples:
        """The rows of a table as one source."""
        return Samples(self.rows(table), self.parameters, self.qlogs)

    @cached_property
    def qlogs(self) -> set[int]:
        """The segments that only a qlog tells of."""
        return {r["segment_num"] for r in self.rows("segment") if r["log_kind"] == "qlog"}

    @cached_property
    def names(self) -> Row:
        """drive_id, dongle_id and drive."""
        row = self.rows("drive")[0]
        return {name: row[name] for name in ("drive_id", "dongle_id", "drive")}

    @cached_property
    def control_table(self) -> str:
        """The one source of openpilot's state."""
        return "selfdrive_state" if self.rows("selfdrive_state") else "controls_state"

    @cached_property
    def car_state(self) -> Samples:
        return self.samples("car_state")

    @cached_property
    def car_control(self) -> Samples:
        return self.samples("car_control")

    def mads(self, mono_ns: int) -> Row | None:
        """What a fork said last of MADS; None where it says nothing, or that it has none."""
        rows = self.rows("mads")
        index = bisect_right(rows, mono_ns, key=lambda row: row["mono_ns"]) - 1
        row = rows[index] if index >= 0 else None
        return None if row is None or row.get("available") is False else row

    @cached_property
    def span(self) -> tuple[int, int] | None:
        """[first, last] in ns; None in a drive with neither control samples nor carState."""
        times = self.samples(self.control_table).times + self.car_state.times
        return (min(times), max(times)) if times else None

    @cached_property
    def positions(self) -> list[Row]:
        """The fixes of the best GPS source that has one."""
        fixes = [row for row in self.rows("gps") if row["has_fix"]]
        for source in GPS_SOURCES:
            chosen = [row for row in fixes if row["source"] == source]
            if chosen:
                return [row for row in chosen if row["latitude"] or row["longitude"]]
        return []

    @property
    def openpilot_longitudinal(self) -> bool | None:
        value: bool | None = self.car_parameter("openpilot_longitudinal")
        return value

    def car_parameter(self, name: str) -> Any:
        """What the first carParams that says it says."""
        values = [row.get(name) for row in self.rows("car_params")]
        return next((value for value in values if value is not None), None)

    @cached_property
    def is_old_sunnypilot(self) -> bool:
        has_pointers = any(row.get("n_pointers") == 7 for row in self.car_state.rows)
        return has_pointers and not self.rows("selfdrive_state")

    @cached_property
    def log_kind(self) -> str | None:
        """rlog, qlog, or mixed; None without a segment that could be read."""
        kinds = {row["log_kind"] for row in self.rows("segment") if row["status"] != "failed"}
        return "mixed" if len(kinds) > 1 else next(iter(kinds), None)


def joined(spans: list[Span], gap_ns: int = 1) -> list[Span]:
    """The union of spans; those less than `gap_ns` apart are one."""
    union: list[Span] = []
    for start, end in sorted(spans):
        if union and start - union[-1][1] < gap_ns:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        else:
            union.append((start, end))
    return union


def common(run: Span, spans: list[Span]) -> list[Span]:
    """What a run shares with each of the spans; nothing of zero length."""
    parts = [(max(run[0], start), min(run[1], end)) for start, end in spans]
    return [(start, end) for start, end in parts if start < end]


def without(spans: list[Span], holes: list[Span]) -> list[Span]:
    """What is in the spans and in no hole."""
    left = joined(spans)
    for start, end in joined(holes):
        left = [
            part
            for a, b in left
            for part in ((a, min(b, start)), (max(a, end), b))
            if part[0] < part[1]
        ]
    return left
