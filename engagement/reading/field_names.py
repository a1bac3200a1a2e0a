"""What people call a field, to where it lies: `modelV2.leadsV3[0].prob`, `can[0x25,bus=0]`.

A name is a service, a member of openpilot's Event, and a path down from it. `[3]` is an element of
a list and `[-1]` its last; a list that is not indexed is read whole, and so is each field of a list
of structs. `*` is every field below a struct. A number in `can[...]` is an address: its frames.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engagement.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engagement.logs.schema import Field, Schema, StructLayout

FRAME_SERVICES = ("can", "sendcan")
"""Services that are lists of CAN frames."""

_MAX_NAME_LENGTH = 200
_PART = re.compile(r"(?P<name>\w+)(?P<index>\[(?:-?\d{1,5})?\])?", re.ASCII)
_FRAMES = re.compile(
    r"(?P<service>\w+)\[(?P<address>0x[0-9a-f]{1,8}|\d{1,10})(?:,\s*bus=(?P<bus>\d{1,3}))?\]",
    re.ASCII | re.IGNORECASE,
)
_UNREADABLE = ("void", "anyPointer", "interface")
_NESTED = ("list", *_UNREADABLE)  # kinds of elements that are not read


@dataclass(frozen=True, slots=True)
class Step:
    """A field of a struct, a group's being `group.field`; `index` is the element of a list."""

    name: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Frames:
    """The CAN frames of an address, on one bus or on all."""

    address: int
    bus: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A field to read.

    Attributes:
        name: As it was asked for: the name of its column.
        service: The member of Event.
        steps: From Event down to the field, the service first.
        frames: Which frames, where the field is their bytes.
    """

    name: str
    service: str
    steps: tuple[Step, ...]
    frames: Frames | None = None


def find_fields(names: Sequence[str], schema: Schema) -> list[Wanted]:
    """What the names mean, in their order, each once.

    Raises:
        InputError: If a name has no meaning, or there is none.
        NotFoundError: If there is no such service or field.
    """
    if not names:
        raise InputError("name a field, as carState.vEgo, or carState.* for all of a service")
    found = {wanted.name: wanted for name in names for wanted in _find(name.strip(), schema)}
    return list(found.values())


def all_fields(service: str, schema: Schema) -> list[Wanted]:
    """Every readable field of a service; none where the schema has no such."""
    field = schema.layout.fields.get(service)
    if field is None or service not in schema.which_by_name:
        return []
    step = (Step(service),)
    return (
        [Wanted(service, service, step)]
        if is_readable(field)
        else list(_all_below(service, step, field))
    )


def _find(name: str, schema: Schema) -> Iterator[Wanted]:
    if len(name) > _MAX_NAME_LENGTH:
        raise InputError(f"{name[:40]!r}... is no name of a field: it is too long")
    if (match := _FRAMES.fullmatch(name)) and match["service"] in FRAME_SERVICES:
        address, bus = int(match["address"], 0), match["bus"]
        frames = Frames(address, None if bus is None else int(bus))
        yield Wanted(name, match["service"], (Step(match["service"]),), frames)
        return
    steps, field, is_all = _walk(name, schema)
    service = steps[0].name
    if is_all:
        yield from _all_below(name.removesuffix("*").removesuffix("."), steps, field)
    elif is_readable(field):
        yield Wanted(name, service, steps)
    elif _target(field):
        raise InputError(f"{name} has several fields; {name}.* reads them all")
    else:
        raise InputError(f"{name} can't be read: the schema does not say what it is made of")


def _walk(name: str, schema: Schema) -> tuple[tuple[Step, ...], Field, bool]:
    """The steps of a name, the field that they lead to, and whether all below it is meant."""
    steps: list[Step] = []
    field: Field | None = None
    layout: StructLayout | None = schema.layout
    rest = name
    while rest:
        if layout is None:
            raise InputError(f"{name}: {steps[-1].name} has no fields below it")
        if rest == "*":
            break
        fields = layout.fields
        known = schema.which_by_name if field is None else fields
        step, rest = _next(name, rest, known, steps)
        field = fields[step.name]
        if step.index is not None and field.kind != "list":
            raise InputError(f"{name}: {step.name} is no list, so it has no elements")
        steps.append(step)
        layout = _target(field)
    if field is None:
        raise InputError(f"{name!r} is no name of a field; one is as carState.vEgo")
    return tuple(steps), field, bool(rest)


def _next(
    name: str, rest: str, known: dict[str, Field] | dict[str, int], steps: list[Step]
) -> tuple[Step, str]:
    """The next step of a name, by the longest run of its parts that is a field, and the rest."""
    parts = rest.split(".")
    for n_parts in range(len(parts), 0, -1):
        match = _PART.fullmatch(parts[n_parts - 1])
        if match is None:
            continue
        head = ".".join([*parts[: n_parts - 1], match["name"]])
        if head in known:
            index = (match["index"] or "[]")[1:-1]
            return Step(head, int(index) if index else None), ".".join(parts[n_parts:])
    if not all(part == "*" or _PART.fullmatch(part) for part in parts):
        raise InputError(f"{name!r} is no name of a field; one is as carState.vEgo")
    of = f" of {'.'.join(step.name for step in steps)}" if steps else ""
    raise NotFoundError(f"field{of}" if steps else "service", parts[0].partition("[")[0], known)


def _target(field: Field) -> StructLayout | None:
    """What a struct or a list of structs is made of; None for all others."""
    is_struct = field.kind == "struct" or field.element_kind == "struct"
    return field.target if is_struct else None


def is_readable(field: Field) -> bool:
    """Whether a field has values of its own: it is no struct, and the schema says its type."""
    if field.kind == "list":
        return field.element_kind not in ("struct", *_NESTED)
    return field.kind != "struct" and field.kind not in _UNREADABLE


def _all_below(
    prefix: str, steps: tuple[Step, ...], field: Field, above: tuple[int, ...] = ()
) -> Iterator[Wanted]:
    """Every readable field; a struct in one of its own type is not gone down to."""
    layout = _target(field)
    if layout is None or layout.type_id in above:
        return
    for name, below in layout.fields.items():
        path, further = f"{prefix}.{name}", (*steps, Step(name))
        if is_readable(below):
            yield Wanted(path, steps[0].name, further)
        else:
            yield from _all_below(path, further, below, (*above, layout.type_id))
