"""Many experiments of one file, one after the other."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.hdf5 import opening


def save(path: Path, titles: list[str]) -> None:
    hspyio.save(
        path, [hspyio.Signal(np.arange(3.0) + i, title=title) for i, title in enumerate(titles)]
    )


@pytest.mark.parametrize("count", [1, 30, 90])
def test_each_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """What all cost grows as their number does, and not as its square."""
    path = tmp_path / "many.hspy"
    save(path, [f"result {i}" for i in range(count)])
    parsed: list[int] = []
    parse = opening.object_header

    def counting(content: object, address: int) -> object:
        parsed.append(address)
        return parse(content, address)  # type: ignore[arg-type]

    monkeypatch.setattr(opening, "object_header", counting)
    with hspyio.open(path) as file:
        values = [file[name].data[0] for name in file]
    assert values == list(range(count))
    assert len(parsed) == len(set(parsed))


def test_by_title_where_only_one_has_it(tmp_path: Path) -> None:
    path = tmp_path / "titles.hspy"
    save(path, ["first", "twice", "twice"])
    with h5py.File(path, "r+") as file:
        file.move("Experiments/first", "Experiments/a")
    with hspyio.open(path) as experiments:
        assert "first" in experiments and "twice" in experiments
        assert experiments["first"].title == experiments["a"].title == "first"
        assert experiments["twice"].data[0] == 1  # the name of a group goes before a title
        assert None not in experiments and 5 not in experiments
        with pytest.raises(hspyio.HspyError):
            experiments[None]  # type: ignore[index]


def test_what_is_wrong_is_told_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "odd.hspy"
    save(path, ["good", "bad"])
    with h5py.File(path, "r+") as file:
        del file["Experiments/bad/data"]
    with pytest.warns(hspyio.HspyWarning, match="bad.*no dataset called data"):
        experiments = hspyio.open(path)
    with experiments:
        assert experiments["good"].title == "good"  # nothing is wrong with this one
