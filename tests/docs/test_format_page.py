"""The tables of the page on the format say what RosettaSciIO and hspyio do."""

from __future__ import annotations

import json
import logging
import re
import tempfile
import warnings
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

import h5py
import numpy as np
import pytest
from rsciio.hspy import file_reader, file_writer

import hspyio
from hspyio.arrays.chunk_shapes import signal_chunks
from support.make_archive import VERSIONS
from support.places import DOCS

PAGE = DOCS / "format.md"
WORDS = {
    "np": np,
    "date": date,
    "timedelta": timedelta,
    "Decimal": Decimal,
    "PurePosixPath": PurePosixPath,
}
CLASSES = {
    h5py.h5t.INTEGER: "integer",
    h5py.h5t.FLOAT: "float",
    h5py.h5t.ENUM: "enumeration",
    h5py.h5t.COMPOUND: "compound",
    h5py.h5t.STRING: "text",
}


def table(head: str) -> list[list[str]]:
    """Rows of the table whose first line begins so, code without its backticks."""
    text = PAGE.read_text(encoding="utf-8")
    lines = text[text.index(f"\n| {head}") + 1 :].split("\n\n")[0].splitlines()[2:]
    return [[_plain(cell) for cell in re.split(r"(?<!\\) \| ", line[2:-2])] for line in lines]


def _plain(cell: str) -> str:
    code = re.fullmatch(r"`([^`]*)`", cell)
    return (code[1] if code else cell).replace("\\|", "|")


def ids(rows: list[list[str]]) -> list[str]:
    return [row[0] for row in rows]


VALUES = table("value | in the file | comes back as")
HINTED = table("value | in the file | hint")
DTYPES = table("dtype | in the file")
CHUNKS = table("shape | dtype | signal axes")


def signal(
    data: Any = None, navigate: tuple[bool, ...] = (False,), **metadata: Any
) -> dict[str, Any]:
    """What the reference writer takes."""
    data = np.zeros(3) if data is None else data
    axes = [
        {"_type": "UniformDataAxis", "name": None, "units": None, "navigate": away}
        | {"is_binned": False, "size": size, "offset": 0.0, "scale": 1.0}
        for size, away in zip(data.shape, navigate, strict=True)
    ]
    return {
        "data": data,
        "axes": axes,
        "metadata": {"General": {"title": "t"}, **metadata},
        "original_metadata": {},
        "attributes": {"_lazy": False, "ragged": False},
        "learning_results": {},
        "models": {},
        "package_info": {},
        "tmp_parameters": {},
    }


def kind(dtype: Any) -> str:
    """A type in the page's words."""
    text = h5py.check_string_dtype(dtype)
    if text is not None:
        return "text" if text.length is None else f"text of {text.length} bytes"
    if dtype.kind == "b":
        return "bool"
    if (base := h5py.check_vlen_dtype(dtype)) is not None:
        return f"rows of {kind(base)}"
    if dtype.kind == "V" and not dtype.names:
        return f"opaque, {dtype.itemsize} bytes"
    return str(dtype)


def described(group: h5py.Group) -> str:
    """What stands in a group, in the page's words."""
    said = []
    for name, value in group.attrs.items():
        stored = group.attrs.get_id(name)
        what = kind(stored.dtype)
        shape = f", shape {stored.shape}" if stored.shape else ""
        shown = (f" `{value}`" if value else ", empty") if what == "text" else ""
        said.append(f"attribute `{name}`: {what}{shape}{shown}")
    for name, member in group.items():
        if isinstance(member, h5py.Dataset):
            said.append(f"dataset `{name}`: {kind(member.dtype)}, shape {member.shape}")
        elif name != "General":
            inner = described(member)
            said.append(f"group `{name}`: {inner}" if inner else f"group `{name}`, empty")
    return "; ".join(said)


def read(path: Path) -> str:
    """What the reference reader returns for ``v``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return repr(file_reader(path)[0]["metadata"]["v"]).replace("\n", "")


def written_by_rosettasciio(value: str, path: Path) -> list[str]:
    """A row of the table of values."""
    logging.disable(logging.CRITICAL)
    try:
        file_writer(path, signal(v=eval(value, dict(WORDS))))
    finally:
        logging.disable(logging.NOTSET)
    with h5py.File(path) as file:
        stored = described(file["Experiments/t/metadata"])
    return [value, stored, read(path)]


def written_by_hspyio(value: str, path: Path) -> list[str]:
    """A row of the table of values with hints."""
    metadata = {"General": {"title": "t"}, "v": eval(value, dict(WORDS))}
    hspyio.save(path, hspyio.Signal(np.zeros(3), metadata=metadata))
    with h5py.File(path) as file:
        stored = described(file["Experiments/t/metadata"])
        hints = json.loads(file["Experiments/t"].attrs.get("_hspyio_types", "{}"))
    hints.pop("version", None)
    said = []
    for part, items in hints.items():
        inside = [
            hint for at, hint in items.items() if at != "/metadata"
        ]  # that is General's place
        said += sorted({hint[0] for hint in inside}) if part == "types" else [part][: len(inside)]
    return [value, stored, ", ".join(said) or "none", read(path)]


@pytest.mark.parametrize("row", VALUES, ids=ids(VALUES))
def test_values_are_stored_and_read_so(row: list[str], tmp_path: Path) -> None:
    assert row == written_by_rosettasciio(row[0], tmp_path / "a.hspy")


@pytest.mark.parametrize("row", HINTED, ids=ids(HINTED))
def test_hinted_values_are_stored_and_read_so(row: list[str], tmp_path: Path) -> None:
    assert row == written_by_hspyio(row[0], tmp_path / "a.hspy")


@pytest.mark.parametrize("row", DTYPES, ids=ids(DTYPES))
def test_data_are_stored_and_read_so(row: list[str], tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    file_writer(path, signal(np.zeros(3, eval(row[0]))))
    with h5py.File(path) as file:
        stored = file["Experiments/t/data"].id.get_type()
    size = stored.get_size()
    said = f"{CLASSES[stored.get_class()]} of {size} byte{'s' * (size > 1)}"
    assert row[1:] == [said, str(file_reader(path)[0]["data"].dtype).lstrip("|")]


@pytest.mark.parametrize("row", CHUNKS, ids=ids(CHUNKS))
def test_chunks_are_these(row: list[str], tmp_path: Path) -> None:
    shape, dtype, axes, chunks = eval(row[0]), np.dtype(row[1]), eval(row[2]), eval(row[3])
    assert signal_chunks(shape, dtype.itemsize, axes) == chunks
    path = tmp_path / "a.hspy"
    away = tuple(index not in axes for index in range(len(shape)))
    file_writer(path, signal(np.zeros(shape, dtype), away), compression=None)
    with h5py.File(path) as file:
        assert file["Experiments/t/data"].chunks == chunks


def test_the_history_is_that_of_the_archive() -> None:
    assert [row[0] for row in table("version | written by")] == list(VERSIONS)


def test_what_came_when(shared_data: Path) -> None:
    """In real files, by the programs of their time."""
    seen = set()
    for path in [*shared_data.glob("*.hspy"), *shared_data.glob("*.hdf5")]:
        with h5py.File(path) as file:
            version = file.attrs.get("file_format_version", "1.0")
            seen.add(version)
            for group in file.get("Experiments", {}).values():
                axis = set(group["axis-0"].attrs)
                assert ("index_in_array" in axis) == (version == "1.0"), path
                assert ("navigate" in axis) == (version >= "2.1"), path
                assert ("is_binned" in axis) == (version >= "3.1"), path
                assert ("attributes" in group) == (version >= "3.3"), path
                assert ("metadata" in group) == (version >= "1.2"), path
                assert group["data"].compression == "gzip", path
    assert len(seen) > 4


def main() -> None:
    """The two large tables anew, for those who change a row of them."""
    for rows, made in ((VALUES, written_by_rosettasciio), (HINTED, written_by_hspyio)):
        for value, *_ in rows:
            with tempfile.TemporaryDirectory() as folder:
                first, stored, *rest = made(value, Path(folder) / "a.hspy")
            row = [
                f"`{first}`",
                stored,
                *(cell if cell == "none" else f"`{cell}`" for cell in rest),
            ]
            print("|", " | ".join(cell.replace("|", "\\|") for cell in row), "|")


if __name__ == "__main__":
    main()
