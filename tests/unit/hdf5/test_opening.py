"""What the objects of an open file say of themselves is read once, within bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import pytest

from hspyio.errors import DamagedFileError
from hspyio.hdf5 import opening
from hspyio.hdf5.reader import open_reader


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for number in range(20):
            file.create_group(f"group {number}").attrs["x"] = number
    return path


def test_what_was_read_is_not_read_again(path: Path) -> None:
    with open_reader(path) as reader:
        root = reader.header(reader.root_address)
        assert reader.header(reader.root_address) is root
        links = reader.links(root)
        assert reader.links(root) is links
        address = links["group 3"]
        assert isinstance(address, int)
        header = reader.header(address)
        assert list(reader.attributes(header)) == ["x"]
        assert reader.attributes(header) is reader.attributes(header)


def test_not_more_is_kept_than_is_good(path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(opening, "_MOST_KEPT", 25)
    with open_reader(path) as reader:
        root = reader.header(reader.root_address)
        links = reader.links(root)
        for address in links.values():
            assert isinstance(address, int)
            reader.attributes(reader.header(address))
        assert reader.header(reader.root_address) is not root
        assert reader.links(root) == links


def test_what_is_no_header_is_told_each_time(path: Path) -> None:
    with open_reader(path) as reader:
        for _ in range(2):
            with pytest.raises(DamagedFileError, match="no header at 8"):
                reader.header(8)
