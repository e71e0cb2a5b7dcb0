"""The tools for tests: they find what is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from hspyio import Signal, load
from hspyio.compare import value_differences
from hspyio.testing import assert_roundtrip, metadata, ragged_free, signals


def test_a_round_trip_returns_what_was_loaded(tmp_path: Path) -> None:
    loaded = assert_roundtrip(Signal([1.0], metadata={"x": {1, 2}}), tmp_path / "a.hspy")
    assert loaded.metadata.x == {1, 2}
    assert loaded.location is not None and loaded.location.path == str(tmp_path / "a.hspy")


def test_what_is_lost_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(path: Path) -> Signal:
        signal = load(path)
        signal.metadata["x"] = [1, 2]
        return signal

    monkeypatch.setattr("hspyio.testing.load", forgetful)
    with pytest.raises(AssertionError, match=r"metadata\.x"):
        assert_roundtrip(Signal([1.0], metadata={"x": (1, 2)}), tmp_path / "a.hspy")


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
