"""``hspy tree``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.cli.drawing import branches, digest, leaves
from hspyio.names import CURRENT_VERSION
from unit.cli.conftest import Ran

Hspy = Callable[..., Ran]
LINE = "\\x1b[31mline [bold]"


def test_all_of_a_file(hspy: Hspy, two_in_one: Path) -> None:
    code, out, err = hspy("tree", two_in_one)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == str(two_in_one)
    assert lines[1] == "├── EELS/map   [group EELS-map]"
    assert lines[2].startswith("│   ├── data = (4, 5, 64) uint16, ")
    assert lines[2].endswith("chunks of (4, 5, 64), shuffle + gzip 4")
    assert "│       └── mask = array of (50, 50), bool" in lines
    assert "│       │   └── thickness = nan" in lines
    assert f"└── {LINE}" in lines
    assert "    │       ├── axis = array([400.0, 500.0, 700.0])" in lines
    assert "\x1b" not in out


def test_levels(hspy: Hspy, two_in_one: Path) -> None:
    _, out, _ = hspy("tree", "--depth", "2", two_in_one)
    assert "│   ├── axes   … 3 entries" in out.splitlines()
    assert "Sample" not in out
    assert len(hspy("tree", "--depth", "1", two_in_one).out.splitlines()) == 3
    assert hspy("tree", "--depth", "0", two_in_one).code == 2


def test_one_experiment(hspy: Hspy, two_in_one: Path) -> None:
    for name in ("EELS/map", "EELS-map"):
        out = hspy("tree", "--name", name, two_in_one).out
        assert "EELS/map" in out and LINE not in out
    code, _, err = hspy("tree", "--name", "HAADF", two_in_one)
    assert code == 1 and "no experiment 'HAADF'; there are: 'EELS-map'" in err


def test_json(hspy: Hspy, two_in_one: Path) -> None:
    code, out, _ = hspy("tree", "--json", two_in_one, two_in_one)
    first, second = json.loads(out)
    assert (code, first) == (0, second)
    assert (first["file"], first["format_version"]) == (str(two_in_one), CURRENT_VERSION)
    experiment = first["experiments"]["EELS-map"]
    assert experiment["title"] == "EELS/map"
    assert experiment["data"]["shape"] == [4, 5, 64]
    assert experiment["data"]["filters"] == ["shuffle", "gzip 4"]
    assert experiment["axes"]["2"]["units"] == "keV"
    assert experiment["metadata"]["mask"] == {"shape": [50, 50], "dtype": "bool"}


def test_lines_are_whole_and_the_same_however_data_are_stored(hspy: Hspy, two_in_one: Path) -> None:
    copy = two_in_one.with_name("copy.hspy")
    hspyio.repack(two_in_one, copy, chunks=(1, 5, 8), compression=None)
    out = hspy("tree", "--lines", two_in_one).out
    assert out == hspy("tree", "--lines", copy).out
    lines = out.splitlines()
    assert lines[0] == f"format version = {CURRENT_VERSION}"
    assert "EELS-map: metadata.Sample.elements = ['O', 'Ti']" in lines
    assert f"{LINE}: axes.0.axis = array([400.0, 500.0, 700.0], float64)" in lines
    assert all(" = " in line for line in lines)
    (data,) = (line for line in lines if line.startswith("EELS-map: data"))
    assert data.startswith("EELS-map: data = array of (4, 5, 64), uint16, blake2 ")
    with h5py.File(copy, "r+") as file:
        file["Experiments/EELS-map/data"][3, 4, 63] = 1
    changed = set(hspy("tree", "--lines", copy).out.splitlines()) ^ set(lines)
    assert len(changed) == 2 and all(line.startswith("EELS-map: data") for line in changed)
    without = hspy("tree", "--lines", "--no-data", copy).out
    assert "blake2" not in without
    assert without == hspy("tree", "--lines", "--no-data", two_in_one).out


def test_hdf5_objects_of_any_file(hspy: Hspy, two_in_one: Path, tmp_path: Path) -> None:
    lines = hspy("tree", "--hdf5", two_in_one).out.splitlines()
    assert f"├── @file_format_version = '{CURRENT_VERSION}'" in lines
    assert any("data = (4, 5, 64) uint16, " in line and "chunks of" in line for line in lines)
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["group/values"] = np.arange(3)
        file["group"].attrs["unit"] = "nm"
        file["elsewhere"] = h5py.ExternalLink("secret.h5", "/")
    code, out, _ = hspy("tree", "--hdf5", other)
    assert code == 0
    assert "        └── values = (3,) int64, 24 bytes, in one block, uncompressed".strip() in out
    assert "@unit = 'nm'" in out
    assert "elsewhere = (is a link to another file, 'secret.h5'" in out
    assert hspy("tree", "--hdf5", "--json", other).code == 2


def test_the_other_files_are_shown(hspy: Hspy, two_in_one: Path) -> None:
    code, out, err = hspy("tree", "none.hspy", two_in_one)
    assert code == 1
    assert "EELS/map" in out
    assert err == "hspy: none.hspy: no such file\n"


@pytest.mark.parametrize("option", ["--data", "--lines", "--hdf5", "--json"])
def test_real_files(hspy: Hspy, shared_data: Path, option: str) -> None:
    code, out, err = hspy("tree", option, *sorted(shared_data.iterdir()))
    assert code == 0, err
    assert "Sample" in out


def test_a_tree_that_is_deep() -> None:
    tree: dict[str, object] = {"leaf": 1}
    for _ in range(99):
        tree = {"node": tree}
    assert len(list(branches(tree))) == 100
    assert list(leaves(tree, "")) == [".".join(["node"] * 99) + ".leaf = 1"]


def test_signals_and_trees_in_lists_are_gone_into() -> None:
    inner = hspyio.Signal(np.arange(2000), metadata={"General": {"title": "in"}})
    lines = list(leaves({"items": [1, {"a": (2, 3)}, inner], "empty": {}}, ""))
    assert lines[:2] == ["items[0] = 1", "items[1].a = (2, 3)"]
    assert lines[2].startswith("items[2].data = array of (2000,), int64, blake2 ")
    assert "items[2].metadata.General.title = 'in'" in lines
    assert lines[-1] == "empty = {}"


@pytest.mark.parametrize("block", [8, 100, 2**26])
def test_a_digest_does_not_depend_on_blocks(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    array = np.arange(600).reshape(5, 12, 10)
    whole = digest(array)
    monkeypatch.setattr("hspyio.cli.drawing._BLOCK", block)
    assert digest(array) == whole == digest(np.asfortranarray(array))
    array[4, 11, 9] += 1
    assert digest(array) != whole


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_git_shows_what_changed(two_in_one: Path) -> None:
    folder = two_in_one.parent

    def git(*args: str) -> str:
        clean = {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "PYTHONPATH": str(Path(hspyio.__file__).resolve().parents[1]),
        }
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        done = subprocess.run(
            ["git", *identity, *args],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, **clean},
            timeout=120,
            check=True,
        )
        return done.stdout

    git("init", "-q")
    git("config", "diff.hspy.textconv", f"{sys.executable} -m hspyio tree --lines")
    (folder / ".gitattributes").write_text("*.hspy diff=hspy\n")
    git("add", ".")
    git("commit", "-qm", "first")
    signal = hspyio.load(two_in_one, name="EELS/map")
    signal.metadata.Sample.elements = ["Fe"]
    hspyio.update(two_in_one, signal)
    changed = [line for line in git("diff").splitlines() if line[:1] in "+-"][2:]
    assert changed == [
        "-EELS-map: metadata.Sample.elements = ['O', 'Ti']",
        "+EELS-map: metadata.Sample.elements = ['Fe']",
    ]
    tool = f"{sys.executable} -m hspyio diff"
    shown = git("difftool", "--no-prompt", "--extcmd", tool, "--", "two.hspy")
    assert "+ EELS-map: metadata.Sample.elements = ['Fe']" in shown


CONTAINERS = (
    *("Experiments", "Experiments/one", "Experiments/one/attributes", "Experiments/one/metadata"),
    *("Experiments/one/learning_results", "Analysis", "Analysis/models", "Analysis/models/m"),
)


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_tree_names_a_container_that_is_damaged(
    hspy: Hspy, tmp_path: Path, container: str
) -> None:
    path = tmp_path / "a.hspy"
    one = hspyio.Signal([1.0], title="one", attributes={"a": 1})
    one.learning_results["factors"] = np.eye(2)
    one.models["m"] = hspyio.Model(hspyio.MetadataTree({"_dict": {}}))
    hspyio.save(path, [one, hspyio.Signal([2.0], title="two")])
    with h5py.File(path) as file:
        address = h5py.h5o.get_info(file[container].id).addr
    content = bytearray(path.read_bytes())
    content[address + 20] ^= 0x10
    path.write_bytes(content)
    for options in ((), ("--json",), ("--lines",), ("--lines", "--no-data"), ("--name", "one")):
        _, out, err = hspy("tree", path, *options)
        assert f"/{container}" in err, options
        assert "cannot be read" in err or "Unable to" in err, options
    out = hspy("tree", path, "--hdf5").out
    assert any(
        container.rpartition("/")[2] in line and "cannot" in line for line in out.split("\n")
    )
