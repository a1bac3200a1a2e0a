"""Which drives a page is about: the fields of its form, which its address keeps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from inspect import Parameter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
from litestar.params import FromQuery

from engagement.api.pages.page_formats import exact
from engagement.api.problems import ParameterError
from engagement.api.request_filters import MAX_LENGTH, check_days, takes
from engagement.errors import InputError, NotFoundError
from engagement.filters import DRIVE_FILTERS, Filter, Selection, parse_day

if TYPE_CHECKING:
    from engagement.store.serving import Generation

FIELDS = {name: one for name, one in DRIVE_FILTERS.items() if one.label}

_NUMBER = re.compile("[1-9][0-9]{0,8}")
_PRESETS = {"Last 7 days": 7, "30 days": 30, "Year": 365}
_CHOICES = """
select distinct {column} as choice from {drives} where {column} is not null order by choice
"""


@takes(
    [
        Parameter(name, Parameter.KEYWORD_ONLY, default="", annotation=FromQuery[str])
        for name in FIELDS
    ]
)
def provide_selection(**given: str) -> Selection:
    """Gather what the fields of a form say.

    An empty text asks for nothing: that is what a form sends for a field that was left alone.
    """
    selection = Selection({n: read_value(FIELDS[n], text) for n, text in given.items() if text})
    check_days(selection)
    return selection


def read_form(generation: Generation, selection: Selection) -> dict[str, Any]:
    """What the template of a form needs: what is selected, and what there is to choose from.

    Raises:
        NotFoundError: If no drive has what is selected.
    """
    choices = read_choices(generation)
    for name, known in choices.items():
        if name in selection.values and selection[name] not in known:
            raise NotFoundError(name, selection[name], known)
    return {"selection": selection, "fields": FIELDS, "choices": choices}


@dataclass(frozen=True, slots=True)
class Preset:
    """A stretch of days that is often asked for: the last ones up to the last drive."""

    words: str
    since: date


def read_presets(generation: Generation) -> list[Preset]:
    """The presets; none where no drive has a date."""
    drives = generation.in_memory("drives")
    [row] = generation.rows(f"select max(started_at)::date as last_day from {drives}")
    last = row["last_day"]
    if last is None:
        return []
    return [Preset(words, last - timedelta(days=n_days - 1)) for words, n_days in _PRESETS.items()]


def query(selection: Any, **changes: Any) -> str:
    """The query of an address that asks for the same, but for some changes."""
    texts = {name: exact(value) for name, value in (selection.values | changes).items()}
    pairs = {name: text for name, text in texts.items() if text}
    return f"?{urlencode(pairs)}" if pairs else ""


def page_number(text: str) -> int:
    """The number of a page of a list.

    Raises:
        ParameterError: If it is none.
    """
    if not _NUMBER.fullmatch(text):
        raise ParameterError("number", f"{text!r} is no number of a page")
    return int(text)


def read_value(one: Filter, text: str) -> Any:
    """The value of a filter that a field of a form says.

    Raises:
        ParameterError: If it is none.
    """
    if len(text) > MAX_LENGTH:
        raise ParameterError(one.name, f"it has more than {MAX_LENGTH} letters")
    try:
        if one.is_day:
            return parse_day(text)
        return msgspec.convert(text, one.kind, strict=False)
    except (InputError, msgspec.ValidationError) as error:
        raise ParameterError(one.name, str(error)) from error


def read_choices(generation: Generation) -> dict[str, list[str]]:
    """What drives have, for each field of text."""
    return generation.cached("choices of pages", lambda: _read_choices(generation))


def _read_choices(generation: Generation) -> dict[str, list[str]]:
    drives = generation.in_memory("drives")

    def read(column: str) -> list[str]:
        rows = generation.rows(_CHOICES.format(column=column, drives=drives))
        return [row["choice"] for row in rows]

    return {name: read(one.column) for name, one in FIELDS.items() if one.kind is str}
