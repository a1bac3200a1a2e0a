"""The base tables of a log the plain way: message by message with pycapnp, field by field.

Rules that the mapping of `sources` can't say are written here a second time.
"""

from __future__ import annotations

import math
import string
import struct
import tomllib
from collections import defaultdict
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import capnp

from engagement.extract.sources import SOURCES
from tests.oracles.capnp_reader import split

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engagement.extract.sources import Source
    from engagement.logs.schema import Schema

Row = dict[str, Any]

_CONFIG = Path(__file__).parents[2] / "config"
_BORDER_NS = 10**9
_INT64 = 2**63
_FRAMES = 65_536
_ACCELS = 3  # the pointer of longitudinalPlan.accels
_KEPT_CHANGES = ("alert", "driving_model", "lane_change", "longitudinal_plan", "mads")
_INSTEAD = {  # what a table is read from where a log has it
    ("car_event", "carState"): {"carEvents", "onroadEvents"},
    ("model", "modelV2"): {"drivingModelData"},
}


def read_tables(
    raw: bytes,
    schema: Schema,
    *,
    without: Iterable[int] = (),
    keep_params: Iterable[str] = (),
) -> dict[str, list[Row]]:
    """Every table's rows in file order, as plain values; tables without rows are left out.

    The messages `without` are not read; params are those of the list and `keep_params`.
    """
    kept = {*keep_params, *_listed_params()}
    messages = dict(enumerate(split(raw)))
    events = {
        number: next(schema.event.read_multiple_bytes(message, traversal_limit_in_words=1 << 40))
        for number, message in messages.items()
        if number not in without
    }
    events = {number: event for number, event in events.items() if _is_known(event)}
    logged = {event.which() for event in events.values()}
    upstream = any(
        "commaai/openpilot" in (_text(event.initData, "gitRemote") or "")
        for event in events.values()
        if event.which() == "initData"
    )
    is_sunnypilot = any(
        event.which() == "selfdriveStateSP" and _is_sunnypilots(messages[number])
        for number, event in events.items()
    )
    tables: dict[str, list[Row]] = defaultdict(list)
    for source in SOURCES:
        if source.event == "onroadEventsSP" and not is_sunnypilot:
            continue
        if logged & _INSTEAD.get((source.table, source.event), set()):
            continue
        rows: list[Row] = []
        for number, event in events.items():
            if event.which() == source.event:
                key = {"message_num": number, "mono_ns": event.logMonoTime}
                message = _refine(messages[number], event, source, upstream=upstream)
                rows += [key | row | source.constants for row in message]
        if source.table == "plan" and "selfdriveState" not in logged:
            _forget_new_plans(rows, messages)
        if source.table == "driving_model" and not any(row["is_big"] for row in rows):
            continue
        tables[source.table] += _changes(rows, source)
    for number, event in events.items():
        tables["ignition"] += _ignition(number, event)
        tables["param"] += [row for row in _params(number, event) if row["name"] in kept]
    return {name: _in_file_order(rows) for name, rows in tables.items() if rows}


def _forget_new_plans(rows: list[Row], messages: dict[int, bytes]) -> None:
    """What 0.9.8 brought was not written before; aTarget not since there are accels."""
    for row in rows:
        row["should_stop"] = None
        if _sizes(messages[row["message_num"]])[1] > _ACCELS:
            row["target_accel_mps2"] = None


def _in_file_order(rows: list[Row]) -> list[Row]:
    """The rows; what one of two services says is null in those of the other."""
    names = dict.fromkeys(name for row in rows for name in row)
    rows = [{name: row.get(name) for name in names} for row in rows]
    return sorted(rows, key=lambda row: row["message_num"])


def _is_known(event: Any) -> bool:
    try:
        event.which()
    except capnp.KjException:  # a member of the union that the schema does not have
        return False
    return True


def _refine(message: bytes, event: Any, source: Source, *, upstream: bool) -> list[Row]:
    if source.table == "mads" and _sizes(message)[0]:
        return []  # sunnypilot's state has pointers alone; what other forks have there is not read
    member = getattr(event, source.event)
    elements = [member]
    if source.items is not None:
        elements = list(getattr(member, source.items) if source.items else member)
    rows = [
        {name: _value(element, path) for name, path in source.columns.items()}
        for element in elements
    ]
    if source.table == "car_event":
        if not source.event.startswith("onroadEvents") and not upstream:
            for row, element in zip(rows, elements, strict=True):
                row["name"] = str(element.name.raw) if element.name.raw >= 120 else row["name"]
        return rows or [dict.fromkeys(source.columns)]
    rule = _RULES.get(source.table)
    return [row for row in rows if rule(row, member, message) is not False] if rule else rows


def _value(element: Any, path: str) -> Any:
    if path.endswith("]"):
        name, number = path.removesuffix("]").split("[")
        listed = [*getattr(element, name)]
        value = listed[int(number)] if int(number) < len(listed) else None
        return value if value is not None and math.isfinite(value) else None
    *way, last = path.split(".")
    owner = reduce(getattr, way, element)
    value = _text(owner, last)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return value or None
    if not hasattr(value, "raw"):
        return value
    try:
        return str(value)
    except RuntimeError:  # a number that the schema has no name for
        return str(value.raw)


def _text(owner: Any, name: str) -> Any:
    """A field; of a text the first 1000 bytes, and nothing of one that is not UTF-8."""
    try:
        value = getattr(owner, name)
    except UnicodeDecodeError:
        return None
    return value.encode()[:1000].decode(errors="ignore") if isinstance(value, str) else value


def _is_sunnypilots(message: bytes) -> bool:
    n_data, n_pointers = _sizes(message)
    return n_data == 0 and n_pointers > 0


def _sizes(message: bytes) -> tuple[int, int]:
    """Words of data and number of pointers of the struct that an Event of one segment holds.

    An Event may be corrupt and have no pointers: then its struct is one that nobody wrote.
    """
    words = struct.unpack(f"<{len(message) // 8}Q", message)
    root = words[1]
    if not root >> 48:
        return 0, 0
    pointer = 2 + (root >> 2 & 0x3FFFFFFF) + (root >> 32 & 0xFFFF)
    return words[pointer] >> 32 & 0xFFFF, words[pointer] >> 48


def _car_state(row: Row, _member: Any, message: bytes) -> None:
    if row["v_ego_mps"] is not None and abs(row["v_ego_mps"]) > 150:
        row["v_ego_mps"] = None
    n_data, n_pointers = _sizes(message)
    row["n_pointers"] = min(n_pointers, 255)
    if n_pointers >= 7:
        row["steering_disengage"] = None
    if n_data < 10:
        row["v_cruise_kph"] = None


def _car_control(row: Row, _member: Any, message: bytes) -> None:
    if _sizes(message)[1] < 6:
        row["lat_active"] = row["long_active"] = None


def _lead(row: Row, _member: Any, _message: bytes) -> None:
    if not row["is_present"]:
        row |= {name: None for name in row if name not in ("is_present", "is_fcw")}


def _gps(row: Row, member: Any, _message: bytes) -> None:
    has_fix = member.hasFix or member.flags % 2 == 1
    row["has_fix"] = has_fix and (member.latitude != 0 or member.longitude != 0)


def _clock(row: Row, _member: Any, _message: bytes) -> bool:
    return 0 < row["wall_time_ns"] < _INT64


_SCHEMES = ("https", "http", "ssh", "git", "git+ssh", "ftp", "ftps", "rsync")
_HOST = {*string.ascii_letters, *string.digits, *"_.-"}
_PATH = {*_HOST, *"~+/"}


def _init_data(row: Row, _member: Any, _message: bytes) -> None:
    if not 0 < row["wall_time_ns"] < _INT64:
        row["wall_time_ns"] = None
    row["git_remote"] = row["git_remote"] and (_remote(row["git_remote"].strip()) or None)


def _remote(text: str) -> str | None:
    before, at, after = text.rpartition("@")
    text = before + at + after.replace("#", "?").partition("?")[0]
    scheme, colon, rest = text.partition(":")
    if colon and rest.startswith("/") and scheme.lower() in _SCHEMES:
        authority, slash, path = rest.lstrip("/").partition("/")
        host = authority.rpartition("@")[2]
        name, mark, port = host.partition(":")
        is_port = not mark or (port != "" and set(port) <= set(string.digits))
        if 0 < len(name) <= 253 and set(name) <= _HOST and is_port and set(path) <= _PATH:
            slashes = "/" * (len(rest) - len(rest.lstrip("/")))
            return f"{scheme}:{slashes}{host}{slash}{path}"
    authority, slash, path = text.partition("/")
    user, at, host = authority.rpartition("@")
    address = host + slash + path
    host, colon, path = address.partition(":" if ":" in host else "/")
    first = path.removeprefix("/")[:1] if colon == ":" else "x"
    if set(host) <= _HOST and set(path) <= _PATH and first not in ("", "/"):
        return (user + at if user.lower() == "git" else "") + address
    return None


def _car_params(row: Row, _member: Any, _message: bytes) -> None:
    row["car_vin"] = row["car_vin"] and row["car_vin"][:8]


def _longitudinal_plan(row: Row, _member: Any, message: bytes) -> None:
    if _sizes(message)[0] < 11:
        row["personality"] = None


def _video_frame(row: Row, _member: Any, _message: bytes) -> None:
    if row["frame_num"] >= _FRAMES:
        row["frame_num"] = None
    if not 0 < row["sof_mono_ns"] < _INT64:
        row["sof_mono_ns"] = None


_OWNERS = {
    "action": ("curvature_per_m", "accel_mps2", "should_stop"),
    "meta": ("lane_change_state", "lane_change_direction"),
    "laneLineMeta": ("left_lane_prob_fraction", "right_lane_prob_fraction"),
}


def _model(row: Row, member: Any, _message: bytes) -> None:
    for owner, columns in _OWNERS.items():
        if owner in member.schema.fields and not member._has(owner):
            row |= dict.fromkeys(columns)


def _driver_monitoring(row: Row, member: Any, message: bytes) -> bool:
    if hasattr(member, "activePolicy"):
        row["is_by_camera"] = member.activePolicy.raw == 1
        for name in ("awareness_fraction", "wheel_awareness_fraction"):
            row[name] = struct.unpack("f", struct.pack("f", row[name] / 100))[0]
    return _sizes(message)[0] > 0


_RULES = {
    "model": _model,
    "driver_monitoring": _driver_monitoring,
    "video_frame": _video_frame,
    "longitudinal_plan": _longitudinal_plan,
    "car_state": _car_state,
    "car_control": _car_control,
    "lead": _lead,
    "gps": _gps,
    "clock": _clock,
    "init_data": _init_data,
    "car_params": _car_params,
}


def _changes(rows: list[Row], source: Source) -> list[Row]:
    """Some tables and carState's events only where they change or near a border."""
    is_list = source.table == "car_event" and source.event == "carState"
    if not (source.table in _KEPT_CHANGES or is_list):
        return rows
    groups: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["message_num"]].append(row)
    in_time = sorted(groups.values(), key=lambda group: group[0]["mono_ns"])
    times = [group[0]["mono_ns"] for group in in_time]
    kept: list[Row] = []
    last: Any = None
    for group, mono_ns in zip(in_time, times, strict=True):
        value = [[row[name] for name in source.columns] for row in group]
        near = mono_ns - times[0] < _BORDER_NS or times[-1] - mono_ns < _BORDER_NS
        if near or value != last:
            kept += group
        last = value
    return kept


def _ignition(number: int, event: Any) -> list[Row]:
    pandas = {"pandaState": lambda: [event.pandaState], "pandaStates": lambda: event.pandaStates}
    states = list(pandas.get(event.which(), list)())
    is_on = any(state.ignitionLine or state.ignitionCan for state in states)
    row = {"message_num": number, "mono_ns": event.logMonoTime, "source": "pandaState"}
    return [row | {"is_on": is_on}] if states else []


def param_names(raw: bytes, schema: Schema) -> list[str]:
    """The names of all params in a log, in order."""
    events = [
        next(schema.event.read_multiple_bytes(message, traversal_limit_in_words=1 << 40))
        for message in split(raw)
    ]
    return sorted({row["name"] for event in filter(_is_known, events) for row in _params(0, event)})


def _listed_params() -> Iterable[str]:
    groups = tomllib.loads((_CONFIG / "kept_params.toml").read_text())
    return [name for names in groups.values() for name in names]


def _params(number: int, event: Any) -> list[Row]:
    entries = event.initData.params.entries if event.which() == "initData" else []
    return [
        {
            "message_num": number,
            "name": _text(entry, "key") or "",
            "value": entry.value[:16_384].rstrip(b"\0").decode(errors="backslashreplace"),
        }
        for entry in entries
    ]
