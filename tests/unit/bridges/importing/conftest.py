"""Files of other formats that the tests of importing share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from support.formats import ripple


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three images."""
    pytest.importorskip("rsciio")
    return ripple(tmp_path / "a.rpl", np.arange(3 * 6 * 7, dtype="<u2").reshape(3, 6, 7))
