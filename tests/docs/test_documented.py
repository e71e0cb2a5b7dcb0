"""Pages that name all there is: every defect, every function; test_pages.py runs their examples."""

from __future__ import annotations

import re

import numpy as np
import pytest

import hspyio
from hspyio.cli.commands import COMMANDS
from hspyio.converters import CONVERTERS
from hspyio.names import CURRENT_VERSION
from interop.test_defects import LAST
from support.make_archive import VERSIONS
from support.places import DOCS, ROOT
from support.source import FLOORS

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


TEXTS = [ROOT / "README.md", *DOCS.rglob("*.md"), *(ROOT / "src").rglob("*.py")]
SAID = {
    r"(?:file,?|as one) of format (\d+\.\d+)": CURRENT_VERSION,
    r"(?:Files of hspyio are of|what stands in an HSpy file:) version (\d+\.\d+)": CURRENT_VERSION,
    r"(?:\(|, from |any version: )1\.0 to (\d+\.\d+)[).,](?! as one)": CURRENT_VERSION,
    r"(?:format \(|# )1\.0 to (\d+\.\d+)(?:\) as one| in the format of today)": VERSIONS[-2],
    r"older format, 1\.0 to (\d+\.\d+)": VERSIONS[-2],
}
"""How the format's version is spoken of, and the one that it has to be."""


@pytest.mark.parametrize("words", SAID)
def test_the_version_that_is_spoken_of_is_the_current_one(words: str) -> None:
    found = [
        (str(path.relative_to(ROOT)), version)
        for path in TEXTS
        for version in re.findall(words, path.read_text(encoding="utf-8"))
    ]
    assert found
    assert [one for one in found if one[1] != SAID[words]] == []
    assert VERSIONS[-1] == CURRENT_VERSION


GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_map_of_the_house_has_every_room_on_its_floor() -> None:
    floors = re.split(
        r"^floor \d+ ", GUIDE.split("```text\n")[1].split("```")[0], flags=re.MULTILINE
    )
    drawn = [set(re.findall(r"(?:(?<=\s)|^)([\w/]+?)/?(?=\s|$)", floor)) for floor in floors[1:]]
    missing = [
        f"floor {number}: {room}"
        for number, rooms in enumerate(FLOORS)
        for room in rooms
        if not {room, room.rpartition("/")[2]} & drawn[number]
    ]
    assert missing == []
    assert len(drawn) == len(FLOORS)


def test_the_files_that_contributors_are_led_to_are_there() -> None:
    """Also those that are told as modules, with a function or without."""
    told = set(re.findall(r"`(?:(?:PYTHONPATH=tests )?python )?([\w.]+/[\w./]*)`", GUIDE))
    bases = (ROOT, ROOT / "src" / "hspyio", ROOT / "tests")
    there = {
        word
        for word in told
        for form in (word, f"{word}.py", f"{word.rpartition('.')[0]}.py")
        if any((base / form).exists() for base in bases)
    }
    assert told - there == {"unit/PATH/OF/THE/SOURCE"}
    assert len(there) > 50


NOT_PUT_IN = {"MetadataTree", "Signal"}
"""Types of values that users do not write themselves."""
REFUSED = {"NaTType", "NAType"}


def test_the_types_that_can_be_saved_are_in_the_manual() -> None:
    page = (DOCS / "guide" / "types.md").read_text(encoding="utf-8")
    table = page.split("## What can be saved")[1].split("\n## ")[0]
    kinds = {kind for one in CONVERTERS for kind in one.types if not issubclass(kind, np.generic)}
    names = {kind.__name__ for kind in kinds}
    names |= {name for one in CONVERTERS for _, name in one.lazy_types}
    told = {re.sub(r".*Path$", "Path", name).replace("NoneType", "None") for name in names}
    unknown = {name for name in told - NOT_PUT_IN - REFUSED if not re.search(rf"\b{name}\b", table)}
    assert unknown == set()
