"""Words for causes, kinds and modes in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engagement.store.causes import load_causes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engagement.units import DeviceNames

_APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"

_KINDS = {
    "disengagement": "disengagement",
    "lateral_override": "steering override",
    "longitudinal_override": "pedal override",
}
_MODES = {
    "engaged": "engaged",
    "lateral_only": "steering only",
    "pre_enabled": "about to engage",
    "manual": "manual",
    "unknown": "unknown",
}

_ANSWERS = {"true": "yes", "false": "no"}
_EXEMPTIONS = {
    "carried_in": "pressed already when openpilot took over",
    "nudge": "confirms a lane change",
    "nag_answer": "answers an alert to touch the wheel",
    "resume": "drives on from a stop",
    "pause": "a pedal while only the steering is on",
}

WORDS: Mapping[str, Mapping[str, str]] = {
    "inputs": {
        "steering": "steering",
        "gas": "accelerator",
        "brake": "brake",
        "button": "a button",
    },
    "bands": {"city": "city", "road": "road", "highway": "highway", "unknown": "unknown"},
    "modes": _MODES,
    "exemptions": _EXEMPTIONS,
    "dispersion_sources": {
        "database": "wider by what the drives differ, here and in the database",
        "shipped": "wider by what drives usually differ, as too few others are here to tell",
    },
}


def curly(text: str) -> str:
    """Text with typographic apostrophes."""
    return text.replace("'", _APOSTROPHE)


def cause_words(cause: str | None) -> str:
    """A cause as the end of a sentence; an override has none."""
    known = load_causes()
    return "" if cause is None else curly(known[cause].words if cause in known else cause)


def kind_words(kind: str) -> str:
    """What kind of event it is."""
    return _KINDS.get(kind, kind)


def choice_words(names: DeviceNames, value: str, field: str) -> str:
    """A value of a form's field as people call it: a device, a cause, a kind, yes or no."""
    if field == "device":
        return names(value) or value
    if field.startswith("is_"):
        return _ANSWERS.get(value, value)
    words = {"cause": cause_words, "kind": kind_words}.get(field)
    return words(value) if words else value


def mode_words(mode: str) -> str:
    """What openpilot does in this mode."""
    return _MODES.get(mode, mode)


def title_words(kind: str, cause: str | None) -> str:
    """An event as a heading: Disengagement: the driver braked."""
    what = kind_words(kind)
    named = f"{what}: {cause_words(cause)}" if cause else what
    return named[:1].upper() + named[1:]
