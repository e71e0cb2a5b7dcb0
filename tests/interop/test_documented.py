"""The page on going over from RosettaSciIO: its examples run, and no defect is missing."""

from __future__ import annotations

import doctest
import re
import warnings
from pathlib import Path

import exspy
import pytest

import hspyio
from test_defects import LAST

PAGE = Path(__file__).resolve().parents[2] / "docs" / "from-rosettasciio.md"


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exspy.data.EDS_SEM_TM002()  # its remark on an old file, once a process
        try:
            done = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
        finally:
            hspyio.disable_hyperspy()
    assert done.attempted > 20
    assert done.failed == 0


def test_no_defect_is_missing() -> None:
    tables = PAGE.read_text(encoding="utf-8").partition("## What differs")[2]
    rows = [line.split("|")[1] for line in tables.splitlines() if line.startswith("|")]
    found = re.findall(r"\b[WCR]\d+\b", " ".join(rows))
    wanted = [f"{kind}{number}" for kind, last in LAST.items() for number in range(1, last + 1)]
    assert sorted(found) == sorted(wanted)
