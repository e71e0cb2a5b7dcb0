"""Every file of `handmade` read in every way: values, warnings and errors."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio.errors import DamagedFileError, ExperimentError, HspyError, NotHspyError
from support import handmade as h
from support.compare import differences, rosettasciio, with_index_in_array
from support.handmade.contents import HOLDS, SAID, STANDALONE, Tree, signal, tree
from support.make_archive import plain

LAZY = pytest.mark.parametrize("lazy", [False, True])
WHOLE = pytest.mark.parametrize("make", h.WHOLE, ids=lambda make: make.__name__)
DAMAGED = "/Experiments/Damaged"


@pytest.fixture
def path(make: h.Maker, tmp_path: Path) -> Path:
    result = tmp_path / "file.hspy"
    make(result)
    return result


@contextmanager
def says(*texts: str) -> Iterator[None]:
    """All of these are in one `HspyWarning`; none is expected without texts."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    assert [warning.category for warning in caught] == [hspyio.HspyWarning] * bool(texts)
    for text in texts:
        assert text in str(caught[0].message)
        assert caught[0].filename == __file__


# What is read, in a form that compares ------------------------------------------------------------


def seen(value: Any) -> Any:
    """Signals as dicts, trees as plain dicts; all other values as they are."""
    if isinstance(value, hspyio.Signal):
        return {
            "data": value.data.compute() if value.lazy else value.data,
            "axes": [seen_axis(axis) for axis in value.axes],
            "models": {name: seen(model.tree) for name, model in value.models.items()},
            **{part: seen(getattr(value, part)) for part in TREES},
            "package": value.package,
        }
    if isinstance(value, dict):
        return {key: seen(item) for key, item in value.items()}
    return type(value)(map(seen, value)) if isinstance(value, list | tuple) else value


TREES = ("metadata", "original_metadata", "attributes", "learning_results")
AXIS_PARTS = ("name", "units", "navigate", "is_binned", "index_in_array")


def seen_axis(axis: Any) -> Tree:
    values = {part: getattr(axis, part) for part in AXIS_PARTS}
    return {**values, "values": axis.values.tolist()}


def by_group(make: h.Maker) -> dict[str, Tree]:
    """What `HOLDS` says, by the name of the group, `Handmade` where there is only one."""
    held = HOLDS[make]
    return {"Handmade": held} if "data" in held else held


def assert_same(one: Any, other: Any) -> None:
    assert list(differences(one, other)) == []


# WHOLE --------------------------------------------------------------------------------------------


def test_each_file_has_its_contents() -> None:
    assert list(HOLDS) == list(h.WHOLE)


@LAZY
@WHOLE
def test_load(make: h.Maker, path: Path, lazy: bool) -> None:
    expected = by_group(make)
    for name in expected:
        with says(*SAID.get(make, ())):
            loaded = hspyio.load(path, name=name, lazy=lazy)
        assert loaded.lazy == lazy
        assert_same(seen(loaded), expected[name])
    if len(expected) == 1:
        with says(*SAID.get(make, ())):
            assert_same(seen(hspyio.load(path, lazy=lazy)), expected[name])
    else:
        with pytest.raises(ExperimentError, match=", ".join(map(repr, expected)) or "no exp"):
            hspyio.load(path)


OF_ANOTHER = {h.experiment_without_data, h.dangling_experiment}
"""What is wrong is of another experiment: it is told when the file is opened."""


@WHOLE
def test_open(make: h.Maker, path: Path) -> None:
    expected = by_group(make)
    with says(*SAID.get(make, ())):
        experiments = hspyio.open(path)
    # The order is that of the file: by name where the file keeps no other.
    in_order = make is h.experiments_in_creation_order
    assert list(experiments) == (list(expected) if in_order else sorted(expected))
    for name, held in expected.items():
        with says(*(() if make in OF_ANOTHER else SAID.get(make, ()))):
            assert_same(seen(experiments[name]), held)
        assert experiments.titles[name] == held["metadata"]["General"]["title"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hspyio.HspyWarning)
        models = {name: seen(model.tree) for name, model in experiments.models.items()}
    assert_same(models, STANDALONE.get(make, {}))


@LAZY
@WHOLE
def test_file_reader(make: h.Maker, path: Path, lazy: bool) -> None:
    with says(*SAID.get(make, ())):
        found = hspyio.file_reader(path, lazy=lazy)
    signals = [item for item in found if "data" in item]
    models = [item for item in found if "data" not in item]
    expected = by_group(make)
    in_order = make is h.experiments_in_creation_order
    groups = list(expected) if in_order else sorted(expected)
    for item, group in zip(signals, groups, strict=True):
        assert hasattr(item["data"], "compute") == lazy
        assert item["attributes"]["_lazy"] is lazy
        compare_dict(item, expected[group])
    alone = STANDALONE.get(make, {})
    assert plain(computed(models)) == [plain({name: alone[name]}) for name in sorted(alone)]


def computed(value: Any) -> Any:
    """The same with its dask arrays computed."""
    if hasattr(value, "compute"):
        return value.compute()
    if isinstance(value, dict):
        return {key: computed(item) for key, item in value.items()}
    return type(value)(map(computed, value)) if isinstance(value, list | tuple) else value


def compare_dict(item: Tree, expected: Tree) -> None:
    """RosettaSciIO's dict of a signal says what is expected, as far as a file says it at all."""
    item = computed(item)
    attributes = item["attributes"]
    assert_same(item["data"], expected["data"])
    learning = attributes.pop("learning_results", {})
    assert plain(learning) == plain(expected["learning_results"])
    held = {key: attributes[key] for key in attributes if key not in ("_lazy", "ragged")}
    assert plain(held) == expected["attributes"]
    assert item["package"] == expected["package"]
    assert plain(item["original_metadata"]) == plain(expected["original_metadata"])
    assert plain(item.get("models", {})) == plain(expected["models"])
    for axis, wanted in zip(item["axes"], expected["axes"], strict=True):
        said = {key: plain(axis[key]) for key in axis if key in AXIS_PARTS}
        assert said.items() <= wanted.items()
        assert axis["index_in_array"] == wanted["index_in_array"]
        assert axis.get("size", len(wanted["values"])) == len(wanted["values"])
        if "expression" not in axis:
            assert axis_values(axis) == wanted["values"]
    compare_tree(item["metadata"], expected["metadata"])


def axis_values(axis: Tree) -> Any:
    if "axis" in axis:
        return plain(axis["axis"])
    return (axis["offset"] + axis["scale"] * np.arange(axis["size"])).tolist()


def compare_tree(one: Any, other: Any) -> None:
    """Like `==` after `plain`, with signals as RosettaSciIO hands them over."""
    if isinstance(other, dict) and "data" in other:
        one = one.get("_sig_", one)
        compare_dict(one, other)
    elif isinstance(other, dict):
        # Left in the tree by `file_reader`, used by `load`.
        left = {"record_by", "binned"} - set(other)
        bare = {key.removeprefix("_sig_"): value for key, value in one.items() if key not in left}
        assert bare.keys() == other.keys()
        for key, value in other.items():
            compare_tree(bare[key], value)
    elif isinstance(other, list | tuple):
        assert type(one) is type(other)
        for pair in zip(one, other, strict=True):
            compare_tree(*pair)
    elif isinstance(other, np.ndarray) and other.dtype == object:
        assert_same(one, other)
    else:
        assert plain(one) == plain(other)


# WHOLE, beside RosettaSciIO -----------------------------------------------------------------------

# Where RosettaSciIO's reader raises: the defect, and whether it is in lazy reading alone.
UNREADABLE: dict[h.Maker, tuple[str, bool]] = {
    h.float32_version: ("R10", False),
    h.integer_version: ("R10", False),
    h.package_without_version: ("R10", False),
    h.contiguous_data: ("R2", True),
    h.scalar_data: ("R2", True),
    h.contiguous_ragged_data: ("R2", True),
    h.contiguous_metadata: ("R2", True),
    h.ragged_data_of_strings: ("C4", False),
    h.ragged_metadata_with_ragged_shapes: ("C24", False),
    h.ragged_metadata: ("R1", True),
    h.latin1_fixed: ("R9", False),
    h.latin1_list: ("R9", False),
}
# Where we differ from it on purpose: the defect, and what all of the differing paths match.
DETECTOR = r"\.TEM\.Detector\.(EELS|collection_angle|dwell_time(_units)?|exposure(_units)?): only"
CORRECTED: dict[h.Maker, tuple[str, str]] = {
    h.unnamed_title: ("R7", r"\.General\.title: '', '__unnamed__'"),
    h.twelve_listed_axes: ("R3", r"\.axes\[\d+\]\."),
    h.twelve_items: ("C7, R3", r"\.node\.(numbers|texts|dicts|lists)\[(\d+)\]"),
    h.axes_manager_in_groups: ("R3", r"_hspy_AxesManager_original_axes_manager\[\d+\]\."),
    h.nested_signals_in_list: ("C7, R3", r"\.maps\[\d+\]"),
    h.nested_signals_in_old_list: ("R4", r"\.maps\[\d\]\.\w+: only in the"),
    h.nested_signals_in_old_long_list: ("R4", r"\.maps\[\d+\]\.\w+: only in the"),
    h.nested_signals_in_old_mixed_list: ("R4", r"\.items\[\d\]"),
    h.readable_tricks: ("W6", r"\.node\.utf8: dtype <U2, \|S3"),
    h.latin1_variable: ("R9", r"\.text: '5 µm at 20 °C', '5 \\udcb5m at 20 \\udcb0C'"),
    h.variance_estimation: ("R6", r"\.metadata\.(Signal\.)?Noise_properties: only"),
    h.tem_eels: ("R5", DETECTOR),
    h.stage_and_camera: ("R11", r"\.TEM\.(Detector\.Camera\.name|Stage\.tilt_beta): only"),
}
# The same in lazy reading alone: ragged metadata is read at once, by us (R1).
CORRECTED_LAZY = {h.ragged_metadata_without_shapes: ("R1", r"\.ragged: ndarray .* Array dask")}


@LAZY
@WHOLE
def test_file_reader_equals_rosettasciio(make: h.Maker, path: Path, lazy: bool) -> None:
    _, only_lazy = UNREADABLE.get(make, ("", lazy))
    if make in UNREADABLE and (lazy or not only_lazy):
        with pytest.raises((ValueError, TypeError, KeyError)):
            computed(rosettasciio(path, lazy=lazy))
        return
    with says(*SAID.get(make, ())):
        ours = hspyio.file_reader(path, lazy=lazy)
    found = list(differences(ours, with_index_in_array(rosettasciio(path, lazy=lazy))))
    corrections = CORRECTED | CORRECTED_LAZY if lazy else CORRECTED
    _, pattern = corrections.get(make, ("", ""))
    assert [line for line in found if not pattern or not re.search(pattern, line)] == []
    assert bool(found) == bool(pattern)


# Attributes of groups -----------------------------------------------------------------------------


def test_attributes_of_the_experiments_group(tmp_path: Path) -> None:
    with h.skeleton(tmp_path / "file.hspy") as experiment:
        experiment.parent.attrs.update({"operator": "Å. Other", "session": 7, "titles": "mine"})
        experiment.parent.attrs["_list_empty_notes"] = "_None_"
    with hspyio.open(tmp_path / "file.hspy") as experiments:
        assert experiments.attrs == {
            "operator": "Å. Other",
            "session": 7,
            "titles": "mine",
            "notes": [],
        }
        assert (experiments.operator, experiments.session) == ("Å. Other", 7)
        assert experiments.titles == {"Handmade": "Handmade"}
        with pytest.raises(AttributeError, match="nothing_there"):
            _ = experiments.nothing_there


@LAZY
def test_unknown_attributes_of_an_experiment(tmp_path: Path, lazy: bool) -> None:
    with h.skeleton(tmp_path / "file.hspy") as experiment:
        experiment.attrs.update({"beam_blanked": True, "comment": "_None_", "shift": 2.5})
        experiment.attrs.update({"package": "exspy", "package_version": "0.3"})
        h.put(experiment, "attributes", {"_lazy": False, "ragged": False, "shift": 3.5})
    loaded = hspyio.load(tmp_path / "file.hspy", lazy=lazy)
    expected = {"beam_blanked": True, "comment": None, "shift": 3.5}
    assert_same(loaded.attributes, expected)
    assert (loaded.package, loaded.package_version) == ("exspy", "0.3")
    [item] = hspyio.file_reader(tmp_path / "file.hspy", lazy=lazy)
    assert plain(item["attributes"]) == {**expected, "_lazy": lazy, "ragged": False}


# PARTIAL ------------------------------------------------------------------------------------------

HERE = "/Experiments/Handmade"
# What is said of each file, and what is read all the same.
REPORTED: dict[h.Maker, tuple[tuple[str, ...], Tree]] = {
    h.nonsense_version: (("/: ", "'abc'"), signal()),
    h.wrong_axis_size: ((f"{HERE}/axis-1", "300", "the data 3"), signal()),
    h.dangling_soft_link: ((f"{HERE}/metadata/link: ", "'/nowhere'"), signal()),
    h.dangling_experiment: (("/Experiments/Lost: ", "'/nowhere'"), signal()),
    h.looped_group: ((f"{HERE}/metadata/General/loop: ",), signal()),
    h.committed_datatype: ((f"{HERE}/metadata/kind: ", "named datatype"), signal()),
    h.null_dataset: ((f"{HERE}/metadata/null: ", "without a shape"), signal()),
    h.empty_attribute: ((f"{HERE}/metadata@number: ", f"{HERE}/metadata@text: "), signal()),
    h.reference_attribute: ((f"{HERE}/metadata@reference: ", "references"), signal()),
    h.bad_metadata_chunk: (
        (f"{HERE}/metadata/node/bad: ",),
        signal(metadata=tree(node={"good": h.VECTOR})),
    ),
}


@LAZY
@pytest.mark.parametrize("make", REPORTED, ids=lambda make: make.__name__)
def test_part_is_reported_and_the_rest_is_read(make: h.Maker, path: Path, lazy: bool) -> None:
    said, expected = REPORTED[make]
    with says(*said):
        assert_same(seen(hspyio.load(path, lazy=lazy)), expected)
    with says(*said):
        assert_same(seen(hspyio.load(path, lazy=lazy, errors="warn")), expected)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        experiments = hspyio.open(path)
    with says(*(() if make in OF_ANOTHER else said)):
        assert_same(seen(experiments["Handmade"]), expected)
    if make is h.bad_metadata_chunk and lazy:
        return
    with says(*said):
        [item] = hspyio.file_reader(path, lazy=lazy)
    if make is not h.wrong_axis_size:
        compare_dict(item, expected)


@pytest.mark.parametrize("make", [h.bad_metadata_chunk])
def test_lazy_damaged_metadata_says_so_when_computed(make: h.Maker, path: Path) -> None:
    [item] = hspyio.file_reader(path, lazy=True)
    node = item["metadata"]["node"]
    assert node["good"].compute().tolist() == h.VECTOR.tolist()
    with pytest.raises(DamagedFileError, match=f"{path}: {HERE}/metadata/node/bad"):
        node["bad"].compute()


# Text that is no date stays what it is; nothing is evaluated, nothing is lost (R8).
DATES = {
    h.date_with_time: {"date": "1991-10-01T12:30:00"},
    h.time_with_zone: {
        "time": "datetime.time(12, 30, tzinfo=tzutc())",
        "_datetime_start": "datetime.time(12, 30, tzinfo=tzutc())",
    },
    h.date_in_code: {"date": "__import__('os').abort()"},
}


@pytest.mark.parametrize("make", DATES, ids=lambda make: make.__name__)
def test_dates_that_are_none(make: h.Maker, path: Path) -> None:
    expected = tree() | {"General": {"title": "Handmade", **DATES[make]}}
    assert_same(seen(hspyio.load(path).metadata), expected)
    [item] = hspyio.file_reader(path)
    compare_tree(item["metadata"], expected)


@pytest.mark.parametrize("make", [h.bad_data_chunk])
def test_damaged_data_raise(make: h.Maker, path: Path) -> None:
    where = f"{path}: {HERE}/data"
    readers: list[Callable[[], Any]] = [
        lambda: hspyio.load(path),
        lambda: hspyio.file_reader(path),
        lambda: hspyio.load(path, lazy=True).data.compute(),
        lambda: hspyio.file_reader(path, lazy=True)[0]["data"].compute(),
        lambda: hspyio.open(path)["Handmade"].data.compute(),
    ]
    for read in readers:
        with pytest.raises(DamagedFileError, match=where):
            read()
    chunks = hspyio.load(path, lazy=True, chunks=(1, 3, 4)).data
    assert chunks[0].compute().tolist() == h.DATA[0].tolist()


@pytest.mark.parametrize("make", [h.bad_data_chunk])
def test_damaged_data_with_a_hole(make: h.Maker, path: Path) -> None:
    with says(f"{HERE}/data: ", "(1, 0, 0)", "filled with 0"):
        loaded = hspyio.load(path, errors="warn")
    assert_same(loaded.data, np.stack([h.DATA[0], np.zeros_like(h.DATA[1])]))


# Which part of the damaged experiment the error names.
DAMAGED_EXPERIMENTS = {
    h.experiment_without_axes: (DAMAGED, "axis-0, axis-1, axis-2"),
    h.experiment_without_one_axis: (DAMAGED, "axis-1"),
    h.data_is_a_group: (f"{DAMAGED}/data", "data"),
}


@LAZY
@pytest.mark.parametrize("make", DAMAGED_EXPERIMENTS, ids=lambda make: make.__name__)
def test_a_damaged_experiment_hides_no_other(make: h.Maker, path: Path, lazy: bool) -> None:
    where, what = DAMAGED_EXPERIMENTS[make]
    message = f"{path}: {where}: .*{what}"
    assert_same(seen(hspyio.load(path, name="Handmade", lazy=lazy)), signal())
    with pytest.raises(DamagedFileError, match=message):
        hspyio.load(path, name="Damaged", lazy=lazy)
    experiments = hspyio.open(path)
    assert list(experiments) == ["Damaged", "Handmade"]
    assert_same(seen(experiments["Handmade"]), signal())
    with pytest.raises(DamagedFileError, match=message):
        _ = experiments["Damaged"]
    with says(f"{where}: ", what):
        [item] = hspyio.file_reader(path, lazy=lazy)
    compare_dict(item, signal())


@pytest.mark.parametrize("make", [h.experiment_without_axes, h.experiment_without_one_axis])
def test_missing_axes_are_replaced_when_asked(make: h.Maker, path: Path) -> None:
    with says(DAMAGED, "axis-1"):
        loaded = hspyio.load(path, name="Damaged", errors="warn")
    assert loaded.data.tolist() == h.DATA.tolist()
    assert [axis.size for axis in loaded.axes] == list(h.DATA.shape)


@LAZY
@pytest.mark.parametrize("make", [h.experiment_without_metadata])
def test_missing_metadata_are_reported(make: h.Maker, path: Path, lazy: bool) -> None:
    assert_same(seen(hspyio.load(path, name="Handmade", lazy=lazy)), signal())
    with says(DAMAGED, "metadata"):
        loaded = hspyio.load(path, name="Damaged", lazy=lazy)
    assert_same(seen(loaded), signal(metadata={}))
    with says(DAMAGED, "metadata"):
        damaged, good = hspyio.file_reader(path, lazy=lazy)
    compare_dict(good, signal())
    compare_dict(damaged, signal(metadata={}))


def test_every_partial_file_is_tested() -> None:
    others = {h.bad_data_chunk, h.experiment_without_metadata}
    assert set(REPORTED) | set(DATES) | set(DAMAGED_EXPERIMENTS) | others == set(h.PARTIAL)


# REFUSED ------------------------------------------------------------------------------------------

# What was looked for, and what was found.
REFUSALS: dict[h.Maker, tuple[type[HspyError], str, str]] = {
    h.plain_hdf5: (NotHspyError, "/Experiments", "entry"),
    h.no_experiment: (NotHspyError, "dataset called 'data' under /Experiments", "Experiments$"),
    h.text_file: (NotHspyError, "HDF", "energy,c"),
    h.empty_file: (NotHspyError, "HDF5 file", "empty"),
    h.truncated_file: (DamagedFileError, "HDF5", "truncated"),
}


@pytest.mark.parametrize("make", h.REFUSED, ids=lambda make: make.__name__)
def test_refused(make: h.Maker, path: Path) -> None:
    kind, wanted, found = REFUSALS[make]
    readers: list[Callable[[], Any]] = [
        lambda: hspyio.load(path),
        lambda: hspyio.load(path, lazy=True, errors="warn"),
        lambda: hspyio.open(path),
        lambda: hspyio.file_reader(path),
        lambda: hspyio.file_reader(path, lazy=True),
    ]
    for read in readers:
        with pytest.raises(kind) as caught:
            read()
        assert str(caught.value).startswith(f"{path}: ")
        assert wanted in str(caught.value)
        assert re.search(found, str(caught.value))
