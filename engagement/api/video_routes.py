"""The road: a segment's small video, and single pictures of it."""

from __future__ import annotations

import re
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from litestar import Response, Router
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from engagement.api.handlers import AnyRequest, read
from engagement.api.request_filters import find_drive_id
from engagement.errors import NotFoundError
from engagement.store.serving import Generation
from engagement.video.times import read_footage, read_videos, video_at

if TYPE_CHECKING:
    from engagement.video.shelf import Shelf

_MP4 = "video/mp4"
_JPEG = "image/jpeg"
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")
_MAX_S = 1e7
_TAGS = ["drives"]

Moment = Annotated[
    float,
    QueryParameter(ge=-_MAX_S, le=_MAX_S, description="Seconds from the drive's first sample."),
]
Width = Annotated[
    int | None,
    QueryParameter(ge=16, le=4096, description="In pixels, if it is to be smaller than it is."),
]


@read("/{drive:str}/video/{segment:int}", bytes, operation_id="segmentVideo", tags=_TAGS,
      media_type=_MP4)  # fmt: skip
def get_video(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    drive: FromPath[str],
    segment: FromPath[int],
) -> Response[bytes]:
    """Give the small video of a segment as MP4, its time 0 at the first picture; ranges too."""
    videos = read_videos(generation, find_drive_id(generation, drive))
    video = next((one for one in videos if one["segment_num"] == segment), None)
    if video is None:
        raise NotFoundError("video of segment", str(segment))
    shelf: Shelf = request.app.state.shelf
    return _ranged(request, shelf.video(read_footage(generation, video)), _MP4)


@read("/{drive:str}/picture", bytes, operation_id="drivePicture", tags=_TAGS, media_type=_JPEG)
def get_picture(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    drive: FromPath[str],
    time_s: Moment,
    width: Width = None,
) -> Response[bytes]:
    """Give the picture of the road at a moment of a drive, as JPEG."""
    video = video_at(read_videos(generation, find_drive_id(generation, drive)), time_s)
    if video is None:
        raise NotFoundError("picture at", f"{time_s:g} s")
    shelf: Shelf = request.app.state.shelf
    made = shelf.picture(read_footage(generation, video), time_s, width)
    return _ranged(request, made, _JPEG)


def _ranged(request: AnyRequest, body: bytes, media_type: str) -> Response[bytes]:
    """All of an answer, or the one range of it that is asked for (RFC 9110, 14)."""
    etag = f'"{sha256(body).hexdigest()[:24]}"'
    headers = {"etag": etag, "accept-ranges": "bytes"}
    known = {tag.strip().removeprefix("W/") for tag in _sent(request, "if-none-match").split(",")}
    if known & {etag, "*"}:
        return Response(b"", status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    wanted = _RANGE.fullmatch(_sent(request, "range").strip())
    is_usable = wanted is not None and _is_range(wanted[1], wanted[2])
    if wanted is None or not is_usable or _sent(request, "if-range") not in ("", etag):
        return Response(body, media_type=media_type, headers=headers)
    first, end = _span(wanted[1], wanted[2], len(body))
    if first >= end:
        headers["content-range"] = f"bytes */{len(body)}"
        status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        return Response(b"", status_code=status, media_type=media_type, headers=headers)
    headers["content-range"] = f"bytes {first}-{end - 1}/{len(body)}"
    status = HTTPStatus.PARTIAL_CONTENT
    return Response(body[first:end], status_code=status, media_type=media_type, headers=headers)


def _is_range(first: str, last: str) -> bool:
    """Whether it has an end at least, and does not end before it begins."""
    return bool(first or last) and not (first and last and int(last) < int(first))


def _span(first: str, last: str, length: int) -> tuple[int, int]:
    """From which byte until before which; a last one alone counts from the end."""
    if not first:
        return max(length - int(last), 0), length
    return int(first), min(int(last) + 1, length) if last else length


def _sent(request: AnyRequest, name: str) -> str:
    return request.headers.get(name, "")


router = Router("/drives", route_handlers=[get_video, get_picture])
