"""The size of the house and of its rooms: what is too large, circular or untested becomes no more.

What breaks a rule of ``design.md`` today stands in ``known.json``. Its lists can only shrink: what
is new fails, and so does what has gone from the source and not from the list.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping

import pytest

from support.places import TESTS
from support.source import PACKAGE, File, source_files

MOST_LINES = 60_300
"""Of the whole source; the target is 31,000."""
SLACK = 1_000
"""So many fewer, and the ceiling comes down."""
MOST_IN_A_ROOM = 4_500
LARGE_ROOMS: dict[str, int] = {}
MOST_FILES = 20
FULL_FOLDERS: dict[str, int] = {}
SMALL, LARGE = 60, 600
COMMANDS = "cli/commands/"
"""A command is a file, however short."""


KNOWN: dict[str, set[str]] = {
    name: set(paths)
    for name, paths in json.loads((TESTS / "house" / "known.json").read_text()).items()
}
H5PY_ROOMS = {"hdf5/writing", "transaction"}
H5PY_FILES = {"hdf5/external.py", "hdf5/plugin_filters.py"}
"""Other files with ``allow_external=True``; filters of plug-ins, for one chunk in memory."""
H5PY_FILES |= {"bridges/inspection.py"}
"""RosettaSciIO's utilities give an ``h5py.Empty`` where there is no value, so ours do."""


def lines(files: Iterable[File]) -> int:
    return sum(file.text.count("\n") for file in files)


def only(found: set[str], known: list[str]) -> None:
    """Fail for what is new, and for what is listed in vain."""
    assert sorted(found - set(known)) == [], "new"
    assert sorted(set(known) - found) == [], "no more: take it off the list"


def within(found: Mapping[str, int], known: Mapping[str, int], most: int) -> None:
    """Fail for what is over its ceiling, and for a ceiling that nothing needs."""
    assert {name: size for name, size in found.items() if size > known.get(name, most)} == {}
    assert [name for name in known if found.get(name, 0) <= most] == [], "take it off the list"


def folder(file: File) -> str:
    return file.path.rpartition("/")[0]


def is_codec(file: File) -> bool:
    """Whether it is a row of the table of filters: however short, and tested with the table."""
    row = re.search(r"^CODECS? = ", file.text, re.MULTILINE)
    return folder(file) == "filters" and row is not None


def circular(files: Iterable[File]) -> set[str]:
    """Files from which imports lead back to themselves within their room."""
    known = {".".join([PACKAGE, *file.module]): file for file in files}
    leads = {
        file.path: {
            known[one].path
            for name in file.names
            for one in (name, name.rpartition(".")[0])
            if one in known and known[one].room == file.room
        }
        - {file.path}
        for file in files
    }
    return {path for path in leads if path in _reached(leads, path)}


def _reached(leads: Mapping[str, set[str]], start: str) -> set[str]:
    found, ahead = set(), list(leads[start])
    while ahead:
        path = ahead.pop()
        if path not in found:
            found.add(path)
            ahead += leads[path]
    return found


def untested(file: File) -> bool:
    """Whether no test file has its name: ``test_NAME.py``, or more words behind it."""
    if not file.module or not any(
        line.startswith(("def ", "class ")) for line in file.text.split("\n")
    ):
        return False
    if is_codec(file):
        return False
    *folders, name = file.module
    places = [TESTS / "unit" / "/".join(folders), TESTS / "unit" / "/".join(file.module)]
    return not any(list(place.glob(f"test_{name}*.py")) for place in places)


def test_the_house_grows_no_more() -> None:
    assert MOST_LINES - SLACK <= lines(source_files()) <= MOST_LINES


def test_no_room_is_too_large() -> None:
    found = Counter[str]()
    for file in source_files():
        found[file.room] += lines([file])
    within(found, LARGE_ROOMS, MOST_IN_A_ROOM)


def test_no_folder_is_too_full() -> None:
    found = Counter(folder(file) for file in source_files() if folder(file))
    within(found, FULL_FOLDERS, MOST_FILES)


def test_no_file_is_too_small_or_too_large() -> None:
    """One that has to be says in its first line why, and is listed."""
    sizes = {file: lines([file]) for file in source_files() if file.module}
    small = {
        file.path
        for file, size in sizes.items()
        if size < SMALL and "__init__" not in file.path and not file.path.startswith(COMMANDS)
    }
    only(small - {file.path for file in sizes if is_codec(file)}, KNOWN["small"])
    assert {file.path for file, size in sizes.items() if size > LARGE} == set()


def test_no_imports_lead_in_circles() -> None:
    only(circular(source_files()), KNOWN["circular"])


def test_h5py_is_imported_where_files_are_written() -> None:
    users = {file for file in source_files() for name in file.names if name.split(".")[0] == "h5py"}
    found = {file.path for file in users if file.room not in H5PY_ROOMS} - H5PY_FILES
    only(found, KNOWN["h5py"])


def test_every_file_has_tests() -> None:
    only({file.path for file in source_files() if untested(file)}, KNOWN["untested"])


def test_every_test_stands_in_a_folder_that_is_run() -> None:
    strays = [
        path.relative_to(TESTS).as_posix()
        for path in TESTS.rglob("test_*.py")
        if path.relative_to(TESTS).parts[0]
        not in {"unit", "roundtrip", "interop", "hostile", "docs", "house", "support"}
        and not path.is_symlink()
    ]
    assert strays == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("from hspyio.model import two", "from hspyio.model.one import x"),
        ("from . import two", "from .one import x"),
        ("import hspyio.model.two", "if TYPE_CHECKING:\n    from hspyio.model.one import x"),
        ("def f():\n    from hspyio.model.two import y", "import hspyio.model.one"),
    ],
)
def test_circles_are_found(one: str, other: str) -> None:
    files = [File("model/one.py", one), File("model/two.py", other), File("model/three.py", one)]
    assert circular(files) == {"model/one.py", "model/two.py"}
