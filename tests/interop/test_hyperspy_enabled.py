"""HyperSpy with hspyio enabled does what it does on RosettaSciIO's back end.

Each feature is run on both, files are exchanged between them, and what comes out is compared, to
the class of each value. Where RosettaSciIO's own result is a defect, its number stands there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import exspy
import h5py
import hyperspy.api as hs
import numpy as np
import pytest

import hspyio
from interop.test_hyperspy import MAKERS, RANDOM, fitted, loaded_example, spectrum, with_markers
from support.plugged import (
    BACK_END,
    BACK_ENDS,
    LAZY,
    OURS,
    THEIRS,
    check_through_either,
    content,
    different,
    load,
    on_both,
    plugged,
    save,
)

Make = Callable[[], Any]


# signals of every kind, written and read by either ------------------------------------------------


def separated() -> Any:
    signal = hs.signals.Signal1D(RANDOM.random((6, 7, 20)))
    signal.decomposition(print_info=False)
    signal.blind_source_separation(2, algorithm="orthomax", print_info=False)
    return signal


def functional_axes() -> Any:
    signal = hs.signals.Signal2D(RANDOM.random((3, 4, 5)))
    signal.axes_manager[1].convert_to_functional_data_axis(expression="x**2 + k", k=3)
    return signal


def unfolded() -> Any:
    signal = spectrum()
    signal.unfold_navigation_space()
    return signal


def transposed() -> Any:
    return spectrum().transpose(signal_axes=2)


def big_endian() -> Any:
    return hs.signals.Signal1D(np.arange(12, dtype=">i2").reshape(3, 4))


def booleans() -> Any:
    return hs.signals.Signal2D(RANDOM.random((3, 4)) > 0.5)


def colours16() -> Any:
    signal = hs.signals.Signal1D(RANDOM.integers(0, 9, (5, 6, 4)).astype("u2"))
    signal.change_dtype("rgba16")
    return signal


def single_number() -> Any:
    return hs.signals.BaseSignal([5.0])


def sum_of_all() -> Any:
    return spectrum().sum(axis=(0, 1, 2))


def navigation_alone() -> Any:
    return hs.signals.BaseSignal(RANDOM.random((3, 4))).T


def lazy_signal() -> Any:
    return (spectrum().as_lazy() * 2).rebin(scale=(1, 1, 2))


def lazy_ragged() -> Any:
    import dask.array as da

    data = np.empty((2, 3), object)
    for index in np.ndindex(data.shape):
        data[index] = np.arange(sum(index) + 1.0)
    return hs.signals.BaseSignal(da.from_array(data, chunks=(1, 3)), ragged=True).as_lazy()


def titled_in_metadata() -> Any:
    signal = spectrum()
    signal.metadata.General.title = "µ/日本"
    signal.metadata.General.add_dictionary({"date": "2026-01-02", "authors": "A, B"})
    signal.metadata.add_dictionary(
        {"Sample": {"tuple": (1, (2.5, None)), "items": [{"a": 1}, {"b": [1, 2]}], "empty": []}}
    )
    return signal


def eels() -> Any:
    signal = hs.signals.Signal1D(RANDOM.random((3, 50)))
    signal.set_signal_type("EELS")
    signal.set_microscope_parameters(beam_energy=200, convergence_angle=1, collection_angle=5)
    signal.add_elements(("C", "O"))
    return signal


def eds_with_intensities() -> Any:
    signal = loaded_example()
    signal.metadata.Sample.intensities = signal.get_lines_intensity()
    return signal


EVERY = [
    *MAKERS,
    *(separated, functional_axes, unfolded, transposed, big_endian, booleans, colours16),
    *(single_number, sum_of_all, navigation_alone, lazy_signal, lazy_ragged, titled_in_metadata),
    *(eels, eds_with_intensities),
]


@LAZY
@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
def test_every_signal_through_either(make: Make, lazy: bool, tmp_path: Path) -> None:
    # Defect R1: RosettaSciIO reads no ragged arrays in metadata lazily.
    unreadable = "already a dask array" if make is with_markers and lazy else ""
    check_through_either(make(), tmp_path, lazy=lazy, unreadable=unreadable)


def test_stored_models_are_restored(tmp_path: Path) -> None:
    wanted = fitted()
    for writer in BACK_ENDS:
        path = save(writer, wanted, tmp_path / f"{writer}.hspy")
        for reader in BACK_ENDS:
            model = load(reader, path).models.restore("a fit")
            shown = [m.as_signal(show_progressbar=False).data for m in (model, restored(wanted))]
            assert np.array_equal(*shown)
            assert model.chisq.data.tolist() == restored(wanted).chisq.data.tolist()


def restored(signal: Any) -> Any:
    return signal.models.restore("a fit")


@LAZY
def test_stacks(lazy: bool, tmp_path: Path) -> None:
    def run(folder: Path) -> Any:
        for number in range(12):
            signal = hs.signals.Signal1D(np.full(5, float(number)))
            signal.metadata.General.title = f"part {number}"
            signal.save(folder / f"{number}.hspy")
        listed = [folder / f"{number}.hspy" for number in range(12)]
        stacks = [
            hs.load(listed, stack=True, lazy=lazy, show_progressbar=False),
            hs.load(str(folder / "*.hspy"), stack=True, lazy=lazy, show_progressbar=False),
            hs.load(listed[:3], stack=True, stack_axis=0, show_progressbar=False),
            hs.load(listed[:3], stack=True, stack_metadata=False, show_progressbar=False),
        ]
        stacks[0].save(folder / "stack.hspy")
        return [content(signal) for signal in (*stacks, hs.load(folder / "stack.hspy"))]

    assert different(*on_both(run, tmp_path)) == []


def test_several_signals_in_a_file(tmp_path: Path) -> None:
    # RosettaSciIO has no way of its own to write several
    many = [hspyio.from_hyperspy(make()) for make in (spectrum, MAKERS[1], MAKERS[2])]
    for number, signal in enumerate(many):
        signal.title = f"map {number}"
    hspyio.save(tmp_path / "many.hspy", many)
    theirs, ours = (load(back_end, tmp_path / "many.hspy") for back_end in BACK_ENDS)
    assert [signal.metadata.General.title for signal in ours] == ["map 0", "map 1", "map 2"]
    assert different(*([content(signal) for signal in both] for both in (theirs, ours))) == []


# options of loading and saving --------------------------------------------------------------------

SAVING: list[dict[str, Any]] = [
    {},
    {"chunks": (2, 3, 20)},
    {"chunks": True},
    {"compression": None},
    {"compression": "lzf"},
    {"compression": "gzip", "compression_opts": 9},
    {"shuffle": False},
    {"fletcher32": True},
    {"close_file": False},
    {"close_file": True, "write_dataset": True, "show_progressbar": False},
]


@pytest.mark.parametrize("options", SAVING, ids=str)
def test_options_of_saving(options: dict[str, Any], tmp_path: Path) -> None:
    signal = spectrum()

    def run(folder: Path) -> Any:
        signal.save(folder / "a.hspy", **options)
        stored = how_stored(folder / "a.hspy", "a-b")
        return stored, content(hs.load(folder / "a.hspy"))

    theirs, ours = on_both(run, tmp_path)
    if options.get("compression", ...) is None:
        theirs[0]["shuffle"] = False  # it costs time, and gains nothing without compression
    assert different(theirs, ours) == []


def how_stored(path: Path, title: str) -> dict[str, Any]:
    with h5py.File(path) as file:
        data = file[f"Experiments/{title}/data"]
        return {
            "chunks": data.chunks,
            "compression": data.compression,
            "level": data.compression_opts,
            "shuffle": data.shuffle,
            "fletcher32": data.fletcher32,
            "dtype": data.dtype.str,
            "maxshape": data.maxshape,
        }


def test_filter_objects_of_hdf5plugin(tmp_path: Path) -> None:
    hdf5plugin = pytest.importorskip("hdf5plugin")
    signal = spectrum()
    for back_end in BACK_ENDS:
        path = save(
            back_end, signal, tmp_path / f"{back_end}.hspy", **hdf5plugin.Blosc(cname="zstd")
        )
        assert np.array_equal(load(THEIRS, path).data, signal.data)
        assert np.array_equal(load(OURS, path, lazy=True).data.compute(), signal.data)


LOADING: list[dict[str, Any]] = [
    {"signal_type": "EELS"},
    {"load_original_metadata": False},
    {"convert_units": True},
    {"file_format": "hspy"},
    {"file_format": "HSPY"},
    {"mode": "r"},
    {"lazy": True, "mode": "a"},
]


@pytest.mark.parametrize("options", LOADING, ids=str)
def test_options_of_loading(options: dict[str, Any], tmp_path: Path) -> None:
    path = save(THEIRS, spectrum(), tmp_path / "a.hspy")
    found = []
    for back_end in BACK_ENDS:
        signal = load(back_end, path, **options)
        found.append((content(signal), signal.tmp_parameters.as_dictionary()))
        if signal._lazy:
            signal.close_file()
    assert different(*found) == []


def test_what_numbers_among_texts_become(tmp_path: Path) -> None:
    # as the specification says; `exact_types` is off
    signal = hs.signals.BaseSignal([0])
    signal.metadata.set_item("Sample.somelist", [1, 2.0, "a name"])
    path = save(OURS, signal, tmp_path / "a.hspy")
    for back_end in BACK_ENDS:
        assert load(back_end, path).metadata.Sample.somelist == ["1", "2.0", "a name"]
    exact = load(OURS, path, exact_types=True)
    assert exact.metadata.Sample.somelist == [1, 2.0, "a name"]


@pytest.mark.parametrize("answer", ["y", "n"])
@pytest.mark.parametrize("overwrite", [None, False, True])
def test_overwriting(
    overwrite: bool | None, answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr("builtins.input", lambda text="": asked.append(text) or answer)

    def run(folder: Path) -> Any:
        hs.signals.Signal1D([1.0, 2.0]).save(folder / "a.hspy")
        hs.signals.Signal1D([3.0, 4.0, 5.0]).save(folder / "a.hspy", overwrite=overwrite)
        return content(hs.load(folder / "a.hspy"))

    theirs, ours = on_both(run, tmp_path)
    assert different(theirs, ours) == []
    assert len(ours["data"]) == (3 if overwrite or (overwrite is None and answer == "y") else 2)
    assert len(asked) == (2 if overwrite is None else 0)


def test_names_of_files(tmp_path: Path) -> None:
    def run(folder: Path) -> Any:
        (folder / "inner").mkdir()
        spectrum().save(folder / "a.hspy")
        signal = hs.load(folder / "a.hspy")
        signal.save(folder / "no extension", file_format="hspy")
        signal.save(folder / "inner")
        signal.save(overwrite=True)
        signal.save(folder / "old.hdf5", file_format="HSPY")
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))

    theirs, ours = on_both(run, tmp_path)
    other = "no extension.hspy"
    assert ours == theirs == ["a.hspy", f"inner/{other}", other, "old.hdf5"]


@BACK_END
def test_an_extension_of_several_formats_stays_one(back_end: str, tmp_path: Path) -> None:
    path = save(back_end, spectrum(), tmp_path / "a.hdf5", file_format="HSPY")
    with pytest.raises(ValueError, match="multiple file formats"):
        save(back_end, spectrum(), tmp_path / "b.hdf5")
    with pytest.raises(ValueError, match="multiple file readers"):
        load(back_end, path)
    assert load(back_end, path, file_format="HSPY").metadata.General.title == "a/b"


# changing files -----------------------------------------------------------------------------------


def test_a_lazy_signal_onto_its_own_file(tmp_path: Path) -> None:
    data = RANDOM.random((6, 4, 20))
    for back_end in BACK_ENDS:
        path = save(back_end, hs.signals.Signal1D(data), tmp_path / f"{back_end}.hspy")
        with plugged(back_end):
            # RosettaSciIO demands that it is opened for writing (R13); ours does not mind
            signal = hs.load(path, lazy=True, mode="a")
            signal.metadata.General.title = ""
            signal.metadata.set_item("Sample.name", "new")
            signal.save(path, overwrite=True)
            signal.close_file()
            again = hs.load(path)
        assert np.array_equal(again.data, data)
        assert again.metadata.Sample.name == "new"


def test_a_lazy_signal_onto_its_own_file_opened_for_reading(tmp_path: Path) -> None:
    data = RANDOM.random((6, 4, 20))
    path = save(OURS, hs.signals.Signal1D(data), tmp_path / "a.hspy")
    with plugged(OURS):
        signal = hs.load(path, lazy=True)
        doubled = (signal * 2).rebin(scale=(1, 1, 2))  # another shape, too
        doubled.save(path, overwrite=True)
        assert np.array_equal(signal.data.compute(), data)  # the old file lives on
        assert np.array_equal(hs.load(path).data, doubled.data.compute())
    path = save(THEIRS, hs.signals.Signal1D(data), tmp_path / "theirs.hspy")
    with plugged(THEIRS):
        signal = hs.load(path, lazy=True)
        with pytest.raises(OSError, match="mode"):  # defect R13
            signal.save(path, overwrite=True)
        signal.close_file()


def test_metadata_alone_are_written(tmp_path: Path) -> None:
    original = spectrum()

    def run(folder: Path) -> Any:
        original.save(folder / "a.hspy")
        signal = hs.load(folder / "a.hspy")
        signal.data[:] = 0  # not to be written
        signal.metadata.set_item("Sample.name", "new")
        signal.axes_manager[-1].scale = 0.25
        signal.save(folder / "a.hspy", overwrite=True, write_dataset=False)
        return content(hs.load(folder / "a.hspy"))

    theirs, ours = on_both(run, tmp_path)
    assert different(theirs, ours) == []
    assert ours["data"].any()
    assert ours["metadata"]["Sample"]["name"] == "new"
    assert ours["axes"][-1]["scale"] == 0.25


# extensions ---------------------------------------------------------------------------------------


@LAZY
def test_a_missing_extension_is_a_warning(
    lazy: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = save(OURS, eels(), tmp_path / "a.hspy")
    with h5py.File(path, "r+") as file:
        for group in file["Experiments"].values():
            group.attrs["package"], group.attrs["package_version"] = "not_there", "1.0"
            group["metadata/Signal"].attrs["signal_type"] = "unheard of"
    found = []
    for back_end in BACK_ENDS:
        caplog.clear()
        signal = load(back_end, path, lazy=lazy)
        remarks = [(one.levelname, one.getMessage()) for one in caplog.records]
        assert any("not_there" in text for _, text in remarks)
        found.append((content(signal), remarks))
    assert different(*found) == []
    assert found[1][0]["class"] == ("LazySignal1D" if lazy else "Signal1D")


def test_package_and_version(tmp_path: Path) -> None:
    for back_end in BACK_ENDS:
        for signal, package in ((eels(), exspy), (spectrum(), hs)):
            path = save(back_end, signal, tmp_path / f"{back_end}.hspy", overwrite=True)
            found = hspyio.load(path)
            assert found.package == package.__name__.removesuffix(".api")
            assert found.package_version == package.__version__
