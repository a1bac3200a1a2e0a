"""Samples and tracks of a drive, small enough to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from engagement.api.answers import OfDrive, respond
from engagement.api.handlers import AnyRequest, read
from engagement.api.problems import ParameterError
from engagement.api.request_filters import find_drive_id
from engagement.api.rows import Row
from engagement.errors import suggestion
from engagement.store import samples
from engagement.store.serving import Generation
from engagement.store.signals import all_series

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from engagement.store.samples import Series

_TAGS = ["drives"]
_MAX_SAMPLES = 200_000
_MAX_S = 1e7
_DEFAULT_SERIES = "speed_mps,steering_angle_deg"


class PlotSeries(msgspec.Struct, frozen=True, omit_defaults=True):
    """One quantity: in buckets `min` and `max`, one each per bucket; else `time_s` and `value`."""

    unit: str
    title: str
    min: list[float | None] | None = None
    max: list[float | None] | None = None
    time_s: list[float] | None = None
    value: list[float | None] | None = None


class Plot(msgspec.Struct, frozen=True):
    """Series of a drive over a window; times are seconds from its first sample.

    Attributes:
        drive_id: Number of the drive in this database.
        generation: Of the database.
        definitions: Number of those that its numbers are of.
        start_s: Where the window begins.
        end_s: Where it ends.
        bucket_s: How long a bucket is; null for whole samples.
        time_s: Where each bucket begins; null for whole samples.
        series: By name.
    """

    drive_id: int
    generation: int
    definitions: int
    start_s: float
    end_s: float
    bucket_s: float | None
    time_s: list[float] | None
    series: dict[str, PlotSeries]


class Track(msgspec.Struct, frozen=True):
    """Where a drive went: time_s, latitude, longitude, speed_mps and mode of each point."""

    drive_id: int
    generation: int
    definitions: int
    points: list[Row]


_Moment = Annotated[
    float | None,
    QueryParameter(
        ge=0,
        le=_MAX_S,
        schema_extra={"minimum": 0.0},  # Litestar leaves out a bound of 0
        description="Seconds from the drive's first sample.",
    ),
]


@read("/{drive:str}/samples", Plot, operation_id="drivePlot", tags=_TAGS)
def get_samples(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    drive: FromPath[str],
    *,
    series: Annotated[
        str,
        QueryParameter(
            max_length=1000,
            description=f"With commas: {', '.join(samples.SERIES)}; or TABLE.COLUMN of a base "
            "table, or can_signal.KEY.",
        ),
    ] = _DEFAULT_SERIES,
    start_s: _Moment = None,
    end_s: _Moment = None,
    buckets: Annotated[
        int, QueryParameter(ge=1, le=5000, description="How many; one per pixel is enough.")
    ] = 500,
    raw: Annotated[bool, QueryParameter(description="Every sample, not buckets.")] = False,
) -> Response[Any]:
    """Give a drive's signals: the least and greatest of each bucket, or every sample."""
    known = known_series(generation)
    names = _series(series, known)
    if start_s is not None and end_s is not None and end_s <= start_s:
        raise ParameterError("end_s", f"{end_s:g} is not after start_s, {start_s:g}")
    drive_id = find_drive_id(generation, drive)

    def answer() -> Plot:
        part = samples.window(generation, drive_id, start_s, end_s)
        if raw:
            return whole(generation, part, names, known)
        return in_buckets(generation, part, names, buckets, known)

    return _respond(request, generation, drive_id, answer)


@read("/{drive:str}/track", Track, operation_id="driveTrack", tags=_TAGS)
def get_track(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    drive: FromPath[str],
    points: Annotated[
        int, QueryParameter(ge=2, le=20_000, description="How many points, about.")
    ] = 1000,
) -> Response[Any]:
    """Give the places that a drive passed, and the mode at each."""
    drive_id = find_drive_id(generation, drive)

    def answer() -> Track:
        return Track(
            drive_id,
            generation.number,
            generation.definitions,
            samples.track(generation, drive_id, points),
        )

    return _respond(request, generation, drive_id, answer)


def _respond(
    request: AnyRequest, generation: Generation, drive_id: int, answer: Callable[[], Plot | Track]
) -> Response[Any]:
    """Answer about one drive; one without samples is refused even if the client has an answer."""
    return respond(
        request,
        generation,
        answer,
        of_drive=OfDrive(drive_id),
        check=lambda: samples.window(generation, drive_id),
    )


def known_series(generation: Generation) -> Mapping[str, Series]:
    """All that can be plotted of this database, by name."""
    return generation.cached("series of plots", lambda: all_series(generation))


def in_buckets(
    generation: Generation,
    part: samples.Window,
    names: list[str],
    n_buckets: int,
    known: Mapping[str, Series] = samples.SERIES,
) -> Plot:
    """Series in buckets."""
    found = samples.in_buckets(generation, part, names, n_buckets, known)
    series = {
        name: _plotted(known[name], min=found.least[name], max=found.greatest[name])
        for name in names
    }
    return _plot(generation, part, series, found.bucket_s, found.time_s)


def whole(
    generation: Generation, part: samples.Window, names: list[str], known: Mapping[str, Series]
) -> Plot:
    """Series sample by sample."""
    found = samples.whole(generation, part, names, _MAX_SAMPLES, known)
    series = {
        name: _plotted(known[name], time_s=times_s, value=values)
        for name, (times_s, values) in found.items()
    }
    return _plot(generation, part, series)


def _plotted(series: Series, **values: Any) -> PlotSeries:
    return PlotSeries(series.unit, series.title, **values)


def _plot(
    generation: Generation,
    part: samples.Window,
    series: dict[str, PlotSeries],
    bucket_s: float | None = None,
    time_s: list[float] | None = None,
) -> Plot:
    return Plot(
        part.drive_id,
        generation.number,
        generation.definitions,
        part.start_s,
        part.end_s,
        bucket_s,
        time_s,
        series,
    )


def _series(text: str, known: Collection[str]) -> list[str]:
    names = list(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in known:
            raise ParameterError("series", f"no series {name!r}{suggestion(name, known)}")
    return names


handlers = [get_samples, get_track]
