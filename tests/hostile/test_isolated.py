"""Attacks that would harm the process that has a file read by another one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import hspyio
from hspyio.errors import DamagedFileError
from support.attacks import child, sizes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "attack.hspy"


def test_rows_without_end_are_not_looked_for(path: Path) -> None:
    sizes.ragged_data(path)
    found = hspyio.verify(path)
    assert "is said to have 1,125,899,906,842,624 items" in repr(found)
    with pytest.raises(DamagedFileError, match="is said to have"):
        hspyio.load(path, isolated=True)


def test_what_was_never_written_is_not_sent(path: Path) -> None:
    sizes.unfilled_metadata(path)
    before = child._peak()
    apart, here = hspyio.load(path, isolated=True), hspyio.load(path)
    arrays = [key for key in here.metadata if key.startswith("array")]
    assert arrays
    for key in arrays:
        assert apart.metadata[key].shape == here.metadata[key].shape
        assert apart.metadata[key].dtype == here.metadata[key].dtype
        assert not apart.metadata[key][:: 2**16].any()
    if sys.platform == "linux":
        assert child._peak() - before < 2**29
