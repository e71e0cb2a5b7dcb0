"""Which files are meant by a list or a pattern, and in which order."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hspyio
from hspyio.api.loading.several.files import in_natural_order, is_pattern
from hspyio.errors import ArgumentError, HspyError, MissingFileError


def saved(path: Path, title: str) -> Path:
    hspyio.save(path, hspyio.Signal([1, 2], title=title))
    return path


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    for number in (10, 9, 1, 100):
        saved(tmp_path / f"scan_{number}.hspy", f"{number}")
    return tmp_path


def titles(signals: list[hspyio.Signal]) -> list[str]:
    return [signal.title for signal in signals]


def test_a_list_in_its_order(scans: Path) -> None:
    paths = [scans / "scan_9.hspy", str(scans / "scan_100.hspy"), scans / "scan_1"]
    assert titles(hspyio.load(paths)) == ["9", "100", "1"]
    assert titles(hspyio.load(tuple(paths), lazy=True)) == ["9", "100", "1"]
    assert titles(hspyio.load([scans / "scan_1.hspy"])) == ["1"]


def test_a_pattern_in_the_order_of_numbers(scans: Path) -> None:
    found: object = hspyio.load(scans / "scan_*.hspy")
    assert isinstance(found, list)
    assert titles(found) == ["1", "9", "10", "100"]
    two: object = hspyio.load(str(scans / "scan_[19].hspy"))
    assert isinstance(two, list)
    assert titles(two) == ["1", "9"]
    mixed = hspyio.load([scans / "scan_100.hspy", scans / "scan_?.hspy"])
    assert titles(mixed) == ["100", "1", "9"]


def test_a_pattern_through_folders(scans: Path) -> None:
    (scans / "deep" / "er").mkdir(parents=True)
    (scans / "deep" / "folder.hspy").mkdir()
    saved(scans / "deep" / "er" / "scan_2.hspy", "2")
    found: object = hspyio.load(str(scans / "deep" / "**" / "*.hspy"))
    assert isinstance(found, list)
    assert titles(found) == ["2"]


@pytest.mark.parametrize("name", ["a[1].hspy", "b*.hspy", "c?.hspy", "[d]"])
def test_a_file_of_that_very_name_is_the_file(scans: Path, name: str) -> None:
    saved(scans / name, "itself")
    saved(scans / "a1.hspy", "other")
    assert hspyio.load(scans / name).title == "itself"


def test_file_objects_and_names_of_experiments(scans: Path) -> None:
    data = io.BytesIO((scans / "scan_9.hspy").read_bytes())
    assert titles(hspyio.load([data, scans / "scan_1.hspy"])) == ["9", "1"]
    two = [hspyio.Signal([1], title="one"), hspyio.Signal([2], title="two")]
    for name in ("a", "b"):
        hspyio.save(scans / name, two)
    assert titles(hspyio.load([scans / "a", scans / "b"], "two")) == ["two", "two"]
    with pytest.raises(HspyError, match=r"b\.hspy: holds 2 experiments"):
        hspyio.load([scans / "scan_1.hspy", scans / "b.hspy"])


def test_one_that_is_missing_is_named(scans: Path) -> None:
    with pytest.raises(MissingFileError, match=r"scan_7\.hspy: no such file"):
        hspyio.load([scans / "scan_1.hspy", scans / "scan_7.hspy"])
    with pytest.raises(MissingFileError, match="the list of files for load"):
        hspyio.load([])


def test_what_has_no_order_is_refused(scans: Path) -> None:
    for given_ in (scans.glob("*.hspy"), {str(scans / "scan_1.hspy")}):
        with pytest.raises(ArgumentError, match="whose order says nothing"):
            hspyio.load(given_)  # type: ignore[call-overload]
    with pytest.raises(ArgumentError, match="is a int, not a path"):
        hspyio.load([scans / "scan_1.hspy", 3])


def test_read_by_another_process(scans: Path) -> None:
    assert titles(hspyio.load([scans / "scan_1.hspy"], isolated=True)) == ["1"]


def test_addresses_are_no_patterns() -> None:
    assert not is_pattern("https://host/a.hspy?key=[1]")
    assert is_pattern("folder/*.hspy")


@given(st.lists(st.integers(0, 10**30), unique=True), st.sampled_from(["", "a", "3_", "é9x"]))
def test_numbers_count(numbers: list[int], stem: str) -> None:
    paths = [f"{stem}x{number}.hspy" for number in numbers]
    random.Random(0).shuffle(paths)
    expected = [f"{stem}x{number}.hspy" for number in sorted(numbers)]
    assert in_natural_order(paths) == expected


@given(st.lists(st.text(max_size=8)))
def test_any_names_have_an_order(names: list[str]) -> None:
    assert in_natural_order(names) == in_natural_order(names[::-1])
    assert sorted(in_natural_order(names)) == sorted(names)
