"""Three readers, one content: ours, h5py's, which is HDF5's, and pyfive's."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from support import golden, handmade, oracles, places
from support.cases import CASES
from support.oracles import GROUP, Contents, Refusal

LIMITS = {
    "attributes of a group change their form at numbers of its own": r"AssertionError: $",
    "rows of variable length": r"ValueError: cannot create an OBJECT array from memory buffer",
    "such rows in one piece": r"NotImplementedError: datatype not implemented - P5SequenceType",
    "arrays within compounds": r"NotImplementedError: Unsupported datatype size",
    "compressed texts of variable length": r"error: unpack_from requires a buffer of at",
    "links that lead nowhere": r"None$",
}
"""What pyfive 1.3 can't read of what HSpy files hold, and how it says so."""


def _table(path: Path) -> None:
    metadata = {str(number): value for number, value in enumerate(CASES.values())}
    hspyio.save(path, hspyio.Signal(np.zeros(3), metadata=metadata), durable=False)


MAKERS: dict[str, Callable[[Path], Any]] = {
    "every value of the table": _table,
    **{f"saved: {name}": make for name, make in golden.CASES.items()},
    **{f"handmade: {make.__name__}": make for make in handmade.WHOLE},
}
FILES = [*sorted(places.ARCHIVE.iterdir()), *sorted(places.SHARED.glob("*"))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("oracles")


def _made(name: str, folder: Path) -> Path:
    path = folder / f"{list(MAKERS).index(name)}.hspy"
    if not path.exists():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", hspyio.HspyWarning)
            MAKERS[name](path)
    return path


def _without_unread(theirs: Contents, ours: Contents) -> Contents:
    """Without attributes of datasets that we leave out: the format has none."""
    return {
        path: value
        for path, value in theirs.items()
        if path in ours or theirs.get(path.partition("@")[0] or "/") == GROUP
    }


def _beyond_pyfive(pyfive: Contents, known: Contents) -> Iterator[str]:
    """Differences that are no refusals, nor below one."""
    refused = [path for path, value in pyfive.items() if isinstance(value, Refusal)]
    for path in {**pyfive, **known}:
        below = any(path.startswith((f"{one}/", f"{one}@")) or path == one for one in refused)
        if not below and pyfive.get(path) != known.get(path):
            yield path


def _check(path: Path) -> None:
    known = oracles.by_h5py(path)
    ours = oracles.by_us(path)
    assert not oracles.differences(ours, _without_unread(known, ours))
    by_pyfive = oracles.by_pyfive(path)
    assert not list(_beyond_pyfive(by_pyfive, oracles.without_enums(known)))
    for place, value in by_pyfive.items():
        if isinstance(value, Refusal) and not isinstance(known.get(place), Refusal):
            assert any(re.match(limit, value.reason) for limit in LIMITS.values()), value


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_real_file(path: Path) -> None:
    _check(path)


@pytest.mark.parametrize("name", MAKERS)
def test_a_file_made_here(name: str, folder: Path) -> None:
    _check(_made(name, folder))


def test_pyfive_still_has_its_limits(folder: Path) -> None:
    met = {
        limit
        for path in [*FILES, *(_made(name, folder) for name in MAKERS)]
        for value in oracles.by_pyfive(path).values()
        if isinstance(value, Refusal)
        for limit, reason in LIMITS.items()
        if re.match(reason, value.reason)
    }
    # Some are met in the files of other programs only, and these may not be here.
    if places.SHARED.is_dir():
        assert sorted(met) == sorted(LIMITS)
    assert met


def test_a_difference_is_found() -> None:
    one = {"/": GROUP, "/a": oracles.plain(np.arange(3)), "/@t": b"x"}
    changed = (
        {**one, "/a": oracles.plain(np.arange(3.0))},
        {**one, "/a": oracles.plain(np.arange(1, 4))},
        {**one, "/@t": b"y"},
        {**one, "/@t": Refusal("")},
        {**one, "/b": GROUP},
        {"/": GROUP, "/a": one["/a"]},
    )
    assert not oracles.differences(one, dict(one))
    assert [len(oracles.differences(one, other)) for other in changed] == [1] * 6
