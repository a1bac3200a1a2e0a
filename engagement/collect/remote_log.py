"""A log in a device's listing."""

from __future__ import annotations

from dataclasses import dataclass

VIDEO = "qcamera"
QCAMERA = f"{VIDEO}.ts"
"""The small video of a segment, which devices upload beside the qlog."""


@dataclass(frozen=True, slots=True)
class RemoteLog:
    """A log on a device.

    Attributes:
        path: Absolute, there.
        dongle_id: The device that recorded it, if the path says.
        drive: The log id.
        segment_num: Number of the segment.
        kind: `rlog`, `qlog`, or `qcamera`, which is no log but lies beside them.
        suffix: `.bz2`, `.zst` or nothing; `.ts` of the video.
        size_bytes: On the device.
        mtime_ns: Time of the last change, nanoseconds since 1970.
    """

    path: str
    dongle_id: str | None
    drive: str
    segment_num: int
    kind: str
    suffix: str
    size_bytes: int
    mtime_ns: int

    @property
    def segment(self) -> str:
        """The name of its segment, which is that of its folder here."""
        return f"{self.drive}--{self.segment_num}"

    @property
    def name(self) -> str:
        """Its short name, for messages."""
        return f"{self.segment}/{self.kind}{self.suffix}"
