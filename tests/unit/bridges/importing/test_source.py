"""A file of another format: cut by its reader, and read again when its turn has come."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from hspyio.bridges.importing import blocks, readers
from hspyio.bridges.importing.readers import readers_of
from hspyio.bridges.importing.source import Reopened, signals_in
from support.formats import ripple

pytest.importorskip("rsciio")
VALUES = np.arange(60 * 16 * 16, dtype="<u2").reshape(60, 16, 16)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits of a few KiB, so that small files count as large."""
    monkeypatch.setattr(readers, "_AT_ONCE", 1024)
    monkeypatch.setattr(blocks, "_AT_ONCE", 1024)
    monkeypatch.setattr(blocks, "_BLOCK", 6000)


@pytest.fixture
def large(tmp_path: Path) -> str:
    return str(ripple(tmp_path / "large.rpl", VALUES))


def test_a_reader_that_takes_chunks_is_told_how_to_cut(small: None, large: str) -> None:
    options: dict[str, Any] = {}
    (signal,) = signals_in(large, readers_of(large, None), options, (5, 16, 16))
    assert signal.data.chunksize == (10, 16, 16)
    assert_array_equal(signal.data.compute(), VALUES)


def test_unless_the_user_has_told_it(small: None, large: str) -> None:
    (signal,) = signals_in(large, readers_of(large, None), {"chunks": (20, 8, 16)})
    assert signal.data.chunksize == (20, 8, 16)


def test_small_ones_are_read(large: str) -> None:
    (signal,) = signals_in(large, readers_of(large, None), {})
    assert isinstance(signal.data, np.ndarray)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_part_is_read_again(large: str, lazy: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if lazy:
        monkeypatch.setattr(readers, "_AT_ONCE", 1024)
    again = Reopened(large, tuple(readers_of(large, None)), {}, 0, VALUES.shape, VALUES.dtype)
    assert again.ndim == 3
    part = pickle.loads(pickle.dumps(again))[10:12, :, 3:5]
    assert type(part) is np.ndarray
    assert_array_equal(part, VALUES[10:12, :, 3:5])
