"""What one says of a file the others can be held to: load, verify, validate, diff and rescue."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.model.tree import MetadataTree
from support.places import ROOT

Change = Callable[[h5py.File, str], None]


def agreeing(path: Path, target: Path) -> Iterator[str]:
    """What does not fit together of what is said of a file."""
    foreign: list[str] = []

    def asked(name: str, call: Callable[[], object]) -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return call()
            except hspyio.HspyError as error:
                return error
            except Exception as error:  # what must not come out of anything
                foreign.append(f"{name}: {type(error).__name__}: {error}")
                return None

    def shown() -> list[str]:
        with hspyio.open(path) as found:
            repr(found)
            found._repr_html_()
            return list(found)

    names = asked("open", shown)
    known = names if isinstance(names, list) else [None]
    loaded = [asked("load", lambda n=n: hspyio.load(path, name=n)) for n in known]  # type: ignore[misc]
    asked("file_reader", lambda: hspyio.file_reader(path))
    asked("info", lambda: hspyio.info(path))
    verified = asked("verify", lambda: hspyio.verify(path))
    valid = asked("validate", lambda: hspyio.validate(path))
    if any(isinstance(one, hspyio.HspyError) for one in loaded):
        fine = getattr(verified, "ok", False) and getattr(valid, "ok", False)
        if fine:
            yield f"refused by load, intact and valid: {loaded}"
    found = asked("diff", lambda: list(hspyio.diff(path, path)))
    if isinstance(found, list) and found:
        yield f"differs from itself: {found[:2]}"
    if not isinstance(asked("rescue", lambda: hspyio.rescue(path, target)), Exception | None):
        written = asked("verify", lambda: hspyio.verify(target))
        if not getattr(written, "ok", False):
            yield f"what rescue wrote is damaged: {written!r}"
        written = asked("validate", lambda: hspyio.validate(target))
        if not getattr(written, "ok", False):
            yield f"what rescue wrote is not valid: {written!r}"
        target.unlink()
    yield from foreign


def without(file: h5py.File, name: str) -> None:
    del file[name]


def as_numbers(file: h5py.File, name: str) -> None:
    del file[name]
    file[name] = np.arange(3)


def as_references(file: h5py.File, name: str) -> None:
    del file[name]
    file.create_dataset(name, (2,), h5py.ref_dtype)


def leading_nowhere(file: h5py.File, name: str) -> None:
    del file[name]
    file[name] = h5py.SoftLink("/nowhere")


CHANGES = (without, as_numbers, as_references, leading_nowhere)
PLACES = ("data", "axis-1", "metadata", "metadata/General", "metadata/_sig_inside")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("agreement") / "good.hspy"
    signal = hspyio.Signal(np.arange(6.0).reshape(2, 3), metadata={"General": {"title": "one"}})
    signal.metadata["inside"] = hspyio.Signal(np.arange(2.0))
    signal.models["m"] = hspyio.Model(MetadataTree({"_dict": {"components": [{"name": "a"}]}}))
    hspyio.save(path, [signal, hspyio.Signal(np.arange(3.0))])
    return path


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("place", PLACES)
def test_they_agree_on_files_of_another_form(
    good: Path, tmp_path: Path, place: str, change: Change
) -> None:
    path = tmp_path / "changed.hspy"
    path.write_bytes(good.read_bytes())
    with h5py.File(path, "r+") as file:
        change(file, f"Experiments/one/{place}")
    assert not list(agreeing(path, tmp_path / "rescued.hspy"))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("place", ["Analysis/models/m/_dict", "Analysis/models/m", "Experiments"])
def test_they_agree_on_files_of_models(
    good: Path, tmp_path: Path, place: str, change: Change
) -> None:
    path = tmp_path / "changed.hspy"
    path.write_bytes(good.read_bytes())
    with h5py.File(path, "r+") as file:
        change(file, place)
    assert not list(agreeing(path, tmp_path / "rescued.hspy"))


MUTANTS = int(os.environ.get("HSPYIO_MUTANTS", "12"))
PROGRAM = """
import os, pathlib, random, resource, sys, tempfile
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/tests/hostile", sys.argv[1] + "/tests"]
from test_agreement import agreeing
from torture import forked
from torture.damage import mutant
from torture.originals import OURS, made_without_times

forked.install()
folder = pathlib.Path(tempfile.mkdtemp())
files = [made_without_times(name, folder) for name in OURS]
archive = pathlib.Path(sys.argv[1], "tests", "archive")
files += [path.read_bytes() for path in sorted(archive.iterdir())]
for seed in range(int(sys.argv[2])):
    chance = random.Random(f"agreement {seed}")
    what, content = mutant(chance.choice(files), chance.choice(files), chance)
    path = folder / "mutant.hspy"
    path.write_bytes(content)
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
        for text in agreeing(path, folder / "rescued.hspy"):
            print(f"{seed}: {what}: {text}", flush=True)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, -11, -6):  # HDF5 itself may crash where it is not isolated
        print(f"{seed}: {what}: ended by {status}", flush=True)
print("done")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_they_agree_on_damaged_files() -> None:
    ours = {name: value for name, value in os.environ.items() if name != "HDF5_PLUGIN_PATH"}
    paths = [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(ROOT), str(MUTANTS)],
        env={**ours, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "done", done.stdout + done.stderr
