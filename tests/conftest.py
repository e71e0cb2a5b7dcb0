"""What all tests share: how hypothesis runs, and where the real files are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "hspyio",
    deadline=None,
    derandomize="CI" in os.environ,  # CI tests the change, not its luck; other runs search on
    max_examples=int(os.environ.get("HSPYIO_EXAMPLES", "200")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("hspyio")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def shared_data() -> Path:
    """The folder of real files by other programs; the test is skipped where it is missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real files in {SHARED_DATA}")
    return SHARED_DATA
