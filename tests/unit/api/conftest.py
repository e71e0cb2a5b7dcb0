from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio
from support.samples import made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two experiments, models included, and an attribute of Experiments."""
    result = tmp_path / "file.hspy"
    hspyio.save(result, [made("First", 1), made("Second", 2)])
    with h5py.File(result, "r+") as file:
        file["Experiments"].attrs["operator"] = "A. N. Other"
        file["Notes"] = np.arange(3)
    return result
