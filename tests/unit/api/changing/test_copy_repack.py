"""Files written anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.compare import signal_differences
from hspyio.errors import DamagedFileError, OptionError, SaveError, TargetExistsError
from support import places

DATA = np.random.default_rng(1).poisson(5, (12, 10, 40)).astype("u2")
ARCHIVE = sorted(places.ARCHIVE.iterdir())
SHARED = sorted(places.SHARED.glob("*.h*"))


def everything(path: Path) -> list[Signal]:
    with hspyio.open(path) as experiments:
        return [hspyio.load(path, name=name) for name in experiments]


def chunks_and_filters(path: Path, name: str = "x") -> tuple[Any, list[int]]:
    with h5py.File(path) as file:
        data = file[f"/Experiments/{name}/data"]
        creation = data.id.get_create_plist()
        return data.chunks, [creation.get_filter(i)[0] for i in range(creation.get_nfilters())]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.hspy"
    made = Signal(
        DATA,
        signal_dimension=1,
        metadata={"General": {"title": "x"}, "mixed": [1, 2.0, None, {3}], "mask": DATA[0] > 5},
        original_metadata={"b": 1, "a": 2},
    )
    hspyio.save(path, made, chunks=(1, 1, 7), compression=None)
    return path


@pytest.mark.parametrize(
    ("options", "chunks", "filters"),
    [
        ({}, (12, 10, 40), [2, 1]),
        ({"chunks": (5, 4, 40)}, (5, 4, 40), [2, 1]),
        ({"compression": None, "shuffle": False}, (12, 10, 40), []),
        ({"compression": "zstd"}, (12, 10, 40), [2, 32015]),
        ({"chunks": (3, 3, 3), "compression": "szip"}, (3, 3, 3), [2, 4]),
        ({"compression_opts": 9, "threads": 1}, (12, 10, 40), [2, 1]),
    ],
)
def test_chunks_and_compression(path: Path, options: Any, chunks: Any, filters: Any) -> None:
    target = path.with_name("b.hspy")
    hspyio.repack(path, target, **options)
    assert chunks_and_filters(target) == (chunks, filters)
    assert not signal_differences(hspyio.load(path), hspyio.load(target))


@pytest.mark.parametrize("path", [*ARCHIVE, *SHARED], ids=lambda path: path.name)
def test_every_file_keeps_all_it_holds(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.hspy"
    hspyio.repack(path, target, chunks=True)
    pairs = zip(everything(path), everything(target), strict=True)
    assert [signal_differences(*pair) for pair in pairs] == [[]] * len(everything(path))
    ours, theirs = (h5py.File(each) for each in (path, target))
    with ours, theirs:
        assert dict(ours.attrs).keys() == dict(theirs.attrs).keys()
        places: list[list[str]] = []
        for file in (ours, theirs):
            places.append([])
            file.visit(places[-1].append)
        assert sorted(places[0]) == sorted(places[1])


def test_onto_itself(path: Path) -> None:
    before = hspyio.load(path)
    with pytest.raises(TargetExistsError):
        hspyio.repack(path, path)
    hspyio.repack(path, path, overwrite=True)
    assert chunks_and_filters(path)[1] == [2, 1]
    assert not signal_differences(before, hspyio.load(path))


def test_several_experiments_keep_their_order(tmp_path: Path) -> None:
    path, target = tmp_path / "a.hspy", tmp_path / "b.hspy"
    titles = ["z", "a", "m"]
    ragged = np.empty(3, object)
    ragged[:] = [np.arange(n + 1.0) for n in range(3)]
    data = [DATA, ragged, np.arange(5)]
    hspyio.save(
        path,
        [
            Signal(values, metadata={"General": {"title": title}})
            for title, values in zip(titles, data, strict=True)
        ],
    )
    hspyio.repack(path, target, chunks=(6, 5, 40))
    with hspyio.open(target) as experiments:
        assert list(experiments) == titles
    pairs = zip(everything(path), everything(target), strict=True)
    assert [signal_differences(*pair) for pair in pairs] == [[], [], []]


def test_experiments_in_no_order_but_that_of_their_names(tmp_path: Path) -> None:
    path, target = tmp_path / "a.hspy", tmp_path / "b.hspy"
    hspyio.save(path, [Signal(DATA, metadata={"General": {"title": name}}) for name in ("b", "a")])
    with h5py.File(path, "r+") as file:  # as HyperSpy's files have it
        file.move("Experiments", "tracked")
        for name in ("b", "a"):
            file.move(f"tracked/{name}", f"Experiments/{name}")
        del file["tracked"]
    hspyio.repack(path, target, chunks=(6, 5, 40))
    with hspyio.open(path) as old, hspyio.open(target) as new:
        assert list(old) == list(new) == ["a", "b"]


def test_dead_space_is_left_behind(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["junk"] = np.random.default_rng(0).random(100_000)
        file["last"] = 1  # or the file is cut where the junk began
    with h5py.File(path, "r+") as file:
        del file["junk"]
        file.attrs["kept"] = 1
    large = path.stat().st_size
    hspyio.repack(path, path, overwrite=True)
    assert path.stat().st_size < large - 700_000
    with h5py.File(path) as file:
        assert (file.attrs["kept"], file["last"][()]) == (1, 1)


def test_damaged_data_are_refused_and_nothing_is_written(path: Path) -> None:
    hspyio.repack(path, path, overwrite=True)
    with h5py.File(path) as file:
        offset = file["/Experiments/x/data"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[offset : offset + 8] = b"\xff" * 8
    path.write_bytes(bytes(content))
    with pytest.raises((DamagedFileError, SaveError), match="chunk at"):
        hspyio.repack(path, path.with_name("b.hspy"))
    assert [entry.name for entry in path.parent.iterdir()] == ["a.hspy"]


def test_options_are_checked_first(path: Path) -> None:
    with pytest.raises(OptionError):
        hspyio.repack(path, path.with_name("b.hspy"), chunks=(1, 2))
    with pytest.raises(OptionError):
        hspyio.repack(path, path.with_name("b.hspy"), compression="best")
    assert not path.with_name("b.hspy").exists()


@pytest.mark.parametrize("old", [*ARCHIVE, *SHARED], ids=lambda path: path.name)
def test_any_file_can_be_sealed_afterwards(old: Path, tmp_path: Path) -> None:
    new = tmp_path / f"new{old.suffix}"
    hspyio.repack(old, new, checksum=True)
    report = hspyio.verify(new)
    assert report.ok and len(report.sealed) == len(hspyio.info(new).experiments)
    assert not report.unsealed
    assert not list(hspyio.diff(old, new, strict=True, stamps=True))
    with h5py.File(new, "r+") as file:
        [first, *_] = file["Experiments"]
        file["Experiments"][first].attrs["added"] = 1
    assert not hspyio.verify(new).ok


def test_what_is_sealed_and_gone_is_told(path: Path) -> None:
    hspyio.append(path, Signal(np.ones(3), title="y", models={"fit": {"components": {}}}))
    hspyio.repack(path, path, overwrite=True, checksum=True)
    for gone in ("Experiments/y", "Analysis/models/fit"):
        with h5py.File(path, "r+") as file:
            del file[gone]
        assert f"/{gone}: was sealed with the file, and is gone" in str(hspyio.verify(path))
