"""``hspy export``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import hspyio
from hspyio.compare import signal_differences
from unit.cli.conftest import Ran

xr = pytest.importorskip("xarray")
for name in ("h5netcdf", "tifffile"):
    pytest.importorskip(name)

Hspy = Callable[..., Ran]


def test_it_converts(hspy: Hspy, two_in_one: Path) -> None:
    target = two_in_one.with_name("b.nc")
    code, out, err = hspy("export", two_in_one, target, "--name", "EELS/map", "--no-compression")
    assert (code, err) == (0, "")
    assert out.startswith(f"{target}: ")
    assert "kB" in out
    with xr.open_dataset(target) as dataset:
        back = hspyio.from_xarray(dataset.load())
    assert not signal_differences(hspyio.load(two_in_one, name="EELS/map"), back)


def test_a_store_is_a_folder_of_files(
    hspy: Hspy, two_in_one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def converted(source: Path, target: Path, **options: object) -> None:
        (target / "data").mkdir(parents=True)
        for part in (target / "a", target / "data" / "b"):
            part.write_bytes(bytes(1500))

    monkeypatch.setattr(hspyio, "export", converted, raising=False)
    code, out, _ = hspy("export", two_in_one, two_in_one.with_name("b.zarr"))
    assert code == 0 and out.endswith("b.zarr: 3 kB\n")


def test_what_is_lost_is_a_warning(hspy: Hspy, two_in_one: Path) -> None:
    target = two_in_one.with_name("b.tif")
    line = "\x1b[31mline [bold]"
    code, _, err = hspy("export", two_in_one, target, "--name", line, "--threads", "1")
    assert code == 0
    assert "warning" in err and "axis 'Wavelength': is not evenly spaced" in err


def test_what_goes_wrong_is_a_sentence(hspy: Hspy, two_in_one: Path) -> None:
    code, _, err = hspy("export", two_in_one, two_in_one.with_name("b.tif"))
    assert code == 1 and "holds 2 experiments; name one of" in err
    code, _, err = hspy("export", two_in_one, two_in_one.with_name("b.png"))
    assert code == 1 and "ends with '.png'" in err
    assert hspy("export", two_in_one, two_in_one.with_name("b.nc")).code == 0
    code, _, err = hspy("export", two_in_one, two_in_one.with_name("b.nc"))
    assert code == 1 and "exists; --overwrite replaces it" in err
    assert hspy("export", "--overwrite", two_in_one, two_in_one.with_name("b.nc")).code == 0
