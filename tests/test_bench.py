"""The measurements of `bench/` are not run by the tests; that they can be started is seen here."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import pytest

import bench


@pytest.mark.parametrize("name", [module.name for module in iter_modules(bench.__path__)])
def test_what_a_measurement_imports_is_there(name):
    if name != "__main__":
        import_module(f"bench.{name}")
