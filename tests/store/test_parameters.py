"""Files of parameters: what they name is changed, what does not hold is told."""

from __future__ import annotations

import pytest

from engagement.errors import ConfigError
from engagement.store import schema

PARAMETER = '[parameters]\nmax_gap_s = { value = 2.5, unit = "s", why = "to see" }\n'


def test_a_file_of_parameters_changes_those_it_names(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(PARAMETER)
    shipped, own = schema.load_parameters(), schema.load_parameters(path)

    assert own["max_gap_s"].value == 2.5
    assert {name for name in own if own[name] != shipped[name]} == {"max_gap_s"}
    assert own.keys() == shipped.keys()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("parameters = ", "Invalid value"),
        (PARAMETER.replace("max_gap_s", "max_gab_s"), "did you mean 'max_gap_s'"),
        (PARAMETER.replace("2.5", "-2.5"), ">= 0"),
        (PARAMETER.replace("2.5", "nan"), ">= 0"),
        (PARAMETER.replace("2.5", "1e300"), "<= 1e9|<= 1000000000"),
        (PARAMETER.replace("2.5", '"two"'), "Expected `float`"),
        (PARAMETER.replace("why", "because"), "because|why"),
        (PARAMETER + "[other]\n", "unknown field"),
        ("\udcff", "utf-8"),
    ],
)
def test_parameters_that_do_not_hold_are_told_with_their_file(tmp_path, text, problem):
    path = tmp_path / "own.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(ConfigError, match=problem) as caught:
        schema.load_parameters(path)

    assert str(caught.value).startswith(f"{path}: ")


def test_a_file_of_parameters_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml: No such file"):
        schema.load_parameters(tmp_path / "none.toml")
