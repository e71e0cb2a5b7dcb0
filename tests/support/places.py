"""Where the files stand that tests read."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
DOCS = ROOT / "docs"
ARCHIVE = TESTS / "archive"
"""One file of each version of the format."""
SHARED = ROOT.parent / "shared" / "data"
"""Real files by other programs; the folder may be missing."""
