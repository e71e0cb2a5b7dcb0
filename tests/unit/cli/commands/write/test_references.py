"""``hspy references``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import hspyio
from unit.cli.conftest import Ran

Hspy = Callable[..., Ran]


def test_they_are_written_or_printed(hspy: Hspy, two_in_one: Path) -> None:
    target = two_in_one.with_name("b.json")
    code, out, err = hspy("references", two_in_one, "-o", target, "--name", "EELS/map")
    made = json.loads(target.read_text())
    assert (code, err) == (0, "")
    assert out == f"{target}: {len(made['refs'])} references\n"
    assert made == json.loads(json.dumps(hspyio.to_references(two_in_one, "EELS/map")))
    code, out, err = hspy("references", two_in_one, "--name", "EELS/map")
    assert (code, json.loads(out), err) == (0, made, "")


def test_what_exists_is_replaced_when_that_is_asked_for(hspy: Hspy, two_in_one: Path) -> None:
    target = two_in_one.with_name("b.json")
    target.write_text("mine")
    code, _, err = hspy("references", two_in_one, "--output", target)
    assert (code, target.read_text()) == (1, "mine")
    assert "exists" in err
    assert hspy("references", two_in_one, "--output", target, "--overwrite")[0] == 0
    assert json.loads(target.read_text())["version"] == 1
