"""A container that cannot be read is not absent: whoever reads names it, whoever writes refuses."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.errors import DamagedFileError
from hspyio.integrity import seal
from hspyio.transaction.changes import write_seal

PARTS = (
    "Experiments",
    "Experiments/One",
    "Experiments/One/attributes",
    "Experiments/One/metadata",
    "Experiments/One/original_metadata",
    "Experiments/One/learning_results",
    "Experiments/One/_hspyio_masks",
    "Experiments/One/axis-0",
    "Experiments/One/data",
    "Analysis",
    "Analysis/models",
    "Analysis/models/fit",
)
INSIDE = ("Experiments/One/metadata/General", "Experiments/One/metadata/_list_2_list")
"""Of the experiment that is replaced, or goes; in others they stay as they are."""


def one(title: str) -> hspyio.Signal:
    """A signal that has every part."""
    signal = hspyio.Signal(
        np.arange(6.0).reshape(2, 3),
        metadata={"General": {"title": title}, "list": [1, {"a": 2}]},
        original_metadata={"a": {"b": 1}},
        attributes={"own": 1},
        learning_results={"factors": np.eye(3)},
    )
    signal.metadata["masked"] = np.ma.masked_equal(np.arange(3), 1)
    signal.models["fit"] = hspyio.Model({"_dict": {"x": 1}})
    return signal


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "sealed"])
def good(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sealed" if request.param else "plain") / "good.hspy"
    hspyio.save(path, [one("One"), one("Two")], checksum=request.param)
    return path


def damaged(good: Path, part: str, target: Path) -> bytes:
    """A copy of which the header of an object has one bit flipped."""
    with h5py.File(good) as file:
        address = h5py.h5o.get_info(file[part].id).addr
    content = bytearray(good.read_bytes())
    content[address + 20] ^= 0x10
    target.write_bytes(content)
    return bytes(content)


def said(call: Callable[[], object]) -> str:
    """What an error or a warning says."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        try:
            call()
        except hspyio.HspyError as error:
            return str(error)
    assert all(issubclass(item.category, hspyio.HspyWarning) for item in found)
    return "\n".join(str(item.message) for item in found)


READERS: dict[str, Callable[[Path], object]] = {
    "load": lambda path: hspyio.load(path, name="One"),
    "warn": lambda path: hspyio.load(path, name="One", errors="warn"),
    "lazy": lambda path: hspyio.load(path, name="One", lazy=True),
    "open": lambda path: hspyio.open(path)["One"],
    "info": hspyio.info,
    "reader": hspyio.file_reader,
    "list": lambda path: hspyio.list_datasets_in_file(path, verbose=False),
    "as plain metadata": hspyio.read_metadata_from_file,
    "diff": lambda path: list(hspyio.diff(path, path)),
}


@pytest.mark.parametrize("part", [*PARTS, *INSIDE])
def test_every_reader_names_a_container_that_is_damaged(
    good: Path, part: str, tmp_path: Path
) -> None:
    path = tmp_path / "damaged.hspy"
    damaged(good, part, path)
    sealed = "sealed" in good.parent.name
    for way, read in READERS.items():
        text = said(lambda read=read: read(path))  # type: ignore[misc]
        inside = sealed and part in INSIDE and "/Experiments/One/metadata" in text
        assert f"/{part}" in text or inside, (way, text)
    found = hspyio.verify(path)
    assert not found.ok
    assert any(problem.where == f"/{part}" for problem in found.problems)
    rescued = hspyio.rescue(path, tmp_path / "rescued.hspy")
    assert not rescued.ok


def changed(path: Path) -> hspyio.Signal:
    signal = one("One")
    signal.metadata["General"]["notes"] = "new"
    return signal


WRITERS: dict[str, Callable[[Path], object]] = {
    "append": lambda path: hspyio.append(path, one("New")),
    "update": lambda path: hspyio.update(path, changed(path), name="One"),
    "remove": lambda path: hspyio.remove(path, "One"),
    "repack": lambda path: hspyio.repack(path, path, overwrite=True),
    "upgrade": lambda path: hspyio.upgrade(path, path, overwrite=True),
    "add_nexus": hspyio.add_nexus,
    "mode a": lambda path: hspyio.file_writer(
        path,
        {"data": np.arange(3), "axes": [{"size": 3}], "metadata": {"General": {"title": "One"}}},
        mode="a",
    ),
    "no data": lambda path: hspyio.file_writer(
        path,
        {
            "data": np.zeros((2, 3)),
            "axes": [{"size": 2}, {"size": 3}],
            "metadata": {"General": {"title": "One"}},
        },
        mode="a",
        write_dataset=False,
    ),
}  # fmt: skip
KEEPING = {"append", "add_nexus"}
"""These leave the trees of all that is there as they are."""


@pytest.mark.filterwarnings("ignore::hspyio.errors.HspyWarning")
@pytest.mark.parametrize("part", [*PARTS, *INSIDE])
def test_every_write_in_place_refuses_what_it_would_lose(
    good: Path, part: str, tmp_path: Path
) -> None:
    path = tmp_path / "damaged.hspy"
    content = damaged(good, part, path)
    for way, write in WRITERS.items():
        if part in INSIDE and way in KEEPING:
            continue
        with pytest.raises(hspyio.HspyError) as caught:
            write(path)
        assert f"/{part}" in str(caught.value), way
        assert "rescue" in str(caught.value), way
        assert path.read_bytes() == content, way


GONE = {"factors": "learning_results/factors", "numbers": "metadata/_list_3_numbers"}


@pytest.mark.parametrize("name", GONE)
def test_an_update_leaves_out_nothing_that_cannot_be_read(name: str, tmp_path: Path) -> None:
    """No signal that was loaded can have had it; what is replaced is replaced on purpose."""
    path = tmp_path / "a.hspy"
    signal = one("One")
    signal.learning_results["factors"] = np.random.default_rng(0).random((300, 300))
    signal.metadata["numbers"] = [np.random.default_rng(1).random((200, 100)), 1, "text"]
    hspyio.save(path, signal)
    with h5py.File(path) as file:
        found: list[tuple[int, int]] = []

        def note(place: str, item: object) -> None:
            if isinstance(item, h5py.Dataset) and item.chunks and place.startswith(where):
                chunk = item.id.get_chunk_info(0)
                found.append((chunk.byte_offset, chunk.size))

        where = f"Experiments/One/{GONE[name]}"
        file.visititems(note)
    [(offset, size)] = found
    content = bytearray(path.read_bytes())
    content[offset : offset + size] = bytes(size)
    path.write_bytes(content)
    with pytest.warns(hspyio.HspyWarning, match=name):
        read = hspyio.load(path)
    with pytest.raises(DamagedFileError, match=rf"(?s)/{GONE[name]}.*rescue"):
        hspyio.update(path, read)
    assert path.read_bytes() == content
    holder = read.learning_results if name == "factors" else read.metadata
    holder[name] = signal.learning_results[name] if name == "factors" else signal.metadata[name]
    hspyio.update(path, read)
    assert hspyio.verify(path).ok


def test_a_file_that_is_whole_is_changed_as_ever(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "file.hspy"
    for write in WRITERS.values():
        path.write_bytes(good.read_bytes())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write(path)
        assert hspyio.verify(path).ok


def test_what_is_damaged_in_another_experiment_stays_as_it_is(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.hspy"
    damaged(good, INSIDE[1], path)
    hspyio.append(path, one("New"))
    assert any(one.where == f"/{INSIDE[1]}" for one in hspyio.verify(path).problems)


def test_an_axis_in_a_list_does_not_take_the_place_of_a_damaged_one(tmp_path: Path) -> None:
    path, broken = tmp_path / "good.hspy", tmp_path / "damaged.hspy"
    axes = [{"size": 2, "name": "first"}, {"size": 3, "name": "second"}]
    signal = hspyio.Signal(np.zeros(3))
    signal.metadata["inside"] = hspyio.Signal(np.zeros((2, 3)), axes)
    hspyio.save(path, signal)
    where = next(f"Experiments/{name}" for name in hspyio.open(path))
    part = f"{where}/metadata/_sig_inside/_list_2_axes/0"
    damaged(path, part, broken)
    with pytest.warns(hspyio.HspyWarning, match="_list_2_axes/0"):
        found = hspyio.load(broken, errors="warn")
    assert [axis.name for axis in found.metadata["inside"].axes] == [None, "second"]
    with pytest.warns(hspyio.HspyWarning, match="_list_2_axes/0"):
        assert "inside" not in hspyio.load(broken).metadata


# the list of what a sealed file holds


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    path = tmp_path / "sealed.hspy"
    hspyio.save(path, [one("One"), one("Two")], checksum=True)
    return path


@pytest.mark.filterwarnings("ignore::hspyio.errors.HspyWarning")
@pytest.mark.parametrize("gone", ["Experiments/Two", "Analysis/models/fit", "Experiments"])
def test_what_vanished_from_a_sealed_file_is_missed(sealed: Path, gone: str) -> None:
    with h5py.File(sealed, "r+") as file:
        del file[gone]
    told = "/Experiments/" if gone == "Experiments" else f"/{gone}"
    for way in ("info", "open", "reader", "load"):
        assert told in said(lambda way=way: READERS[way](sealed)), way  # type: ignore[misc]
    assert any(problem.where.startswith(told) for problem in hspyio.verify(sealed).problems)
    with pytest.raises(DamagedFileError, match="was sealed"):
        hspyio.append(sealed, one("New"))


def test_the_list_itself_is_missed_and_damage_to_it_is_noticed(sealed: Path) -> None:
    with h5py.File(sealed, "r+") as file:
        values = file.attrs["_hspyio_seal"]
        values[3] ^= 1
        file.attrs.modify("_hspyio_seal", values)
    with pytest.warns(hspyio.HspyWarning, match="list of what was in the file is damaged"):
        hspyio.open(sealed)
    with h5py.File(sealed, "r+") as file:
        del file.attrs["_hspyio_seal"]
    with pytest.raises(DamagedFileError, match="list of what was in the file is gone"):
        hspyio.load(sealed, name="One")
    assert not hspyio.verify(sealed).ok


def test_the_list_keeps_up_with_every_change(sealed: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.hspy"
    hspyio.append(sealed, one("New"))
    hspyio.update(sealed, changed(sealed), name="Two")  # which renames it
    hspyio.remove(sealed, "One")
    hspyio.append(sealed, one("Sealed"), checksum=True)
    hspyio.repack(sealed, sealed, overwrite=True)
    hspyio.extract(sealed, "New", other)
    hspyio.upgrade(sealed, sealed, overwrite=True)
    for path, names in ((sealed, {"One_2", "One", "New", "Sealed"}), (other, {"New"})):
        assert hspyio.verify(path).ok
        found = set(hspyio.open(path))
        assert found <= names and "New" in found
        with h5py.File(path, "r+") as file:
            del file["Experiments/New"]
        assert "/Experiments/New" in said(lambda path=path: hspyio.info(path).experiments)  # type: ignore[misc]


def test_a_file_that_was_sealed_before_there_were_lists_gets_one(sealed: Path) -> None:
    with h5py.File(sealed, "r+") as file:
        del file.attrs["_hspyio_seal"]
        for name in ("One", "Two"):
            group = file["Experiments"][name]
            old = seal._decoded(group["_hspyio_seal"][()].tobytes())
            write_seal(group, seal.encoded(seal.Seal(old.trees, old.arrays)))
    assert hspyio.verify(sealed).ok
    hspyio.repack(sealed, sealed, overwrite=True)
    assert hspyio.verify(sealed).ok
    with h5py.File(sealed, "r+") as file:
        assert "_hspyio_seal" in file.attrs
