"""A short run of every kind of torture; ``make torture`` is the long one."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from support.places import ROOT

KINDS = (
    "kill-points",
    "random-kills",
    "full-disk",
    "readers",
    "writers",
    "signals",
    "power-loss",
    "injection",
    "stream",
)
IN_TEST_MUTANTS = ("mutants", "attacks", "far")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


def torture(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it in a process without threads of a test runner, which a fork would not take along."""
    # netCDF4, once imported, leads all processes to plug-ins that are linked to an HDF5 of its own
    ours = {name: value for name, value in os.environ.items() if name != "HDF5_PLUGIN_PATH"}
    paths = [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-m", "torture", "--short", "--seed", "1", *arguments],
        cwd=ROOT,
        env={**ours, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost(kind: str) -> None:
    done = torture("--jobs", "1", kind)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing failed" in done.stdout


def test_every_kind_is_run() -> None:
    done = torture("none")
    assert done.returncode == 2
    assert done.stderr.rstrip().endswith(f"known are {', '.join(KINDS + IN_TEST_MUTANTS)}")


def test_a_run_without_cases_is_a_failure() -> None:
    assert torture("readers", "--case", "no such case").returncode == 1


# the disk on which the power fails

SECTOR = 512
OLD = b"o" * 3 * SECTOR


@pytest.fixture
def after_power_loss(monkeypatch: pytest.MonkeyPatch) -> Callable[..., set[Any]]:
    """What may be found in a folder with a file ``a`` of three sectors after some steps."""
    monkeypatch.syspath_prepend(str(ROOT))
    from torture.disk import Disk
    from torture.recorded import Step

    def found(*steps: tuple[str, dict[str, Any]]) -> set[Any]:
        made = [Step(kind, **given) for kind, given in steps]
        disk = Disk({"a": 1}, {1: OLD}, made)
        states = [disk.after(len(made), random.Random(seed)) for seed in range(400)]
        return {tuple(sorted(state.items())) for state in states}

    return found


def write(file: int, place: int, content: bytes) -> tuple[str, dict[str, Any]]:
    return "write", {"file": file, "place": place, "content": content}


def test_what_was_synced_is_there(after_power_loss: Callable[..., set[Any]]) -> None:
    new = b"n" * 3 * SECTOR
    assert after_power_loss(write(1, 0, new), ("sync", {"file": 1})) == {(("a", new),)}


def test_each_sector_of_what_was_not_synced_is_there_or_not(
    after_power_loss: Callable[..., set[Any]],
) -> None:
    found = after_power_loss(write(1, 0, b"n" * 3 * SECTOR), ("sync", {"file": 2}))
    texts = {dict(state)["a"] for state in found}
    parts = [(b"o" * SECTOR, b"n" * SECTOR)] * 3
    assert texts == {b"".join(part) for part in itertools.product(*parts)}


def test_a_sector_is_never_newer_in_parts(after_power_loss: Callable[..., set[Any]]) -> None:
    found = after_power_loss(write(1, 0, b"1"), write(1, 8, b"2"))
    starts = {dict(state)["a"][:9] for state in found}
    assert starts == {b"ooooooooo", b"1oooooooo", b"1ooooooo2"}


def test_a_file_may_have_its_new_length_and_no_content(
    after_power_loss: Callable[..., set[Any]],
) -> None:
    found = after_power_loss(write(1, 3 * SECTOR, b"n" * SECTOR))
    ends = {dict(state)["a"].removeprefix(OLD) for state in found}
    assert ends == {b"", bytes(SECTOR), b"n" * SECTOR}


def test_a_name_may_come_before_the_content_until_both_are_synced(
    after_power_loss: Callable[..., set[Any]],
) -> None:
    steps = (("name", {"file": 2, "name": "b"}), write(2, 0, b"new"))
    move = ("move", {"file": 2, "name": "a", "other": "b"})
    assert (("a", b""),) in after_power_loss(*steps, move)
    synced = after_power_loss(*steps, ("sync", {"file": 2}), move)
    assert {dict(state)["a"] for state in synced} == {OLD, b"new"}
    assert after_power_loss(*steps, ("sync", {"file": 2}), move, ("sync-folder", {})) == {
        (("a", b"new"),)
    }
