"""load and open: which experiment, how lazy, and what goes wrong."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.errors import (
    DamagedFileError,
    ExperimentError,
    HspyError,
    MissingFileError,
    NotHspyError,
    OptionError,
    StaleFileError,
)
from support import handmade as h

MAP = np.arange(8 * 10 * 12, dtype=np.uint16).reshape(8, 10, 12)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """One experiment, in chunks of (2, 5, 12)."""
    result = tmp_path / "map.hspy"
    signal = hspyio.Signal(
        MAP,
        signal_dimension=1,
        metadata={"General": {"title": "Map"}, "array": np.arange(5)},
        original_metadata={"vendor": {"mode": "STEM"}},
    )
    hspyio.save(result, signal, chunks=(2, 5, 12))
    return result


def with_models(title: str, number: int) -> hspyio.Signal:
    models = {"fit": {"date": f"2024-01-0{number}"}, f"only {number}": {"date": "never"}}
    metadata = {"General": {"title": title}, "number": number}
    return hspyio.Signal(np.full(4, number), metadata=metadata, models=models)


# which experiment


def test_by_group_or_by_title(tmp_path: Path) -> None:
    h.several_experiments(tmp_path / "file.hspy")
    for name, title in (("EDS", "EDS"), ("a-b", "a/b"), ("a/b", "a/b"), ("__unnamed__", "")):
        assert hspyio.load(tmp_path / "file.hspy", name=name).title == title
    with pytest.raises(ExperimentError, match=r"'Gold'; there are: 'EDS', 'HAADF', '__un"):
        hspyio.load(tmp_path / "file.hspy", name="Gold")
    with pytest.raises(ExperimentError, match=r"4 experiments: 'EDS', 'HAADF', .*name='EDS'"):
        hspyio.load(tmp_path / "file.hspy")


def test_by_a_title_from_before_1_1(tmp_path: Path) -> None:
    h.earliest_names(tmp_path / "file.hspy")
    with h5py.File(tmp_path / "file.hspy", "r+") as file:
        file["Experiments"].move("Before 2012", "other name")
    assert hspyio.load(tmp_path / "file.hspy", name="Before 2012").title == "Before 2012"
    assert hspyio.open(tmp_path / "file.hspy").titles == {"other name": "Before 2012"}


def test_equal_titles_each_with_its_own_models(tmp_path: Path) -> None:
    path = tmp_path / "twins.hspy"
    hspyio.save(path, [with_models("Twin", 1), with_models("Twin", 2), with_models("", 3)])
    experiments = hspyio.open(path)
    assert len(experiments) == 3
    assert sorted(experiments.titles.values()) == ["", "Twin", "Twin"]
    for signal in experiments.values():
        number = signal.metadata.number
        assert signal.data.compute().tolist() == [number] * 4
        dates = {name: model.date for name, model in signal.models.items()}
        assert dates == {"fit": f"2024-01-0{number}", f"only {number}": "never"}
    # A group's name goes before a title; a title that two have is no name.
    assert hspyio.load(path, name="Twin").metadata.number == 1
    with h5py.File(path, "r+") as file:
        file["Experiments"].move("Twin", "first")
    with pytest.raises(ExperimentError, match=r"2 experiments have the title 'Twin'.*'first'"):
        hspyio.load(path, name="Twin")


def test_experiments_is_a_mapping(tmp_path: Path) -> None:
    h.several_experiments(tmp_path / "file.hspy")
    with hspyio.open(tmp_path / "file.hspy") as experiments:
        assert "a/b" in experiments and "a-b" in experiments
        assert "Gold" not in experiments
        assert 5 not in experiments
        assert experiments.get("Gold") is None
        assert experiments["a/b"].location.group == "a-b"
        with pytest.raises(KeyError):
            _ = experiments["Gold"]
        assert "EDS" in repr(experiments) and "a/b" in experiments._repr_html_()


def test_path_of_every_kind(path: Path) -> None:
    for given in (path, str(path), os.path.relpath(path)):
        assert hspyio.load(given).location.path == str(path)
        assert hspyio.load(given).location.group == "Map"


# what goes wrong


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for read in (hspyio.load, hspyio.open, hspyio.file_reader):
        with pytest.raises(MissingFileError, match=r"none\.hspy: no such file") as caught:
            read(tmp_path / "none.hspy")
        assert isinstance(caught.value, FileNotFoundError)
        with pytest.raises(NotHspyError, match="is a folder"):
            read(tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        {"errors": "ignore"},
        {"chunks": "small", "lazy": True},
        {"chunks": (5,), "lazy": True},
        {"chunks": (0, 5, 12), "lazy": True},
        {"threads": 0},
        {"threads": True},
        {"isolated": True, "lazy": True},
    ],
)
def test_options_that_make_no_sense(path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="|".join(options)):
        hspyio.load(path, **options)


def test_unavailable_filter_names_the_package(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        experiment = file["Experiments/Map"]
        del experiment["data"]
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((8, 10, 12))
        plist.set_filter(31999, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple(MAP.shape)
        data = h5py.h5d.create(experiment.id, b"data", h5py.h5t.NATIVE_UINT16, space, plist)
        data.write_direct_chunk((0, 0, 0), MAP.tobytes())
    with pytest.raises(HspyError, match=r"/Experiments/Map/data: .*31999.*install"):
        hspyio.load(path)


def test_a_hole_is_filled_and_named(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["Experiments/Map/data"].id.write_direct_chunk((4, 5, 0), h.GARBAGE)
    with pytest.raises(DamagedFileError, match=f"{path}: /Experiments/Map/data"):
        hspyio.load(path)
    with pytest.warns(hspyio.HspyWarning, match=r"/Experiments/Map/data: .*\(4, 5, 0\)"):
        signal = hspyio.load(path, errors="warn")
    expected = MAP.copy()
    expected[4:6, 5:] = 0
    assert np.array_equal(signal.data, expected)
    assert signal.metadata.array.tolist() == [0, 1, 2, 3, 4]


# what is read


def test_without_original_metadata(path: Path) -> None:
    assert hspyio.load(path).original_metadata.vendor.mode == "STEM"
    assert hspyio.load(path, original_metadata=False).original_metadata == {}
    assert hspyio.open(path, original_metadata=False)["Map"].original_metadata == {}
    assert hspyio.open(path)["Map"].original_metadata == {"vendor": {"mode": "STEM"}}


def test_external_links_are_followed_when_asked(path: Path, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = np.arange(3)
    with h5py.File(path, "r+") as file:
        file["Experiments/Map/metadata/link"] = h5py.ExternalLink("other.h5", "/secret")
    with pytest.warns(hspyio.HspyWarning, match=r"metadata/link: .*other\.h5"):
        signal = hspyio.load(path)
    assert "link" not in signal.metadata
    signal = hspyio.load(path, allow_external=True)
    assert signal.metadata.link.tolist() == [0, 1, 2]


# lazy


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [("storage", (2, 5, 12)), ((4, 10, 12), (4, 10, 12)), ((3, 7, 5), (3, 7, 5)), ("auto", None)],
)
def test_lazy_chunks(path: Path, chunks: Any, expected: Any) -> None:
    data = hspyio.load(path, lazy=True, chunks=chunks).data
    if expected is None:
        assert all(n % step == 0 for n, step in zip(data.chunksize, (2, 5, 12), strict=True))
    else:
        assert data.chunksize == expected
    assert data.dtype == MAP.dtype
    assert np.array_equal(data.compute(), MAP)
    assert np.array_equal(data[1:7:2, ::-1, 3].compute(), MAP[1:7:2, ::-1, 3])


def test_no_file_stays_open_for_eager_reading(path: Path) -> None:
    signal = hspyio.load(path)
    assert not [fd for fd in open_files() if fd == str(path)]
    assert signal.data.flags.writeable


def open_files() -> list[str]:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("no /proc here")
    return [os.readlink(link) for link in folder.iterdir() if link.is_symlink()]


def test_close_releases_the_file(path: Path) -> None:
    with hspyio.load(path, lazy=True) as signal:
        assert open_files().count(str(path)) == 1
        assert signal.data[0].compute().tolist() == MAP[0].tolist()
    assert open_files().count(str(path)) == 0
    # It is opened again for a later read, as long as it is the same.
    assert signal.data[1].compute().tolist() == MAP[1].tolist()


def overwrite(path: Path) -> None:
    hspyio.save(path, hspyio.Signal(MAP + 1, signal_dimension=1), overwrite=True)


def test_an_open_lazy_array_goes_on_with_the_old_file(path: Path) -> None:
    signal = hspyio.load(path, lazy=True)
    overwrite(path)
    assert np.array_equal(signal.data.compute(), MAP)
    path.unlink()
    assert np.array_equal(signal.data.compute(), MAP)


def test_a_closed_lazy_array_says_that_the_file_has_changed(path: Path) -> None:
    signal = hspyio.load(path, lazy=True)
    signal.close()
    overwrite(path)
    with pytest.raises(StaleFileError, match=f"{path}: .*changed"):
        signal.data.compute()
    path.unlink()
    with pytest.raises(MissingFileError):
        signal.data.compute()


def test_pickled_lazy_data(path: Path) -> None:
    signal = hspyio.load(path, lazy=True)
    dump = pickle.dumps(signal.data)
    assert len(dump) < 10_000
    assert np.array_equal(pickle.loads(dump).compute(), MAP)
    overwrite(path)
    with pytest.raises(StaleFileError):
        pickle.loads(dump).compute()
    # The original holds on to what it has opened.
    assert np.array_equal(signal.data.compute(), MAP)


def test_a_pickled_signal(path: Path) -> None:
    signal = pickle.loads(pickle.dumps(hspyio.load(path, lazy=True)))
    assert np.array_equal(signal.data.compute(), MAP)
    assert signal.metadata.General.title == "Map"


def test_lazy_data_from_several_threads(path: Path) -> None:
    import dask

    data = hspyio.load(path, lazy=True, chunks="storage").data
    with dask.config.set(scheduler="threads", num_workers=8):
        for _ in range(5):
            assert np.array_equal(data.compute(), MAP)


def test_signals_in_models_of_no_signal_are_read_by_the_files_version(tmp_path: Path) -> None:
    path = tmp_path / "file.hspy"
    inner = hspyio.Signal([1.0], metadata={"Signal": {"binned": True}})
    hspyio.save(path, hspyio.Signal([1.0], models={"m": {"s": inner}}))
    with h5py.File(path, "r+") as file:
        file["Analysis/models/m"].attrs["_signal"] = "/Experiments/gone"
    model = hspyio.open(path).models["m"]
    assert model.tree["s"].metadata.Signal.binned is True  # no migration: the file is of 3.3
    assert not model.tree["s"].axes[0].is_binned


def test_open_shows_one_state_whatever_becomes_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "state.hspy"
    titles = ("one", "two")
    old = [hspyio.Signal([1.0], metadata={"General": {"title": title}}) for title in titles]
    hspyio.save(path, old)
    with hspyio.open(path) as experiments:
        renamed = experiments["two"]
        renamed.metadata.General.title = "three"
        hspyio.update(path, renamed, name="two")
        assert list(experiments) == ["one", "two"]
        assert experiments["two"].title == "two"
        hspyio.save(path, hspyio.Signal([2.0, 3.0]), overwrite=True)
        kept = experiments["one"]
        assert kept.data.compute().tolist() == [1]
    assert kept.data.compute().tolist() == [1]  # lazy data go on without it
    with pytest.raises(StaleFileError):
        experiments["one"]
    assert hspyio.load(path).data.tolist() == [2, 3]
    with hspyio.open(path) as experiments:
        pass
    assert next(iter(experiments.values())).data.compute().tolist() == [2, 3]
