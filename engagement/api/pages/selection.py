"""Which drives a page is about: the fields of its form, which its address keeps."""

from __future__ import annotations

from inspect import Parameter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
from litestar.params import FromQuery

from engagement.api.problems import ParameterError
from engagement.api.request_filters import MAX_LENGTH, check_days, takes
from engagement.errors import InputError, NotFoundError
from engagement.filters import DRIVE_FILTERS, Filter, Selection, parse_day

if TYPE_CHECKING:
    from engagement.store.serving import Generation

FIELDS = {name: one for name, one in DRIVE_FILTERS.items() if one.label}

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
    selection = Selection({n: _parse(FIELDS[n], text) for n, text in given.items() if text})
    check_days(selection)
    return selection


def read_form(generation: Generation, selection: Selection) -> dict[str, Any]:
    """What the template of a form needs: what is selected, and what there is to choose from.

    Raises:
        NotFoundError: If no drive has what is selected.
    """
    choices = generation.cached("choices of pages", lambda: _read_choices(generation))
    for name, known in choices.items():
        if name in selection.values and selection[name] not in known:
            raise NotFoundError(name, selection[name], known)
    return {"selection": selection, "fields": FIELDS, "choices": choices}


def query(selection: Selection, **changes: str) -> str:
    """The query of an address that asks for the same, but for some changes."""
    pairs = {name: text for name, text in (selection.values | changes).items() if text}
    return f"?{urlencode(pairs)}" if pairs else ""


def _parse(one: Filter, text: str) -> Any:
    if len(text) > MAX_LENGTH:
        raise ParameterError(one.name, f"it has more than {MAX_LENGTH} letters")
    try:
        if one.is_day:
            return parse_day(text)
        return msgspec.convert(text, one.kind, strict=False)
    except (InputError, msgspec.ValidationError) as error:
        raise ParameterError(one.name, str(error)) from error


def _read_choices(generation: Generation) -> dict[str, list[str]]:
    """What drives have, for each field of text."""
    drives = generation.in_memory("drives")

    def read(column: str) -> list[str]:
        rows = generation.rows(_CHOICES.format(column=column, drives=drives))
        return [row["choice"] for row in rows]

    return {name: read(one.column) for name, one in FIELDS.items() if one.kind is str}
