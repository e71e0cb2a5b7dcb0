"""The strategies make what files hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given

from hspyio import Signal
from hspyio.compare import value_differences
from hspyio.testing import metadata, ragged_free, signals


@given(metadata())
def test_a_tree_equals_itself(tree: dict[Any, Any]) -> None:
    assert not value_differences(tree, tree)


@given(signals())
def test_signals_have_data_of_a_kind_that_files_hold(signal: Signal) -> None:
    assert signal.data.dtype.kind in "biufcSUMmV"


def test_ragged_free_leaves_no_object_arrays() -> None:
    ragged = np.empty(2, object)
    ragged[:] = [np.arange(2), "a"]
    freed = ragged_free({"x": [ragged], "y": (ragged, 1)})
    assert not value_differences(freed, {"x": [[np.arange(2), "a"]], "y": ([np.arange(2), "a"], 1)})
