"""What another library writes takes its place whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from hspyio.bridges.exporting.place import beside, check_place
from hspyio.errors import SaveError, TargetExistsError


def test_a_file_takes_its_place_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a.nc"
    target.write_text("old")
    with beside(str(target)) as temporary:
        Path(temporary).write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_takes_its_place_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a.zarr"
    for text in ("old", "new"):
        with beside(str(target)) as temporary:
            Path(temporary).mkdir()
            (Path(temporary) / "zarr.json").write_text(text)
    assert (target / "zarr.json").read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_what_was_there_stays_where_writing_fails(tmp_path: Path) -> None:
    target = tmp_path / "a.nc"
    target.write_text("old")
    with pytest.raises(SaveError, match="untouched: no such thing"), beside(str(target)):
        raise RuntimeError("no such thing")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_only_stores_are_replaced(tmp_path: Path) -> None:
    store, folder = tmp_path / "a.zarr", tmp_path / "b.zarr"
    for made, name in ((store, ".zgroup"), (folder, "thesis.txt")):
        made.mkdir()
        (made / name).write_text("")
    check_place(str(store), overwrite=True, folder=True)
    with pytest.raises(TargetExistsError):
        check_place(str(store), overwrite=False, folder=True)
    with pytest.raises(SaveError, match="no Zarr store"):
        check_place(str(folder), overwrite=True, folder=True)
