"""A TIFF that we exported is imported as the signal that it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import hspyio
from hspyio.bridges.importing import blocks
from hspyio.bridges.importing.by_tifffile import is_exported, signals_by_tifffile
from hspyio.errors import ConversionError

tifffile = pytest.importorskip("tifffile")
RNG = np.random.default_rng(0)
pytestmark = pytest.mark.filterwarnings("ignore")  # what export says has no place in TIFF


def axes(rank: int, navigation: int) -> list[dict[str, Any]]:
    return [
        {"name": name, "units": "nm", "scale": 0.5, "offset": -3.0, "navigate": i < navigation}
        for i, name in enumerate("tyxba"[:rank])
    ]


def colours() -> np.ndarray[Any, Any]:
    made = np.zeros((4, 5), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    made["R"], made["B"] = 200, np.arange(5)
    return made


SIGNALS: dict[str, hspyio.Signal] = {
    "image": hspyio.Signal(RNG.integers(0, 99, (4, 5)).astype("u2"), axes(2, 0)),
    "map of spectra": hspyio.Signal(RNG.integers(0, 99, (4, 5, 6)).astype("u1"), axes(3, 2)),
    "four dimensions": hspyio.Signal(RNG.random((2, 3, 4, 5)).astype("f4"), axes(4, 2)),
    "line": hspyio.Signal(RNG.random(7), axes(1, 0)),
    "ones": hspyio.Signal(RNG.random((1, 4, 1)), axes(3, 1)),
    "ome": hspyio.Signal(RNG.random((3, 4, 5)), axes(3, 1)),
    "bool": hspyio.Signal(RNG.random((4, 5)) > 0.5),
    "half": hspyio.Signal(RNG.random((4, 5)).astype("f2")),
    "int64": hspyio.Signal(RNG.integers(-9, 9, (4, 5))),
    "big-endian": hspyio.Signal(RNG.integers(0, 99, (4, 5)).astype(">u2")),
    "complex": hspyio.Signal(RNG.random((4, 5)) + 1j),
    "colours": hspyio.Signal(colours()),
    "points": hspyio.Signal(RNG.random((3, 4)), [{"axis": [0.0, 1, 5]}, {"name": "x"}]),
}


def exported(signal: hspyio.Signal, folder: Path) -> Path:
    signal.title = "µ & <title>"
    signal.metadata.set_item("Sample", {"pair": (1, None), "elements": ["Fe"]})
    hspyio.save(folder / "a.hspy", signal)
    hspyio.export(folder / "a.hspy", folder / "a.tif")
    return folder / "a.tif"


@pytest.mark.parametrize("name", SIGNALS)
def test_it_comes_back(name: str, tmp_path: Path) -> None:
    path = exported(SIGNALS[name].deepcopy(), tmp_path)
    assert is_exported(str(path))
    out = hspyio.import_file(path, tmp_path / "b.hspy")
    assert not hspyio.diff(tmp_path / "a.hspy", out, strict=True)


def test_large_ones_are_lazy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_AT_ONCE", 100)
    path = exported(SIGNALS["map of spectra"].deepcopy(), tmp_path)
    (signal,) = signals_by_tifffile(str(path))
    assert signal.lazy
    assert_array_equal(signal.data.compute(), SIGNALS["map of spectra"].data)


def test_others_are_not_ours(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "b.tif", np.zeros((4, 5), "u1"), description='{"a": 1}')
    tifffile.imwrite(tmp_path / "c.tif", np.zeros((4, 5), "u1"), imagej=True)
    (tmp_path / "d.tif").write_bytes(b"no tiff")
    for name in "bcd":
        assert not is_exported(str(tmp_path / f"{name}.tif"))


def test_one_that_was_changed_since(tmp_path: Path) -> None:
    path = exported(SIGNALS["image"].deepcopy(), tmp_path)
    content = path.read_bytes()
    assert b'"shape"' in content or '"shape"'.encode("utf-16-be") in content
    for one in (b'"order"', '"order"'.encode("utf-16-be"), '"order"'.encode("utf-16-le")):
        content = content.replace(one, one.replace(b"o", b"0"))
    path.write_bytes(content)
    with pytest.raises(ConversionError, match=r"a\.tif: was exported by hspyio, and has been cha"):
        hspyio.import_file(path, tmp_path / "b.hspy")
