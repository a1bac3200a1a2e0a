"""The old server's endpoints: same paths, same fields, same mistakes."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from litestar import Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery

from engagement.api import legacy_answers, legacy_comparison, legacy_totals
from engagement.api.answers import JSON, respond
from engagement.api.handlers import AnyRequest, newest, responses
from engagement.api.legacy_rows import DRIVES, OLDER_DRIVES
from engagement.errors import StoreError
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TAGS = ["old"]


class Health(msgspec.Struct, frozen=True):
    """Whether the server runs, and when the data were published."""

    status: Literal["ok"]
    last_loaded: str | None


class Devices(msgspec.Struct, frozen=True):
    """All devices; `data_source` is the database's file."""

    devices: list[dict[str, Any]]
    count: int
    last_loaded: str
    data_source: str


class Device(msgspec.Struct, frozen=True):
    """A device and its drives."""

    device: dict[str, Any]
    drives: list[dict[str, Any]]
    last_loaded: str


class Missing(msgspec.Struct, frozen=True):
    """What is said of a device that there is not."""

    detail: str


REFUSALS = {
    401: "A token is needed.",
    414: "The address is too long.",
    429: "Too many requests.",
    503: "There is no database.",
}


def _responses(answer: Any) -> dict[int, ResponseSpec]:
    missing = ResponseSpec(Missing, generate_examples=False, description="No such device.")
    return responses(answer, REFUSALS) | {404: missing}


@get("/health", operation_id="health", responses=_responses(Health), tags=_TAGS)
async def get_health(state: State) -> Response[bytes]:
    """Say when the data were last published; null while there are none."""
    try:
        async with newest(state) as generation:
            last_loaded = loaded_at(generation)
    except StoreError:
        last_loaded = None
    return _json({"status": "ok", "last_loaded": last_loaded})


@get(
    "/devices",
    operation_id="oldDevices",
    responses=_responses(Devices),
    sync_to_thread=True,
    tags=_TAGS,
)
def get_devices(request: AnyRequest, generation: NamedDependency[Generation]) -> Response[bytes]:
    """Each device's sums and means over its drives, by the old definitions."""

    def answer() -> dict[str, Any]:
        found = summaries(generation)
        return {
            "devices": list(found.values()),
            "count": len(found),
            "last_loaded": loaded_at(generation),
            "data_source": str(generation.path),
        }

    return respond(request, generation, answer, is_numbered=False)


@get(
    "/devices/{device_id:str}",
    operation_id="oldDevice",
    responses=_responses(Device),
    sync_to_thread=True,
    tags=_TAGS,
)
def get_device(
    request: AnyRequest, generation: NamedDependency[Generation], device_id: FromPath[str]
) -> Response[bytes]:
    """A device and each of its drives, the newest first, by the old definitions."""
    device = summaries(generation).get(device_id)
    if device is None:
        return _json({"detail": f"Device {device_id} not found"}, HTTPStatus.NOT_FOUND)

    def answer() -> dict[str, Any]:
        return {
            "device": device,
            "drives": drives_of(generation, device_id),
            "last_loaded": loaded_at(generation),
        }

    return respond(request, generation, answer, is_numbered=False)


@get(
    "/api/compare",
    operation_id="oldCompare",
    responses=_responses(dict[str, Any]),
    sync_to_thread=True,
    tags=_TAGS,
)
def get_comparison(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    *,
    device: FromQuery[list[str] | None] = None,
    branch: FromQuery[list[str] | None] = None,
    speed_bucket: FromQuery[str] = legacy_comparison.ALL,
) -> Response[bytes]:
    """Devices side by side, by the old definitions; what is unknown is dropped, never refused."""
    return respond(
        request,
        generation,
        lambda: compared(generation, device or [], branch or [], speed_bucket),
        is_numbered=False,
    )


@get(
    "/api/total_stats",
    operation_id="oldTotalStats",
    responses=_responses(dict[str, Any]),
    sync_to_thread=True,
    tags=_TAGS,
)
def get_total_stats(
    request: AnyRequest, generation: NamedDependency[Generation]
) -> Response[bytes]:
    """All devices together, by the old definitions; an empty object without drives."""
    return respond(request, generation, lambda: totalled(generation), is_numbered=False)


def compared(
    generation: Generation, devices: Sequence[str], branches: Sequence[str], speed_bucket: str
) -> dict[str, Any]:
    """What `/api/compare` answers."""
    return legacy_answers.without_signs_of_zero(
        legacy_comparison.compare(
            _drives(generation), devices, branches, speed_bucket, loaded_at(generation)
        )
    )


def totalled(generation: Generation) -> dict[str, Any]:
    """What `/api/total_stats` answers."""
    found = legacy_totals.total_stats(list(summaries(generation).values()))
    return legacy_answers.without_signs_of_zero(found)


def _drives(generation: Generation) -> list[dict[str, Any]]:
    return generation.rows(DRIVES if generation.is_current else OLDER_DRIVES)


def loaded_at(generation: Generation) -> str:
    """When the data were published, ISO 8601."""
    return generation.published_at_utc.isoformat()


def summaries(generation: Generation) -> Mapping[str, dict[str, Any]]:
    """Each device's entry, by its name, in the order of names."""
    return generation.cached(
        "legacy summaries",
        lambda: legacy_answers.without_signs_of_zero(legacy_totals.summaries(_drives(generation))),
    )


def drives_of(generation: Generation, device_id: str) -> list[dict[str, Any]]:
    """Each drive's entry of a device, the newest first."""
    rows = generation.rows("from legacy_engagement_db where device_id = ?", [device_id])
    return [
        legacy_answers.without_signs_of_zero(legacy_answers.describe(row))
        for row in legacy_answers.newest_first(rows)
    ]


def _json(answer: object, status: HTTPStatus = HTTPStatus.OK) -> Response[bytes]:
    return Response(
        msgspec.json.encode(answer),
        status_code=status,
        media_type=JSON,
        headers={"cache-control": "no-cache"},
    )
