"""The measurements of `bench/` are not run by the tests; that they can be started is seen here."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import pytest

import bench
from bench.page import replace_block


@pytest.mark.parametrize("name", [module.name for module in iter_modules(bench.__path__)])
def test_what_a_measurement_imports_is_there(name):
    if name != "__main__":
        import_module(f"bench.{name}")


@pytest.mark.parametrize("before", ["", "old\n\ntable\n"])
def test_what_a_section_prints_takes_the_place_of_its_last_run_and_of_nothing_else(before):
    page = (
        f"# A\n\n<!-- one -->\n\n```text\n{before}```\n\n```yaml\nb: 1\n```\n"
        "\n<!-- two -->\n\n```text\n2\n```\n"
    )
    assert replace_block(page, "one", "new\n\ntable") == page.replace(
        f"```text\n{before}```", "```text\nnew\n\ntable\n```"
    )
    assert replace_block(page, "three", "3") == page
