"""Pages that name all there is: every defect, every function; test_pages.py runs their examples."""

from __future__ import annotations

import re

import pytest

import hspyio
from hspyio.cli.commands import COMMANDS
from interop.test_defects import LAST
from support.places import DOCS

PAGE = DOCS / "from-rosettasciio.md"


def test_no_defect_is_missing() -> None:
    tables = PAGE.read_text(encoding="utf-8").partition("## What differs")[2]
    rows = [line.split("|")[1] for line in tables.splitlines() if line.startswith("|")]
    found = re.findall(r"\b[WCR]\d+\b", " ".join(rows))
    wanted = [f"{kind}{number}" for kind, last in LAST.items() for number in range(1, last + 1)]
    assert sorted(found) == sorted(wanted)


WHICH = (DOCS / "which.md").read_text(encoding="utf-8")
GIVEN = {"Axes", "Experiments", "MetadataTree", "Model", "StreamWriter"}
"""What functions give back; nobody looks for it by its name."""


@pytest.mark.parametrize("name", sorted({*hspyio.__all__} - GIVEN))
def test_every_name_answers_a_question(name: str) -> None:
    """On the page "Which function do I want?"."""
    assert re.search(rf"\bhspyio\.{name}[`> ]", WHICH)


@pytest.mark.parametrize("name", [name for listed in COMMANDS.values() for name in listed])
def test_every_command_answers_a_question(name: str) -> None:
    assert re.search(rf"`hspy {name}\b", WHICH)


def test_the_page_names_nothing_that_is_not_there() -> None:
    for name in re.findall(r"<hspyio\.(\w+)>", WHICH):
        assert name in hspyio.__all__
    known = {name for listed in COMMANDS.values() for name in listed}
    assert {*re.findall(r"`hspy ([\w-]+)", WHICH)} <= known
