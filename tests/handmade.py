"""Files made by hand for tests: what other programs, other times and accidents left behind.

Each function in the tuples at the end takes a path and writes one file there:

- `WHOLE`: everything in the file has a meaning, and a reader should find it;
- `PARTIAL`: some part has no meaning in the format or cannot be read; a reader raises, or reports
  that part and returns the rest, as it is asked to;
- `REFUSED`: there is nothing to return but an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np

Tree = dict[str, Any]
Maker = Callable[[Path], None]
AxesForm = Literal["groups", "list", "none"]

#: What the files hold where nothing else is said: two navigation axes and one signal axis.
DATA = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
#: The ragged arrays; only the first and the last can do without stored shapes.
RAGGED = (
    np.array([1.0, 2.0]),
    np.array([[3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]),
    np.array(9.0),
    np.array([]),
)
FLAT_RAGGED = (np.array([1, 2, 3]), np.array([4]), np.array([5, 6]))
LATIN1_TEXT = "5 µm at 20 °C"
LATIN1 = LATIN1_TEXT.encode("latin-1")
VECTOR = np.array([1.0, 2.0, 4.0, 8.0])
GARBAGE = b"this is no compressed chunk"
#: A pickle that ends the process of whoever loads it.
CLASS_DUMP = b"cbuiltins\nexec\n(S'raise SystemExit(\"unpickled\")'\ntR."


# The tools ------------------------------------------------------------------------------------


@contextmanager
def skeleton(
    path: Path,
    *,
    version: Any = "3.3",
    era: float | None = None,
    file_format: str | None = "HyperSpy",
    title: str = "Handmade",
    **signal: Any,
) -> Iterator[h5py.Group]:
    """Write a minimal valid file and yield its experiment, open for more.

    A `version` or `file_format` of None is left out. The file is laid out as that version has it,
    unless `era` says otherwise; `signal` are keywords of `put_signal`.
    """
    with h5py.File(path, "w") as file:
        for name, value in (("file_format", file_format), ("file_format_version", version)):
            if value is not None:
                file.attrs[name] = value
        if era is None:
            era = 1.0 if version is None else float(version)
        group = file.create_group("Experiments").create_group(title.replace("/", "-"))
        put_signal(group, title, era=era, **signal)
        yield group


def put_signal(
    group: h5py.Group,
    title: str,
    *,
    era: float = 3.3,
    data: Any = DATA,
    shape: tuple[int, ...] | None = None,
    axes: AxesForm = "groups",
    signal_dimension: int = 1,
) -> None:
    """Write a minimal signal into a group; without `data`, the axes of an array of `shape`."""
    if data is not None:
        group.create_dataset("data", data=data, chunks=data.shape or None)
        shape = data.shape
    sizes = shape or ()
    put_axes(group, sizes, form=axes, era=era, signal_dimension=signal_dimension)
    record_by = {0: "", 1: "spectrum", 2: "image"}[signal_dimension]
    if era < 1.2:
        put(group, "mapped_parameters", {"title": title, "record_by": record_by})
        put(group, "original_parameters", {})
        return
    node = {"signal_type": ""} if era >= 3.2 else {"signal_type": "", "record_by": record_by}
    put(group, "metadata", {"General": {"title": title}, "Signal": node})
    put(group, "original_metadata", {})


def put_axes(
    group: h5py.Group, sizes: Sequence[int], *, form: AxesForm, era: float, signal_dimension: int
) -> None:
    """Write uniform axes, the last `signal_dimension` of which are signal axes."""
    if form == "none":
        return
    parent = group if form == "groups" else group.create_group(f"_list_{len(sizes)}_axes")
    for index, size in enumerate(sizes):
        axis: Tree = {
            "name": f"axis {index}",
            "units": "nm",
            "size": size,
            "offset": index + 0.5,
            "scale": 0.25,
        }
        if era >= 2.1:
            axis["navigate"] = index < len(sizes) - signal_dimension
        if era >= 3.1:
            axis |= {"is_binned": False, "_type": "UniformDataAxis"}
        put(parent, f"axis-{index}" if form == "groups" else str(index), axis)


def put(group: h5py.Group, key: str, value: Any) -> None:
    """Write a dict as a group, an array as a dataset, all else as an attribute; keys as given."""
    if isinstance(value, dict):
        child = group.require_group(key)
        for name, item in value.items():
            put(child, name, item)
    elif isinstance(value, np.ndarray):
        group.create_dataset(key, data=value, chunks=value.shape if value.size else True)
    else:
        group.attrs[key] = value


def put_strings(group: h5py.Group, key: str, items: Sequence[str | bytes]) -> None:
    """Write a dataset of strings of variable length; bytes go in as they are."""
    group.create_dataset(key, data=list(items), dtype=h5py.string_dtype(), chunks=(len(items),))


def put_ragged(
    group: h5py.Group, key: str, items: Sequence[np.ndarray[Any, Any]], shapes: str | None
) -> None:
    """Write a ragged array, with a dataset named `shapes` beside it that tells them."""
    count = (len(items),)
    rows = group.create_dataset(key, count, h5py.vlen_dtype(items[0].dtype), chunks=count)
    for index, item in enumerate(items):
        rows[index] = item.ravel()
    if shapes is None:
        return
    sizes = group.create_dataset(shapes, count, h5py.vlen_dtype(np.dtype(np.int64)), chunks=count)
    for index, item in enumerate(items):
        sizes[index] = np.array(item.shape, np.int64)


def put_model(file: h5py.File, name: str, signal: str | None) -> None:
    """Write a model of one component, said to belong to the experiment group `signal`."""
    fields = [("values", "f8"), ("std", "f8"), ("is_set", "?")]
    parameter = {
        "_id_name": "a",
        "name": "a",
        "self": 140,
        "value": 2.5,
        "std": "_None_",
        "free": True,
        "units": "",
        "_tuple_2__bounds": {"0": "_None_", "1": 10.0},
        "_list_empty__twins": "_None_",
        "map": np.full((2, 3), np.array((2.5, 0.1, True), fields)),
        "_whitelist": {"value": "", "self": "id"},
    }
    component = {
        "_id_name": "Custom",
        "name": "Custom",
        "active": True,
        "package": "__main__",
        "package_version": "",
        "_bs__class_dump": np.void(CLASS_DUMP),
        "_list_1_parameters": {"0": parameter},
    }
    model = {
        "date": "2023-11-08 14:55:16",
        "dimensions": "(3, 2|4)",
        "components": {"Custom": {}},
        "_dict": {
            "_list_1_components": {"0": component},
            "_whitelist": {"chisq.data": ""},
            "chisq.data": np.zeros((2, 3)),
            "dof.data": np.zeros((2, 3), np.int64),
            "free_parameters_boundaries": "_None_",
        },
    }
    put(file, f"Analysis/models/{name}", model | ({"_signal": signal} if signal else {}))


def replace_axis(experiment: h5py.Group, index: int, axis: Tree) -> None:
    """Put another axis in the place of one."""
    del experiment[f"axis-{index}"]
    put(experiment, f"axis-{index}", axis)


# The version ----------------------------------------------------------------------------------


def minimal(path: Path) -> None:
    """The least that is a valid file of version 3.3."""
    with skeleton(path):
        pass


def without_version(path: Path) -> None:
    """No root attributes at all, but Experiments: version 1.0."""
    with skeleton(path, version=None, file_format=None):
        pass


def float64_version(path: Path) -> None:
    """Version 1.1 as a float64, as HyperSpy 0.7 beta stored it."""
    with skeleton(path, version=np.float64(1.1)):
        pass


def float32_version(path: Path) -> None:
    """Version 1.1 as a float32, which is a little more than 1.1."""
    with skeleton(path, version=np.float32(1.1)):
        pass


def integer_version(path: Path) -> None:
    """Version 3 as an integer."""
    with skeleton(path, version=np.int64(3)):
        pass


def bytes_version(path: Path) -> None:
    """Version and format as fixed ASCII strings."""
    with skeleton(path, version=np.bytes_(b"2.2"), era=2.2) as experiment:
        experiment.file.attrs["file_format"] = np.bytes_(b"HyperSpy")


def nonsense_version(path: Path) -> None:
    """A version that is no number."""
    with skeleton(path, version="abc", era=3.3):
        pass


def newer_version(path: Path) -> None:
    """Version 4.2, with things that ours does not know."""
    with skeleton(path, version="4.2") as experiment:
        put(experiment.file, "Provenance", {"who": "somebody"})
        put(experiment, "masks", {"beam": np.ones((2, 3), bool)})


def misspelt_format(path: Path) -> None:
    """A `file_format` of "Hyperspy"."""
    with skeleton(path, file_format="Hyperspy"):
        pass


def mapped_parameters(path: Path) -> None:
    """Version 1.1 with the old names of the metadata groups and something in both."""
    with skeleton(path, version="1.1") as experiment:
        put(experiment, "mapped_parameters", {"signal_type": "EELS", "Sample": {"thickness": 5.0}})
        put(experiment, "original_parameters", {"XLABEL": "Energy", "node": {"value": 1.5}})


# The experiments ------------------------------------------------------------------------------


def several_experiments(path: Path) -> None:
    """Four experiments that differ in rank, dtype, title and signal dimension."""
    with skeleton(path, title="HAADF", data=DATA[..., 0], signal_dimension=2) as experiment:
        parent = experiment.parent
        put_signal(parent.create_group("EDS"), "EDS")
        put_signal(parent.create_group("a-b"), "a/b", data=np.linspace(0, 1, 5))
        put_signal(parent.create_group("__unnamed__"), "", data=DATA.astype(">f4"))


def repeated_titles(path: Path) -> None:
    """Two experiments under different group names, with the same title."""
    with skeleton(path, title="Twin") as experiment:
        put_signal(experiment.parent.create_group("Twin 2"), "Twin", data=DATA + 1)


def experiments_in_creation_order(path: Path) -> None:
    """Experiments whose group keeps the order of creation: "b" before "a"."""
    with h5py.File(path, "w") as file:
        file.attrs["file_format_version"] = "3.3"
        parent = file.create_group("Experiments", track_order=True)
        for name in ("b", "a"):
            put_signal(parent.create_group(name), name)


def experiment_without_data(path: Path) -> None:
    """An experiment group without data beside a good one, and a stray dataset."""
    with skeleton(path) as experiment:
        put(experiment.parent, "Empty", {"metadata": {"General": {"title": "Empty"}}})
        put(experiment.parent, "stray", np.arange(3))


def package_without_version(path: Path) -> None:
    """A `package` attribute that no `package_version` goes with."""
    with skeleton(path) as experiment:
        experiment.attrs["package"] = "exspy"


def unnamed_title(path: Path) -> None:
    """Version 1.1 with the title "__unnamed__", which stands for none."""
    with skeleton(path, version="1.1", title="__unnamed__"):
        pass


# The data -------------------------------------------------------------------------------------


def contiguous_data(path: Path) -> None:
    """Data that are not chunked."""
    with skeleton(path, data=None, shape=DATA.shape) as experiment:
        experiment.create_dataset("data", data=DATA)


def scalar_data(path: Path) -> None:
    """A scalar dataset as data, without axes."""
    with skeleton(path, data=np.array(2.5), signal_dimension=0):
        pass


def big_endian_data(path: Path) -> None:
    """Data and a metadata array of big-endian numbers."""
    with skeleton(path, data=DATA.astype(">i2")) as experiment:
        put(experiment["metadata"], "array", VECTOR.astype(">f4"))


def rgb_data(path: Path) -> None:
    """Data of a structured dtype, one field a colour."""
    pixels = np.zeros((2, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    pixels["G"] = DATA[..., 1]
    with skeleton(path, data=pixels, signal_dimension=2):
        pass


def bad_data_chunk(path: Path) -> None:
    """Compressed data in two chunks, the second of which is garbage."""
    with skeleton(path, data=None, shape=DATA.shape) as experiment:
        data = experiment.create_dataset("data", data=DATA, chunks=(1, 3, 4), compression="gzip")
        data.id.write_direct_chunk((1, 0, 0), GARBAGE)


def ragged_data_without_shapes(path: Path) -> None:
    """Ragged data as versions before 3.1 had them: rows only, each of them flat."""
    with skeleton(path, version="3.0", data=None, shape=(3,), signal_dimension=0) as experiment:
        put_ragged(experiment, "data", FLAT_RAGGED, None)


def ragged_data_with_ragged_shapes(path: Path) -> None:
    """Ragged data of version 3.1, with one dataset `ragged_shapes`."""
    with skeleton(path, version="3.1", data=None, shape=(4,), signal_dimension=0) as experiment:
        put_ragged(experiment, "data", RAGGED, "ragged_shapes")


def ragged_data(path: Path) -> None:
    """Ragged data of version 3.3, with the shapes in `_ragged_shapes_data`."""
    with skeleton(path, data=None, shape=(4,), signal_dimension=0) as experiment:
        put_ragged(experiment, "data", RAGGED, "_ragged_shapes_data")
        put(experiment, "attributes", {"_lazy": False, "ragged": True})


def ragged_data_without_axes(path: Path) -> None:
    """One ragged element and an empty list of axes."""
    with skeleton(path, data=None, axes="none", signal_dimension=0) as experiment:
        put_ragged(experiment, "data", RAGGED[:1], "_ragged_shapes_data")
        put(experiment, "_list_1_axes", {})


def ragged_data_of_strings(path: Path) -> None:
    """Ragged data whose rows are strings."""
    with skeleton(path, data=None, shape=(2,), signal_dimension=0) as experiment:
        rows = experiment.create_dataset(
            "data", (2,), h5py.vlen_dtype(h5py.string_dtype()), chunks=(2,)
        )
        shapes = experiment.create_dataset(
            "_ragged_shapes_data", (2,), h5py.vlen_dtype(np.dtype(np.int64)), chunks=(2,)
        )
        for index, row in enumerate((["Fe", "Å"], ["O"])):
            rows[index] = np.array(row, object)
            shapes[index] = np.array([len(row)], np.int64)


def contiguous_ragged_data(path: Path) -> None:
    """Ragged data without shapes in datasets that are not chunked."""
    with skeleton(path, version="3.0", data=None, shape=(3,), signal_dimension=0) as experiment:
        rows = experiment.create_dataset("data", (3,), h5py.vlen_dtype(FLAT_RAGGED[0].dtype))
        for index, item in enumerate(FLAT_RAGGED):
            rows[index] = item


# The axes -------------------------------------------------------------------------------------


def axis_dataset(path: Path) -> None:
    """A signal axis that is a vector, stored as a dataset."""
    with skeleton(path) as experiment:
        axis: Tree = {"_type": "DataAxis", "name": "E", "units": "eV", "axis": VECTOR}
        replace_axis(experiment, 2, axis | {"navigate": False, "is_binned": True})


def axis_attribute(path: Path) -> None:
    """A signal axis that is a vector, stored as an attribute."""
    with skeleton(path) as experiment:
        replace_axis(experiment, 2, {"name": "E", "units": "eV", "navigate": False})
        experiment["axis-2"].attrs["axis"] = VECTOR


def axis_list(path: Path) -> None:
    """A signal axis that is a vector, stored as the list `_list_axis`."""
    with skeleton(path) as experiment:
        axis: Tree = {"name": "E", "units": "eV", "navigate": False, "_list_axis": VECTOR}
        replace_axis(experiment, 2, axis)


def functional_axis(path: Path) -> None:
    """Two axes that are functions: of a uniform axis, and of a vector."""
    common: Tree = {"_type": "FunctionalDataAxis", "units": "nm", "is_binned": False}
    uniform: Tree = {"_type": "UniformDataAxis", "size": 4, "offset": 1.0, "scale": 0.5}
    vector: Tree = {"_type": "DataAxis", "axis": VECTOR[:2]}
    hyperbola: Tree = {"expression": "a / (x + 1) + b", "a": 100.0, "b": 10, "x": uniform}
    square: Tree = {"expression": "x**power", "power": 2, "x": vector}
    for nested in (uniform, vector):
        nested.update(name="_None_", units="_None_", navigate=False, is_binned=False)
    with skeleton(path) as experiment:
        replace_axis(experiment, 0, {**common, **square, "name": "q", "size": 2, "navigate": True})
        replace_axis(
            experiment, 2, {**common, **hyperbola, "name": "w", "size": 4, "navigate": False}
        )


def bare_axes(path: Path) -> None:
    """Axes of version 1.3 with neither name nor units nor navigate."""
    with skeleton(path, version="1.3") as experiment:
        for index in range(3):
            attributes = experiment[f"axis-{index}"].attrs
            del attributes["name"], attributes["units"]


def undefined_axes(path: Path) -> None:
    """Names and units that are `_None_`, and some that are empty."""
    with skeleton(path) as experiment:
        put(experiment, "axis-0", {"name": "_None_", "units": "_None_"})
        put(experiment, "axis-1", {"name": "", "units": ""})


def indexed_axes(path: Path) -> None:
    """Axes with `index_in_array`, as version 1.0 had it, in fixed ASCII."""
    with skeleton(path, version=None, file_format=None) as experiment:
        for index in range(3):
            axis: Tree = {
                "index_in_array": index,
                "name": np.bytes_(b"E"),
                "units": np.bytes_(b"m"),
            }
            put(experiment, f"axis-{index}", axis)


def listed_axes(path: Path) -> None:
    """No groups `axis-<i>`, but a list `_list_3_axes`."""
    with skeleton(path, axes="list"):
        pass


def twelve_listed_axes(path: Path) -> None:
    """Twelve axes in a list whose keys, sorted as text, stand in the wrong order."""
    with skeleton(path, data=np.zeros((1,) * 10 + (2, 3)), axes="list"):
        pass


def surplus_axes(path: Path) -> None:
    """An axis group more than the data have dimensions."""
    with skeleton(path) as experiment:
        put(experiment, "axis-3", {"name": "none", "size": 9, "offset": 0.0, "scale": 1.0})


def wrong_axis_size(path: Path) -> None:
    """An axis whose size is not that of the data."""
    with skeleton(path) as experiment:
        experiment["axis-1"].attrs["size"] = 300


# The trees ------------------------------------------------------------------------------------


def containers(path: Path) -> None:
    """Lists, tuples and byte strings in every form that today's writers use."""
    with skeleton(path) as experiment:
        put(
            experiment["metadata"],
            "node",
            {
                "none": "_None_",
                "_list_empty_nothing": "_None_",
                "_tuple_empty_nowhere": "_None_",
                "_bs_bytes": np.void(b"\x00\xff\x00"),
                "_list_numbers": np.array([1, 2, 3]),
                "_tuple_flags": np.array([True, False]),
                "_tuple_2__bounds": {"0": "_None_", "1": 2.5},
                "_list_3_mixed": {"0": 1, "_tuple_1": np.array([2, 3]), "2": {"key": "value"}},
                "_list_2_arrays": {"0": np.ones((2, 2)), "1": np.zeros(3)},
            },
        )
        put_strings(experiment["metadata/node"], "_list_names", ["Fe", "Å"])


def readable_tricks(path: Path) -> None:
    """Forms that no known writer uses and RosettaSciIO's reader takes all the same."""
    node = {
        "_list_3_padded": {"00": 5, "_tuple_01": np.array([6, 7]), "02": "text"},
        "_list_square": np.array([[1, 2], [3, 4]]),
        "_tuple_of_lists": np.array([[1, 2], [3, 4]]),
        "fixed": np.bytes_(b"inner\x00zero"),
        "utf8": np.array(["µm".encode(), b"nm"]).astype(h5py.string_dtype("utf-8", 3)),
    }
    with skeleton(path) as experiment:
        put(experiment["metadata"], "node", node)
        experiment["metadata/node"].attrs["_bs_array"] = np.array([0, 255, 7], np.uint8)
        experiment["metadata/node"].create_dataset("_list_scalar", data=7)


def twelve_items(path: Path) -> None:
    """Containers of version 1.3 with twelve items, whose keys are not padded."""
    with skeleton(path, version="1.3") as experiment:
        keys = [str(index) for index in range(12)]
        lists: Tree = {
            "_list_12_numbers": {key: int(key) for key in keys},
            "_tuple_12_texts": {key: f"item {key}" for key in keys},
            "_list_12_dicts": {key: {"index": int(key)} for key in keys},
            "_list_12_lists": {f"_list_{key}": np.array([int(key)]) for key in keys},
        }
        put(experiment["metadata"], "node", lists)


def contiguous_metadata(path: Path) -> None:
    """Metadata arrays and a list in datasets that are not chunked, and a scalar one."""
    with skeleton(path) as experiment:
        node = experiment["metadata"].create_group("node")
        node.create_dataset("array", data=VECTOR)
        node.create_dataset("_list_numbers", data=[1, 2, 3])
        node.create_dataset("scalar", data=2.5)


def ragged_metadata_without_shapes(path: Path) -> None:
    """A ragged array in the metadata, in rows only."""
    with skeleton(path, version="3.0") as experiment:
        put_ragged(experiment["metadata"], "ragged", FLAT_RAGGED, None)


def ragged_metadata_with_ragged_shapes(path: Path) -> None:
    """A ragged array in the metadata, with a dataset `ragged_shapes` in its group."""
    with skeleton(path, version="3.1") as experiment:
        node = experiment["metadata"].create_group("node")
        put_ragged(node, "ragged", RAGGED, "ragged_shapes")


def ragged_metadata(path: Path) -> None:
    """Two ragged arrays in one group of the metadata, each with shapes of its own."""
    with skeleton(path) as experiment:
        node = experiment["metadata"].create_group("node")
        put_ragged(node, "ragged", RAGGED, "_ragged_shapes_ragged")
        put_ragged(node, "flat", FLAT_RAGGED, "_ragged_shapes_flat")


def python2_strings(path: Path) -> None:
    """Version 1.0 with fixed ASCII strings, some of them undefined or UTF-8."""
    with skeleton(path, version=None, file_format=None) as experiment:
        texts = {"owner": b"EMSA", "comment": b"_None_", "place": "Malmö".encode()}
        put(experiment, "original_parameters", {key: np.bytes_(texts[key]) for key in texts})
        experiment["original_parameters"].attrs["elements"] = np.array([b"Fe", b"Pt"])


def latin1_fixed(path: Path) -> None:
    """Latin-1 in a string attribute of fixed length."""
    with skeleton(path, version=None, file_format=None) as experiment:
        experiment["original_parameters"].attrs["text"] = np.bytes_(LATIN1)


def latin1_variable(path: Path) -> None:
    """Latin-1 in a string attribute of variable length."""
    with skeleton(path, version="1.1") as experiment:
        attributes = experiment["original_parameters"].attrs
        attributes.create("text", LATIN1, dtype=h5py.string_dtype())


def latin1_list(path: Path) -> None:
    """Latin-1 in one of the strings of a list."""
    with skeleton(path, version="1.3") as experiment:
        put_strings(experiment["original_metadata"], "_list_texts", [b"plain", LATIN1])


def date_with_time(path: Path) -> None:
    """A `_datetime_date` that holds a datetime."""
    with skeleton(path, version="1.2") as experiment:
        general = {"_datetime_date": "datetime.datetime(1991, 10, 1, 12, 30)"}
        put(experiment["metadata"], "General", general)


def time_with_zone(path: Path) -> None:
    """A `_datetime_time` with a time zone, and one under another name."""
    text = "datetime.time(12, 30, tzinfo=tzutc())"
    with skeleton(path, version="1.2") as experiment:
        put(experiment["metadata"], "General", {"_datetime_time": text, "_datetime_start": text})


def date_in_code(path: Path) -> None:
    """A `_datetime_date` that is no date but a call; old readers evaluated it."""
    with skeleton(path, version="1.2") as experiment:
        general = {"_datetime_date": "__import__('os').abort()"}
        put(experiment["metadata"], "General", general)


def old_dates(path: Path) -> None:
    """Dates and times as the text of Python objects, with and without seconds."""
    with skeleton(path, version="1.3") as experiment:
        general = {
            "_datetime_date": "datetime.date(1991, 10, 1)",
            "_datetime_time": "datetime.time(12, 0, 5, 250)",
        }
        put(experiment["metadata"], "General", general)


def working_soft_link(path: Path) -> None:
    """A soft link inside the tree that leads to an array."""
    with skeleton(path) as experiment:
        put(experiment["original_metadata"], "array", VECTOR)
        experiment["metadata/array"] = h5py.SoftLink(f"{experiment.name}/original_metadata/array")


def dangling_soft_link(path: Path) -> None:
    """A soft link inside the tree that leads nowhere."""
    with skeleton(path) as experiment:
        experiment["metadata/link"] = h5py.SoftLink("/nowhere")


def dangling_experiment(path: Path) -> None:
    """A soft link among the experiments that leads nowhere."""
    with skeleton(path) as experiment:
        experiment.parent["Lost"] = h5py.SoftLink("/nowhere")


def dangling_member(path: Path) -> None:
    """A dangling soft link beside the data, where readers do not look."""
    with skeleton(path) as experiment:
        experiment["link"] = h5py.SoftLink("/nowhere")


def looped_group(path: Path) -> None:
    """A group of the tree that contains itself."""
    with skeleton(path) as experiment:
        experiment["metadata/General/loop"] = experiment["metadata"]


def committed_datatype(path: Path) -> None:
    """A datatype that stands in the tree under a name."""
    with skeleton(path) as experiment:
        experiment["metadata/kind"] = np.dtype("f8")


def null_dataset(path: Path) -> None:
    """A dataset in the tree that has a type but no space."""
    with skeleton(path) as experiment:
        experiment["metadata/null"] = h5py.Empty("f8")


def empty_attribute(path: Path) -> None:
    """Attributes in the tree that have a type but no space."""
    with skeleton(path) as experiment:
        put(experiment["metadata"], "number", h5py.Empty("f8"))
        put(experiment["metadata"], "text", h5py.Empty("S4"))


def reference_attribute(path: Path) -> None:
    """An attribute in the tree that refers to the data."""
    with skeleton(path) as experiment:
        experiment["metadata"].attrs["reference"] = experiment["data"].ref


def bad_metadata_chunk(path: Path) -> None:
    """A compressed metadata array whose only chunk is garbage, beside a good one."""
    with skeleton(path) as experiment:
        node = experiment["metadata"].create_group("node")
        put(node, "good", VECTOR)
        bad = node.create_dataset("bad", data=VECTOR, chunks=(4,), compression="gzip")
        bad.id.write_direct_chunk((0,), GARBAGE)


# Signals and axes inside the trees ------------------------------------------------------------


def nested_signal_with_axis_groups(path: Path) -> None:
    """A signal in the metadata as HyperSpy up to 0.7 wrote it."""
    with skeleton(path, version="1.2") as experiment:
        group = experiment.create_group("metadata/Signal/Noise_properties/_sig_variance")
        put_signal(group, "Variance", era=1.2, data=DATA * 2.0)


def nested_signals_in_old_list(path: Path) -> None:
    """Two signals in a list as HyperSpy 0.8 to 1.7 wrote them."""
    with skeleton(path, version="3.0") as experiment:
        for index in range(2):
            group = experiment.create_group(f"metadata/Sample/_list_2_maps/_sig_{index}")
            put_signal(group, f"Map {index}", era=3.0, data=np.full(2, index))
            group.attrs.update({"package": "hyperspy", "package_version": "1.6.5"})


def nested_signals_in_old_long_list(path: Path) -> None:
    """Twelve signals in a list, whose keys, sorted as text, stand in the wrong order."""
    with skeleton(path, version="3.0") as experiment:
        for index in range(12):
            group = experiment.create_group(f"metadata/Sample/_list_12_maps/_sig_{index}")
            put_signal(group, f"Map {index}", era=3.0, data=np.full(2, index))


def nested_signals_in_old_mixed_list(path: Path) -> None:
    """A tuple of a number, a signal, a list and another signal."""
    with skeleton(path, version="3.0") as experiment:
        items: Tree = {"0": 7, "_list_2": np.array([1, 2])}
        put(experiment["metadata"], "_tuple_4_items", items)
        for index in (1, 3):
            group = experiment.create_group(f"metadata/_tuple_4_items/_sig_{index}")
            put_signal(group, f"Item {index}", era=3.0, data=np.full(2, index))


def nested_signal(path: Path) -> None:
    """A signal in the metadata as today's writers have it, with another one inside."""
    with skeleton(path) as experiment:
        group = experiment.create_group("metadata/Signal/Noise_properties/_sig_variance")
        put_signal(group, "Variance", data=DATA * 2.0, axes="list")
        put(group, "attributes", {"_lazy": False, "ragged": False})
        put(group, "learning_results", {})
        put(group, "tmp_parameters", {})
        inner = group.create_group("metadata/_HyperSpy/_sig_navigator")
        put_signal(inner, "Navigator", data=DATA[..., 0], axes="list", signal_dimension=2)


def nested_signals_in_list(path: Path) -> None:
    """Twelve signals in a list as today's writers have them, with a number in between."""
    with skeleton(path) as experiment:
        put(experiment["metadata"], "Sample", {"_list_13_maps": {"12": 1.5}})
        for index in range(12):
            group = experiment.create_group(f"metadata/Sample/_list_13_maps/{index}/_sig_")
            put_signal(group, f"Map {index}", data=np.full(2, index), axes="list")


def nested_signal_of_version_1_1(path: Path) -> None:
    """A signal in the metadata of version 1.1, to be migrated like the outer one."""
    with skeleton(path, version="1.1") as experiment:
        group = experiment.create_group("mapped_parameters/_internal_parameters/_sig_navigator")
        put_signal(group, "Navigator", era=1.1, data=DATA[..., 0])
        put(group, "mapped_parameters", {"TEM": {"beam_energy": 80.0}})


def axes_manager_in_groups(path: Path) -> None:
    """The original axes of an unfolded signal, in groups, as HyperSpy 0.6 to 1.7 had them."""
    with skeleton(path, version="3.0") as experiment:
        group = experiment.create_group(
            "metadata/_HyperSpy/Folding/_hspy_AxesManager_original_axes_manager"
        )
        put_axes(group, (1,) * 10 + (3, 4), form="groups", era=3.0, signal_dimension=1)


def axes_manager_in_list(path: Path) -> None:
    """The original axes of an unfolded signal, in a list, as today's writers have them."""
    with skeleton(path) as experiment:
        folding = experiment.create_group("metadata/_HyperSpy/Folding")
        put_axes(folding, (3, 4), form="list", era=3.3, signal_dimension=1)
        folding.move("_list_2_axes", "_list_2__hspy_AxesManager_original_axes_manager")
        put(folding, "_hspy_Axis_single", {"name": "x", "size": 3, "offset": 0.0, "scale": 1.0})


# The models -----------------------------------------------------------------------------------


def attached_models(path: Path) -> None:
    """A signal with two models, and another signal without any."""
    with skeleton(path) as experiment:
        put_signal(experiment.parent.create_group("Other"), "Other")
        for name in ("a", "b"):
            put_model(experiment.file, name, "/Experiments/Handmade")


def standalone_models(path: Path) -> None:
    """A signal, a model of a signal that is not there, and a model of none."""
    with skeleton(path) as experiment:
        put_model(experiment.file, "lost", "/Experiments/Elsewhere")
        put_model(experiment.file, "free", None)


def models_only(path: Path) -> None:
    """No version and no Experiments, only models: version 2.0."""
    with h5py.File(path, "w") as file:
        put_model(file, "a", "/Experiments/Handmade")


# What migrations meet -------------------------------------------------------------------------


def variance_estimation(path: Path) -> None:
    """Version 1.1 with `Variance_estimation`, which belongs under Signal today."""
    with skeleton(path, version="1.1") as experiment:
        noise = {"gain_factor": 2.5, "gain_offset": 0.5, "correlation_factor": 1.0}
        put(experiment["mapped_parameters"], "Variance_estimation", noise)


def tem_eels(path: Path) -> None:
    """Version 1.1 with TEM.EELS and TEM.EDS, and the times of exposure beside them."""
    tem: Tree = {
        "beam_energy": 200.0,
        "dwell_time": 100.0,
        "dwell_time_units": "ms",
        "exposure": 0.5,
        "exposure_units": "s",
        "EELS": {"collection_angle": 3.4},
        "EDS": {"live_time": 2.5},
    }
    with skeleton(path, version="1.1") as experiment:
        put(experiment["mapped_parameters"], "TEM", tem)


def tem_without_eels(path: Path) -> None:
    """Version 1.1 with an exposure in TEM that belongs to the camera."""
    with skeleton(path, version="1.1") as experiment:
        put(experiment["mapped_parameters"], "TEM", {"exposure": 0.5, "tilt_stage": 12.5})


def sem_eds(path: Path) -> None:
    """Version 1.1 with SEM.EDS, a tilted stage, X-ray lines and a stacking history."""
    nodes: Tree = {
        "SEM": {"tilt_stage": -7.25, "EDS": {"azimuth_angle": 45.0}},
        "Sample": {"thickness": 50.0},
        "_internal_parameters": {"stacking_history": {"axis": 0, "step_sizes": 1}},
    }
    with skeleton(path, version="1.1") as experiment:
        put(experiment, "mapped_parameters", nodes)
        experiment["mapped_parameters/Sample"].attrs["Xray_lines"] = np.array([b"Fe_Ka", b"Pt_La"])


def earliest_names(path: Path) -> None:
    """Version 1.0 with `name`, `signal` and `mva_results`."""
    with skeleton(path, version=None, file_format=None, title="Before 2012") as experiment:
        parameters = experiment["mapped_parameters"]
        del parameters.attrs["title"]
        put(experiment, "mapped_parameters", {"name": "Before 2012", "signal": "EELS"})
        put(experiment, "mva_results", {"factors": np.ones((4, 2)), "output_dimension": 2})
        put(experiment, "peak_mva_results", {})


def stage_and_camera(path: Path) -> None:
    """Version 2.2 where the new nodes exist already, and both names of the exposure."""
    tem: Tree = {
        "tilt_stage": 12.5,
        "exposure": 0.5,
        "exposure_time": 0.25,
        "Stage": {"tilt_beta": 1.5},
        "Detector": {"Camera": {"name": "Orius"}},
    }
    with skeleton(path, version="2.2") as experiment:
        put(experiment["metadata"], "Acquisition_instrument", {"TEM": tem})


def binned_signal(path: Path) -> None:
    """Version 3.0 with `Signal.binned`, which is a property of the axes today."""
    with skeleton(path, version="3.0") as experiment:
        put(experiment["metadata"], "Signal", {"binned": True})


# Damaged and foreign files --------------------------------------------------------------------


def experiment_without_metadata(path: Path) -> None:
    """An experiment that lost its metadata, before a good one."""
    with skeleton(path) as experiment:
        damaged = experiment.parent.create_group("Damaged")
        put_signal(damaged, "Damaged")
        del damaged["metadata"]


def experiment_without_axes(path: Path) -> None:
    """An experiment that lost its axes, before a good one."""
    with skeleton(path) as experiment:
        put_signal(experiment.parent.create_group("Damaged"), "Damaged", axes="none")


def experiment_without_one_axis(path: Path) -> None:
    """An experiment that lost the second of its axes, before a good one."""
    with skeleton(path) as experiment:
        damaged = experiment.parent.create_group("Damaged")
        put_signal(damaged, "Damaged")
        del damaged["axis-1"]


def data_is_a_group(path: Path) -> None:
    """An experiment whose member `data` is a group, before a good one."""
    with skeleton(path) as experiment:
        damaged = experiment.parent.create_group("Damaged")
        put_signal(damaged, "Damaged", data=None, shape=DATA.shape)
        damaged.create_group("data")


def plain_hdf5(path: Path) -> None:
    """HDF5, but of another kind."""
    with h5py.File(path, "w") as file:
        put(file, "entry", {"data": DATA})


def no_experiment(path: Path) -> None:
    """A file with root attributes and Experiments, but none in there."""
    with h5py.File(path, "w") as file:
        file.attrs.update({"file_format": "HyperSpy", "file_format_version": "3.3"})
        file.create_group("Experiments")


def text_file(path: Path) -> None:
    """A text under the name of an HDF5 file."""
    path.write_text("energy,counts\n1,2\n", encoding="utf-8")


def empty_file(path: Path) -> None:
    """A file of no bytes."""
    path.write_bytes(b"")


def truncated_file(path: Path) -> None:
    """The first half of a valid file."""
    minimal(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


WHOLE: tuple[Maker, ...] = (
    minimal,
    without_version,
    float64_version,
    float32_version,
    integer_version,
    bytes_version,
    newer_version,
    misspelt_format,
    mapped_parameters,
    several_experiments,
    repeated_titles,
    experiments_in_creation_order,
    experiment_without_data,
    package_without_version,
    unnamed_title,
    contiguous_data,
    scalar_data,
    big_endian_data,
    rgb_data,
    ragged_data_without_shapes,
    ragged_data_with_ragged_shapes,
    ragged_data,
    ragged_data_without_axes,
    ragged_data_of_strings,
    contiguous_ragged_data,
    axis_dataset,
    axis_attribute,
    axis_list,
    functional_axis,
    bare_axes,
    undefined_axes,
    indexed_axes,
    listed_axes,
    twelve_listed_axes,
    surplus_axes,
    containers,
    readable_tricks,
    twelve_items,
    contiguous_metadata,
    ragged_metadata_without_shapes,
    ragged_metadata_with_ragged_shapes,
    ragged_metadata,
    python2_strings,
    latin1_fixed,
    latin1_variable,
    latin1_list,
    old_dates,
    working_soft_link,
    dangling_member,
    nested_signal_with_axis_groups,
    nested_signals_in_old_list,
    nested_signals_in_old_long_list,
    nested_signals_in_old_mixed_list,
    nested_signal,
    nested_signals_in_list,
    nested_signal_of_version_1_1,
    axes_manager_in_groups,
    axes_manager_in_list,
    attached_models,
    standalone_models,
    models_only,
    variance_estimation,
    tem_eels,
    tem_without_eels,
    sem_eds,
    earliest_names,
    stage_and_camera,
    binned_signal,
)
PARTIAL: tuple[Maker, ...] = (
    nonsense_version,
    bad_data_chunk,
    wrong_axis_size,
    date_with_time,
    time_with_zone,
    date_in_code,
    dangling_soft_link,
    dangling_experiment,
    looped_group,
    committed_datatype,
    null_dataset,
    empty_attribute,
    reference_attribute,
    bad_metadata_chunk,
    experiment_without_metadata,
    experiment_without_axes,
    experiment_without_one_axis,
    data_is_a_group,
)
REFUSED: tuple[Maker, ...] = (
    plain_hdf5,
    no_experiment,
    text_file,
    empty_file,
    truncated_file,
)
