"""Sealed experiments stay sealed, and what is added is sealed where that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.errors import DamagedFileError
from hspyio.integrity import seal

NOISE = np.random.default_rng(3).random((40, 50, 60))  # 960 kB: one chunk


def signal(title: str, data: Any = NOISE) -> Signal:
    return Signal(
        data,
        signal_dimension=1,
        metadata={"General": {"title": title}, "Sample": {"name": "glass"}},
        models={"fit": {"components": [1.0, 2.0]}},
    )


@pytest.fixture(params=[2, 0], ids=["superblock 2", "superblock 0"])
def path(tmp_path: Path, request: Any) -> Path:
    """One sealed experiment and one that is not."""
    path = tmp_path / "a.hspy"
    hspyio.save(path, signal("sealed"), checksum=True)
    hspyio.append(path, signal("plain"))
    if request.param == 0:
        with h5py.File(path) as old, h5py.File(tmp_path / "b", "w", libver="earliest") as new:
            for name in old:
                old.copy(name, new)
            for name, value in old.attrs.items():
                new.attrs[name] = value
        (tmp_path / "b").replace(path)
    return path


def sealed(path: Path) -> dict[str, bool]:
    found = hspyio.verify(path)
    assert found.ok
    return {name: names_seal(path, name) for name in hspyio.open(path)}


def names_seal(path: Path, name: str) -> bool:
    with h5py.File(path) as file:
        return "_hspyio_seal" in file[f"Experiments/{name}"]


def test_an_update_seals_anew_without_reading_the_data(path: Path, monkeypatch: Any) -> None:
    assert sealed(path) == {"sealed": True, "plain": False}
    before = path.stat().st_size
    read = hspyio.load(path, name="sealed")
    read.metadata.Sample.name = "quartz"
    summed: list[str] = []
    original = seal.make_seal

    def noting(parts: Any, workers: Any, known: Any) -> Any:
        summed.extend(known)
        return original(parts, workers, known)

    monkeypatch.setattr(seal, "make_seal", noting)
    hspyio.update(path, read)
    assert summed == ["data"]
    read.metadata.General.title = "renamed"
    hspyio.update(path, read, name="sealed")
    assert sealed(path) == {"renamed": True, "plain": False}
    assert path.stat().st_size < before + 200_000
    again = hspyio.load(path, name="renamed")
    assert again.metadata.Sample.name == "quartz"
    assert np.array_equal(again.data, NOISE)


def test_append_and_remove(path: Path) -> None:
    hspyio.append(path, signal("third"), checksum=True)
    hspyio.append(path, signal("fourth"), checksum=True, compression=None)
    hspyio.remove(path, "plain")
    assert sealed(path) == {"sealed": True, "third": True, "fourth": True}


def test_the_data_are_replaced(path: Path) -> None:
    [content, _] = hspyio.file_reader(path)
    content["data"] = NOISE + 1
    hspyio.file_writer(path, content, mode="a")
    assert sealed(path) == {"plain": False, "sealed": True}
    assert np.array_equal(hspyio.load(path, name="sealed").data, NOISE + 1)


def test_damage_is_not_sealed_by_an_update(path: Path) -> None:
    read = hspyio.load(path, name="sealed")
    with h5py.File(path, "r+") as file:
        file["Experiments/sealed/metadata/Sample"].attrs["name"] = "glasX"
    with pytest.raises(DamagedFileError, match="seal"):
        hspyio.update(path, read)
    with pytest.raises(DamagedFileError, match="seal"):
        hspyio.load(path, name="sealed")


def test_damaged_data_are_still_found_after_an_update(path: Path) -> None:
    with h5py.File(path) as file:
        info = file["Experiments/sealed/data"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[info.byte_offset + info.size // 2] ^= 1
    path.write_bytes(content)
    read = hspyio.load(path, name="sealed", lazy=True)
    read.metadata.Sample.name = "quartz"
    hspyio.update(path, read)
    with pytest.raises(DamagedFileError, match=r"chunk at \(0, 0, 0\)"):
        hspyio.load(path, name="sealed")
    assert not hspyio.verify(path).ok
