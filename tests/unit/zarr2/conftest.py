"""Stores that RosettaSciIO has written, as zips and as folders."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from support.places import TESTS

ZSPY = TESTS / "support" / "zspy"
NAMES = sorted(path.stem for path in ZSPY.glob("*.zspy"))


def unpacked(name: str, folder: Path) -> Path:
    """A store as a folder."""
    target = folder / f"{name}.zspy"
    with zipfile.ZipFile(ZSPY / f"{name}.zspy") as archive:
        archive.extractall(target)
    return target


@pytest.fixture
def values(tmp_path: Path) -> Path:
    """The store of all kinds of values, as a folder."""
    return unpacked("values", tmp_path)
