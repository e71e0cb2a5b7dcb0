"""``hspy diff``: what it prints, and its exit codes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import hspyio
from unit.cli.conftest import Ran

Hspy = Callable[..., Ran]


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    one, other = tmp_path / "a.hspy", tmp_path / "b.hspy"
    first = hspyio.Signal(
        np.arange(6.0).reshape(2, 3),
        metadata={"General": {"title": "T"}, "only": {"here": 1}, "text": 80 * "x" + "end"},
    )
    second = first.deepcopy()
    second.metadata.text = 80 * "x" + "End"
    second.metadata.General.title = "U"
    del second.metadata["only"]
    second.metadata.new = [1, 2]
    second.data[1, 2] = 9.5
    hspyio.save(one, first)
    hspyio.save(other, second)
    return one, other


def test_what_it_prints(hspy: Hspy, pair: tuple[Path, Path]) -> None:
    one, other = pair
    code, out, err = hspy("diff", one, other)
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        f"--- {one}",
        f"+++ {other}",
        "! data: 1 value of 6 differs, the first at (1, 2), by 4.5 at most: 5.0, 9.5",
        "- metadata.General.title = 'T'",
        "+ metadata.General.title = 'U'",
        "- metadata.only.here = 1",
        "- metadata.text = …'xxxxxxxxxxxxxxxxxxxxxxxxxend'",
        "+ metadata.text = …'xxxxxxxxxxxxxxxxxxxxxxxxxEnd'",
        "+ metadata.new = [1, 2]",
    ]


def test_options(hspy: Hspy, pair: tuple[Path, Path]) -> None:
    assert "data:" not in hspy("diff", "--no-data", *pair).out
    assert "data:" not in hspy("diff", "--atol", "5", *pair).out
    assert "data:" not in hspy("diff", "--rtol", "0.5", *pair).out
    assert "data:" in hspy("diff", "--rtol", "0.4", *pair).out
    assert hspy("diff", "--rtol", "-1", *pair).code == 2
    assert hspy("diff", pair[0]).code == 2
    assert hspy("diff", "--name", "T", *pair).code == 1


def test_nothing_differs(hspy: Hspy, pair: tuple[Path, Path]) -> None:
    shutil.copy(*pair)
    said = f"hspy: no difference between {pair[0]} and {pair[1]}"
    assert hspy("diff", *pair) == (0, "", f"{said}\n")
    assert hspy("diff", "--strict", "--stamps", *pair) == (0, "", f"{said}\n")
    given = ("--no-data", "--rtol", "0.1")
    assert hspy("diff", *given, *pair) == (0, "", f"{said} with --no-data --rtol\n")
    assert hspy("diff", "--quiet", *pair) == (0, "", "")
    assert hspy("diff", "--json", *pair) == (0, "[]\n", "")


def test_json(hspy: Hspy, pair: tuple[Path, Path]) -> None:
    code, out, _ = hspy("diff", "--json", *pair)
    records = json.loads(out)
    assert code == 1
    assert [record["where"] for record in records] == [
        "data", "metadata.General.title", "metadata.only.here", "metadata.text", "metadata.new",
    ]  # fmt: skip
    assert records[1] == {
        "experiment": "",
        "where": "metadata.General.title",
        "what": "changed",
        "a": "T",
        "b": "U",
    }
    assert records[4] == {
        "experiment": "", "where": "metadata.new", "what": "added", "b": [1, 2]
    }  # fmt: skip


def test_several_experiments(hspy: Hspy, two_in_one: Path) -> None:
    copy = two_in_one.with_name("copy.hspy")
    shutil.copy(two_in_one, copy)
    assert hspy("set", "--name", "EELS-map", copy, "axes.0.units", "nm").code == 0
    out = hspy("diff", two_in_one, copy).out.splitlines()
    assert out[2:] == ["- EELS-map: axes.0.units = 'µm'", "+ EELS-map: axes.0.units = 'nm'"]
    assert hspy("remove", copy, "EELS-map").code == 0
    out = hspy("diff", two_in_one, copy).out.splitlines()
    assert out[2:] == ["! EELS-map: experiment removed"]


def test_quiet_says_nothing_of_a_difference(hspy: Hspy, pair: tuple[Path, Path]) -> None:
    assert hspy("diff", "-q", *pair) == (1, "", "")
    assert hspy("diff", "--quiet", "--json", *pair) == (1, "", "")
