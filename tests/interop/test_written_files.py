"""RosettaSciIO reads whatever we write, and gets equal values wherever the format has a form."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given

from hspyio import Signal, file_reader, file_writer, save
from hspyio.converters.ragged import encode_ragged
from hspyio.testing import metadata, ragged_free
from support.cases import CASES
from support.compare import differences, rosettasciio

AS_THEY_ARE: dict[str, Any] = {
    "none": None,
    "bool": True,
    "text": "µ€",
    "empty text": "",
    "inner NUL": "a\0b",
    "bytes": b"\xff\0\xfe",
    "no bytes": b"",
    "big bytes": b"\xff" * 100_000,
    "big text": "x" * 100_000,
    "numpy scalar": np.float32(1.5),
    "numbers": [1, 2, 3],
    "floats": [1.5, -0.0],
    "truths": [True, False],
    "texts": ["a", "µ"],
    "tuple": (1, 2),
    "no items": [],
    "empty tuple": (),
    "nested": [[1, 2], ("a", [4.5, 5.5]), []],
    "dicts": [{"a": "x"}, {}],
    "many": [None, *("abcdefghijklmnop")],
    "bytes in a list": [b"\0", b"a\0", b"\xff"],
    "dict": {"b": {"c": "d"}, "a": {}},
    "array": np.arange(6.0).reshape(2, 3),
    "big-endian": np.arange(3, dtype=">i2"),
    "structure": np.zeros(2, "i4,f8"),
    "empty array": np.zeros((0, 3)),
    "arrays": [np.arange(3), np.eye(2)],
    "scalar key": {"a/b": "x", ".": "y"},
    "list key": {"_list_x": [1, 2], "": [1.5]},
}
"""What the format can express: RosettaSciIO gets the very same back."""

TURNED: dict[str, tuple[Any, Any]] = {
    "int": (5, np.int64(5)),
    "float": (-0.0, np.float64(-0.0)),
    "complex": (1j, np.complex128(1j)),
    "large int": (2**63, np.uint64(2**63)),
    "numbers and texts": ([1, 2.0, "a name"], ["1", "2.0", "a name"]),
    "int and float": ([1, 2.5], [1.0, 2.5]),
    "exact numbers": ([2**53 + 1, 0.5], [np.int64(2**53 + 1), np.float64(0.5)]),
    "set": ({3, 1}, [1, 3]),
    "ASCII bytes": (np.array([b"ab"]), np.array(["ab"])),
    "ASCII text": (np.array(["ab"], "U7"), np.array(["ab"])),
    "0-d": (np.array(1.5), np.float64(1.5)),
    "int key": ({1: "a"}, {"1": "a"}),
    "slash": ({"a/b": {"c": "d"}}, {"a-b": {"c": "d"}}),
    "range": (range(3), np.arange(3)),
}
"""The nearest standard form: what goes in, and what RosettaSciIO makes of it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("written")


def read_back(value: Any, path: Path, *, lazy: bool = False) -> Any:
    save(path, Signal([1.0], metadata={"x": value}), overwrite=True, durable=False)
    return rosettasciio(path, lazy=lazy)[0]["metadata"]["x"]


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("name", AS_THEY_ARE)
def test_gets_equal_values(name: str, lazy: bool, tmp_path: Path) -> None:
    value = AS_THEY_ARE[name]
    found = read_back(value, tmp_path / "a.hspy", lazy=lazy)
    computed = _computed(found)
    assert not list(differences(computed, value))


def _computed(value: Any) -> Any:
    if isinstance(value, list):
        return [_computed(item) for item in value]
    return value.compute() if hasattr(value, "compute") else value


@pytest.mark.parametrize("name", TURNED)
def test_gets_the_nearest_form(name: str, tmp_path: Path) -> None:
    value, expected = TURNED[name]
    assert not list(differences(read_back(value, tmp_path / "a.hspy"), expected))


@pytest.mark.parametrize("name", CASES)
def test_reads_every_case(name: str, tmp_path: Path) -> None:
    value = CASES[name]
    read_back([value, None], tmp_path / "a.hspy")
    if not _holds_ragged(value):  # its defect R1
        read_back([value, None], tmp_path / "a.hspy", lazy=True)


def _holds_ragged(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_ragged, value.values()))
    if isinstance(value, np.ndarray) and value.dtype == object:
        return encode_ragged(value) is not None or any(map(_holds_ragged, value.ravel().tolist()))
    return False


def _holds_masked(value: Any) -> bool:
    if isinstance(value, Signal):
        parts = (
            value.data,
            value.metadata.as_dictionary(),
            value.original_metadata.as_dictionary(),
        )
        return any(map(_holds_masked, parts))
    if isinstance(value, dict):
        return any(map(_holds_masked, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_holds_masked, value))
    if isinstance(value, np.ndarray) and value.dtype == object and not np.ma.isMA(value):
        return any(map(_holds_masked, value.ravel().tolist()))
    return isinstance(value, np.ma.MaskedArray)


@given(metadata())
def test_reads_what_we_write_as_we_do(folder: Path, tree: dict[Any, Any]) -> None:
    assume(not _holds_masked(tree))  # C15: it knows no masks
    path = folder / "a.hspy"
    save(path, Signal([1.0], metadata=tree, original_metadata=tree), overwrite=True, durable=False)
    theirs, ours = rosettasciio(path)[0], file_reader(path)[0]
    assert not list(differences(_comparable(theirs), _comparable(ours)))


@given(metadata())
def test_reads_lazily_what_we_write(folder: Path, tree: dict[Any, Any]) -> None:
    path = folder / "lazy.hspy"
    save(path, Signal([1.0], metadata=ragged_free(tree)), overwrite=True, durable=False)
    rosettasciio(path, lazy=True)


def _comparable(value: Any) -> Any:
    """Without what RosettaSciIO decodes less of (W6, C4, C30: text as bytes), and axis indices."""
    if isinstance(value, dict):
        return {k: _comparable(v) for k, v in value.items() if k != "index_in_array"}
    if isinstance(value, list | tuple):
        return type(value)(map(_comparable, value))
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        return [_comparable(item) for item in value.ravel().tolist()]
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        return [text.encode("utf-8", "surrogatepass") for text in value.ravel().tolist()]
    if isinstance(value, np.ndarray) and value.dtype.kind == "S":
        return value.ravel().tolist()
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return value


def test_file_writer_takes_any_text_as_a_key(tmp_path: Path) -> None:
    class Key(StrEnum):
        A = "a"

    handed = {"data": np.arange(2), "axes": [{"size": 2, "navigate": False}]}
    handed["metadata"] = {Key.A: 1.5, np.str_("b"): [1, 2], "General": {"title": ""}}
    file_writer(tmp_path / "a.hspy", handed)
    found = rosettasciio(tmp_path / "a.hspy")[0]["metadata"]
    assert (found["a"], found["b"]) == (1.5, [1, 2])
