"""The page on going over from RosettaSciIO names every defect; test_pages.py runs its examples."""

from __future__ import annotations

import re

from interop.test_defects import LAST
from support.places import DOCS

PAGE = DOCS / "from-rosettasciio.md"


def test_no_defect_is_missing() -> None:
    tables = PAGE.read_text(encoding="utf-8").partition("## What differs")[2]
    rows = [line.split("|")[1] for line in tables.splitlines() if line.startswith("|")]
    found = re.findall(r"\b[WCR]\d+\b", " ".join(rows))
    wanted = [f"{kind}{number}" for kind, last in LAST.items() for number in range(1, last + 1)]
    assert sorted(found) == sorted(wanted)
