"""Files of other formats become HSpy files: one, several, or many as one; whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import hspyio
from hspyio.bridges.importing import blocks, import_file, readers
from hspyio.errors import (
    ArgumentError,
    AxesError,
    ConversionError,
    MissingFileError,
    OptionError,
    SaveError,
    TargetExistsError,
)
from support.formats import ripple

pytest.importorskip("rsciio")
IMAGES = np.arange(3 * 6 * 7, dtype="<u2").reshape(3, 6, 7)


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# one


def test_beside_its_source_or_where_it_is_told(images: Path, tmp_path: Path) -> None:
    assert hspyio.import_file(images) == str(tmp_path / "a.hspy")
    (tmp_path / "folder").mkdir()
    for out, written in (
        (tmp_path / "b.hspy", tmp_path / "b.hspy"),
        (tmp_path / "folder", tmp_path / "folder" / "a.hspy"),
    ):
        assert hspyio.import_file(str(images), out) == str(written)
        signal = hspyio.load(written)
        assert_array_equal(signal.data, IMAGES)
        assert [axis.navigate for axis in signal.axes] == [True, False, False]
        assert signal.original_metadata["record-by"] == "image"
        assert signal.metadata.General.original_filename == "a.rpl"


def test_options_of_the_file_and_of_the_reader(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "b.hspy"
    hspyio.import_file(
        images, out, chunks=(1, 6, 7), compression="lzf", checksum=True, navigator="sum",
        encoding="utf-8", reader="Ripple",
    )  # fmt: skip
    (info,) = hspyio.info(out).experiments
    assert info.chunks == (1, 6, 7) and info.filters == ("shuffle", "lzf")
    assert hspyio.verify(out).sealed
    navigator = hspyio.load(out).metadata._HyperSpy.navigator
    assert_array_equal(navigator.data, IMAGES.sum(axis=(1, 2)))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits of a few KiB, so that small files count as large."""
    monkeypatch.setattr(readers, "_AT_ONCE", 1024)
    monkeypatch.setattr(blocks, "_AT_ONCE", 1024)
    monkeypatch.setattr(blocks, "_BLOCK", 6000)
    monkeypatch.setattr(import_file, "_IN_MEMORY", 1024)


@pytest.mark.parametrize("record", ["image", "vector"])
def test_lazily_and_block_by_block(small: None, tmp_path: Path, record: str) -> None:
    values = np.random.default_rng(1).integers(0, 500, (40, 30, 16)).astype("<u2")
    path = ripple(tmp_path / "a.rpl", values, record)
    out = tmp_path / "a.hspy"
    hspyio.import_file(path, out, navigator="max", checksum=True)
    signal = hspyio.load(out)
    assert_array_equal(signal.data, values)
    assert signal.axes.signal_shape == ((30, 16) if record == "image" else (16,))
    assert hspyio.verify(out).ok


def test_what_no_file_can_hold_is_left_out(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = readers.signal_from_dict

    def with_object(given: dict[str, Any]) -> hspyio.Signal:
        given["original_metadata"]["handle"] = object()
        return real(given)

    monkeypatch.setattr(readers, "signal_from_dict", with_object)
    with pytest.warns(hspyio.HspyWarning, match=r"(?s)left out.*original_metadata\.handle"):
        out = hspyio.import_file(images)
    assert isinstance(out, str) and hspyio.load(out).data.shape == IMAGES.shape


def test_what_cannot_be_read_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.rpl"
    path.write_text("key\tvalue\nwidth\t3\n")
    with pytest.raises(ConversionError, match=r"a\.rpl: RosettaSciIO cannot read it: Ripple: "):
        hspyio.import_file(path)
    (tmp_path / "a.dm4").write_bytes(b"nothing of the kind")
    with pytest.raises(ConversionError, match=r"a\.dm4: .*DigitalMicrograph: \w+: "):
        hspyio.import_file(tmp_path / "a.dm4")
    assert listed(tmp_path) == ["a.dm4", "a.rpl"]


def test_a_source_that_is_cut_leaves_nothing(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.ones((40, 30, 16), "<u2")
    path = ripple(tmp_path / "a.rpl", values)
    real = import_file.write_new

    def cut(*given: Any, **options: Any) -> None:
        path.with_suffix(".raw").write_bytes(b"1")  # after its metadata have been read
        real(*given, **options)

    monkeypatch.setattr(import_file, "write_new", cut)
    with pytest.raises(SaveError, match=r"a\.hspy: the dask array could not be computed: ValueE"):
        hspyio.import_file(path)
    assert listed(tmp_path) == ["a.raw", "a.rpl"]


def test_what_is_refused_at_once(images: Path, tmp_path: Path) -> None:
    hspyio.import_file(images)
    before = (tmp_path / "a.hspy").read_bytes()
    for call, error, message in (
        (lambda: hspyio.import_file(images), TargetExistsError, r"a\.hspy: exists"),
        (lambda: hspyio.import_file(tmp_path / "b.rpl"), MissingFileError, "no such file"),
        (lambda: hspyio.import_file(tmp_path / "a.hspy"), ConversionError, "HSpy file already"),
        (lambda: hspyio.import_file(3), ArgumentError, "path is a int"),
        (lambda: hspyio.import_file(images, images), OptionError, "is or holds the file that is r"),
        (lambda: hspyio.import_file(images, chunks=False), OptionError, "chunks is False"),
        (lambda: hspyio.import_file(images, stack=True), OptionError, "needs the name"),
        (lambda: hspyio.import_file(images, "b.hspy", stack=2), OptionError, "stack is 2"),
    ):
        with pytest.raises(error, match=message):
            call()  # type: ignore[no-untyped-call]
    assert (tmp_path / "a.hspy").read_bytes() == before


def test_several_signals_are_experiments(
    images: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = readers._dicts
    monkeypatch.setattr(readers, "_dicts", lambda *given: real(*given) * 2)
    hspyio.import_file(images)
    assert len(hspyio.open(tmp_path / "a.hspy")) == 2
    with pytest.raises(ConversionError, match=r"a\.rpl: holds 2 signals; a stack takes one"):
        hspyio.import_file([images], tmp_path / "b.hspy", stack=True)


# many


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    folder.mkdir()
    for number in (1, 2, 10):
        ripple(folder / f"scan_{number}.rpl", IMAGES + number)
    return folder


def test_many_become_many(scans: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    written = hspyio.import_file(scans / "scan_*.rpl", tmp_path / "out")
    assert written == [str(tmp_path / "out" / f"scan_{n}.hspy") for n in (1, 2, 10)]
    for path, number in zip(written, (1, 2, 10), strict=True):
        assert_array_equal(hspyio.load(path).data, IMAGES + number)
    assert hspyio.import_file([scans / "scan_1.rpl"]) == [str(scans / "scan_1.hspy")]
    with pytest.raises(MissingFileError, match="is no folder; many files become many"):
        hspyio.import_file(scans / "scan_*.rpl", tmp_path / "none.hspy")
    with pytest.raises(TargetExistsError, match=r"scan_1\.hspy"):  # before any is read
        hspyio.import_file(scans / "scan_*.rpl")
    assert not (scans / "scan_2.hspy").exists()


def test_what_cannot_be_read_does_not_keep_the_others(scans: Path, tmp_path: Path) -> None:
    (scans / "scan_3.rpl").touch()
    (scans / "scan_4.rpl").write_bytes(b"\0\xff no ripple")
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(ConversionError, match=r"^2 of \d+ files could not") as caught:
        hspyio.import_file(scans / "scan_*.rpl", out)
    _, empty, other = str(caught.value).splitlines()
    assert empty == f"  {scans / 'scan_3.rpl'}: is empty"
    assert other.startswith(f"  {scans / 'scan_4.rpl'}: RosettaSciIO cannot read it")
    made = {path.stem for path in out.iterdir()}
    assert made == {path.stem for path in scans.glob("*.rpl")} - {"scan_3", "scan_4"}


def test_an_import_of_many_is_taken_up_again(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    damaged = scans / "scan_3.rpl"
    damaged.touch()
    with pytest.raises(ConversionError, match=r"^1 of \d+ files could not"):
        hspyio.import_file(scans / "scan_*.rpl", out)
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    ripple(damaged, IMAGES)
    written = hspyio.import_file(scans / "scan_*.rpl", out, skip_existing=True)
    assert sorted(map(Path, written)) == sorted(out.iterdir())
    assert set(out.iterdir()) - set(before) == {out / "scan_3.hspy"}
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize("stack", [False, True])
def test_one_that_exists_is_passed_over(scans: Path, tmp_path: Path, stack: bool) -> None:
    target = tmp_path / "there.hspy"
    sources = [*scans.glob("*.rpl")] if stack else scans / "scan_1.rpl"
    made = hspyio.import_file(sources, target, stack=stack, skip_existing=True)
    before = target.stat()
    assert hspyio.import_file(sources, target, stack=stack, skip_existing=True) == made
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    with pytest.raises(OptionError, match="exclude each other"):
        hspyio.import_file(sources, target, stack=stack, skip_existing=True, overwrite=True)


def test_a_full_disk_stops_many(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **options: object) -> None:
        raise SaveError("no space left", path=str(tmp_path))

    monkeypatch.setattr(import_file, "write_new", full)
    with pytest.raises(SaveError, match="no space left"):
        hspyio.import_file(scans / "scan_*.rpl", tmp_path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"is a folder; import takes files, or a pattern"):
        hspyio.import_file(tmp_path)


def test_two_of_one_name_are_refused(scans: Path, images: Path, tmp_path: Path) -> None:
    other = ripple(tmp_path / "scan_1.rpl", IMAGES)
    with pytest.raises(OptionError, match=r"would be made of .*scan_1\.rpl and of"):
        hspyio.import_file([scans / "scan_1.rpl", other], tmp_path)


@pytest.mark.parametrize("large", [False, True])
def test_many_become_one(
    scans: Path, tmp_path: Path, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr(import_file, "_IN_MEMORY", 10)
    out = tmp_path / "stack.hspy"
    assert hspyio.import_file(scans / "scan_*.rpl", out, stack="time") == str(out)
    signal = hspyio.load(out)
    assert_array_equal(signal.data, np.stack([IMAGES + n for n in (1, 2, 10)]))
    assert signal.axes[0].name == "time" and signal.axes[0].navigate
    names = [
        signal.original_metadata.stack_elements[f"element{n}"].metadata.General.original_filename
        for n in range(3)
    ]
    assert names == ["scan_1.rpl", "scan_2.rpl", "scan_10.rpl"]


@pytest.mark.parametrize("large", [False, True])
def test_one_that_does_not_fit_is_named(
    scans: Path, tmp_path: Path, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr(import_file, "_IN_MEMORY", 10)
    ripple(scans / "scan_3.rpl", IMAGES[:, :5])
    with pytest.raises(AxesError, match=r"scan_3\.rpl: does not fit .*shape is \(3, 5, 7\)"):
        hspyio.import_file(scans / "scan_*.rpl", tmp_path / "stack.hspy", stack=True)
    assert listed(tmp_path) == ["scans"]


def test_a_stack_is_not_written_onto_one_of_its_files(scans: Path) -> None:
    with pytest.raises(OptionError, match="is or holds the file that is read"):
        hspyio.import_file(scans / "scan_*.rpl", scans / "scan_2.rpl", stack=True, overwrite=True)
