from __future__ import annotations

from pathlib import Path

import pytest

from support.hinted import UPDATED, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that holds `hinted.UPDATED`."""
    path = tmp_path / "hints.hspy"
    write(path, UPDATED)
    return path
