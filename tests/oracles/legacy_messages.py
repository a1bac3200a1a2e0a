"""The abstract drives that the legacy oracle reads: segments of messages in file order."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Controls:
    mono_ns: int
    active: bool


@dataclass(frozen=True, slots=True)
class CarState:
    mono_ns: int
    v_ego_mps: float  # a float32 value, widened
    is_pressed: bool = False


@dataclass(frozen=True, slots=True)
class Can:
    mono_ns: int
    frames: tuple[dict[str, float], ...]  # of each frame, its values by signal key


@dataclass(frozen=True, slots=True)
class CarParams:
    mono_ns: int
    openpilot_longitudinal: bool
    car_fingerprint: str


@dataclass(frozen=True, slots=True)
class InitData:
    mono_ns: int
    version: str
    git_branch: str
    git_commit: str
    device_type: str


Message = Controls | CarState | Can | CarParams | InitData


@dataclass(frozen=True, slots=True)
class Segment:
    number: int
    path: str  # as in `rlog_path`
    messages: tuple[Message, ...]  # in file order


@dataclass(frozen=True, slots=True)
class Drive:
    device_id: str
    drive: str
    segments: tuple[Segment, ...]  # in numeric order
