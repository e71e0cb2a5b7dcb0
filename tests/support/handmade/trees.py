"""Values in the trees: containers, arrays, ragged arrays, texts and dates."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from support.handmade.tools import (
    FLAT_RAGGED,
    LATIN1,
    RAGGED,
    VECTOR,
    Tree,
    put,
    put_ragged,
    put_strings,
    skeleton,
)


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
