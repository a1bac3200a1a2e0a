"""The log messages of a part of a drive, as they were recorded, as a log of their own.

The file begins with the first log's initData, as every log does; then come the messages whose
logMonoTime lies in the window, segment after segment, each in the order of its log. What later logs
repeat of initData is left out.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engagement.errors import InputError, LogError
from engagement.export.channels import bounds
from engagement.export.clip_table import ClipReport
from engagement.files import replacing
from engagement.logs.codec import DEFAULT_LIMIT_BYTES, decompress
from engagement.logs.log_clip import LogSink, cut
from engagement.logs.writer import SUFFIXES

if TYPE_CHECKING:
    from engagement.export.window import ClipWindow
    from engagement.logs.log_clip import Clip
    from engagement.logs.writer import Codec
    from engagement.store.reader import Reader

_SEGMENTS = """
select segment_num, path, codec, content_hash, raw_size_bytes from log.segment
where drive_id = $drive_id and start_mono_ns < $end_ns and end_mono_ns >= $start_ns
order by segment_num
"""
_CODECS: dict[str, Codec] = {"zstd": "zst", "bz2": "bz2", "none": "none"}
_SUFFIXES: dict[str, Codec] = {
    ".zst": "zst",
    ".bz2": "bz2",
    "": "none",
    ".rlog": "none",
    ".qlog": "none",
}


def codec_of(out: Path) -> Codec:
    """The compression that a log has by its name.

    Raises:
        InputError: If it is no name of a log.
    """
    codec = _SUFFIXES.get(out.suffix.lower())
    if codec is None:
        raise InputError(f"{out}: is no name of a log; call it rlog.zst, rlog.bz2 or rlog")
    return codec


def log_name(reader: Reader, clip: ClipWindow) -> str:
    """What to call the window's log, if it is to be compressed as the drive's first log of it.

    Raises:
        InputError: If no log of the drive is from that time.
    """
    codec = _CODECS.get(_segments(reader, clip)[0]["codec"], "none")
    return f"rlog{SUFFIXES[codec]}"


def write_raw_clip(reader: Reader, clip: ClipWindow, out: Path) -> ClipReport:
    """Write the messages of a window as a log, compressed as its name says.

    Raises:
        InputError: If `out` is no name of a log or one of the logs that are read, or no log of the
            drive is from that time.
        LogError: If a log is missing or is not the one that was ingested.
        OSError: If the file can't be written.
    """
    codec = codec_of(out)
    segments = _segments(reader, clip)
    _spare(out, segments)
    with replacing(out) as file:
        n_messages = _write(segments, clip, LogSink(file, codec))
    counts = {"message": n_messages, "segment": len(segments)}
    return ClipReport(out, "rlog", counts, out.stat().st_size)


def _write(segments: list[dict[str, Any]], clip: ClipWindow, sink: LogSink) -> int:
    n_init_data = n_messages = 0
    for number, segment in enumerate(segments):
        found = _cut(segment, clip)
        if number == 0 and found.init_data is not None:
            sink.write(found.init_data)
            n_init_data = 1
        for piece in found.pieces:
            sink.write(piece)
        n_messages += found.n_messages
    if not n_messages:
        raise _nothing_from(clip)
    sink.finish()
    return n_init_data + n_messages


def _segments(reader: Reader, clip: ClipWindow) -> list[dict[str, Any]]:
    """The logs that have messages of the window, in the order of their segments."""
    found = reader.rows(_SEGMENTS, bounds(clip.part))
    if not found:
        raise _nothing_from(clip)
    return found


def _nothing_from(clip: ClipWindow) -> InputError:
    return InputError(
        f"{clip.drive}: no log of it is from {clip.part.start_s:g} s to {clip.part.end_s:g} s; "
        f"the drive is {clip.duration_s:.1f} s long"
    )


def _spare(out: Path, segments: list[dict[str, Any]]) -> None:
    for segment in segments:
        path = Path(segment["path"])
        if out.exists() and path.exists() and out.samefile(path):
            raise InputError(f"{out}: is the log that the messages come from; name another file")


def _cut(segment: dict[str, Any], clip: ClipWindow) -> Clip:
    """The messages of a segment's log, if it still is the log that was ingested."""
    path = Path(segment["path"])
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        problem = f"can't be read: {error.strerror}; ingest it again from where it is now"
        raise LogError(path, problem) from error
    except OSError as error:
        raise LogError(path, f"can't be read: {error.strerror or error}") from error
    if hashlib.sha256(content).hexdigest() != segment["content_hash"]:
        raise LogError(path, "is not the log that was ingested; ingest it again")
    limit_bytes = max(DEFAULT_LIMIT_BYTES, segment["raw_size_bytes"])
    raw = decompress(content, limit_bytes=limit_bytes).raw
    return cut(raw, clip.part.start_ns, clip.part.end_ns)
