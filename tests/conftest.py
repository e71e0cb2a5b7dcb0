"""What all tests share: marks by folder, how hypothesis runs, and where the real files are."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from support.places import ROOT, SHARED, TESTS

# Compiled once, into a folder of its own, whatever the environment says: each of the many new
# interpreters would compile the whole package again, which takes longer than most of them work.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(ROOT / ".pycache")
sys.dont_write_bytecode = False

FOLDERS = {"unit", "roundtrip", "interop", "hostile", "docs", "house"}
SLOW: dict[str, list[str]] = json.loads((TESTS / "slow.json").read_text(encoding="utf-8"))
"""Unit tests that take over 0.5 s or start processes, by file; `support/times.py` makes it."""

settings.register_profile(
    "hspyio",
    deadline=None,
    derandomize="CI" in os.environ,  # CI tests the change, not its luck; other runs search on
    max_examples=int(os.environ.get("HSPYIO_EXAMPLES", "200")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("hspyio")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a test by its folder, and as slow."""
    path = item.path.relative_to(TESTS)
    if path.parts[0] in FOLDERS:
        item.add_marker(path.parts[0])
    listed = getattr(item, "originalname", "") in SLOW.get(path.as_posix(), ())
    # A browser works in processes that are nobody's children, so that their time is not seen.
    if listed or "browser" in getattr(item, "fixturenames", ()):
        item.add_marker("slow")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A Chromium; Playwright runs once a process, so that all tests have the same one."""
    from support.browser import open_browser

    with open_browser() as made:
        yield made


@pytest.fixture
def shared_data() -> Path:
    """The folder of real files by other programs; the test is skipped where it is missing."""
    if not SHARED.is_dir():
        pytest.skip(f"no real files in {SHARED}")
    return SHARED
