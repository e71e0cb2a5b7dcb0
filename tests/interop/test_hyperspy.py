"""HyperSpy and eXSpy with our reader and our writer.

`hs.load(path, file_format=hspyio)` takes a module; `s.save(path, file_format=...)` takes names of
HyperSpy's own plugins alone, so signals are written with `file_writer` and what `save` hands over.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import exspy
import h5py
import hyperspy.api as hs
import numpy as np
import pytest

import hspyio
from support.compare import FILES, differences, rosettasciio, signal_dicts
from support.make_archive import plain

LAZY = pytest.mark.parametrize("lazy", [False, True])
# RosettaSciIO's plugin, by the name HyperSpy has for it, and ours.
THEIRS, OURS = {"file_format": "HSPY"}, {"file_format": hspyio}
READERS = pytest.mark.parametrize("reader", [THEIRS, OURS], ids=["rosettasciio", "hspyio"])
RANDOM = np.random.default_rng(0)


def loaded(path: Path, **kwds: Any) -> Any:
    """`hs.load`; HyperSpy's remarks on old files are not at stake."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hs.load(path, **kwds)


def write(path: Path, signal: Any, **kwds: Any) -> None:
    """Write as `signal.save` would if it took our module."""
    package, _, _ = type(signal).__module__.partition(".")
    hspyio.file_writer(path, {**handed_over(signal), "package_info": info(package)}, **kwds)


def info(package: str) -> dict[str, str]:
    version = {"hyperspy": hs.__version__, "exspy": exspy.__version__}[package]
    return {"package": package, "package_version": version}


def handed_over(signal: Any) -> dict[str, Any]:
    return {**signal._to_dictionary(add_models=True), "tmp_parameters": {}}


def content(signal: Any) -> dict[str, Any]:
    """All that a HyperSpy signal would save, without its log of loads and saves."""
    result = copy.deepcopy(handed_over(signal))
    result["metadata"].get("General", {}).pop("FileIO", None)
    return result


def same(one: Any, other: Any, *, types: bool = True) -> bool:
    """Whether two HyperSpy signals are the same; with `types`, to the class of each value."""
    contents = [content(one), content(other)]
    if not types:
        contents = [everything_plain(tree) for tree in contents]
    found = list(differences(*contents))
    assert found == []
    return type(one) is type(other) or not types


def everything_plain(value: Any) -> Any:
    """`plain`, object arrays and dask arrays included."""
    if hasattr(value, "compute"):
        value = value.compute()
    if isinstance(value, dict):
        return {key: everything_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(everything_plain, value))
    if isinstance(value, np.ndarray) and value.dtype == object:
        return [everything_plain(item) for item in value.ravel()]
    return plain(value)


# files of others ----------------------------------------------------------------------------------

SHARED = pytest.mark.skipif(not FILES, reason="../shared/data is not here")
EACH = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
R5 = ("example1_v1.0.hdf5", "example1_v1.1.hdf5")


@SHARED
@LAZY
@EACH
def test_hyperspy_loads_shared_files_with_our_reader(path: Path, lazy: bool) -> None:
    ours, theirs = (loaded(path, lazy=lazy, **kwds) for kwds in (OURS, THEIRS))
    if path.name in R5:
        detector = theirs.metadata.Acquisition_instrument.TEM.Detector.as_dictionary()
        theirs.metadata.Acquisition_instrument.TEM.Detector = {"EELS": detector}
    assert same(ours, theirs)
    assert ours._lazy is lazy
    log = ours.metadata.General.FileIO.as_dictionary()
    assert log[max(log)]["io_plugin"] == "hspyio"


@SHARED
@LAZY
@READERS
@EACH
def test_hyperspy_loads_what_we_saved(
    path: Path, reader: dict[str, Any], lazy: bool, tmp_path: Path
) -> None:
    hspyio.save(tmp_path / "again.hspy", hspyio.load(path, lazy=lazy))
    again = content(loaded(tmp_path / "again.hspy", lazy=lazy, **reader))
    expected = content(loaded(path, lazy=lazy, **reader))
    for signal in signal_dicts(expected["metadata"]):
        # HyperSpy turns it into `is_binned` for the outer signal alone, we for nested ones too.
        signal["metadata"]["Signal"].pop("binned", None)
    if path.name in R5 and reader is THEIRS:
        tem = expected["metadata"]["Acquisition_instrument"]["TEM"]
        tem["Detector"] = {"EELS": tem["Detector"]}
    assert list(differences(*map(everything_plain, (again, expected)))) == []


# signals of HyperSpy ------------------------------------------------------------------------------


def spectrum() -> Any:
    signal = hs.signals.Signal1D(RANDOM.random((3, 4, 20)))
    signal.metadata.General.title = "a/b"
    signal.axes_manager[0].name, signal.axes_manager[-1].units = "x", "eV"
    signal.axes_manager[-1].is_binned = True
    signal.original_metadata.add_dictionary({"vendor": {"list": [1, "two", None], "a b": 5}})
    signal.metadata.Signal.quantity = "Counts"
    return signal


def non_uniform() -> Any:
    axes: list[dict[str, Any]] = [
        {"name": "t", "axis": np.array([0.0, 1.0, 10.0]), "navigate": True},
        {
            "name": "w",
            "expression": "a / (x + 1) + b",
            "a": 100.0,
            "b": 10,
            "x": {"size": 20, "offset": 1.0, "scale": 0.5},
            "units": "nm",
        },
    ]
    return hs.signals.Signal1D(RANDOM.random((3, 20)), axes=axes)


def complex_image() -> Any:
    return hs.signals.ComplexSignal2D((RANDOM.random((5, 6)) + 1j).astype(np.complex64))


def colours() -> Any:
    pixels = RANDOM.integers(0, 255, (5, 6, 3)).astype(np.uint8)
    signal = hs.signals.Signal1D(pixels)
    signal.change_dtype("rgb8")
    return signal


def with_navigator() -> Any:
    signal = spectrum()
    signal.navigator = hs.signals.Signal2D(np.arange(12.0).reshape(3, 4))
    return signal


def with_variance() -> Any:
    signal = spectrum()
    signal.estimate_poissonian_noise_variance()
    return signal


def decomposed() -> Any:
    signal = spectrum()
    signal.decomposition(print_info=False)
    return signal


def with_markers(*, unicode: bool = False) -> Any:
    signal = hs.signals.Signal2D(RANDOM.random((3, 4, 10, 11)))
    markers = hs.plot.markers
    offsets = np.empty((4, 3), object)
    for index in np.ndindex(offsets.shape):
        offsets[index] = RANDOM.random((sum(index) + 1, 2))
    for marker in (
        markers.Points(offsets=offsets),
        markers.Texts(offsets=offsets, texts=texts(offsets, "µm" if unicode else "um")),
        markers.Lines(segments=RANDOM.random((2, 2, 2)), color=("red", "blue")),
    ):
        signal.add_marker(marker, permanent=True, plot_marker=False)
    return signal


def texts(offsets: Any, unit: str) -> Any:
    """As many texts as there are points."""
    result = np.empty(offsets.shape, object)
    for index in np.ndindex(offsets.shape):
        result[index] = np.array([f"{i} {unit}" for i in range(len(offsets[index]))])
    return result


def ragged() -> Any:
    data = np.empty((3, 4), object)
    for index in np.ndindex(data.shape):
        data[index] = np.arange(sum(index) + 1.0).reshape(1, -1)
    return hs.signals.BaseSignal(data, ragged=True)


def stack() -> Any:
    signals = []
    for number in range(12):
        signal = hs.signals.Signal1D(np.full(5, number))
        signal.metadata.General.title = f"part {number}"
        signals.append(signal)
    return hs.stack(signals, show_progressbar=False)


def empty_titled() -> Any:
    return hs.signals.BaseSignal([1])


def fitted() -> Any:
    signal = hs.signals.Signal1D(RANDOM.random((2, 3, 30)))
    model = signal.create_model()
    gaussian = hs.model.components1D.Gaussian(centre=15.0)
    model.extend([gaussian, hs.model.components1D.Polynomial(order=1)])
    gaussian.centre.bmin, gaussian.centre.bmax = 5.0, None
    model.fit()
    model.multifit(show_progressbar=False)
    model.store("a fit")
    return signal


MAKERS: list[Callable[[], Any]] = [
    *(spectrum, non_uniform, complex_image, colours, with_navigator, with_variance, decomposed),
    *(with_markers, ragged, stack, empty_titled, fitted),
]
EACH_SIGNAL = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)


@LAZY
@READERS
@EACH_SIGNAL
def test_hyperspy_loads_what_we_wrote(
    make: Callable[[], Any], reader: dict[str, Any], lazy: bool, tmp_path: Path
) -> None:
    signal = make()
    write(tmp_path / "file.hspy", signal)
    if make is with_markers and lazy and reader is THEIRS:
        with pytest.raises(ValueError, match="already a dask array"):  # defect R1
            loaded(tmp_path / "file.hspy", lazy=lazy, **reader)
        return
    again = loaded(tmp_path / "file.hspy", lazy=lazy, **reader)
    assert again._lazy is lazy
    if lazy:
        again.compute(close_file=False, show_progressbar=False)
    assert same(again, signal, types=False)


@LAZY
@EACH_SIGNAL
def test_we_load_what_hyperspy_saved(make: Callable[[], Any], lazy: bool, tmp_path: Path) -> None:
    signal = make()
    expected = content(signal)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signal.save(tmp_path / "file.hspy")
    found = hspyio.load(tmp_path / "file.hspy", lazy=lazy)
    assert found.package == type(signal).__module__.partition(".")[0]
    assert everything_plain(found.data) == everything_plain(expected["data"])
    assert found.data.dtype == signal.data.dtype
    assert [axis.values.tolist() for axis in found.axes] == [
        axis.axis.tolist() for axis in signal.axes_manager._axes
    ] or make is ragged
    for axis, wanted in zip(found.axes, expected["axes"], strict=True):
        for key in ("name", "units", "navigate", "is_binned"):
            assert getattr(axis, key) == wanted[key]
    ours = hspyio.file_reader(tmp_path / "file.hspy", lazy=lazy)
    for part in ("metadata", "original_metadata", "models"):
        first, second = everything_plain(ours[0][part]), everything_plain(expected[part])
        if part == "metadata":
            first["General"].pop("FileIO")
        assert list(differences(without_extras(first), without_extras(second), part)) == []
    for key, value in expected["learning_results"].items():
        assert everything_plain(found.learning_results[key]) == everything_plain(value)


def without_extras(tree: Any) -> Any:
    """What differs by nature: dates and owners of models, and what a nested signal came with."""
    extras = ("tmp_parameters", "package", "package_version", "learning_results", "index_in_array")
    if isinstance(tree, dict):
        return {key: without_extras(tree[key]) for key in tree if key not in extras}
    return [without_extras(item) for item in tree] if isinstance(tree, list) else tree


@pytest.mark.parametrize("name", ["file.hspy", "other.hspy"])
def test_lazy_signal_is_written_also_onto_its_own_file(name: str, tmp_path: Path) -> None:
    signal = hs.signals.Signal1D(RANDOM.random((6, 4, 20)))
    write(tmp_path / "file.hspy", signal, chunks=(2, 4, 20))
    for reader in (THEIRS, OURS):
        lazy = loaded(tmp_path / "file.hspy", lazy=True, **reader)
        write(tmp_path / name, lazy + 1 if reader is OURS else lazy)
        lazy.close_file()
    with h5py.File(tmp_path / name) as file:
        assert file["Experiments/__unnamed__/data"].chunks == (2, 4, 20)
    assert np.array_equal(loaded(tmp_path / name, **THEIRS).data, signal.data + 1)


@READERS
def test_models_are_restored(reader: dict[str, Any], tmp_path: Path) -> None:
    signal = fitted()
    write(tmp_path / "file.hspy", signal)
    again = loaded(tmp_path / "file.hspy", **reader)
    one, other = (each.models.restore("a fit") for each in (signal, again))
    assert [part.name for part in other] == [part.name for part in one]
    for part, wanted in zip(other, one, strict=True):
        for parameter, expected in zip(part.parameters, wanted.parameters, strict=True):
            assert parameter.value == expected.value
            assert (parameter.bmin, parameter.bmax) == (expected.bmin, expected.bmax)
            assert np.array_equal(parameter.map["values"], expected.map["values"])
    assert np.array_equal(other.as_signal(show_progressbar=False).data, one.as_signal().data)


def test_several_signals_each_with_its_models(tmp_path: Path) -> None:
    # defect C27: RosettaSciIO gives all models to the last signal
    for number in range(2):
        signal = fitted()
        signal.metadata.General.title = f"map {number}"
        write(tmp_path / "file.hspy", signal, mode="a")
    for reader in (THEIRS, OURS):
        both = loaded(tmp_path / "file.hspy", **reader)
        assert [len(signal.models) for signal in both] == [1, 1]


@LAZY
def test_markers_with_texts_that_are_not_ascii(lazy: bool, tmp_path: Path) -> None:
    # defect C4: RosettaSciIO cannot read its own; ours it reads, but as bytes
    signal = with_markers(unicode=True)
    write(tmp_path / "ours.hspy", signal)
    again = loaded(tmp_path / "ours.hspy", lazy=lazy, **OURS)
    if lazy:
        again.compute(close_file=False, show_progressbar=False)
    assert same(again, signal, types=False)
    theirs = loaded(tmp_path / "ours.hspy", **THEIRS).metadata.Markers.Texts.kwargs["texts"]
    assert theirs[3, 2][5].decode() == "5 µm"
    signal.save(tmp_path / "theirs.hspy")
    found = hspyio.load(tmp_path / "theirs.hspy", lazy=lazy)
    assert found.metadata.Markers.Texts.kwargs["texts"][3, 2][5] == "5 µm"


# the seed's examples ------------------------------------------------------------------------------


@READERS
def test_numbers_among_texts_become_texts(reader: dict[str, Any], tmp_path: Path) -> None:
    signal = hs.signals.BaseSignal([0])
    signal.metadata.add_node("Sample")
    signal.metadata.Sample.somelist = [1, 2.0, "a name"]
    write(tmp_path / "file.hspy", signal)
    as_texts = ["1", "2.0", "a name"]
    assert loaded(tmp_path / "file.hspy", **reader).metadata.Sample.somelist == as_texts
    [found] = hspyio.file_reader(tmp_path / "file.hspy")
    assert found["metadata"]["Sample"]["somelist"] == as_texts
    [found] = hspyio.file_reader(tmp_path / "file.hspy", exact_types=True)
    assert found["metadata"]["Sample"]["somelist"] == [1, 2.0, "a name"]
    assert hspyio.load(tmp_path / "file.hspy").metadata.Sample.somelist == [1, 2.0, "a name"]


@LAZY
@READERS
def test_line_intensities(reader: dict[str, Any], lazy: bool, tmp_path: Path) -> None:
    signal = loaded_example()
    intensities = signal.get_lines_intensity()
    # A list of its own: saving turns the signals in it into dicts.
    signal.metadata.Sample.intensities = list(intensities)
    write(tmp_path / "EDS_spectrum.hspy", signal)
    again = loaded(tmp_path / "EDS_spectrum.hspy", lazy=lazy, **reader)
    assert type(again) is (exspy.signals.LazyEDSSEMSpectrum if lazy else type(signal))
    found = again.metadata.Sample.intensities
    assert isinstance(found, list)
    assert [type(item) for item in found] == [hs.signals.BaseSignal] * 5
    lines = ["Al_Ka at 1.49", "C_Ka at 0.28", "Cu_La at 0.93", "Mn_La at 0.63", "Zr_La at 2.04"]
    for item, wanted, line in zip(found, intensities, lines, strict=True):
        assert f": {line} keV" in item.metadata.General.title
        assert item.metadata.General.title == wanted.metadata.General.title
        assert item.data.tolist() == wanted.data.tolist()


def loaded_example() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return exspy.data.EDS_SEM_TM002()


@pytest.fixture(scope="module")
def big() -> Any:
    return hs.signals.Signal1D(RANDOM.random((100, 100, 2048)))


@pytest.mark.parametrize(
    ("chunks", "stored"),
    [(None, (7, 7, 2048)), ((20, 20, 256), (20, 20, 256)), (True, (7, 7, 256))],
    ids=str,
)
def test_chunks(big: Any, chunks: Any, stored: tuple[int, ...], tmp_path: Path) -> None:
    write(tmp_path / "test_chunks.hspy", big, chunks=chunks, compression=None)
    with h5py.File(tmp_path / "test_chunks.hspy") as file:
        data = file["Experiments/__unnamed__/data"]
        assert data.chunks == stored
        assert np.array_equal(data[50, ::9], big.data[50, ::9])
    [found] = rosettasciio(tmp_path / "test_chunks.hspy", lazy=True)
    assert found["data"].chunksize == stored
