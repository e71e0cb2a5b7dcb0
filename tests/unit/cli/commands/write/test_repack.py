"""``hspy repack``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py

import hspyio
from unit.cli.conftest import Ran

Hspy = Callable[..., Ran]


def test_it_rechunks(hspy: Hspy, two_in_one: Path) -> None:
    target = two_in_one.with_name("b.hspy")
    code, out, err = hspy("repack", two_in_one, target, "--chunks", "2,2,64", "--level", "9")
    assert (code, err) == (0, "")
    assert out.startswith(f"{target}: ")
    with h5py.File(target) as file:
        assert file["/Experiments/EELS-map/data"].chunks == (2, 2, 64)
    with hspyio.open(two_in_one) as before, hspyio.open(target) as after:
        assert list(before) == list(after)


def test_what_goes_wrong_is_a_sentence(hspy: Hspy, two_in_one: Path) -> None:
    code, _, err = hspy("repack", two_in_one, two_in_one)
    assert code == 1 and "--overwrite" in err
    code, _, err = hspy("repack", two_in_one, two_in_one.with_name("b.hspy"), "--chunks", "a,b")
    assert code == 2 and "a shape looks like" in err
    code, _, err = hspy("repack", two_in_one.with_name("none"), two_in_one.with_name("b.hspy"))
    assert code == 1 and "no such file" in err
    assert not two_in_one.with_name("b.hspy").exists()


def test_uncompressed_onto_itself(hspy: Hspy, two_in_one: Path) -> None:
    code, _, _ = hspy("repack", "--overwrite", "--compression", "none", two_in_one, two_in_one)
    assert code == 0
    assert hspyio.info(two_in_one).experiments[0].filters == ()


def test_it_seals(hspy: Hspy, two_in_one: Path) -> None:
    """A file that was saved without a seal, in place."""
    assert not hspyio.verify(two_in_one).sealed
    assert hspy("repack", two_in_one, two_in_one, "--overwrite", "--checksum").code == 0
    report = hspyio.verify(two_in_one)
    assert report.ok and len(report.sealed) == 2
    code, out, _ = hspy("verify", two_in_one)
    assert code == 0 and "sealed: EELS-map" in out
