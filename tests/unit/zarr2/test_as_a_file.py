"""A .zspy where a file is expected: what can be done with it, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio.errors import NotHspyError, OptionError


@pytest.fixture(params=[".zspy", ".zspy.zip"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    hspyio.save(tmp_path / "a.hspy", hspyio.Signal(np.arange(24.0).reshape(2, 12), title="m"))
    target = tmp_path / f"a{request.param}"
    hspyio.export(tmp_path / "a.hspy", target)
    return target


def signal() -> hspyio.Signal:
    return hspyio.Signal(np.ones(2))


CHANGES: dict[str, Callable[[Path], Any]] = {
    "append": lambda path: hspyio.append(path, signal()),
    "update": lambda path: hspyio.update(path, signal()),
    "remove": lambda path: hspyio.remove(path, "m"),
    "add_navigator": hspyio.add_navigator,
    "add_nexus": hspyio.add_nexus,
    "repack": lambda path: hspyio.repack(path, path.with_name("b.hspy")),
    "extract": lambda path: hspyio.extract(path, "m", path.with_name("b.hspy")),
    "list_datasets": hspyio.list_datasets_in_file,
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_takes_a_file_says_how_to_get_one(store: Path, change: str) -> None:
    with pytest.raises(NotHspyError, match=r"of a \.zspy, which is only read, `hspy import` makes"):
        CHANGES[change](store)


def test_rescue_and_references_say_what_is_meant(store: Path) -> None:
    with pytest.raises(NotHspyError, match="`hspy verify` says which chunks"):
        hspyio.rescue(store, store.with_name("b.hspy"))
    with pytest.raises(OptionError, match="already: zarr and xarray read it"):
        hspyio.to_references(store)


def test_every_chunk_is_verified(store: Path) -> None:
    found = hspyio.verify(store)
    assert found.ok and found.arrays == 1 and found.groups > 3 and found.size > 100
    if store.is_dir():
        chunk = store / "Experiments" / "m" / "data" / "0" / "0"
        chunk.write_bytes(chunk.read_bytes()[:-1])
        found = hspyio.verify(store)
        assert [damaged.where for damaged in found.damaged] == ["/Experiments/m/data"]


def test_a_pattern_finds_stores(store: Path) -> None:
    (store.parent / "b.zspy").mkdir()  # of no use
    pattern = store.parent / f"*{''.join(store.suffixes)}"
    assert [one.title for one in hspyio.load(pattern)] == ["m"]


@pytest.mark.parametrize("suffix", [".zspy", ".zspy/", ".zspy.zip"])
def test_one_that_is_far_away_is_to_be_fetched(suffix: str) -> None:
    for call in (hspyio.load, hspyio.open, hspyio.info, hspyio.verify):
        with pytest.raises(OptionError, match="is read on this computer only; fetch it"):
            call(f"https://example.org/a{suffix}?key=secret")


def test_a_pattern_of_what_is_far_away() -> None:
    with pytest.raises(OptionError, match="on this computer only; give a list of addresses"):
        hspyio.load("s3://bucket/scan_*.hspy")


def test_saving_to_one_is_exporting() -> None:
    with pytest.raises(OptionError, match=r"then hspyio\.export"):
        hspyio.save("n.zspy", signal())
