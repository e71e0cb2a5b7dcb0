"""Files made to harm whoever reads them: a report comes out, within bounds."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

import hspyio
from hspyio.api.examining import validate as validating
from support.attacks.corpus import ATTACKS
from support.broken import good
from support.mutants import mutant

MOST_GROWN = 256 * 2**20
NEEDS_FIFO = {name for name in ATTACKS if "fifo" in name}


def peak() -> int:
    """Bytes of memory that this process has had at most."""
    if sys.platform != "linux":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_told_and_does_no_harm(name: str, tmp_path: Path) -> None:
    if name in NEEDS_FIFO and not hasattr(os, "mkfifo"):
        pytest.skip("no FIFOs here")
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / "attack.hspy"
    ATTACKS[name].make(path)
    content, before = path.read_bytes(), peak()
    report = hspyio.validate(path)
    assert peak() - before < MOST_GROWN
    assert path.read_bytes() == content
    assert report.findings
    assert all(count >= 1 for count in report.counts.values())
    for rule in report.counts:
        assert sum(one.rule == rule for one in report.findings) <= validating.MOST_PLACES
    assert len(json.dumps(report.as_dict())) < 2**18
    assert len(repr(report)) < 2**17


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_a_damaged_copy_gets_a_report(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "damaged.hspy"
    good(path)
    path.write_bytes(mutant(path.read_bytes(), seed))
    report = hspyio.validate(path)
    assert repr(report).startswith(f"{path}: ")
    assert report.ok is not any(one.severity == "error" for one in report.findings)
