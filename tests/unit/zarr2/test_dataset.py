"""Arrays of stores: their descriptions, what is not there, and rows of any length."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from hspyio.errors import DamagedFileError
from hspyio.nodes.node import Text, Vlen
from hspyio.zarr2.dataset import ZarrDataset, layout_of
from hspyio.zarr2.store import StoreSnapshot

BARE: dict[str, Any] = {
    "zarr_format": 2, "shape": [5, 4], "chunks": [2, 3], "dtype": "<i4", "fill_value": 7,
    "order": "C", "compressor": None, "filters": None,
}  # fmt: skip


def dataset(folder: Path, stored: dict[str, bytes], **change: Any) -> ZarrDataset:
    (folder / "a").mkdir(exist_ok=True)
    (folder / ".zgroup").write_text(json.dumps({"zarr_format": 2}))
    for key, octets in stored.items():
        (folder / "a" / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / "a" / key).write_bytes(octets)
    return ZarrDataset(StoreSnapshot(str(folder)), "a", layout_of({**BARE, **change}))


@pytest.mark.parametrize("separator", [".", "/"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_chunks_and_the_fill_value(tmp_path: Path, separator: str, order: Any) -> None:
    values = np.arange(20, dtype="<i4").reshape(5, 4)
    padded = np.zeros((6, 6), "<i4")
    padded[:5, :4] = values
    chunks = {
        f"{i}{separator}{j}": padded[2 * i : 2 * i + 2, 3 * j : 3 * j + 3].tobytes(order)
        for i in range(3)
        for j in range(2)
    }
    missing = f"1{separator}1"
    del chunks[missing]
    values[2:4, 3] = 7
    found = dataset(tmp_path, chunks, dimension_separator=separator, order=order)
    assert_array_equal(found.read(), values)
    assert_array_equal(found.read((slice(1, 5, 2), 3)), values[1:5:2, 3])
    assert found.read((4, 3)).shape == ()
    assert found.stored_bytes == 5 * 24


@pytest.mark.parametrize(
    ("dtype", "fill", "value"),
    [
        ("<f8", "NaN", np.nan),
        ("<f4", "-Infinity", -np.inf),
        ("<c16", [1.0, 2.0], 1 + 2j),
        ("|b1", True, True),
        ("|S2", "", b""),
        ("<M8[s]", None, np.datetime64(0, "s")),
        ([["a", "<i2"], ["b", "<f4", [2]]], None, None),
    ],
)
def test_where_nothing_is(tmp_path: Path, dtype: Any, fill: Any, value: Any) -> None:
    found = dataset(tmp_path, {}, dtype=dtype, fill_value=fill).read()
    assert found.shape == (5, 4)
    if value is not None:
        assert_array_equal(found, np.full((5, 4), value, found.dtype))


def test_one_value_without_dimensions(tmp_path: Path) -> None:
    octets = np.int32(5).tobytes()
    found = dataset(tmp_path, {"0": octets}, shape=[], chunks=[]).read()
    assert found.shape == () and found == 5


def test_kinds() -> None:
    for change, kind in (
        ({"dtype": "|S3"}, Text(3)),
        ({"dtype": "<U3"}, Text()),
        ({"dtype": "|O", "filters": [{"id": "vlen-utf8"}]}, Text()),
        ({"dtype": "|O", "filters": [{"id": "vlen-array", "dtype": "<f4"}]}, Vlen(np.dtype("f4"))),
        ({"dtype": "|O", "filters": [{"id": "msgpack2"}]}, Vlen(Text())),
    ):
        assert layout_of({**BARE, **change}).kind == kind
    for filters in ([], [{"id": "pickle"}], [{"id": "json2"}]):
        with pytest.raises(DamagedFileError, match="objects of a kind"):
            layout_of({**BARE, "dtype": "|O", "filters": filters})


@pytest.mark.parametrize("content", [b"", b"\1\0\0\0", b"\xff\xff\xff\xff", b"\2\0\0\0\3\0\0\0abc"])
def test_rows_that_are_cut(tmp_path: Path, content: bytes) -> None:
    found = dataset(
        tmp_path, {"0": content}, shape=[2], chunks=[2], dtype="|O",
        filters=[{"id": "vlen-array", "dtype": "<f4"}],
    )  # fmt: skip
    with pytest.raises(DamagedFileError, match="/a: "):
        found.read()


def test_texts_of_four_bytes_a_letter(tmp_path: Path) -> None:
    octets = np.array(["ä", "bcd"], "<U3").tobytes()
    found = dataset(tmp_path, {"0": octets}, shape=[2], chunks=[2], dtype="<U3", fill_value="")
    assert found.read().tolist() == ["ä".encode(), b"bcd"]
