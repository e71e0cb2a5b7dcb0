"""A save that cannot fit is refused before it begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.errors import SaveError
from hspyio.transaction import space

DATA = np.random.default_rng(1).integers(0, 4, (200, 50, 100)).astype("u2")  # 2 MB, 8 : 1 by gzip


def free(count: int | None, monkeypatch: Any) -> None:
    monkeypatch.setattr(space, "free_space", lambda folder: count)


@pytest.mark.parametrize(
    ("room", "compression", "fits"),
    [
        (2_000_000, None, True),
        (1_999_999, None, False),
        (500_000, "gzip", True),
        (100_000, "gzip", False),
        (1000, "lzf", False),
        (None, None, True),
    ],
)
def test_what_fits(
    room: int | None, compression: Any, fits: bool, tmp_path: Path, monkeypatch: Any
) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal([1.0]))
    before = path.read_bytes()
    free(room, monkeypatch)
    if fits:
        hspyio.save(path, Signal(DATA), compression=compression, overwrite=True)
        return
    with pytest.raises(
        SaveError, match=r"needs about [\d.]+ .B, but \d+ .*are free in .*nothing was"
    ):
        hspyio.save(path, Signal(DATA), compression=compression, overwrite=True)
    with pytest.raises(SaveError, match="needs about"):
        hspyio.append(path, Signal(DATA), compression=compression)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_dask_array_is_judged_where_it_can_be(tmp_path: Path, monkeypatch: Any) -> None:
    free(100_000, monkeypatch)
    lazy = Signal(da.from_array(np.zeros_like(DATA), chunks=(50, 50, 100)))
    hspyio.save(tmp_path / "a.hspy", lazy)  # what it comes to is not known
    with pytest.raises(SaveError, match="needs about 2 MB, but 100 kB are free"):
        hspyio.save(tmp_path / "b.hspy", lazy, compression=None)
    hspyio.update(tmp_path / "a.hspy", hspyio.load(tmp_path / "a.hspy"))  # its data stay
    with pytest.raises(SaveError, match="needs about 2 MB"):
        hspyio.repack(tmp_path / "a.hspy", tmp_path / "c.hspy", compression=None)
