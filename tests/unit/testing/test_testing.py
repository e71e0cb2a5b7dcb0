"""A round trip finds what is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

import hspyio.testing
from hspyio import Signal, load
from hspyio.testing import assert_roundtrip


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


def test_a_name_that_is_not_there_is_named() -> None:
    with pytest.raises(AttributeError, match=r"'hspyio\.testing' has no attribute 'integers'"):
        hspyio.testing.integers  # type: ignore[attr-defined] # noqa: B018
