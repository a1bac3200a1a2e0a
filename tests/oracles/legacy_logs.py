"""Reads real logs into the legacy oracle's messages, with pycapnp and cantools only."""

from __future__ import annotations

import bz2
import json
from typing import TYPE_CHECKING, Any

import cantools

from tests.oracles.legacy_messages import (
    Can,
    CarParams,
    CarState,
    Controls,
    Drive,
    InitData,
    Message,
    Segment,
)

if TYPE_CHECKING:
    from pathlib import Path


def read_drives(root: Path, event_type: Any, profiles_path: Path) -> list[Drive]:
    """The drives under `root`/rlogs, decoded with the default profile; `event_type` is capnp's."""
    signals = read_signals(profiles_path, dbc_dir=root)
    folders: dict[tuple[str, str], list[Path]] = {}
    for folder in sorted((root / "rlogs").glob("*/*")):
        folders.setdefault((folder.parent.name, folder.name[:20]), []).append(folder)
    drives = []
    for (device_id, drive), parts in folders.items():
        parts.sort(key=_segment_number)
        segments = tuple(_read_segment(part, root, event_type, signals) for part in parts)
        drives.append(Drive(device_id, drive, segments))
    return drives


def read_signals(profiles_path: Path, dbc_dir: Path) -> dict[str, list[dict[str, Any]]]:
    """The default profile's entries by signal key, each with its cantools message under `dbc`."""
    profiles = json.loads(profiles_path.read_text())
    profile = profiles["profiles"][profiles["default_profile"]]
    dbc = cantools.database.load_file(dbc_dir / profile["dbc_file"])
    signals = {}
    for key, spec in profile["signals"].items():
        entries = spec if isinstance(spec, list) else [spec]
        signals[key] = [{**e, "dbc": dbc.get_message_by_name(e["message"])} for e in entries]
    return signals


def _segment_number(folder: Path) -> int:
    return int(folder.name.rsplit("--", 1)[1])


def _read_segment(
    folder: Path, root: Path, event_type: Any, signals: dict[str, list[dict[str, Any]]]
) -> Segment:
    path = next(folder.iterdir())
    content = path.read_bytes()
    if path.suffix == ".bz2":
        content = bz2.decompress(content)
    messages = [_message(e, signals) for e in event_type.read_multiple_bytes(content)]
    return Segment(
        number=_segment_number(folder),
        path=f"./{path.relative_to(root).as_posix()}",
        messages=tuple(message for message in messages if message is not None),
    )


def _message(event: Any, signals: dict[str, list[dict[str, Any]]]) -> Message | None:
    mono_ns = event.logMonoTime
    match event.which():
        case "controlsState":
            return Controls(mono_ns, event.controlsState.active)
        case "carState":
            return CarState(mono_ns, event.carState.vEgo)
        case "can":
            return Can(mono_ns, tuple(frame_values(f, signals) for f in event.can))
        case "carParams":
            params = event.carParams
            return CarParams(mono_ns, params.openpilotLongitudinalControl, params.carFingerprint)
        case "initData":
            init = event.initData
            return InitData(
                mono_ns, init.version, init.gitBranch, init.gitCommit, str(init.deviceType)
            )
    return None


def frame_values(frame: Any, signals: dict[str, list[dict[str, Any]]]) -> dict[str, float]:
    """The frame's values by signal key; empty when the profile knows nothing in it."""
    values = {}
    for key, entries in signals.items():
        found = [_entry_value(frame, entry) for entry in entries]
        if any(value is not None for value in found):
            values[key] = _combined(found)
    return values


def _combined(found: list[float | None]) -> float:
    if len(found) == 1 and found[0] is not None:
        return found[0]
    return float(sum(1 << bit for bit, value in enumerate(found) if value))


def _entry_value(frame: Any, entry: dict[str, Any]) -> float | None:
    if frame.address != entry["dbc"].frame_id or frame.src != entry.get("source", frame.src):
        return None
    decoded = entry["dbc"].decode(bytes(frame.dat), decode_choices=False)
    transform = entry.get("transform", {})
    return decoded[entry["signal"]] * transform.get("scale", 1.0) + transform.get("offset", 0.0)
