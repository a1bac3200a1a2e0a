"""Errors cross processes: what a worker raises arrives whole."""

from __future__ import annotations

import pickle

import pytest

from engagement import errors
from engagement.api.problems import ParameterError
from engagement.review.child import ViewerError

RAISED = [
    errors.InputError("a wrong name"),
    errors.ConfigError("settings.toml", "unknown key 'a'", where="table b"),
    errors.LogError("rlog", "is cut"),
    errors.StoreBusyError("drives.duckdb", "process 7"),
    errors.StoreVersionError("drives.duckdb", 1, 2),
    errors.ViewError("rates", "no such column"),
    errors.QueryTimeoutError(2.5),
    errors.NotFoundError("drive", "00000046", ["00000047"]),
    errors.ConnectionLostError("comma", "no answer"),
    ParameterError("since", "is no day"),
    ViewerError("plotjuggler", "is not installed"),
]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_an_error_is_the_same_after_pickling(error):
    copied = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert type(copied) is type(error)
    assert str(copied) == str(error)
    assert vars(copied) == vars(error)
