"""RosettaSciIO's zspy, with Zarr 2, reads what we write as it reads the HSpy file; and we its own.

``make test-zspy`` has an environment for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio.compare import signal_differences
from support.cases import CASES

zarr = pytest.importorskip("zarr")
if int(zarr.__version__.partition(".")[0]) > 2:
    pytest.skip("RosettaSciIO's zspy needs Zarr 2", allow_module_level=True)
hs = pytest.importorskip("hyperspy.api")

pytestmark = pytest.mark.filterwarnings("ignore")


def by_rosettasciio(path: Path, module: str) -> list[dict[str, Any]]:
    import importlib

    found: list[dict[str, Any]] = importlib.import_module(f"rsciio.{module}").file_reader(str(path))
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two trees are alike; a nan is one, the text of a number stands for it."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = {key.removeprefix("_sig_") for key in one}
        return keys == {key.removeprefix("_sig_") for key in other} and all(
            same(one.get(key, one.get(f"_sig_{key}")), other.get(key, other.get(f"_sig_{key}")))
            for key in keys
        )
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    first, second = np.asarray(one), np.asarray(other)
    if first.dtype.kind in "biufc" and second.dtype.kind in "biufc":
        return bool(np.array_equal(first, second, equal_nan=True))
    return str(one) == str(other) or first.tolist() == second.tolist()


def signals() -> list[hspyio.Signal]:
    rows = np.empty(3, object)
    rows[:] = [np.arange(n, dtype=float) for n in (2, 1, 4)]
    images = np.random.default_rng(0).integers(0, 9, (5, 6, 16, 16)).astype("u2")
    return [
        hspyio.Signal(images, [{"name": n, "scale": 0.5, "units": "nm"} for n in "yxba"],
                      signal_dimension=2, title="images", signal_type="diffraction"),
        hspyio.Signal(np.linspace(0, 1, 20), title="line", models={"fit": {"a": [1, 2]}}),
        hspyio.Signal(rows, title="rows"),
    ]  # fmt: skip


@pytest.mark.parametrize("zipped", [False, True])
def test_rosettasciio_reads_ours(tmp_path: Path, zipped: bool) -> None:
    source, target = tmp_path / "a.hspy", tmp_path / "a.zspy"
    hspyio.save(source, signals())
    hspyio.export(source, tmp_path / "a.zspy.zip" if zipped else target)
    if zipped:
        (tmp_path / "a.zspy.zip").rename(target)
    expected = {one["metadata"]["General"]["title"]: one for one in by_rosettasciio(source, "hspy")}
    found = {one["metadata"]["General"]["title"]: one for one in by_rosettasciio(target, "zspy")}
    assert found.keys() == expected.keys()
    for title, one in expected.items():
        for given, read in zip(
            one["data"].reshape(-1), found[title]["data"].reshape(-1), strict=True
        ):
            np.testing.assert_array_equal(given, read)
        assert found[title]["data"].dtype == one["data"].dtype
        for part in ("axes", "metadata", "original_metadata"):
            assert same(one[part], found[title][part]), (title, part)
    assert len(hs.load(str(target))) == 3


IMITATED = "dict-9"
"""Keys that look like RosettaSciIO's own prefixes: it reads them in HDF5 alone."""
FAMILIES = ("scalar", "text", "list", "dict", "array")
READ_ALIKE = [name for name in CASES if name.partition("-")[0] in FAMILIES and name != IMITATED]


@pytest.mark.parametrize("name", READ_ALIKE)
def test_any_value_leaves_the_file_readable(name: str, tmp_path: Path) -> None:
    metadata = {"General": {"title": "t"}, "value": CASES[name], "after": 5}
    hspyio.save(tmp_path / "a.hspy", hspyio.Signal(np.ones(2), metadata=metadata))
    try:
        by_rosettasciio(tmp_path / "a.hspy", "hspy")
    except AttributeError:
        pytest.skip("a key that RosettaSciIO takes for another type, in HSpy files too")
    hspyio.export(tmp_path / "a.hspy", tmp_path / "a.zspy.zip")  # names of any length
    (tmp_path / "a.zspy.zip").rename(tmp_path / "a.zspy")
    (found,) = by_rosettasciio(tmp_path / "a.zspy", "zspy")
    assert found["metadata"]["after"] == 5


@pytest.mark.parametrize("lazy", [False, True])
def test_we_read_what_it_writes(tmp_path: Path, lazy: bool) -> None:
    for number, signal in enumerate(signals()):
        written = hspyio.Signal(signal).to_hyperspy()
        written.save(tmp_path / f"{number}.zspy")
        written.save(tmp_path / f"{number}.hspy")
        one = hspyio.load(tmp_path / f"{number}.hspy", lazy=lazy)
        other = hspyio.load(tmp_path / f"{number}.zspy", lazy=lazy)
        one.metadata.General.FileIO = other.metadata.General.FileIO = None
        found = signal_differences(one, other)
        assert [line for line in found if "order of the keys" not in line] == []
