"""A short run of every kind of torture; ``make torture`` is the long one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("kill-points", "random-kills", "full-disk", "readers", "writers", "signals")
IN_TEST_MUTANTS = ("mutants", "attacks")

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
