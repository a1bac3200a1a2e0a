"""What is done with videos, by PyAV: runs only in `worker`, on open files and in memory.

The demuxer is named, never guessed: FFmpeg has formats that make it open files and addresses which
the content names.
"""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import av.error

from engagement.video.letters import line_of
from engagement.video.times import FRAME_S, placed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

_CODECS = ("h264", "hevc")
_MAX_FRAMES = 40_000  # of all parts: half an hour
_MAX_SIDE = 4096
_MISSING_FRAMES = 20  # a second: openpilot counts some that its encoder drops
_ENCODER = "libx264"
_TICKS = 90_000  # a second, of an MP4's times
_FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


class VideoProblem(Exception):  # noqa: N818 - a sentence for the user, not an error of ours
    """Why there is no answer."""


@dataclass(slots=True)
class _Piece:
    """The wanted packets of a part, in the order of the file, each with its time in the drive."""

    stream: Any
    packets: list[Any]
    times_s: list[float]


def do(job: Mapping[str, Any]) -> bytes:
    """Answer a job of `jobs`.

    Raises:
        VideoProblem: If there is no answer.
    """
    try:
        return _JOBS[job["name"]](job)
    except (av.error.FFmpegError, ValueError, OSError, IndexError) as error:
        raise VideoProblem(f"it can't be read as video: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error)[:120]


def _remux(job: Mapping[str, Any]) -> bytes:
    options = _FRAGMENTED if job["is_fragmented"] else {}
    out = io.BytesIO()
    pieces = _pieces(job["parts"])
    with av.open(out, "w", format="mp4", options=options) as target:
        copy = target.add_stream_from_template(pieces[0].stream)
        first_s = min(pieces[0].times_s)
        for packet, pts, dts in _in_order(pieces, first_s):
            packet.stream = copy
            packet.time_base = Fraction(1, _TICKS)
            packet.pts, packet.dts, packet.duration = pts, dts, round(FRAME_S * _TICKS)
            target.mux(packet)
    return out.getvalue()


def _drawn(job: Mapping[str, Any]) -> bytes:
    out = io.BytesIO()
    pieces = _pieces(job["parts"])
    width, height = (side // 2 * 2 for side in _size(pieces[0].stream))
    with av.open(out, "w", format="mp4") as target:
        stream: Any = target.add_stream(_ENCODER, rate=round(1 / FRAME_S))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, _TICKS)
        stream.options = {"preset": "veryfast", "crf": "23"}
        first_s = None
        for time_s, frame in _frames(pieces, job["parts"][0]["from_s"]):
            first_s = time_s if first_s is None else first_s
            picture = frame.reformat(width, height, format="rgb24").to_ndarray()
            _write_on(picture, _line_at(job["lines"], time_s))
            drawn = av.VideoFrame.from_ndarray(picture, format="rgb24")
            drawn.pts, drawn.time_base = round((time_s - first_s) * _TICKS), Fraction(1, _TICKS)
            target.mux(stream.encode(drawn))
        if first_s is None:
            raise VideoProblem("no picture can be made of it")
        target.mux(stream.encode(None))
    return out.getvalue()


def _frames(pieces: Sequence[_Piece], from_s: float) -> Iterator[tuple[float, Any]]:
    """Pictures with their times, from `from_s` on."""
    for piece in pieces:
        times_s = {
            packet.pts: time_s for packet, time_s in zip(piece.packets, piece.times_s, strict=True)
        }
        for frame in _decoded(piece.stream, piece.packets):
            time_s = times_s.get(frame.pts)
            if time_s is not None and time_s >= from_s - FRAME_S / 2:
                yield time_s, frame


def _line_at(lines: Sequence[tuple[float, str]], time_s: float) -> str:
    place = bisect_right(lines, time_s + FRAME_S / 2, key=lambda line: line[0]) - 1
    return lines[place][1] if place >= 0 else ""


def _write_on(picture: NDArray[np.uint8], text: str) -> None:
    """White letters on a dark strip along the lower edge."""
    scale = max(picture.shape[1] // 260, 1)
    dots = line_of(text, scale)[:, : picture.shape[1] - 2 * scale]
    strip = picture[-(dots.shape[0] + 4 * scale) :]
    strip //= 4
    strip[2 * scale : 2 * scale + dots.shape[0], 2 * scale : 2 * scale + dots.shape[1]][dots] = 255


def _in_order(pieces: Sequence[_Piece], first_s: float) -> Iterator[tuple[Any, int, int]]:
    """Packets with the times at which they are shown and decoded, in ticks.

    They are decoded in the order of the file: that many ticks before, as pictures are reordered.
    """
    last = -1 << 40
    for piece in pieces:
        pts = [round((time_s - first_s) * _TICKS) for time_s in piece.times_s]
        in_order = sorted(pts)
        delay = max(early - own for early, own in zip(in_order, pts, strict=True))
        for packet, own, early in zip(piece.packets, pts, in_order, strict=True):
            last = max(early - delay, last + 1)
            yield packet, max(own, last), last


def _picture(job: Mapping[str, Any]) -> bytes:
    source = _open(job["parts"][0])
    stream, packets = _packets(source)
    by_time = sorted(range(len(packets)), key=lambda place: packets[place].pts)
    if job["frame_num"] >= len(by_time) + _MISSING_FRAMES:
        raise VideoProblem("it ends before that moment")
    wanted = packets[by_time[min(job["frame_num"], len(by_time) - 1)]]
    place = packets.index(wanted)
    start = next((at for at in range(place, -1, -1) if packets[at].is_keyframe), None)
    if start is None:
        raise VideoProblem("there is no whole picture before that moment")
    best = None
    for frame in _decoded(stream, packets[start:]):
        best = frame if best is None or frame.pts <= wanted.pts else best
        if frame.pts >= wanted.pts:
            break
    if best is None:
        raise VideoProblem("no picture can be made of it")
    return _jpeg(best, job["width"])


def _jpeg(frame: Any, width: int | None) -> bytes:
    width = min(width or frame.width, frame.width)
    height = max(round(frame.height * width / frame.width), 2)
    small = frame.reformat(width, height, format="yuvj420p")
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    encoder.time_base = Fraction(1, 20)
    small.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(small), *encoder.encode(None)])


def _pieces(parts: Sequence[Mapping[str, Any]]) -> list[_Piece]:
    found = [piece for piece in map(_piece, parts) if piece.packets]
    if not found:
        raise VideoProblem("there is no picture in that time")
    if sum(len(piece.packets) for piece in found) > _MAX_FRAMES:
        raise VideoProblem(f"there are more than {_MAX_FRAMES} pictures in that time")
    shapes = {(piece.stream.codec_context.name, *_size(piece.stream)) for piece in found}
    if len(shapes) > 1:
        raise VideoProblem("the pictures of its segments differ in size or coding")
    return found


def _piece(part: Mapping[str, Any]) -> _Piece:
    """The packets from the key frame on that is shown at `from_s`, until before `to_s`."""
    stream, packets = _packets(_open(part))
    by_time = sorted(range(len(packets)), key=lambda place: packets[place].pts)
    times_s = [0.0] * len(packets)
    for place, time_s in zip(by_time, placed(len(packets), dict(part["known"])), strict=True):
        times_s[place] = part["start_s"] + time_s
    first, from_s, to_s = 0, part["from_s"], part["to_s"]
    keys = [place for place, packet in enumerate(packets) if packet.is_keyframe]
    if not keys:
        raise VideoProblem("there is no key frame in it")
    if from_s is not None:
        first = max((place for place in keys if times_s[place] <= from_s), default=keys[0])
    wanted = [
        place
        for place in range(max(first, keys[0]), len(packets))
        if to_s is None or times_s[place] < to_s
    ]
    return _Piece(stream, [packets[i] for i in wanted], [times_s[i] for i in wanted])


def _open(part: Mapping[str, Any]) -> Any:
    file = os.fdopen(part["file"], "rb")
    return av.open(file, format="hevc" if part["is_hevc"] else "mpegts")


def _packets(source: Any) -> tuple[Any, list[Any]]:
    """The first video stream, and its packets in the order of the file."""
    if not source.streams.video:
        raise VideoProblem("there is no video in it")
    stream = source.streams.video[0]
    context = stream.codec_context
    if context.name not in _CODECS:
        raise VideoProblem(f"it is coded as {context.name}, which no device writes")
    width, height = _size(stream)
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        raise VideoProblem("its pictures have an impossible size")
    packets: list[Any] = []
    try:
        for packet in source.demux(stream):
            if packet.size and not packet.is_corrupt:
                if packet.pts is None:  # a raw stream has no times: the order is all there is
                    packet.pts = len(packets)
                packets.append(packet)
            if len(packets) > _MAX_FRAMES:
                raise VideoProblem(f"there are more than {_MAX_FRAMES} pictures in it")
    except av.error.FFmpegError:
        pass  # what comes before the damage is shown
    if not packets:
        raise VideoProblem("there is no picture in it")
    return stream, packets


def _size(stream: Any) -> tuple[int, int]:
    return stream.codec_context.width, stream.codec_context.height


def _decoded(stream: Any, packets: Sequence[Any]) -> Iterator[Any]:
    """Pictures of packets; what can't be decoded is passed over."""
    context = stream.codec_context
    context.thread_count = 1
    for packet in [*packets, None]:
        try:
            yield from context.decode(packet)
        except av.error.FFmpegError:
            continue


_JOBS: dict[str, Callable[[Mapping[str, Any]], bytes]] = {
    "remux": _remux, "picture": _picture, "drawn": _drawn,
}  # fmt: skip
