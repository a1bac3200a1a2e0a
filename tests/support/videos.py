"""Videos as a device writes them, made by PyAV: each picture has a grey that says its number."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, HEIGHT = 160, 90
KEY_EVERY = 20


def grey_of(number: int) -> int:
    """How bright a picture is; neighbours differ by more than coding changes."""
    return 40 + number * 37 % 180


def write_video(path: Path, n_frames: int = 100, *, codec: str = "libx264") -> Path:
    """Write frames at 20 a second; a name that ends in .hevc gets a raw stream."""
    path.parent.mkdir(parents=True, exist_ok=True)
    container = "hevc" if path.suffix == ".hevc" else "mpegts"
    with av.open(str(path), "w", format=container) as target:
        stream = target.add_stream(codec, rate=20)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = KEY_EVERY
        stream.codec_context.max_b_frames = 0
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "sc_threshold": "0"}
        for number in range(n_frames):
            picture = np.full((HEIGHT, WIDTH, 3), grey_of(number), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 20)
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def packets_of(source: object, form: str | None = None) -> list[av.Packet]:
    """The packets of the video in a file, as PyAV reads them itself."""
    with av.open(source, format=form) as container:
        return [packet for packet in container.demux(video=0) if packet.size]
