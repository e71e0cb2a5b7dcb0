"""A slice of the mutants and attacks of ``make torture``, and proof that failures are told."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.places import ROOT

sys.path.insert(0, str(ROOT))

from torture.damage import DAMAGES, mutant

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")

CONTENT = bytes(range(256)) * 40
DONOR = bytes(reversed(CONTENT)) + b"end"

PROGRAM = """
import ctypes, dataclasses, itertools, json, pathlib, sys, warnings
import hspyio
from torture import mutants, readings
from torture.originals import Original
from torture.scene import Result

readings.SECONDS = 0.3

def code(text):
    # seems to stand in hspyio.hdf5, where HDF5 is called
    names = {"ctypes": ctypes, "itertools": itertools}
    exec(compile(f"def read(): {text}", "/x/hspyio/storage/fake.py", "exec"), names)
    return names["read"]

def refused():
    raise hspyio.HspyError("no")

def warned(kind):
    warnings.warn("so so", kind)
    return ["a difference"]

def large():
    bytearray(b"x") * (64 * 2**20)

def busy():
    while True:
        pass

WAYS = {
    "same": lambda: [],
    "changed": lambda: ["a difference"],
    "refused": refused,
    "warned": lambda: warned(hspyio.HspyWarning),
    "foreign": lambda: 1 / 0,
    "other warning": lambda: warned(RuntimeWarning),
    "large": large,
    "crash": lambda: ctypes.memset(0, 0, 1),
    "crash of HDF5": code("ctypes.memset(0, 0, 1)"),
    "hang": busy,
    "hang of HDF5": code("sum(itertools.repeat(0, 10**13))"),
}
told = {}
for name, read in WAYS.items():
    found = readings.read_in_child({"load": read}, pathlib.Path(sys.argv[1]))
    problems = {}
    for sealed in (False, True):
        for apart in (False, True):
            result = Result()
            mutants.judge(found, Original("good", b"", sealed, {}), 0, apart, result)
            problems[f"{sealed} {apart}"] = result.problems
    item = found if isinstance(found, readings.End) else found[0]
    told[name] = dataclasses.asdict(item) | {"problems": problems}
print("told " + json.dumps(told))
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it in a process without threads of a test runner, which a fork would not take along."""
    # netCDF4, once imported, leads all processes to plug-ins that are linked to an HDF5 of its own
    ours = {name: value for name, value in os.environ.items() if name != "HDF5_PLUGIN_PATH"}
    paths = [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**ours, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments", [["mutants"], ["attacks", "--case", "traced/*"], ["far", "--case", "ours/*"]]
)
def test_no_damaged_or_hostile_file_does_harm(arguments: list[str]) -> None:
    done = run("-m", "torture", "--short", "--seed", "1", "--jobs", "1", *arguments)
    assert done.returncode == 0 or "not run here" in done.stdout, done.stdout + done.stderr
    assert "FAILED" not in done.stdout


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    done = run("-c", PROGRAM, str(tmp_path_factory.mktemp("mutants") / "log"))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.rpartition("told ")[2])
    return found


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("same", "same"),
        ("changed", "changed"),
        ("refused", "refused"),
        ("warned", "warned"),
        ("foreign", "foreign"),
        ("other warning", "foreign"),
    ],
)
def test_what_reading_comes_to_is_told(told: dict[str, Any], name: str, verdict: str) -> None:
    assert told[name]["verdict"] == verdict


def test_memory_is_measured(told: dict[str, Any]) -> None:
    # What the process gives back meanwhile is not counted.
    assert 60 * 2**20 <= told["large"]["memory"] < 256 * 2**20


@pytest.mark.parametrize("what", ["crash", "hang"])
def test_crashes_and_hangs_are_told(told: dict[str, Any], what: str) -> None:
    for name in (what, f"{what} of HDF5"):
        assert told[name]["what"] == what
        assert told[name]["way"] == "load"


@pytest.mark.parametrize(
    ("name", "failing"),
    [
        ("same", ""),
        ("refused", ""),
        ("warned", ""),
        ("changed", "sealed"),
        ("foreign", "always"),
        ("other warning", "always"),
        ("crash", "always"),
        ("hang", "always"),
        ("crash of HDF5", "always"),
        ("hang of HDF5", "always"),
    ],
)
def test_what_counts_as_a_failure(told: dict[str, Any], name: str, failing: str) -> None:
    for place, problems in told[name]["problems"].items():
        sealed = place.split()[0] == "True"
        expected = {"sealed": sealed, "always": True, "": False}[failing]
        assert bool(problems) == expected, (place, problems)


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.parametrize("size", [64, 700, len(CONTENT)])
def test_damage_is_done_and_repeats(name: str, size: int) -> None:
    content = CONTENT[:size]
    made = [DAMAGES[name](content, DONOR, random.Random(seed)) for seed in range(50)]
    assert made == [DAMAGES[name](content, DONOR, random.Random(seed)) for seed in range(50)]
    assert sum(changed != content for changed in made) > 20
    keeps = name not in ("cut", "moved", "spliced")
    assert all(len(changed) == size for changed in made) or not keeps


def test_a_mutant_is_known_by_its_seed() -> None:
    one, other = (mutant(CONTENT, DONOR, random.Random(f"1 {n}")) for n in (2, 3))
    assert one == mutant(CONTENT, DONOR, random.Random("1 2")) != other


def test_our_originals_are_the_same_at_any_time(tmp_path: Path) -> None:
    program = (
        "import hashlib, pathlib, sys, time\n"
        "from torture.originals import made_without_times\n"
        "for name in ('gzip', 'sealed-latest'):\n"
        "    for moment in range(2):\n"
        "        content = made_without_times(name, pathlib.Path(sys.argv[1]))\n"
        "        print(hashlib.sha256(content).hexdigest())\n"
        "        time.sleep(1.1)\n"
    )
    done = run("-c", program, str(tmp_path))
    assert done.returncode == 0, done.stderr
    one, two, three, four = done.stdout.split()
    assert one == two != three == four
