"""R1 to R14: what RosettaSciIO's reader, or HyperSpy behind it, gets wrong: files made by hand."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dask.array as da
import h5py
import numpy as np
import pytest

import hspyio
from hspyio import HspyWarning, Signal
from hspyio.errors import DamagedFileError, StaleFileError
from support import handmade
from support.defects.tools import (
    Row,
    Tree,
    computed,
    exchange,
    objects,
    same,
    same_signals,
    signal,
)
from support.handmade import DATA, FLAT_RAGGED, LATIN1_TEXT, RAGGED, VECTOR, put, skeleton

__all__ = ["ROWS"]


def made(folder: Path, maker: Callable[[Path], None]) -> Path:
    """A file of `handmade`'s."""
    path = folder / f"{maker.__name__}.hspy"
    maker(path)
    return path


def both(path: Path) -> Sequence[Tree]:
    """The one signal of a file, read eagerly and lazily."""
    result = []
    for lazy in (False, True):
        [read] = hspyio.file_reader(path, lazy=lazy)
        result.append(read)
    return result


def metadata(folder: Path, maker: Callable[[Path], None]) -> Tree:
    """Metadata of the one signal of a file, which all ways of reading agree on."""
    path = made(folder, maker)
    loaded = hspyio.load(path).metadata.as_dictionary()
    [exact] = hspyio.file_reader(path, exact_types=True)
    # HyperSpy's loader takes this away, and so does ours.
    exact["metadata"].get("Signal", {}).pop("record_by", None)
    same(loaded, exact["metadata"])
    same(loaded, hspyio.load(path, lazy=True).metadata.as_dictionary())
    eager, lazy = both(path)
    same(computed(eager["metadata"]), computed(lazy["metadata"]))
    return loaded


def r1(folder: Path) -> None:
    ragged, flat = objects(*RAGGED), objects(*FLAT_RAGGED)
    nodes: dict[Callable[[Path], None], Tree] = {
        handmade.ragged_metadata: {"flat": flat, "ragged": ragged},
        handmade.ragged_metadata_with_ragged_shapes: {"ragged": ragged},
    }
    for maker, node in nodes.items():
        same(node, metadata(folder, maker)["node"])
        for read in both(made(folder, maker)):
            same(node, read["metadata"]["node"])
    same(flat, metadata(folder, handmade.ragged_metadata_without_shapes)["ragged"])


def r2(folder: Path) -> None:
    cases = {
        handmade.contiguous_data: DATA,
        handmade.scalar_data: np.array(2.5),
        handmade.contiguous_ragged_data: objects(*FLAT_RAGGED),
        handmade.contiguous_metadata: DATA,
    }
    for maker, data in cases.items():
        path = made(folder, maker)
        same(data, hspyio.load(path).data)
        loaded = hspyio.load(path, lazy=True)
        assert loaded.lazy
        same(data, loaded.data.compute())
        eager, lazy = both(path)
        same(data, eager["data"])
        assert isinstance(lazy["data"], da.Array)
        same(data, lazy["data"].compute())
    node = metadata(folder, handmade.contiguous_metadata)["node"]
    same({"numbers": [1, 2, 3], "array": VECTOR, "scalar": np.array(2.5)}, node)


def r2_written(folder: Path) -> None:
    """What we write is chunked, but for lists, which no reader reads lazily."""
    path = folder / "file.hspy"
    ragged = objects(*RAGGED)
    node = {"array": VECTOR, "empty": np.zeros((0, 2)), "ragged": ragged, "list": [1, 2]}
    for data in (DATA, np.array(2.5), ragged, np.zeros((2, 0))):
        hspyio.save(path, signal(node, data), compression=None, overwrite=True)
        unchunked: list[str] = []

        def note(name: str, item: Any, found: list[str] = unchunked) -> None:
            if isinstance(item, h5py.Dataset) and item.chunks is None:
                found.append(name.rpartition("/")[2])

        with h5py.File(path) as file:
            file.visititems(note)
        assert all(name.startswith("_list_") for name in unchunked)


def r3(folder: Path) -> None:
    count = range(12)
    node = {
        "dicts": [{"index": n} for n in count],
        "lists": [[n] for n in count],
        "numbers": list(count),
        "texts": tuple(f"item {n}" for n in count),
    }
    same(node, metadata(folder, handmade.twelve_items)["node"])


def r3_axes(folder: Path) -> None:
    sizes = [1] * 10 + [2, 3]
    path = made(folder, handmade.twelve_listed_axes)
    assert [axis.size for axis in hspyio.load(path).axes] == sizes
    for read in both(path):
        assert [axis["size"] for axis in read["axes"]] == sizes
        assert [axis["name"] for axis in read["axes"]] == [f"axis {n}" for n in range(12)]
    folding = metadata(folder, handmade.axes_manager_in_groups)["_HyperSpy"]["Folding"]
    axes = folding["_hspy_AxesManager_original_axes_manager"]
    assert [axis["name"] for axis in axes] == [f"axis {n}" for n in range(12)]


def r4(folder: Path) -> None:
    for maker, count in (
        (handmade.nested_signals_in_old_list, 2),
        (handmade.nested_signals_in_old_long_list, 12),
    ):
        path = made(folder, maker)
        maps = hspyio.load(path).metadata.Sample.maps
        assert [type(item) for item in maps] == [Signal] * count
        assert [item.title for item in maps] == [f"Map {n}" for n in range(count)]
        same([np.full(2, n) for n in range(count)], [item.data for item in maps])
        for read in both(path):
            found = read["metadata"]["Sample"]["maps"]
            assert [list(item) for item in found] == [["_sig_"]] * count
            titles = [item["_sig_"]["metadata"]["General"]["title"] for item in found]
            assert titles == [f"Map {n}" for n in range(count)]


def r4_mixed(folder: Path) -> None:
    path = made(folder, handmade.nested_signals_in_old_mixed_list)
    number, first, items, second = hspyio.load(path).metadata["items"]
    same((7, [1, 2]), (number, items))
    assert (first.title, second.title) == ("Item 1", "Item 3")
    for read in both(path):
        number, first, items, second = read["metadata"]["items"]
        same((np.int64(7), [1, 2]), (number, items))
        same(np.full(2, 1), first["_sig_"]["data"])
        same(np.full(2, 3), second["_sig_"]["data"])


def r5(folder: Path) -> None:
    tem = metadata(folder, handmade.tem_eels)["Acquisition_instrument"]["TEM"]
    eels = {
        "collection_angle": 3.4,
        "dwell_time": 100.0,
        "dwell_time_units": "ms",
        "exposure": 0.5,
        "exposure_units": "s",
    }
    detector = {"EELS": eels, "EDS": {"live_time": 2.5}}
    same(computed({"beam_energy": 200.0, "Detector": detector}), computed(tem))


def r6(folder: Path) -> None:
    found = metadata(folder, handmade.variance_estimation)
    noise = {"gain_factor": 2.5, "gain_offset": 0.5, "correlation_factor": 1.0}
    wanted = {"Noise_properties": {"Variance_linear_model": noise}}
    same(computed(wanted), computed(found["Signal"]))
    assert set(found) == {"General", "Signal"}


def r7(folder: Path) -> None:
    assert metadata(folder, handmade.unnamed_title)["General"]["title"] == ""
    assert hspyio.load(folder / "unnamed_title.hspy").title == ""


def r8(folder: Path) -> None:
    general = metadata(folder, handmade.date_with_time)["General"]
    assert general["date"] == "1991-10-01T12:30:00"
    general = metadata(folder, handmade.date_in_code)["General"]
    assert general["date"] == "__import__('os').abort()"
    general = metadata(folder, handmade.old_dates)["General"]
    assert (general["date"], general["time"]) == ("1991-10-01", "12:00:05.000250")


def r8_zone(folder: Path) -> None:
    """What is not understood whole stays the text it is: the zone is not lost."""
    general = metadata(folder, handmade.time_with_zone)["General"]
    text = "datetime.time(12, 30, tzinfo=tzutc())"
    assert general["time"] in (text, "12:30:00+00:00")
    assert general["_datetime_start"] == text


def r9(folder: Path) -> None:
    for maker, found in {
        handmade.latin1_fixed: {"text": LATIN1_TEXT},
        handmade.latin1_variable: {"text": LATIN1_TEXT},
        handmade.latin1_list: {"texts": ["plain", LATIN1_TEXT]},
        handmade.python2_strings: {
            "comment": None,
            "elements": np.array(["Fe", "Pt"]),
            "owner": "EMSA",
            "place": "Malmö",
        },
    }.items():
        path = made(folder, maker)
        same(found, hspyio.load(path).original_metadata.as_dictionary())
        for read in both(path):
            same(found, computed(read["original_metadata"]))


def r10(folder: Path) -> None:
    loaded = hspyio.load(made(folder, handmade.package_without_version))
    assert (loaded.package, loaded.package_version) == ("exspy", "")
    for read in both(folder / "package_without_version.hspy"):
        assert (read["package"], read["package_version"]) == ("exspy", "")
    for maker in (handmade.float32_version, handmade.float64_version, handmade.integer_version):
        assert metadata(folder, maker)["General"] == {"title": "Handmade"}
    path = made(folder, handmade.nonsense_version)
    with pytest.warns(HspyWarning, match="'abc'"):
        assert hspyio.load(path).title == "Handmade"


def r11(folder: Path) -> None:
    tem = metadata(folder, handmade.stage_and_camera)["Acquisition_instrument"]["TEM"]
    same({"tilt_beta": 1.5, "tilt_alpha": 12.5}, tem["Stage"])
    camera = tem["Detector"]["Camera"]
    assert camera["name"] == "Orius"
    assert camera["exposure"] == 0.25


def r11_both_exposures(folder: Path) -> None:
    """There is one place for two values; the other one is still somewhere."""
    tem = metadata(folder, handmade.stage_and_camera)["Acquisition_instrument"]["TEM"]
    assert sorted(filter(lambda leaf: isinstance(leaf, float), leaves(tem))) == [
        0.25,
        0.5,
        1.5,
        12.5,
    ]


def leaves(tree: Any) -> list[Any]:
    """All values of a tree."""
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in leaves(value)]
    return [tree]


def r11_taken(folder: Path) -> None:
    """A value that stands in the new place already is not overwritten unseen."""
    path = folder / "taken.hspy"
    tem = {"tilt_stage": 12.5, "Stage": {"tilt_alpha": 3.5}, "exposure": 0.5}
    tem["Detector"] = {"Camera": {"exposure": 0.75}}
    with skeleton(path, version="2.2") as experiment:
        put(experiment["metadata"], "Acquisition_instrument", {"TEM": tem})
    found = hspyio.load(path).metadata.Acquisition_instrument.TEM.as_dictionary()
    assert sorted(leaves(found)) == [0.5, 0.75, 3.5, 12.5]


def r12(folder: Path) -> None:
    """One bad item is named, the rest is read."""
    bad = {
        handmade.bad_metadata_chunk: "metadata/node/bad",
        handmade.dangling_soft_link: "metadata/link",
        handmade.committed_datatype: "metadata/kind",
        handmade.null_dataset: "metadata/null",
        handmade.empty_attribute: "metadata@text",
        handmade.reference_attribute: "metadata@reference",
        handmade.looped_group: "metadata/General/loop",
    }
    for maker, place in bad.items():
        path = made(folder, maker)
        with pytest.warns(HspyWarning, match=re.escape(f"/Experiments/Handmade/{place}: ")):
            loaded = hspyio.load(path)
        same(DATA, loaded.data)
        found = loaded.metadata.as_dictionary()
        node = found.pop("node", None)
        same({"General": {"title": "Handmade"}, "Signal": {"signal_type": ""}}, found)
        assert node is None or not value_of(node)
        with pytest.warns(HspyWarning, match=re.escape(place)):
            [read] = hspyio.file_reader(path)
        same(DATA, read["data"])


def value_of(node: Tree) -> Tree:
    """What is in the node beside the good array."""
    same(VECTOR, node.pop("good"))
    return node


def r12_experiments(folder: Path) -> None:
    """One bad experiment does not hide the others."""
    for maker in (
        handmade.experiment_without_axes,
        handmade.experiment_without_one_axis,
        handmade.data_is_a_group,
        handmade.dangling_experiment,
    ):
        path = made(folder, maker)
        with pytest.warns(HspyWarning, match="/Experiments/(Damaged|Lost)"):
            [read] = hspyio.file_reader(path)
        same(DATA, read["data"])
    for name in ("experiment_without_axes", "experiment_without_one_axis", "data_is_a_group"):
        path = folder / f"{name}.hspy"
        same(DATA, hspyio.load(path, name="Handmade").data)
        with pytest.raises(DamagedFileError, match="/Experiments/Damaged"):
            hspyio.load(path, name="Damaged")


def r13(folder: Path) -> None:
    """No HDF5 handle stays open; what is lazily open can be written, and closed."""
    path = folder / "file.hspy"
    node = {"v": np.arange(3)}
    hspyio.save(path, signal(node, DATA))
    loaded = hspyio.load(path, lazy=True)
    [read] = hspyio.file_reader(path, lazy=True)
    with h5py.File(path, "r+", locking=True):
        pass
    hspyio.save(path, signal({}, DATA + 1), overwrite=True)
    for data in (loaded.data, read["data"], read["metadata"]["Node"]["v"]):
        assert isinstance(data, da.Array)
    same(DATA, loaded.data.compute())
    same(DATA, read["data"].compute())
    same(node["v"], read["metadata"]["Node"]["v"].compute())
    loaded.close()
    loaded.close()
    with pytest.raises(StaleFileError, match="changed"):
        loaded.data.compute()


def r13_same_path(folder: Path) -> None:
    """A lazy signal is saved onto the file that it is read from."""
    path = folder / "file.hspy"
    hspyio.save(path, signal({"v": "x"}, DATA))
    with hspyio.load(path, lazy=True) as loaded:
        loaded.title = "Changed"
        loaded.save(path, overwrite=True)
        hspyio.file_writer(path, exchange(loaded))
    again = hspyio.load(path)
    assert again.title == "Changed"
    same(DATA, again.data)


def r13_descriptors(folder: Path) -> None:
    """The descriptor goes with the last array that needs it, or with `close`."""
    listing = Path("/proc/self/fd")
    if not listing.is_dir():
        pytest.skip("no list of open files on this system")
    path = folder / "file.hspy"
    hspyio.save(path, signal({}, DATA))

    def count() -> int:
        gc.collect()
        return sum(is_open(entry, path) for entry in listing.iterdir())

    loaded = hspyio.load(path, lazy=True)
    assert count() == 1
    loaded.close()
    assert count() == 0
    [read] = hspyio.file_reader(path, lazy=True)
    assert count() == 1
    del read
    assert count() == 0


def is_open(entry: Path, path: Path) -> bool:
    """Whether a descriptor of this process is of that file."""
    try:
        return entry.samefile(path)
    except OSError:
        return False


def r14(folder: Path) -> None:
    for shape in ((0,), (0, 3), (2, 0, 3)):
        path = folder / f"{len(shape)}{shape[0]}.hspy"
        empty = signal({}, np.zeros(shape, "i2"))
        hspyio.save(path, empty)
        loaded = hspyio.load(path, lazy=True)
        assert loaded.lazy and str(shape[-1]) in repr(loaded) and loaded._repr_html_()
        same_signals(empty, loaded)
        loaded.save(folder / "again.hspy", overwrite=True)
        same_signals(empty, hspyio.load(folder / "again.hspy"))
        for read in both(path):
            same(empty.data, computed(read["data"]))


def r14_marker(folder: Path) -> None:
    """An old marker is data to us, whatever its type."""
    marker = {
        "data": {"size": "_None_", "text": "_None_", "x1": 3.0, "y1": np.arange(3)},
        "marker_properties": {"color": "red"},
        "marker_type": "NoSuchMarker",
        "plot_on_signal": True,
    }
    path = folder / "marker.hspy"
    with skeleton(path, version="2.2") as experiment:
        put(experiment["metadata"], "Markers", {"odd": marker})
    wanted = {**marker, "data": {"size": None, "text": None, "x1": 3.0, "y1": np.arange(3)}}
    loaded = hspyio.load(path)
    same({"odd": wanted}, computed(loaded.metadata.Markers.as_dictionary()))
    loaded.save(folder / "again.hspy")
    same_signals(loaded, hspyio.load(folder / "again.hspy"))


ROWS = (
    Row("R1", "ragged arrays in the trees are read, lazily too", r1),
    Row("R2", "datasets without chunks are read lazily", r2),
    Row("R2", "what is written has chunks", r2_written),
    Row("R3", "items of containers are sorted by number", r3),
    Row("R3", "so are axes", r3_axes),
    Row("R4", "signals in old lists come back as signals, in order", r4),
    Row("R4", "and in their place among other items", r4_mixed),
    Row("R5", "TEM.EELS moves to Detector.EELS, and Detector.EDS stays", r5),
    Row("R6", "Variance_estimation moves to Signal.Noise_properties", r6),
    Row("R7", "the title __unnamed__ is none, in old files too", r7),
    Row("R8", "an odd date is read as far as it is one, else it stays text", r8),
    Row("R8", "a time with a zone keeps the zone", r8_zone),
    Row("R9", "text that is no UTF-8 is Latin-1", r9),
    Row("R10", "a missing package_version and odd versions are tolerated", r10),
    Row("R11", "migration merges with nodes that are there", r11),
    Row("R11", "of two exposures none is lost", r11_both_exposures),
    Row("R11", "nor is a value in the new place", r11_taken),
    Row("R12", "a bad item is left out with a warning", r12),
    Row("R12", "a bad experiment does not hide the others", r12_experiments),
    Row("R13", "a file that is lazily open can be replaced, and closed", r13),
    Row("R13", "and be the target of a save of itself", r13_same_path),
    Row("R13", "its descriptor is released", r13_descriptors),
    Row("R14", "empty arrays are loaded lazily", r14),
    Row("R14", "an unknown old marker is kept as it is", r14_marker),
)
