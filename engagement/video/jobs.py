"""Work on videos in a process of its own, which gets open files and gives bytes, and may die.

Video is hostile input, and what decodes it is much code in C: so the process has limits of memory,
time and output, is given no path and no address, and ends with its answer. It is a new one each
time, as logs' workers are kept for many logs and have the database's writer as parent.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from engagement.errors import VideoError, VideoExtraError, reason_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from engagement.video.times import Footage

TIME_LIMIT_S = 30.0
"""Of one job that copies, or makes one picture; a minute of video takes a tenth of a second."""

MAX_FILE_BYTES = 256 << 20
"""Of one file that is read: a minute of qcamera.ts has 2 MB, of fcamera.hevc 75 MB."""

MAX_OUTPUT_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """A segment's video, and which of its frames are wanted.

    Attributes:
        footage: The video.
        from_s: From the key frame on that is shown at this time of the drive.
        to_s: Until before this time; None for all frames.
    """

    footage: Footage
    from_s: float | None = None
    to_s: float | None = None


def has_extra() -> bool:
    """Whether PyAV is installed."""
    return find_spec("av") is not None


def remux(parts: Sequence[Part], *, is_fragmented: bool) -> bytes:
    """An MP4 of the parts' pictures as they are, each at its time; sound is left out.

    Time 0 is the first picture's. Fragmented, it can be played while it comes.

    Raises:
        VideoExtraError: Without the extra.
        VideoError: If a file is gone, is another one than was found, or can't be read.
    """
    return _run("remux", parts, {"is_fragmented": is_fragmented})


def picture(footage: Footage, time_s: float, width: int | None = None) -> bytes:
    """A JPEG of the frame that was seen at a time of the drive, or of the nearest one.

    Raises:
        VideoExtraError: And the others, as `remux` does.
    """
    job = {"frame_num": footage.frame_at(time_s), "width": width}
    return _run("picture", [Part(footage)], job)


def drawn(parts: Sequence[Part], lines: Sequence[tuple[float, str]], time_limit_s: float) -> bytes:
    """An MP4 made anew, with a line of text on each picture: the last one whose time has come.

    Raises:
        VideoExtraError: And the others, as `remux` does.
    """
    return _run("drawn", parts, {"lines": lines}, time_limit_s=time_limit_s)


def opened(footage: Footage) -> IO[bytes]:
    """The file that was found, open.

    Raises:
        VideoError: If it is gone, or another one stands in its place.
    """
    try:
        stream = os.fdopen(os.open(footage.path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    except (OSError, ValueError) as error:
        raise _gone(footage.name, error) from error
    try:
        _check(footage.name, os.fstat(stream.fileno()), footage.size_bytes, footage.mtime_ns)
    except VideoError:
        stream.close()
        raise
    return stream


def check_as_found(path: str, size_bytes: int, mtime_ns: int) -> None:
    """Look whether a file is the one that was found, without opening it.

    Raises:
        VideoError: If it is not.
    """
    name = Path(path).name
    try:
        status = Path(path).stat()
    except (OSError, ValueError) as error:  # a name that no file can have
        raise _gone(name, error) from error
    _check(name, status, size_bytes, mtime_ns)


def _gone(name: str, error: OSError | ValueError) -> VideoError:
    why = reason_of(error) if isinstance(error, OSError) else str(error)
    problem = f"it was there when it was ingested, and can't be read now: {why}"
    return VideoError(name, problem)


def _check(name: str, status: os.stat_result, size_bytes: int, mtime_ns: int) -> None:
    if (status.st_size, status.st_mtime_ns) != (size_bytes, mtime_ns):
        raise VideoError(name, "it has changed since it was ingested; ingest it again")
    if not stat.S_ISREG(status.st_mode) or size_bytes > MAX_FILE_BYTES:
        raise VideoError(name, f"it has more than {MAX_FILE_BYTES >> 20} MiB, or is no file")


def _run(
    name: str, parts: Sequence[Part], job: dict[str, Any], *, time_limit_s: float = TIME_LIMIT_S
) -> bytes:
    if not has_extra():
        raise VideoExtraError
    with ExitStack() as stack:
        files = [stack.enter_context(opened(part.footage)) for part in parts]
        inputs = [
            {
                "file": file.fileno(),
                "is_hevc": part.footage.path.endswith(".hevc"),
                "start_s": part.footage.start_s,
                "known": list(part.footage.known.items()),
                "from_s": part.from_s,
                "to_s": part.to_s,
            }
            for part, file in zip(parts, files, strict=True)
        ]
        text = msgspec.json.encode({"name": name, "parts": inputs, **job})
        numbers = [file.fileno() for file in files]
        status, answer = _answer(text, numbers, time_limit_s)
    if status == 0 and len(answer) <= MAX_OUTPUT_BYTES:
        return answer
    raise VideoError(parts[0].footage.name, _problem(status, answer))


def _answer(job: bytes, files: Sequence[int], time_limit_s: float) -> tuple[int, bytes]:
    """What the process answers, and how it ended."""
    command = [sys.executable, "-P", "-m", "engagement.video.worker", str(int(time_limit_s))]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=files,
    ) as process:
        clock = threading.Timer(time_limit_s, process.kill)
        clock.start()
        try:
            with suppress(BrokenPipeError), _stream(process.stdin) as told:  # it may have died
                told.write(job)
            answer = _stream(process.stdout).read(MAX_OUTPUT_BYTES + 1)
            if len(answer) <= MAX_OUTPUT_BYTES:
                process.wait()
        finally:
            process.kill()  # nothing happens if it has ended
            clock.cancel()
        return process.wait(), answer


def _stream(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AssertionError
    return pipe


def _problem(status: int, answer: bytes) -> str:
    """Why there is no answer; what a process says is believed only as a short plain text."""
    if len(answer) > MAX_OUTPUT_BYTES:
        return f"more than {MAX_OUTPUT_BYTES >> 20} MiB would come of it; ask for less"
    if status == 1:
        text = answer[:200].decode(errors="replace")
        return "".join(letter for letter in text if letter.isprintable()) or "it can't be read"
    return "its decoder was ended: it takes too much time or memory"
