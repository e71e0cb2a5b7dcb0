"""No command writes over the file that it reads, whatever name leads there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio import HspyError, Signal

SIGNAL = Signal(np.arange(12.0).reshape(3, 4), metadata={"General": {"title": "one"}})
SPELLINGS: dict[str, Any] = {
    "symbolic link": lambda path, name: (path.parent / name).symlink_to(path),
    "relative link": lambda path, name: (path.parent / name).symlink_to(path.name),
    "hard link": lambda path, name: os.link(path, path.parent / name),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.hspy"
    hspyio.save(path, SIGNAL)
    return path


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("l.png", ["plot", "a.hspy", "-o", "l.png", "--overwrite"]),
        ("l.nc", ["export", "a.hspy", "l.nc", "--overwrite"]),
        ("l.tif", ["export", "a.hspy", "l.tif", "--overwrite"]),
        ("l.hspy", ["extract", "a.hspy", "one", "l.hspy", "--overwrite"]),
        ("l.hspy", ["rescue", "a.hspy", "l.hspy", "--overwrite"]),
    ],
    ids=["plot", "netCDF", "TIFF", "extract", "rescue"],
)
def test_commands_refuse_their_own_input(
    hspy: Any, path: Path, spelling: Any, name: str, command: list[str], monkeypatch: Any
) -> None:
    monkeypatch.chdir(path.parent)
    spelling(path, name)
    before = path.read_bytes()
    other = f"./../{path.parent.name}/l."
    for given in (command, [item.replace("l.", other) for item in command]):
        run = hspy(*given)
        assert run.code in (1, 2)
        assert "itself" in run.err or "the file that is read" in run.err
        assert path.read_bytes() == before
        assert sorted(os.listdir(path.parent)) == sorted(["a.hspy", name])


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_figure_does_not_replace_what_was_drawn(path: Path, spelling: Any) -> None:
    spelling(path, "l.png")
    before = path.read_bytes()
    figure: Any = hspyio.load(path, lazy=True).plot()
    with pytest.raises(HspyError, match="the file that is read"):
        figure.write(path.parent / "l.png", overwrite=True)
    assert path.read_bytes() == before
    figure.write(path.parent / "m.png")


def test_a_store_that_holds_the_file(path: Path) -> None:
    store = path.parent / "s.zarr"
    store.mkdir()
    (store / "zarr.json").write_text("{}")
    path.rename(store / "a.hspy")
    with pytest.raises(HspyError, match="holds the file that is read"):
        hspyio.export(store / "a.hspy", store, overwrite=True)
    assert hspyio.load(store / "a.hspy").title == "one"


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_what_may_be_replaced_by_itself_may_be_by_any_name(path: Path, spelling: Any) -> None:
    spelling(path, "l.hspy")
    link = path.parent / "l.hspy"
    hard = not link.is_symlink()
    for write in (hspyio.repack, hspyio.upgrade):
        if hard:
            path.unlink()
            os.link(link, path)
            with pytest.warns(hspyio.HspyWarning, match="hard links"):
                write(path, link, overwrite=True)
        else:
            write(path, link, overwrite=True)
        assert hspyio.load(path).title == hspyio.load(link).title == "one"
