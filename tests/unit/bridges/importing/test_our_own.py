"""Which files are read without RosettaSciIO."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hspyio
from hspyio.bridges.importing.our_own import is_our_own, signals_by_us
from hspyio.errors import OptionError


@pytest.fixture
def store(tmp_path: Path) -> Path:
    hspyio.save(tmp_path / "a.hspy", [hspyio.Signal(np.ones(n), title=f"{n}") for n in (2, 3)])
    hspyio.export(tmp_path / "a.hspy", tmp_path / "a.zspy")
    return tmp_path / "a.zspy"


def test_a_store(store: Path) -> None:
    assert is_our_own(str(store)) and is_our_own(f"{store}/")
    assert [signal.title for signal in signals_by_us(str(store), {})] == ["2", "3"]
    with pytest.raises(OptionError, match="chunks: no options"):
        signals_by_us(str(store), {"chunks": 3})


def test_others(tmp_path: Path) -> None:
    (tmp_path / "b.zspy").write_bytes(b"no store")
    assert not is_our_own(str(tmp_path / "b.zspy"))
    assert not is_our_own("a.blo")
