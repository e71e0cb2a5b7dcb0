"""An annotated file: silx and nexusformat plot it, RosettaSciIO and HyperSpy read it as ever."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from hspyio import DataAxis, FunctionalAxis, Signal, UniformAxis
from hspyio.errors import HspyWarning
from support.compare import FILES, differences, rosettasciio

LAMBDA = FunctionalAxis(
    "E", "eV", expression="a / x", parameters={"a": 1239.8}, x=UniformAxis(size=6)
)
LAMBDA.x.offset, LAMBDA.x.scale = 400.0, 10.0


def position(name: str, size: int, *, navigate: bool = True) -> UniformAxis:
    return UniformAxis(name, "nm", size=size, offset=3.0, scale=0.5, navigate=navigate)


def energy(size: int) -> UniformAxis:
    return UniformAxis("Energy", "keV", size=size, offset=-0.1, scale=0.01)


AXES: dict[str, list[Any]] = {
    "spectrum": [energy(20)],
    "image": [position("y", 4, navigate=False), position("x", 5, navigate=False)],
    "spectrum image": [position("y", 4), position("x", 5), energy(20)],
    "4D-STEM": [
        position("y", 3),
        position("x", 4),
        UniformAxis("ky", "1/nm", size=6, offset=-3.0),
        UniformAxis("kx", "1/nm", size=6, offset=-3.0),
    ],
    "uneven": [DataAxis("Wavelength", "nm", axis=[400.0, 500.0, 700.0], navigate=True), LAMBDA],
    "a title with / and spaces": [UniformAxis(size=3)],
    "two points, no names": [UniformAxis(size=2), UniformAxis(size=1)],
}
INTERPRETATIONS = {"spectrum": 1, "image": 2, "spectrum image": 1, "4D-STEM": 2, "uneven": 1}


def made(title: str) -> Signal:
    axes = AXES[title]
    shape = [axis.size for axis in axes]
    data = np.random.default_rng(0).poisson(9, shape).astype("u2")
    metadata = {"General": {"title": title}, "Signal": {"signal_type": ""}, "list": [1, "a"]}
    return Signal(data, axes, metadata=metadata, original_metadata={"x": np.arange(3)})


def label(index: int, axis: Any) -> str:
    name = axis.name or f"axis {index}"
    return f"{name} ({axis.units})" if axis.units else name


@pytest.fixture(params=AXES)
def title(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["saved", "annotated", "repacked", "updated"])
def path(title: str, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """One signal in a file that is annotated in one of several ways."""
    path = tmp_path / "a.hspy"
    signal = made(title)
    hspyio.save(path, signal, nexus=request.param != "annotated")
    if request.param == "annotated":
        hspyio.add_nexus(path)
    if request.param == "repacked":
        hspyio.repack(path, path, overwrite=True)
    if request.param == "updated":
        signal.metadata.Signal.signal_type = "EDS"
        hspyio.update(path, signal)
    return path


def test_silx_finds_it_by_default(title: str, path: Path) -> None:
    nxdata = pytest.importorskip("silx.io.nxdata")
    signal = made(title)
    with h5py.File(path) as file:
        assert nxdata.is_NXroot_with_default_NXdata(file)
        found = nxdata.get_default(file)
        assert found.is_valid and not found.issues
        assert found.signal.name == f"{found.group.name}/data"
        assert np.array_equal(found.signal, signal.data)
        assert found.title == title
        assert found.axes_names == [label(*pair) for pair in enumerate(AXES[title])]
        for given, axis in zip(found.axes, AXES[title], strict=True):
            assert np.array_equal(given, axis.values)
            assert given.attrs.get("units") == axis.units
        kind = {1: "spectrum", 2: "image"}.get(INTERPRETATIONS.get(title, 0))
        assert kind is None or found.interpretation == kind


def test_nexusformat_finds_it_by_default(title: str, path: Path) -> None:
    nexus = pytest.importorskip("nexusformat.nexus")
    signal = made(title)
    tree = nexus.nxload(path)
    assert isinstance(tree, nexus.NXroot)
    found = tree.plottable_data
    assert isinstance(found, nexus.NXdata)
    assert found.nxgroup.nxclass == "NXentry" and found.nxtitle == title
    assert np.array_equal(found.nxsignal.nxvalue, signal.data)
    assert len(found.nxaxes) == len(AXES[title])
    for index, (given, axis) in enumerate(zip(found.nxaxes, AXES[title], strict=True)):
        assert np.array_equal(given.nxdata, axis.values)
        assert given.attrs.get("units") == axis.units
        assert given.attrs["long_name"] == label(index, axis)
    assert found.nxsignal.valid_axes(found.plot_axes)


def test_nexusformat_plots_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nexus = pytest.importorskip("nexusformat.nexus")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    path = tmp_path / "a.hspy"
    hspyio.save(path, made("image"), nexus=True)
    pyplot.switch_backend("agg")
    monkeypatch.setenv("MPLBACKEND", "agg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it calls of matplotlib is its own affair
        nexus.nxload(path).plot()
    shown = pyplot.gcf().axes[0]
    assert (shown.get_xlabel(), shown.get_ylabel()) == ("x (nm)", "y (nm)")
    pyplot.close("all")


def test_several_experiments(tmp_path: Path) -> None:
    nxdata = pytest.importorskip("silx.io.nxdata")
    nexus = pytest.importorskip("nexusformat.nexus")
    path = tmp_path / "a.hspy"
    hspyio.save(path, [made(title) for title in AXES], nexus=True)
    with h5py.File(path) as file:
        assert nxdata.get_default(file).title == next(iter(AXES))
        found = [nxdata.NXdata(group) for group in file["Experiments"].values()]
        assert {each.title for each in found if each.is_valid} == set(AXES)
    entries = nexus.nxload(path)["Experiments"].NXdata
    assert {each.nxtitle for each in entries} == set(AXES)


@pytest.mark.parametrize("lazy", [False, True])
def test_rosettasciio_reads_the_same(title: str, lazy: bool, tmp_path: Path) -> None:
    plain, path, later = (tmp_path / name for name in ("p.hspy", "a.hspy", "l.hspy"))
    hspyio.save(plain, made(title))
    hspyio.save(path, made(title), nexus=True)
    hspyio.save(later, made(title))
    hspyio.add_nexus(later)
    expected = rosettasciio(plain, lazy=lazy)
    assert not list(differences(rosettasciio(path, lazy=lazy), expected))
    assert not list(differences(rosettasciio(later, lazy=lazy), expected))


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_rosettasciio_reads_real_files_the_same(file: Path, tmp_path: Path) -> None:
    path = tmp_path / file.name
    path.write_bytes(file.read_bytes())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(?s).*NeXus", HspyWarning)
        hspyio.add_nexus(path)
    assert not list(differences(rosettasciio(path), rosettasciio(file)))


@pytest.mark.parametrize("lazy", [False, True])
def test_hyperspy_reads_the_same(title: str, lazy: bool, tmp_path: Path) -> None:
    hs = pytest.importorskip("hyperspy.api")
    plain, path = tmp_path / "p.hspy", tmp_path / "a.hspy"
    hspyio.save(plain, made(title))
    hspyio.save(path, made(title), nexus=True)
    one, other = (hs.load(each, file_format="HSPY", lazy=lazy) for each in (plain, path))
    dicts = []
    for signal in (one, other):
        made_of = signal._to_dictionary()
        made_of["metadata"]["General"].pop("FileIO")
        made_of.pop("tmp_parameters", None)
        dicts.append(made_of)
    assert not list(differences(*dicts))
    assert type(one) is type(other)


def test_what_rosettasciio_changes_in_place(tmp_path: Path) -> None:
    """It keeps the annotation, which says what was until it is annotated again."""
    rsciio = pytest.importorskip("rsciio.hspy")
    path = tmp_path / "a.hspy"
    hspyio.save(path, made("spectrum"), nexus=True)
    given = rosettasciio(path)[0]
    given["axes"][0]["scale"] = 2.0
    given["metadata"]["General"]["note"] = "later"
    given |= {"tmp_parameters": {}, "package_info": {}, "learning_results": {}}
    rsciio.file_writer(path, given, write_dataset=False)
    loaded = hspyio.load(path)
    assert loaded.axes[0].scale == 2.0 and loaded.metadata.General.note == "later"
    assert rosettasciio(path)[0]["axes"][0]["scale"] == 2.0
    hspyio.add_nexus(path)
    with h5py.File(path) as file:
        assert np.array_equal(file["Experiments/spectrum/axis_0_values"], loaded.axes[0].values)
    assert np.array_equal(rosettasciio(path)[0]["data"], loaded.data)
