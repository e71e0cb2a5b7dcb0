"""Navigators: made in the pass in which data are written, kept while they fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import h5py
import numpy as np
import pytest
from dask.callbacks import Callback

import hspyio
from hspyio import Axes, HspyWarning, Signal, UniformAxis
from hspyio.api.saving.navigator import navigators
from hspyio.errors import OptionError
from support.places import ARCHIVE

DATA = np.random.default_rng(5).poisson(3, (6, 8, 10, 12)).astype("u2")
SUM, MAX = DATA.sum((2, 3), dtype="u8"), DATA.max((2, 3))
AXES = [
    {"name": "y", "size": 6, "scale": 0.5, "units": "nm", "navigate": True},
    {"name": "x", "size": 8, "scale": 0.25, "units": "nm", "navigate": True},
    {"name": "ky", "size": 10, "navigate": False},
    {"name": "kx", "size": 12, "navigate": False},
]


def a_map(data: Any = DATA) -> Signal:
    return Signal(data, AXES, title="map", metadata={"_HyperSpy": {"kept": 1}})


def first(path: Path, **options: Any) -> Signal:
    found: Signal = hspyio.load(path, **options).metadata._HyperSpy.navigator
    return found


class Counted:
    """An array that counts how often each value is read."""

    def __init__(self, values: Any) -> None:
        self.values, self.reads = values, np.zeros(values.shape, int)
        self.shape, self.dtype, self.ndim = values.shape, values.dtype, values.ndim

    def __getitem__(self, part: Any) -> Any:
        self.reads[part] += 1
        return self.values[part]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.hspy"


@pytest.mark.parametrize("how", ["sum", "max"])
@pytest.mark.parametrize("lazy", [False, True])
def test_a_navigator_is_saved_with_its_axes(path: Path, how: Any, lazy: bool) -> None:
    data = da.from_array(DATA, chunks=(2, 3, 10, 6)) if lazy else DATA
    signal = a_map(data)
    hspyio.save(path, signal, navigator=how)
    found = first(path)
    assert (found.data == {"sum": SUM, "max": MAX}[how]).all()
    assert [axis.name for axis in found.axes] == ["y", "x"]
    assert [axis.units for axis in found.axes] == ["nm", "nm"]
    assert [axis.navigate for axis in found.axes] == [False, False]
    assert found.title == how
    assert hspyio.load(path).metadata._HyperSpy.kept == 1
    assert not signal.metadata.has_item("_HyperSpy.navigator")  # what was given stays as it is
    assert hspyio.validate(path).ok


def test_each_value_of_a_lazy_array_is_read_once(path: Path) -> None:
    counted = Counted(DATA)
    lazy = da.from_array(counted, chunks=(2, 3, 5, 12), meta=np.empty((0,) * 4, "u2"))
    hspyio.save(path, a_map(lazy), navigator=["sum", "max"])
    assert (counted.reads == 1).all()
    assert (first(path).data == SUM).all()
    assert (hspyio.load(path).data == DATA).all()


def chunks_read(do: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> Counter[bytes]:
    """How often each chunk is decoded meanwhile."""
    from hspyio.filters.pipeline import Pipeline

    seen: Counter[bytes] = Counter()
    one, many = Pipeline.decode, Pipeline.decode_batch

    def decode(self: Pipeline, stored: Any, *others: Any) -> Any:
        seen[bytes(stored)] += 1
        return one(self, stored, *others)

    def decode_batch(self: Pipeline, stored: Any, *others: Any) -> Any:
        for chunk in stored:
            seen[bytes(chunk)] += 1
        return many(self, stored, *others)

    with monkeypatch.context() as patch:
        patch.setattr(Pipeline, "decode", decode)
        patch.setattr(Pipeline, "decode_batch", decode_batch)
        do()
    return seen


@pytest.mark.parametrize("way", ["repack", "add_navigator", "save again"])
def test_each_chunk_of_a_file_is_read_once(
    path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = path.with_name("new.hspy")
    hspyio.save(path, a_map(), chunks=(2, 2, 10, 12))
    ways: dict[str, Callable[[], object]] = {
        "repack": lambda: hspyio.repack(path, target, navigator="sum"),
        "add_navigator": lambda: hspyio.add_navigator(path),
        "save again": lambda: hspyio.save(target, hspyio.load(path, lazy=True), navigator="sum"),
    }
    seen = chunks_read(ways[way], monkeypatch)
    assert sum(seen.values()) == len(seen) == 12
    made = path if way == "add_navigator" else target
    assert (first(made).data == SUM).all()
    assert (hspyio.load(made).data == DATA).all()


class Tasks(Callback):  # type: ignore[misc]
    """Counts what dask does."""

    def __init__(self) -> None:
        self.count = 0
        super().__init__(posttask=self.note)

    def note(self, *_: Any) -> None:
        self.count += 1


@pytest.mark.parametrize("scheduler", ["threads", "sync"])
def test_no_block_has_a_task_more(path: Path, scheduler: str) -> None:
    source = path.with_name("source.hspy")
    hspyio.save(source, a_map(), chunks=(2, 2, 10, 12))
    lazy = a_map(da.from_array(DATA, chunks=(2, 4, 10, 12)))
    ways: list[Callable[..., object]] = [
        lambda wanted: hspyio.save(path, lazy, navigator=wanted, overwrite=True),
        lambda wanted: hspyio.repack(source, path, navigator=wanted, overwrite=True),
    ]
    for way in ways:
        counts = []
        for wanted in (None, ["sum", "max"]):
            with dask.config.set(scheduler=scheduler), Tasks() as tasks:
                way(wanted)
            counts.append(tasks.count)
        assert counts[0] == counts[1] > 0
        assert (first(path).data == SUM).all()
        others = hspyio.load(path).metadata._HyperSpy.navigators
        assert (others["max"].data == MAX).all()


def test_each_of_several_files_gets_its_own(path: Path) -> None:
    counted = Counted(DATA)
    lazy = a_map(da.from_array(counted, chunks=(2, 3, 10, 12), meta=np.empty((0,) * 4, "u2")))
    other = path.with_name("other.hspy")
    hspyio.save_all({path: lazy, other: lazy}, navigator="sum")
    assert (counted.reads == 1).all()
    for one in (path, other):
        assert (first(one).data == SUM).all()
        assert (hspyio.load(one).data == DATA).all()


def test_metadata_are_encoded_once_and_the_signal_stays_as_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hspyio.converters.encoder import Encoder

    seen: list[str] = []
    encode = Encoder.try_encode

    def note(self: Encoder, value: object, where: str) -> Any:
        seen.append(where)
        return encode(self, value, where)

    signal = a_map()
    monkeypatch.setattr(Encoder, "try_encode", note)
    hspyio.save(path, signal, navigator="sum")
    assert seen.count("metadata") == 1
    assert signal.metadata._HyperSpy.as_dictionary() == {"kept": 1}
    assert first(path).axes[0] == Axes([UniformAxis("y", "nm", size=6, scale=0.5)])[0]


def test_it_stands_before_the_data(path: Path) -> None:
    large = np.random.default_rng(1).integers(0, 99, (64, 64, 20), "u1")
    lazy = Signal(da.from_array(large, chunks=(16, 16, 20)), signal_dimension=1, title="map")
    hspyio.save(path, lazy, navigator="sum")
    with h5py.File(path) as file:
        group = file["Experiments/map"]
        navigator = group["metadata/_HyperSpy/_sig_navigator/data"].id
        assert navigator.get_offset() < group["data"].id.get_chunk_info(0).byte_offset
    assert (first(path).data == large.sum(2)).all()


def test_several_are_kept_by_name_and_the_first_is_shown(path: Path) -> None:
    detector = Signal(SUM * 2.0, AXES[:2], title="bright field")
    hspyio.save(path, a_map(), navigator=[detector, "sum", "max"])
    found = navigators(hspyio.load(path))
    assert list(found) == ["bright field", "sum", "max"]
    assert (found["bright field"].data == SUM * 2.0).all()
    assert (found["max"].data == MAX).all()


def test_one_that_is_there_is_kept(path: Path) -> None:
    hspyio.save(path, a_map(), navigator="max")
    hspyio.save(path, hspyio.load(path), overwrite=True)
    assert (first(path).data == MAX).all()


def test_one_that_no_longer_fits_is_dropped_with_a_word(path: Path) -> None:
    hspyio.save(path, a_map(), navigator=["max", "sum"])
    signal = hspyio.load(path)
    signal.data = signal.data[:3]
    signal.axes[0].size = 3
    with pytest.warns(HspyWarning, match=r"'max', 'sum' does not fit .* navigator='sum'"):
        hspyio.save(path, signal, overwrite=True)
    assert not navigators(hspyio.load(path))
    assert len(navigators(signal)) == 2
    hspyio.save(path, signal, overwrite=True, navigator="sum")
    assert (first(path).data == SUM[:3]).all()


def test_what_has_no_map_gets_none(path: Path) -> None:
    hspyio.save(path, [Signal(np.ones((3, 4))), a_map()], navigator="sum")
    image, signal = hspyio.load(path, name=None) if False else list(hspyio.open(path).values())
    assert not navigators(image)
    assert list(navigators(signal)) == ["sum"]


def test_colours_have_none_and_it_is_said(path: Path) -> None:
    colours = np.zeros((3, 2, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.warns(HspyWarning, match=r"its values \(rgb8\) cannot be added"):
        hspyio.save(path, Signal(colours, signal_dimension=2), navigator="sum")
    with pytest.raises(OptionError, match=r"values of type rgb8 cannot be added"):
        hspyio.add_navigator(path)


@pytest.mark.parametrize("wrong", ["mean", 3, ["sum", None], np.ones(3)])
def test_wrong_wishes_are_told_before_anything_is_written(path: Path, wrong: Any) -> None:
    with pytest.raises(OptionError, match="use 'sum', 'max'"):
        hspyio.save(path, a_map(), navigator=wrong)
    assert not path.exists()


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ("x", "_HyperSpy"),
        (None, "_HyperSpy"),
        ({"navigator": [1]}, "_HyperSpy.navigator"),
        ({"navigator": {"a": 1}}, "_HyperSpy.navigator"),
        ({"navigators": 5}, "_HyperSpy.navigators"),
        ({"navigators": {"one": Signal(SUM), "two": "x"}}, "_HyperSpy.navigators"),
    ],
)
def test_what_else_stands_in_its_place_is_not_lost(path: Path, part: Any, place: str) -> None:
    signal = Signal(DATA, signal_dimension=2, metadata={"_HyperSpy": part})
    with pytest.raises(OptionError, match=rf"^.*metadata\.{place} is no navigator"):
        hspyio.save(path, signal, navigator="sum")
    assert not path.exists()
    hspyio.save(path, signal)
    with pytest.raises(OptionError, match=r"is no navigator"):
        hspyio.repack(path, path, navigator="max", overwrite=True)
    with pytest.raises(OptionError, match=r"is no navigator"):
        hspyio.add_navigator(path)
    assert repr(hspyio.load(path).metadata) == repr(signal.metadata)


def test_a_map_of_another_shape_is_refused(path: Path) -> None:
    with pytest.raises(OptionError, match=r"shape \(8, 6\), .* \(6, 8\)"):
        hspyio.save(path, a_map(), navigator=Signal(SUM.T, title="turned"))
    assert not path.exists()


def test_three_navigation_axes_give_a_stack_of_pictures(path: Path) -> None:
    data = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    hspyio.save(path, Signal(data, signal_dimension=1), navigator="sum")
    found = first(path)
    assert (found.data == data.sum(3)).all()
    assert [axis.navigate for axis in found.axes] == [True, False, False]


def test_a_sealed_file_stays_sealed(path: Path) -> None:
    hspyio.save(path, a_map(), checksum=True)
    hspyio.add_navigator(path)
    assert hspyio.verify(path).ok
    hspyio.repack(path, path, overwrite=True, navigator="max")
    report = hspyio.verify(path)
    assert report.ok and "sealed" in str(report)
    assert (first(path).data == MAX).all()


def test_repack_leaves_the_rest_of_the_metadata(path: Path) -> None:
    signal = a_map()
    signal.metadata.set_item("A.deep", [1, "two", (3.0,)])
    hspyio.save(path, signal, navigator=["sum", "max"])
    hspyio.repack(path, path, overwrite=True)
    assert list(navigators(hspyio.load(path))) == ["sum", "max"]
    hspyio.repack(path, path, overwrite=True, navigator="max")
    found = hspyio.load(path)
    assert list(navigators(found)) == ["max"]
    assert found.metadata.get_item("A.deep") == [1, "two", (3.0,)]
    assert found.metadata._HyperSpy.kept == 1


def test_repack_of_an_old_file_says_what_to_do_first(path: Path) -> None:
    found = next(one for one in sorted(ARCHIVE.iterdir()) if one.name.endswith("1.2.hdf5"))
    with pytest.raises(OptionError, match=r"upgrade\(path, path, overwrite=True\) first"):
        hspyio.repack(found, path, navigator="sum")
    assert not path.exists()


def test_append_and_file_writer_make_one_too(path: Path) -> None:
    hspyio.save(path, a_map())
    hspyio.append(path, a_map(), name="two", navigator="sum")
    assert list(navigators(hspyio.load(path, name="two"))) == ["sum"]
    assert not navigators(hspyio.load(path, name="map"))
    [read, _] = hspyio.file_reader(path)
    hspyio.file_writer(path, read)
    assert "navigator" not in hspyio.file_reader(path)[0]["metadata"]["_HyperSpy"]
    hspyio.file_writer(path, read, navigator="max")
    assert (first(path).data == MAX).all()
    with pytest.raises(OptionError, match="add_navigator"):
        hspyio.file_writer(path, read, write_dataset=False, navigator="max")


def test_a_picture_of_a_lazy_map_shows_what_is_in_the_file(path: Path) -> None:
    pytest.importorskip("matplotlib")
    hspyio.save(path, a_map(), navigator=Signal(SUM * 0 + 7.0, AXES[:2], title="detector"))
    [left, *_] = hspyio.load(path, lazy=True).plot().axes
    assert left.get_title() == "detector, from the file"
    assert (left.images[0].get_array() == 7).all()
    [left, *_] = hspyio.load(path).plot().axes
    assert left.get_title() == "sum over ky, kx"


def test_a_map_without_values_gets_none(path: Path) -> None:
    hspyio.save(path, Signal(np.ones((3, 0)), signal_dimension=1), navigator="max")
    assert not navigators(hspyio.load(path))
