"""What causes, kinds and modes are called in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"

_CAUSES = {
    "system_immediate": "openpilot disengaged at once",
    "system_soft": "openpilot gave warning, then disengaged",
    "driver_soft": "door, seatbelt or gear",
    "driver_brake": "the driver braked",
    "driver_gas": "the driver accelerated",
    "driver_steer": "the driver steered",
    "driver_cancel": "the driver pressed cancel",
    "driver_main": "the driver turned cruise off",
    "driver_park": "parking brake, brake hold or reverse",
    "driver_other": "the driver, in another way",
    "car_cruise": "the car's cruise control ended",
    "end_of_drive": "the drive ended",
    "unknown": "nothing in the log explains it",
}
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

WORDS: Mapping[str, Mapping[str, str]] = {
    "inputs": {
        "steering": "steering",
        "gas": "accelerator",
        "brake": "brake",
        "button": "a button",
    },
    "bands": {"city": "city", "road": "road", "highway": "highway", "unknown": "unknown"},
    "modes": _MODES,
    "interval_kinds": {
        "poisson": "exact Poisson interval",
        "quasi_poisson": "quasi-Poisson interval, as drives vary more than chance",
    },
}


def curly(text: str) -> str:
    """Text with the apostrophes that printers use."""
    return text.replace("'", _APOSTROPHE)


def cause_words(cause: str | None) -> str:
    """A cause as the end of a sentence; an override has none."""
    return "" if cause is None else curly(_CAUSES.get(cause, cause))


def kind_words(kind: str) -> str:
    """What kind of event it is."""
    return _KINDS.get(kind, kind)


def mode_words(mode: str) -> str:
    """What openpilot does in this mode."""
    return _MODES.get(mode, mode)


def title_words(kind: str, cause: str | None) -> str:
    """An event as a heading: Disengagement: the driver braked."""
    what = kind_words(kind)
    named = f"{what}: {cause_words(cause)}" if cause else what
    return named[:1].upper() + named[1:]
