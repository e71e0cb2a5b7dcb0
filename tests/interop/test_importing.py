"""What is imported equals what HyperSpy loads: data, axes and metadata, format by format."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hyperspy.api as hs
import numpy as np
import pytest
import rsciio

import hspyio
from hspyio.bridges.importing.readers import readers_of
from hspyio.compare import signal_differences
from support.formats import FORMATS, NOT_MADE, made

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # what readers and HyperSpy say of small files made here
]


def loaded(path: Path) -> list[Any]:
    reader = "EMPAD" if path.suffix == ".xml" else None  # HyperSpy does not try several
    found = hs.load(str(path), reader=reader)
    return found if isinstance(found, list) else [found]


def comparable(signal: hspyio.Signal) -> hspyio.Signal:
    """Without what HyperSpy notes of its own doing, and where it came from."""
    result = signal.copy()
    metadata = plain(result.metadata.as_dictionary())
    metadata.pop("_HyperSpy", None)
    metadata.get("General", {}).pop("FileIO", None)
    result.metadata = hspyio.MetadataTree(metadata)
    result.original_metadata = hspyio.MetadataTree(plain(result.original_metadata.as_dictionary()))
    result.data = np.asarray(result.data) if isinstance(result.data, np.memmap) else result.data
    result.attributes, result.package, result.package_version = {}, "", ""
    result.learning_results, result.models = {}, {}
    return result


def plain(tree: Any) -> Any:
    """HyperSpy's trees sort their keys and are of one type; enumerations are stored as numbers."""
    if isinstance(tree, Mapping):
        return {key: plain(tree[key]) for key in sorted(tree)}
    return int(tree) if isinstance(tree, enum.IntEnum) else tree


@pytest.mark.parametrize("name", FORMATS)
def test_it_equals_what_hyperspy_loads(name: str, tmp_path: Path) -> None:
    path = made(tmp_path, name)
    expected = loaded(path)
    ours = tmp_path / "ours.hspy"
    assert hspyio.import_file(path, ours) == str(ours)
    with hspyio.open(ours) as experiments:
        assert len(experiments) == len(expected)
        for one, other in zip(experiments.values(), expected, strict=True):
            imported = comparable(one)
            imported.data = imported.data.compute()
            assert not signal_differences(comparable(hspyio.from_hyperspy(other)), imported)
            assert np.array_equal(other.data, imported.data)
            assert imported.data.dtype == other.data.dtype


@pytest.mark.parametrize("name", ["a.rpl", "a.emd", "a.sur"])
def test_hyperspy_loads_what_was_imported(name: str, tmp_path: Path) -> None:
    path = made(tmp_path, name)
    (expected,) = loaded(path)
    again = hs.load(hspyio.import_file(path, tmp_path / "ours.hspy"))
    assert type(again) is type(expected)
    assert np.array_equal(again.data, expected.data)


def test_every_reader_is_compared_or_it_is_said_why_not() -> None:
    compared = {one.name for name in FORMATS for one in readers_of(name, None)}
    there = {plugin["name"] for plugin in rsciio.IO_PLUGINS} - {"HSPY"}
    assert there - compared - set(NOT_MADE) == set()
    assert set(NOT_MADE) <= there


def test_every_reader_is_known_by_its_extensions() -> None:
    for plugin in rsciio.IO_PLUGINS:
        if plugin["name"] == "HSPY":
            continue
        for suffix in plugin["file_extensions"]:
            assert plugin["name"] in {one.name for one in readers_of(f"a.{suffix}", None)}
        for name in (plugin["name"], *plugin["name_aliases"]):
            assert [one.name for one in readers_of("a.b", name.upper())]
