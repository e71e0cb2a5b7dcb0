"""Ragged data that stay in the file: rows are read when they are asked for, and no others."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hspyio
from hspyio import HspyError, Signal
from hspyio.compare import value_differences
from hspyio.hdf5 import dataset
from hspyio.hdf5 import ragged as vlen
from hspyio.testing.strategies import ragged


def rows_of(shape: tuple[int, ...], length: int = 50) -> np.ndarray[Any, Any]:
    made = np.empty(shape, object)
    for number, place in enumerate(np.ndindex(*shape)):
        made[place] = np.arange(number, number + length + number % 3, dtype="f4").reshape(-1, 1)
    return made


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the rows that are read of the files' heaps, call by call."""
    counts: list[int] = []
    real = vlen.read_rows

    def counted(references: Any, *more: Any) -> Any:
        counts.append(references.size)
        return real(references, *more)

    monkeypatch.setattr(vlen, "read_rows", counted)
    return counts


@pytest.fixture
def path(tmp_path: Path) -> Path:
    hspyio.save(tmp_path / "a.hspy", Signal(rows_of((20, 30)), [{"navigate": True}] * 2))
    return tmp_path / "a.hspy"


def test_nothing_is_read_until_it_is_asked_for(path: Path, read: list[int]) -> None:
    signal = hspyio.load(path, lazy=True)
    assert signal.lazy and signal.ragged
    assert "ragged" in repr(signal) and signal._repr_html_()
    with hspyio.open(path) as file:
        assert repr(file) and file["__unnamed__"].lazy
    assert sum(read) == 0
    expected = rows_of((20, 30))
    for part in (np.s_[3, 4], np.s_[::-2, 7], np.s_[[1, 5], 2:4], np.s_[19]):
        read.clear()
        found = signal.data[part].compute()
        wanted = expected[part]
        assert not value_differences(found, wanted)
        if part in (np.s_[3, 4], np.s_[19]):  # others by blocks, as dask has it
            assert sum(read) == 2 * (30 if part == np.s_[19] else 1)  # each row has a shape


def test_blocks_are_cut_by_the_bytes_of_their_rows(path: Path) -> None:
    from dask import config

    with config.set({"array.chunk-size": "1 MiB"}):
        small = hspyio.load(path, lazy=True).data
    assert small.npartitions == 1
    big = rows_of((6, 6), length=100_000)
    hspyio.save(path, Signal(big, [{"navigate": True}] * 2), overwrite=True)
    with config.set({"array.chunk-size": "1 MiB"}):
        for lazy in (hspyio.load(path, lazy=True).data, hspyio.file_reader(path, True)[0]["data"]):
            assert lazy.npartitions >= 12
            assert not value_differences(lazy.compute(), big)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ragged(), st.booleans())
def test_lazy_is_what_eager_is(
    tmp_path_factory: pytest.TempPathFactory, data: Any, exact: bool
) -> None:
    path = tmp_path_factory.mktemp("ragged") / "a.hspy"
    try:
        hspyio.save(path, Signal(data, [{"navigate": True}] * data.ndim))
    except HspyError:
        return
    eager = hspyio.load(path).data
    lazy = hspyio.load(path, lazy=True).data
    assert not value_differences(np.asarray(lazy.compute(), object).reshape(data.shape), eager)
    pair = [hspyio.file_reader(path, lazy, exact_types=exact)[0]["data"] for lazy in (False, True)]
    assert not value_differences(pair[1].compute(), pair[0])


def test_rows_without_items_have_their_types(path: Path) -> None:
    data = np.empty(4, object)
    data[:] = [np.array(made, dtype) for made, dtype in (
        ([""], "U4"), ([], "S2"), ([], "M8[s]"), ([[]], "U3"),
    )]  # fmt: skip
    hspyio.save(path, Signal(data, [{"navigate": True}]), overwrite=True)
    for lazy in (False, True):
        assert not value_differences(np.asarray(hspyio.load(path, lazy=lazy).data, object), data)


@pytest.mark.parametrize("where", ["metadata", "nested"])
def test_inside_trees_too(where: str, tmp_path: Path, read: list[int]) -> None:
    rows = rows_of((30,), length=20_000)
    value = rows if where == "metadata" else Signal(rows, [{"navigate": True}])
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal([1.0], metadata={"x": value, "few": rows_of((3,))}))
    found = hspyio.load(path, lazy=True).metadata
    assert sum(read) <= 6  # the few
    lazy = found["x"] if where == "metadata" else found["x"].data
    assert hasattr(lazy, "compute")
    assert not value_differences(lazy[7:9].compute(), rows[7:9])
    assert sum(read) <= 12
    assert isinstance(found["few"], np.ndarray)


def test_sealed_ones_too(path: Path, read: list[int]) -> None:
    hspyio.save(path, hspyio.load(path), checksum=True, overwrite=True)
    read.clear()
    lazy = hspyio.load(path, lazy=True)
    assert sum(read) == 0
    assert not value_differences(lazy.data[2, 3].compute(), rows_of((20, 30))[2, 3])
    assert hspyio.verify(path).ok


def test_an_update_reads_none(path: Path, read: list[int]) -> None:
    signal = hspyio.load(path, lazy=True)
    signal.metadata.set_item("A.b", 1)
    hspyio.update(path, signal)
    assert sum(read) == 0
    assert not value_differences(hspyio.load(path).data, rows_of((20, 30)))


def by_rosettasciio(path: Path, data: Any) -> None:
    rsciio = pytest.importorskip("rsciio.hspy")
    axis = {"name": "x", "scale": 1.0, "offset": 0.0, "units": "", "navigate": True}
    rsciio.file_writer(
        path,
        {
            "data": data,
            "axes": [{**axis, "size": n, "index_in_array": i} for i, n in enumerate(data.shape)],
            "metadata": {"General": {"title": "x"}},
            "original_metadata": {},
            "attributes": {"_lazy": False, "ragged": True},
            "learning_results": {},
            "models": {},
            "package_info": {"package": "", "package_version": ""},
            "tmp_parameters": {},
        },
    )


def test_files_of_rosettasciio_too(tmp_path: Path, read: list[int]) -> None:
    data = rows_of((5, 4))
    by_rosettasciio(tmp_path / "r.hspy", data)
    readers: list[Callable[[], Any]] = [
        lambda: hspyio.load(tmp_path / "r.hspy", lazy=True).data,
        lambda: hspyio.file_reader(tmp_path / "r.hspy", lazy=True)[0]["data"],
    ]
    for reader in readers:
        read.clear()
        lazy = reader()
        assert sum(read) == 0
        assert not value_differences(lazy[1:3, 2].compute(), data[1:3, 2])
        assert sum(read) <= 8
        again = pickle.loads(pickle.dumps(lazy))
        assert not value_differences(again.compute(), data)


def test_hyperspy_takes_them(path: Path) -> None:
    hs = pytest.importorskip("hyperspy.api")
    hspyio.enable_hyperspy()
    try:
        signal = hs.load(path, lazy=True)
    finally:
        hspyio.disable_hyperspy()
    assert signal._lazy and signal.ragged
    assert not value_differences(signal.data[3, 4].compute(), rows_of((20, 30))[3, 4])


def test_a_hint_that_fits_no_more_makes_no_wrong_value(tmp_path: Path) -> None:
    data = np.empty(2, object)
    data[:] = [np.arange(3, dtype="i2"), np.arange(2.0)]
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(data, [{"navigate": True}]))
    assert not value_differences(hspyio.load(path, lazy=True).data.compute(), data)
    with h5py.File(path, "r+") as file:
        file["Experiments/__unnamed__/data"][0] = [0.5, 1.5, 2.5]
    found = hspyio.load(path, lazy=True).data.compute()
    assert found[0].tolist() == [0.5, 1.5, 2.5]
    assert found[1].tolist() == [0.0, 1.0]


def test_many_rows_are_counted_by_some(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = hspyio.load(path, lazy=True, chunks=(5, 5)).data
    monkeypatch.setattr(dataset, "_COUNTED", 10)
    assert whole.chunks == ((5,) * 4, (5,) * 6)
    assert not value_differences(hspyio.load(path, lazy=True).data.compute(), rows_of((20, 30)))


PROGRAM = """
import sys, warnings, hspyio
warnings.simplefilter("ignore")

def rss():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

small, big = sys.argv[1:]
for path in (small, big):
    before = rss()
    signal = hspyio.load(path, lazy=True)
    pairs = hspyio.file_reader(path, lazy=True)
    row = signal.data[1, 1].compute()
print(round(rss() - before))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("checksum", [False, True])
def test_loading_takes_no_memory_for_the_rows(checksum: bool, tmp_path: Path) -> None:
    """125 MB of rows."""
    files = [tmp_path / "small.hspy", tmp_path / "big.hspy"]
    for file, shape in zip(files, ((2, 2), (50, 50)), strict=True):
        rows = rows_of(shape, length=12_500)
        signal = Signal(rows, [{"navigate": True}] * 2)
        hspyio.save(file, signal, checksum=checksum, durable=False)
    command = [sys.executable, "-c", PROGRAM, *map(str, files)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 30
