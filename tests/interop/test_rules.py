"""Severities are what they say: RosettaSciIO and HyperSpy, as black boxes, on the broken files."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import hyperspy.api as hs
import pytest

from hspyio.rules import ERROR, RULES, WARNING, Rule
from support.broken import BROKEN, good
from support.compare import rosettasciio

READ_WRONG = {
    "H202": "names of members as data",
    "H303": "an axis of one point",
    "H304": "an axis that does not fit",
    "H313": "no navigation dimensions",
    "H405": "one of two values",
    "H608": "a model that cannot be restored",
}
"""What HyperSpy makes of errors that it does not notice."""
NOT_THERE = {"H703"}
"""Warnings that become errors where a file is not there."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "broken.hspy"
    good(path)
    return path


def fails(path: Path) -> bool:
    try:
        rosettasciio(path)
        hs.load(path)
    except Exception:  # whatever it is
        return True
    return False


def of(severity: str) -> list[Rule]:
    return [rule for rule in RULES if rule.severity == severity]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("rule", of(ERROR), ids=lambda rule: rule.number)
def test_readers_fail_on_errors_or_read_wrong(rule: Rule, path: Path) -> None:
    BROKEN[rule.number](path)
    assert fails(path) is (rule.number not in READ_WRONG)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("rule", of(WARNING), ids=lambda rule: rule.number)
def test_readers_read_what_is_warned_of(rule: Rule, path: Path) -> None:
    BROKEN[rule.number](path)
    assert fails(path) is (rule.number in NOT_THERE)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("number", ["H506", "H707"])
def test_what_cannot_be_opened_lazily(number: str, path: Path) -> None:
    good(path.with_name("good.hspy"))
    rosettasciio(path.with_name("good.hspy"), lazy=True)
    BROKEN[number](path)
    rosettasciio(path)
    with pytest.raises(ValueError, match=r"dask array|chunks="):
        rosettasciio(path, lazy=True)


@pytest.mark.filterwarnings("ignore")
def test_axes_that_hyperspy_reads_wrong(path: Path) -> None:
    for number, shape in (("H303", (3, 1)), ("H304", (3, 7)), ("H313", ())):
        good(path.with_name(f"{number}.hspy"))
        BROKEN[number](path.with_name(f"{number}.hspy"))
        manager = hs.load(path.with_name(f"{number}.hspy")).axes_manager
        assert manager.navigation_shape == shape
