"""What is exported to a store comes back without loss: any value, any array."""

from __future__ import annotations

import zipfile
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
from hypothesis import example, given, settings

import hspyio
from hspyio.compare import signal_differences
from hspyio.errors import ConversionError, OptionError, SaveError, TargetExistsError
from hspyio.testing import signals
from support.cases import CASES


@pytest.mark.parametrize("suffix", [".zspy", ".zspy.zip"])
def test_many_experiments_and_their_order(tmp_path: Path, suffix: str) -> None:
    source, target = tmp_path / "a.hspy", tmp_path / f"b{suffix}"
    rows = np.empty(3, object)
    rows[:] = [np.ones((n, 2)) for n in (1, 2, 0)]
    texts = np.empty(2, object)
    texts[:] = [np.array(["a", "bb"]), np.array(["äö€"])]
    given_ = [
        hspyio.Signal(np.arange(24.0).reshape(2, 3, 4), title="z"),
        hspyio.Signal(rows, title="rows"),
        hspyio.Signal(texts, title="texts"),
        hspyio.Signal(np.zeros((0, 3)), title="a/none"),
        hspyio.Signal(np.array([1 + 2j, 3]), title="complex"),
    ]
    hspyio.save(source, given_)
    hspyio.export(source, target)
    assert target.is_dir() == (suffix == ".zspy")
    with hspyio.open(source) as one, hspyio.open(target) as other:
        assert list(one) == list(other)
    assert not hspyio.diff(source, target, strict=True)
    assert not hspyio.validate(target).findings
    with pytest.raises(TargetExistsError):
        hspyio.export(source, target)
    hspyio.export(source, target, name="rows", overwrite=True, compression=False)
    assert list(hspyio.open(target)) == ["rows"]


def back(signal: hspyio.Signal, folder: Path) -> hspyio.Signal:
    source, target = folder / "a.hspy", folder / "a.zspy.zip"
    hspyio.save(source, signal, overwrite=True)
    hspyio.export(source, target, overwrite=True)
    return hspyio.load(target)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_every_value_of_the_table(name: str, tmp_path: Path) -> None:
    metadata = {"General": {"title": "t"}, "value": CASES[name]}
    signal = hspyio.Signal(np.ones(2), metadata=metadata)
    assert not signal_differences(signal, back(signal, tmp_path))


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=30)
@example(hspyio.Signal(np.array(False), original_metadata={"": {None: None, "": b""}}))
@given(signals())
def test_any_signal(tmp_path_factory: pytest.TempPathFactory, signal: hspyio.Signal) -> None:
    folder = tmp_path_factory.mktemp("any")
    hspyio.save(folder / "a.hspy", signal)
    kept = hspyio.load(folder / "a.hspy")
    assert not signal_differences(kept, back(kept, folder))


def test_lazy_data_go_chunk_by_chunk(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 9, (50, 40, 32, 32)).astype("u2")
    hspyio.save(tmp_path / "a.hspy", hspyio.Signal(da.from_array(values, chunks=(7, 40, 32, 32))))
    hspyio.export(tmp_path / "a.hspy", tmp_path / "a.zspy")
    lazy = hspyio.load(tmp_path / "a.zspy", lazy=True, chunks="storage")
    assert lazy.data.npartitions > 1
    np.testing.assert_array_equal(lazy.data.compute(), values)


def test_the_way_back_through_import(tmp_path: Path) -> None:
    pytest.importorskip("rsciio")
    signal = hspyio.Signal(np.ones((2, 3)), title="t", metadata={"a": (1, {2}), "b": b"\xff"})
    hspyio.save(tmp_path / "a.hspy", signal)
    for name in ("a.zspy", "b.zspy.zip"):
        hspyio.export(tmp_path / "a.hspy", tmp_path / name)
        out = hspyio.import_file(tmp_path / name, tmp_path / "c.hspy", overwrite=True)
        assert not hspyio.diff(tmp_path / "a.hspy", out, strict=True)
    assert hspyio.import_file(tmp_path / "b.zspy.zip") == str(tmp_path / "b.hspy")
    with pytest.raises(OptionError, match="lazy: no options of this format"):
        hspyio.import_file(tmp_path / "a.zspy", tmp_path / "d.hspy", lazy=True)


def test_another_programs_change_counts(tmp_path: Path) -> None:
    import json

    signal = hspyio.Signal(np.ones(2), title="t", metadata={"V": {"x": np.float32(1.5)}})
    hspyio.save(tmp_path / "a.hspy", signal)
    hspyio.export(tmp_path / "a.hspy", tmp_path / "a.zspy")
    assert type(hspyio.load(tmp_path / "a.zspy").metadata.V.x) is np.float32
    (tmp_path / "a.zspy" / ".zmetadata").unlink()
    place = tmp_path / "a.zspy" / "Experiments" / "t" / "metadata" / "V" / ".zattrs"
    place.write_text(json.dumps({"x": 2.25}))
    assert hspyio.load(tmp_path / "a.zspy").metadata.V.x == 2.25


def test_a_name_that_zarr_keeps(tmp_path: Path) -> None:
    signal = hspyio.Signal(np.ones(2), metadata={".zarray": {"a": 1}})
    hspyio.save(tmp_path / "a.hspy", signal)
    with pytest.raises((ConversionError, SaveError), match=r"\.zarray"):
        hspyio.export(tmp_path / "a.hspy", tmp_path / "a.zspy")
    assert [path.name for path in tmp_path.iterdir()] == ["a.hspy"]


def test_a_zip_is_one_that_zarr_takes(tmp_path: Path) -> None:
    hspyio.save(tmp_path / "a.hspy", hspyio.Signal(np.ones(2)))
    hspyio.export(tmp_path / "a.hspy", tmp_path / "a.zspy.zip")
    with zipfile.ZipFile(tmp_path / "a.zspy.zip") as archive:
        names = archive.namelist()
        assert len(names) == len(set(names)) and {".zgroup", ".zattrs", ".zmetadata"} <= set(names)
        assert all(item.compress_type == zipfile.ZIP_STORED for item in archive.infolist())
