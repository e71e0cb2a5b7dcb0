"""A file written anew with what stays taken over as it is."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.api.changing.edit import keep_rest
from hspyio.arrays.workers import Workers
from hspyio.errors import SaveError
from hspyio.hdf5.local_snapshot import snapshot_of
from hspyio.names import CURRENT_VERSION
from hspyio.nodes.node import Attribute, Group, Kept, Text
from hspyio.transaction import changes
from hspyio.transaction.transaction import Transaction

VERSION = {"file_format_version": Attribute(Text(), CURRENT_VERSION.encode())}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.hspy"
    with h5py.File(path, "w") as file:
        file.attrs["file_format"] = "HyperSpy"
        file.attrs["file_format_version"] = "2.0"
        file.attrs["note"] = "µ"
        file.attrs.create("fixed", b"ab", dtype=h5py.string_dtype("ascii", 4))
        file.attrs["big"] = np.arange(3, dtype=">i2")
        file["extra/deep/x"] = np.arange(5)
        file["extra/deep"].attrs["a"] = [1.5, 2.5]
        file["alone"] = "text"
        file["soft"] = h5py.SoftLink("/extra")
        file["out"] = h5py.ExternalLink("gone.h5", "/x")
        file["type"] = np.dtype("i4")
        one = file.create_group("Experiments/one")
        one.create_dataset("data", data=np.arange(100), chunks=(10,), compression="gzip")
        file["Experiments/two/data"] = np.arange(3)
        file["Experiments"].attrs["lab"] = "B12"
        file["Experiments"].attrs["count"] = np.int16(2)
        file["Analysis/models/m/x"] = 1
        file["Analysis/other"] = 1
    return path


def kept(*names: str) -> Group:
    members: dict[str, Any] = {name: Kept(f"/Experiments/{name}") for name in names}
    return Group(VERSION, {"Experiments": Group({}, members)})


def rewrite(
    path: Path, root: Group, *, replaced: Collection[str] = (), durable: bool = True
) -> None:
    with (
        Transaction.new(str(path), durable=durable) as tx,
        closing(snapshot_of(str(path))) as old,
    ):
        tx.copy_from(old)
        tx.write(root)
        keep_rest(tx, replaced)
        tx.commit(Workers())


def test_what_stands_beside_is_taken_over(path: Path) -> None:
    with h5py.File(path) as old:
        stored = old["Experiments/one/data"].id.read_direct_chunk((0,))
    rewrite(path, kept("one"), replaced=("two", "other"))
    with h5py.File(path) as file:
        assert file.attrs["note"] == "µ"
        assert file.attrs["big"].tolist() == [0, 1, 2]
        assert file.attrs.get_id("big").dtype == np.dtype(">i2")
        assert file.attrs.get_id("fixed").dtype == np.dtype("S4")
        assert file.attrs["fixed"] == b"ab"
        assert file.attrs["file_format_version"] == CURRENT_VERSION
        assert file["extra/deep/x"][...].tolist() == [0, 1, 2, 3, 4]
        assert file["extra/deep"].attrs["a"].tolist() == [1.5, 2.5]
        assert file["alone"][()] == b"text"
        assert file["Experiments"].attrs["lab"] == "B12"
        assert file["Experiments"].attrs["count"] == np.int16(2)
        assert file["Experiments"].attrs.get_id("count").dtype == np.dtype("i2")
        assert list(file["Experiments"]) == ["one"]
        assert file["Analysis/other"][()] == 1  # only experiments are replaced
        assert file["Experiments/one/data"].id.read_direct_chunk((0,)) == stored
    assert list(path.parent.iterdir()) == [path]


def test_it_wins_dead_space_back(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["Experiments/two/big"] = np.random.default_rng(1).random(100_000)
    size = path.stat().st_size
    rewrite(path, kept("one"), replaced=("two",), durable=False)
    assert path.stat().st_size < size - 800_000


def test_a_failure_leaves_the_old_file(path: Path, monkeypatch: Any) -> None:
    old = path.read_bytes()
    with pytest.raises((SaveError, KeyError)):
        rewrite(path, kept("one", "gone"))
    assert path.read_bytes() == old

    def failing(*args: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(changes, "create_tree", failing)
    with pytest.raises(SaveError, match="No space left"):
        rewrite(path, kept("one"))
    assert path.read_bytes() == old
    assert list(path.parent.iterdir()) == [path]


def test_attributes_without_a_shape_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal([1.0]))
    with h5py.File(path, "r+") as file:
        file.attrs["empty"] = h5py.Empty("f4")
        file["Experiments"].attrs["empty"] = h5py.Empty("f4")
        file["Experiments"].attrs["texts"] = ["a", "µ"]
    hspyio.append(path, Signal([2.0]))
    with h5py.File(path) as file:
        assert file["Experiments"].attrs["texts"].tolist() == ["a", "µ"]
        assert len(file["Experiments"]) == 2


def test_a_symbolic_link_is_followed(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.hspy"
    link.symlink_to(path)
    rewrite(link, kept("two"), replaced=("one",))
    assert link.is_symlink()
    with h5py.File(path) as file:
        assert list(file["Experiments"]) == ["two"]


def test_what_is_no_experiment_is_taken_over(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["Experiments/notes/x"] = 1
        file["Experiments/soft"] = h5py.SoftLink("/nowhere")
    rewrite(path, kept("one"), replaced=("one", "two"))
    with h5py.File(path) as file:
        assert file["Experiments/notes/x"][()] == 1
        assert file["Experiments"].get("soft", getlink=True).path == "/nowhere"
        assert file.get("soft", getlink=True).path == "/extra"
        assert file.get("out", getlink=True).filename == "gone.h5"


def test_models_of_what_goes_do_not_come_back(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    one = Signal([1.0], metadata={"General": {"title": "one"}}, models={"m": {"x": 1}})
    two = Signal([2.0], metadata={"General": {"title": "two"}})
    hspyio.save(path, [one, two])
    hspyio.remove(path, "one")
    with h5py.File(path) as file:
        assert not file.get("Analysis/models")
    assert not hspyio.load(path).models
    hspyio.append(path, one)
    loaded = hspyio.load(path, name="one")
    loaded.models = {}
    hspyio.update(path, loaded)
    assert not hspyio.load(path, name="one").models
    with h5py.File(path) as file:
        assert not file.get("Analysis/models")
