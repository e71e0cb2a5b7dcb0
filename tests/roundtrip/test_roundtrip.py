"""``load(save(x))`` is ``x``, with type and order; and RosettaSciIO reads what we write."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

from hspyio import Signal
from hspyio.testing import assert_roundtrip, metadata, signals


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("roundtrip")


@given(metadata())
def test_any_metadata_comes_back_exactly(folder: Path, tree: dict) -> None:
    assert_roundtrip(Signal([1.0, 2.0], metadata=tree), folder / "metadata.hspy")


@given(signals())
def test_any_signal_comes_back_exactly(folder: Path, signal: Signal) -> None:
    assert_roundtrip(signal, folder / "signal.hspy")
