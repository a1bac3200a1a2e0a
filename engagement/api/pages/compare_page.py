"""Two groups of drives side by side, and what they allow to say."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from engagement.analysis.comparison import Watch, compare
from engagement.analysis.grouping import (
    ALL_DRIVES,
    DIMENSIONS_COMPARED,
    KINDS,
    comparable_drives,
    divide,
    parse_grouping,
)
from engagement.analysis.summary import measure_texts, summarize
from engagement.analysis.verdict import headline_of, judge_all, shown
from engagement.analysis.wording import as_sentence, unit_text
from engagement.api.comparison_routes import in_turn
from engagement.api.legacy_pages import old_comparison
from engagement.api.pages.charts import Scale, Tick, log_scale
from engagement.api.pages.looks_chart import draw_looks
from engagement.api.pages.rendering import AnyRequest, page
from engagement.api.pages.unit_choice import page_units
from engagement.api.problems import ParameterError
from engagement.api.request_filters import MAX_LENGTH
from engagement.errors import InputError, NotFoundError
from engagement.store.query_types import Narrowing
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engagement.analysis.comparison import Comparison
    from engagement.analysis.differences import Difference
    from engagement.analysis.grouping import Grouping
    from engagement.analysis.summary import Summary
    from engagement.analysis.verdict import Per, Verdict
    from engagement.units import Units

    Row = dict[str, Any]

_MAX_LISTED = 200
_HEADINGS = {"rate": "Events, {unit} engaged", "share": "Engagement", "mean": "Steering"}

_GROUPS = """
with counted as materialized (
    select * from {rates}
    where grouped_by = $by and mode = 'engaged' and event like '%intervention'
)

select
    groups.*,
    rates.n_events,
    rates.per_100km,
    rates.per_100km_lower,
    rates.per_100km_upper,
    unplanned.per_100km as unplanned_per_100km
from {groups} as groups
left join counted as rates
    on groups.group_name = rates.group_name and rates.event = 'intervention'
left join counted as unplanned
    on groups.group_name = unplanned.group_name and unplanned.event = 'unplanned_intervention'
where groups.grouped_by = $by
order by groups.engaged_km desc, groups.group_name
limit {limit}
"""
_VALUES = """
select
    value as group_name,
    count(*) as n_drives,
    sum(engaged_km)::double as engaged_km,
    sum(engaged_s)::double / nullif(sum(known_s), 0) as engaged_fraction
from params
inner join {drives} as drives using (drive_id)
where name = $name
group by value
order by engaged_km desc, group_name
limit {limit}
"""
_PARAMS = """
select name from params group by name having count(distinct value) > 1 order by name
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """A ratio and its interval on the axis; an open end is at the end of the axis."""

    x: float | None
    low: float
    high: float
    is_beyond: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """A row of the table: a measure in words, as it is, and its mark."""

    difference: Difference
    texts: Mapping[str, str]
    is_told: bool
    mark: Mark | None


@get("/compare", sync_to_thread=True)
def get_comparison(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    *,
    by: FromQuery[str] = "version",
    a: FromQuery[str] = "",
    b: FromQuery[str] = "",
    per: FromQuery[str] = "100km",
    also: FromQuery[str] = "",
    device: FromQuery[list[str] | None] = None,
    branch: FromQuery[list[str] | None] = None,
    speed_bucket: FromQuery[str | None] = None,
) -> Response[bytes]:
    """Compare group B with group A; without them, list the groups that there are.

    `also` is a second dimension, which `by` is crossed with. With `branch` or `speed_bucket` it is
    the old server's page.
    """
    if branch or speed_bucket is not None:
        return old_comparison(request, generation, device or [], branch or [], speed_bucket or "")
    for name, text in (("by", by), ("a", a), ("b", b), ("also", also)):
        if len(text) > MAX_LENGTH:
            raise ParameterError(name, f"it has more than {MAX_LENGTH} letters")
    if per not in ("100km", "hour"):
        raise ParameterError("per", f"{per!r} is neither 100km nor hour")
    # Everything is checked before `make`, which is not called for a cached page.
    by = f"{by},{also}" if also and also != by else by
    grouping = parse_grouping(by)
    crossing, division = grouping.crossing, None
    units, problem = page_units(request, generation), ""
    if a and b:
        drives = comparable_drives(generation, generation.in_memory("drives"))
        try:
            division = divide(generation, grouping, a, b, drives)
        except (InputError, NotFoundError) as error:  # the form says so, and lists what there is
            problem = str(error)

    def make() -> Mapping[str, Any]:
        found: dict[str, Any] = {
            "by": by, "by_words": crossing.words if crossing else by, "a": a, "b": b, "per": per,
            "kinds": _kinds(generation),
            "crossed": (*by.split(","), "")[:2] if crossing else (by, ""),
            "dimensions": DIMENSIONS_COMPARED,
            "groups": _groups(generation, grouping),
            "comparison": None,
            "problem": problem,
        }  # fmt: skip
        if division is not None:
            with in_turn(request):
                others = comparable_drives(generation, ALL_DRIVES)
                headline_per: Per = "100km" if per == "100km" else "hour"
                watch = Watch(headline_per=headline_per)
                comparison = compare(generation, division, others=others, watch=watch)
            found |= _describe(comparison, headline_per, units)
        return found

    return page(request, generation, "compare.html", make)


def _kinds(generation: Generation) -> list[str]:
    """What drives can be grouped by; only params that have several values."""
    params = generation.cached("params of pages", lambda: generation.rows(_PARAMS))
    return [kind for kind in KINDS if ":" not in kind] + [f"param:{row['name']}" for row in params]


def _groups(generation: Generation, grouping: Grouping) -> list[Row]:
    if grouping.param is not None:
        query = _VALUES.format(drives=generation.in_memory("drives"), limit=_MAX_LISTED)
        return generation.rows(query, {"name": grouping.param})
    if grouping.crossing is None:
        return []
    query = _GROUPS.format(groups="groups", rates="rates", limit=_MAX_LISTED)
    # A file of an older engagement has groups of one dimension alone.
    asked = Narrowing(crossing=grouping.crossing) if generation.is_current else None
    return generation.rows(query, {"by": grouping.kind}, narrowing=asked)


def _describe(comparison: Comparison, per: Per, units: Units) -> Mapping[str, Any]:
    differences = shown(comparison, per)
    reach, ticks = log_scale(list(_limits(differences)), limit=16.0)
    scale = Scale(-math.log2(reach), math.log2(reach), 2.0, 98.0)
    first = headline_of(comparison.differences, per)
    unit = unit_text(first, units)
    verdict = judge_all(comparison, per)
    rows = [_measured(difference, verdict, scale, units) for difference in differences]
    return {
        **_sentences(summarize(comparison, per, units)),
        "comparison": comparison,
        "state": verdict.state,
        "looks": draw_looks(first.sequence) if first.sequence else None,
        "sections": [
            (heading.format(unit=unit), [row for row in rows if row.difference.kind == kind])
            for kind, heading in _HEADINGS.items()
            if any(row.difference.kind == kind for row in rows)
        ],
        "ticks": [Tick(scale(math.log2(tick)), f"{tick:g}" if tick >= 1 else _share(tick))
                  for tick in ticks],
        "one": scale(0.0),
    }  # fmt: skip


def _sentences(summary: Summary) -> dict[str, str | list[str]]:
    return {
        name: as_sentence(said) if isinstance(said, str) else [*map(as_sentence, said)]
        for name, said in asdict(summary).items()
    }


def _share(tick: float) -> str:
    """A half, a quarter and so on."""
    return f"1/{1 / tick:g}"


def _limits(differences: Sequence[Difference]) -> Iterator[float]:
    """The values that the axis should show; limits beyond are cut off."""
    for ratio in (difference.ratio for difference in differences):
        if ratio.value and math.isfinite(ratio.value):
            yield from (value for value in (ratio.value, ratio.lower, ratio.upper) if value)


def _measured(difference: Difference, verdict: Verdict, scale: Scale, units: Units) -> Measured:
    is_told = difference.answer in ("better", "worse")
    texts = measure_texts(difference, verdict, units)
    return Measured(difference, texts, is_told, _mark(difference, scale))


def _mark(difference: Difference, scale: Scale) -> Mark | None:
    ratio = difference.ratio
    if ratio.value is None:
        return None

    def place(value: float | None, fallback: float) -> float:
        if value is None:
            return fallback
        if value <= 0:
            return scale.start
        return scale.end if math.isinf(value) else scale(math.log2(value))

    is_shown = 0 < ratio.value < math.inf
    x = place(ratio.value, scale.start)
    low, high = place(ratio.lower, x), place(ratio.upper, x)
    return Mark(x if is_shown else None, low, high, is_beyond=low >= scale.end)
