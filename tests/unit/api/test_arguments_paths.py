"""Paths: what is one, what suffix a file gets, and that only errors of ours come out anywhere."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hspyio
from hspyio import HspyError, Signal
from hspyio.api.arguments import path_of_file, path_text, path_to_save
from hspyio.errors import (
    ArgumentError,
    HspyWarning,
    MissingFileError,
    OptionError,
    SaveError,
    TargetExistsError,
)

SIGNAL = Signal(np.arange(12.0).reshape(3, 4), metadata={"General": {"title": "t"}})


@pytest.fixture(autouse=True)
def good(tmp_path: Path, monkeypatch: Any) -> Path:
    monkeypatch.chdir(tmp_path)
    hspyio.save("good.hspy", SIGNAL)
    return tmp_path / "good.hspy"


def as_dict() -> dict[str, Any]:
    return hspyio.file_reader("good.hspy")[0]


def suffixed(path: Any, suffix: str) -> Any:
    return path + suffix if isinstance(path, str) else path


Call = Callable[[Any], Any]
READERS: dict[str, tuple[str, Call]] = {
    "load": ("path", hspyio.load),
    "load lazily": ("path", lambda path: hspyio.load(path, lazy=True)),
    "load isolated": ("path", lambda path: hspyio.load(path, isolated=True)),
    "open": ("path", hspyio.open),
    "info": ("path", hspyio.info),
    "validate": ("path", hspyio.validate),
    "verify": ("path", hspyio.verify),
    "rescue": ("source", lambda path: hspyio.rescue(path, "out.hspy")),
    "diff": ("one", lambda path: list(hspyio.diff(path, "good.hspy"))),
    "diff, other": ("other", lambda path: list(hspyio.diff("good.hspy", path))),
    "file_reader": ("filename", hspyio.file_reader),
    "list_datasets_in_file": ("filename", hspyio.list_datasets_in_file),
    "read_metadata_from_file": ("filename", hspyio.read_metadata_from_file),
    "extract": ("source", lambda path: hspyio.extract(path, "t", "out.hspy")),
    "upgrade": ("source", lambda path: hspyio.upgrade(path, "out.hspy")),
    "repack": ("source", lambda path: hspyio.repack(path, "out.hspy")),
    "export": ("source", lambda path: hspyio.export(path, "out.nc")),
}
REPORTS = ("validate", "verify")
"""What is wrong with a file is their result."""
CHANGERS: dict[str, tuple[str, Call]] = {
    "update": ("path", lambda path: hspyio.update(path, SIGNAL)),
    "append": ("path", lambda path: hspyio.append(path, SIGNAL)),
    "remove": ("path", lambda path: hspyio.remove(path, "t")),
    "add_nexus": ("path", hspyio.add_nexus),
    "file_writer into": (
        "filename",
        lambda path: hspyio.file_writer(path, as_dict(), write_dataset=False),
    ),
}
WRITERS: dict[str, tuple[str, Call]] = {
    "save": ("path", lambda path: hspyio.save(path, SIGNAL)),
    "Signal.save": ("path", SIGNAL.save),
    "file_writer": ("filename", lambda path: hspyio.file_writer(path, as_dict())),
    "rescue to": ("target", lambda path: hspyio.rescue("good.hspy", path)),
    "extract to": ("target", lambda path: hspyio.extract("good.hspy", "t", path)),
    "upgrade to": ("target", lambda path: hspyio.upgrade("good.hspy", path)),
    "repack to": ("target", lambda path: hspyio.repack("good.hspy", path)),
    "export to": ("target", lambda path: hspyio.export("good.hspy", suffixed(path, ".nc"))),
    "figure": ("path", lambda path: SIGNAL.plot().write(suffixed(path, ".png"))),  # type: ignore[attr-defined]
}
ALL = {**READERS, **CHANGERS, **WRITERS}
COMPLETE = ("export to", "figure")
"""What is given a suffix here, so that an empty name is none."""


@pytest.mark.parametrize(("argument", "call"), ALL.values(), ids=ALL)
@pytest.mark.parametrize("given", [None, 5, 1.5, b"good.hspy", [1], {}], ids=repr)
def test_what_is_no_path_is_a_type_error_that_names_the_argument(
    argument: str, call: Call, given: Any
) -> None:
    with pytest.raises(TypeError, match=rf"^{argument} is ") as caught:
        call(given)
    assert isinstance(caught.value, HspyError)
    assert ("fsdecode" in str(caught.value)) == isinstance(given, bytes)
    assert os.listdir() == ["good.hspy"]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("given", ["a\0b", "\ud800", "x" * 300, "x" * 5000, "no/x", "good.hspy/x"])
def test_names_that_no_file_can_have(name: str, given: str) -> None:
    argument, call = ALL[name]
    with pytest.raises(HspyError) as caught:
        call(given)
    if given in ("a\0b", "\ud800"):
        assert f"{argument} " in str(caught.value)
        assert isinstance(caught.value, FileNotFoundError if name in READERS else HspyError)
    assert os.listdir() == ["good.hspy"]


@pytest.mark.parametrize("name", sorted(set(ALL) - set(COMPLETE)))
def test_an_empty_name(name: str) -> None:
    argument, call = ALL[name]
    with pytest.raises(HspyError, match=f"{argument} is empty"):
        call("")


def special(tmp_path: Path) -> list[str]:
    os.mkfifo("fifo")
    os.mkdir("folder")
    os.symlink("loop", "loop")
    names = ["fifo", "folder", "folder/", ".", "loop", "/dev/null", "/dev/full"]
    system = ("/proc/self/mem", "/proc/version", "/proc/self/fd/999", "/sys/kernel/mm/ksm/run")
    return [*names, *(name for name in system if os.path.exists(os.path.dirname(name)))]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other ones")
@pytest.mark.parametrize("name", [*READERS, *CHANGERS])
def test_what_is_special_is_no_hspy_file(tmp_path: Path, name: str) -> None:
    children = name in (*REPORTS, "rescue", "load isolated")
    for path in special(tmp_path)[:: 3 if children else 1]:
        try:
            result = ALL[name][1](path)
        except HspyError as error:
            message = str(error)
        else:
            assert name in REPORTS
            assert not result.ok
            message = result.path
        assert path.rstrip("/.") in message
        assert not os.path.exists("out.hspy")


@pytest.mark.skipif(os.name == "nt", reason="Windows has other ones")
@pytest.mark.parametrize("name", sorted(set(WRITERS) - set(COMPLETE)))
def test_what_is_special_is_not_replaced(tmp_path: Path, name: str) -> None:
    for path in special(tmp_path):
        if path != "loop":
            with pytest.raises(HspyError):
                WRITERS[name][1](path)


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps it")
@pytest.mark.parametrize("name", ALL)
def test_a_current_folder_that_is_gone(tmp_path: Path, name: str) -> None:
    os.mkdir("gone")
    os.chdir("gone")
    os.rmdir(tmp_path / "gone")
    with pytest.raises(MissingFileError, match="current folder does not exist"):
        ALL[name][1]("good.hspy")
    os.chdir(tmp_path)
    assert hspyio.load("good.hspy").title == "t"


REFUSALS = [errno.EIO, errno.EMFILE, errno.ENFILE, errno.EACCES, errno.EPERM, errno.ESTALE]
BY_A_CHILD = ("load isolated",)
REFUSING = """
import os
opened, number = os.open, {number}
def refuse(path, *args, **options):
    if os.path.basename(os.fspath(path)).startswith("good"):
        raise OSError(number, os.strerror(number), path)
    return opened(path, *args, **options)
os.open = refuse
"""


def said_of(name: str, given: str) -> str:
    """What is said of a file that the system refuses."""
    if name in REPORTS:
        report = ALL[name][1](given)
        assert not report.ok
        return repr(report)
    with pytest.raises(HspyError) as caught:
        ALL[name][1](given)
    return str(caught.value)


@pytest.mark.parametrize("name", sorted({*ALL} - {*BY_A_CHILD}))
@pytest.mark.parametrize("number", REFUSALS, ids=lambda number: errno.errorcode[number])
def test_what_the_system_refuses_names_the_file(name: str, number: int, monkeypatch: Any) -> None:
    original, before = os.open, Path("good.hspy").read_bytes()

    def refuse(path: Any, *args: Any, **options: Any) -> int:
        if os.path.basename(os.fspath(path)).startswith(("good", "new", ".")):
            raise OSError(number, os.strerror(number), path)
        return original(path, *args, **options)

    given = "new" if name in COMPLETE else "good.hspy" if name not in WRITERS else "new.hspy"
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        told = said_of(name, given)
    assert os.strerror(number) in told
    assert Path("good.hspy").read_bytes() == before


@pytest.mark.parametrize("name", BY_A_CHILD)
@pytest.mark.parametrize("number", REFUSALS[::3], ids=lambda number: errno.errorcode[number])
def test_what_the_system_refuses_another_process_names_the_file(
    name: str, number: int, tmp_path: Path, monkeypatch: Any
) -> None:
    (tmp_path / "sitecustomize.py").write_text(REFUSING.format(number=number))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    told = said_of(name, "good.hspy")
    assert told.startswith("good.hspy: ")
    assert f"cannot be read: {os.strerror(number)}" in told
    assert not os.path.exists("rescued.hspy")


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
@pytest.mark.parametrize("name", sorted(set(ALL) - {"save", "Signal.save", "figure"}))
def test_a_disk_that_fails_to_read(name: str, number: int, monkeypatch: Any) -> None:
    def refuse(*args: Any) -> int:
        raise OSError(number, os.strerror(number))

    signal = as_dict()
    monkeypatch.setitem(globals(), "as_dict", lambda: signal)
    with monkeypatch.context() as patch, suppress(HspyError, HspyWarning):
        patch.setattr(os, "preadv", refuse)
        ALL[name][1]("new" if name in COMPLETE else "new.hspy" if name in WRITERS else "good.hspy")
    assert hspyio.load("good.hspy").title == "t"


def test_home(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    assert hspyio.save("~/a.hspy", SIGNAL) == str(tmp_path / "home" / "a.hspy")
    hspyio.append(Path("~/a.hspy"), SIGNAL)
    hspyio.file_writer("~/b.hspy", as_dict())
    hspyio.export("~/b.hspy", "~/b.nc")
    SIGNAL.plot().write("~/b.png")  # type: ignore[attr-defined]
    hspyio.repack("~/b.hspy", "~/c.hspy")
    assert len(hspyio.open("~/a.hspy")) == 2
    for name in ("load", "info", "validate", "verify", "list_datasets_in_file", "file_reader"):
        assert READERS[name][1]("~/c.hspy")
    assert sorted(os.listdir(tmp_path / "home")) == ["a.hspy", "b.hspy", "b.nc", "b.png", "c.hspy"]
    assert sorted(os.listdir()) == ["good.hspy", "home"]


# suffixes


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("scan", "scan.hspy"),
        ("v1.2_scan", "v1.2_scan.hspy"),
        ("a.b.c", "a.b.c.hspy"),
        ("scan.HSPY", "scan.HSPY"),
        ("old.hdf5", "old.hdf5"),
        ("old.Hdf5", "old.Hdf5"),
        ("old.h5", "old.h5"),
        (".hspy", ".hspy"),
        ("ü €", "ü €.hspy"),
        ("-rf", "-rf.hspy"),
        ("2026-01-01 12.30", "2026-01-01 12.30.hspy"),
    ],
)
def test_a_name_without_a_suffix_gets_one(given: str, written: str, good: Path) -> None:
    for save in (
        lambda: hspyio.save(given, SIGNAL),
        lambda: SIGNAL.save(Path(given)),
        lambda: hspyio.repack("good.hspy", given),
    ):
        assert save() == written
        assert sorted(os.listdir()) == sorted(["good.hspy", written])
        # The same name leads there again.
        assert hspyio.load(given).title == "t"
        hspyio.append(given, SIGNAL)
        hspyio.update(given, SIGNAL, name="t")
        assert len(hspyio.open(given)) == 2
        assert hspyio.verify(given).ok
        with pytest.raises(TargetExistsError):
            hspyio.save(given, SIGNAL)
        assert hspyio.save(given, SIGNAL, overwrite=True) == written
        os.unlink(written)
    hspyio.extract("good.hspy", "t", given)
    os.unlink(written)
    hspyio.upgrade("good.hspy", given)
    os.unlink(written)
    hspyio.rescue("good.hspy", given)
    assert sorted(os.listdir()) == sorted(["good.hspy", written])


@pytest.mark.parametrize(
    "suffix", [".tif", ".TIFF", ".nc", ".zarr", ".zspy", ".png", ".dm3", ".npy"]
)
@pytest.mark.parametrize("name", ["save", "Signal.save", "repack to", "extract to", "rescue to"])
def test_suffixes_of_other_formats_are_refused(name: str, suffix: str) -> None:
    calls = {
        "nc": "export",
        "tif": "export",
        "zspy": "export",
        "png": "plot",
        "npy": ".hspy",
    }
    with pytest.raises(OptionError, match=f"ends with {suffix.lower()}, but") as caught:
        WRITERS[name][1](f"v{suffix}")
    assert calls.get(suffix[1:], "v") in str(caught.value)
    assert os.listdir() == ["good.hspy"]


@pytest.mark.parametrize("name", ["x.hspy.gz", "x.hspy.zip", "x.h5.txt"])
def test_what_is_to_be_packed_is_named_as_it_is_meant(name: str) -> None:
    with pytest.raises(OptionError, match=f"name it '{name.rpartition('.')[0]}'"):
        hspyio.save(name, SIGNAL)


@pytest.mark.parametrize("given", [io.BytesIO(), io.StringIO()])
def test_a_file_object_to_write_to(given: Any) -> None:
    with pytest.raises(ArgumentError, match=r"is a _io\..*, not a path; give the name of a file"):
        hspyio.save(given, SIGNAL)


def test_an_existing_file_of_that_very_name_is_meant(good: Path) -> None:
    good.rename("good")
    assert hspyio.load("good").title == "t"
    with pytest.raises(TargetExistsError):
        hspyio.save("good", SIGNAL)
    assert hspyio.save("good", SIGNAL, overwrite=True) == "good"
    assert hspyio.repack("good", "good", overwrite=True) == "good"
    assert os.listdir() == ["good"]


def test_a_folder_is_not_written_beside() -> None:
    os.mkdir("folder")
    for name in ("folder", "folder/", ".", "..", "folder/.."):
        with pytest.raises(SaveError, match="is a folder"):
            hspyio.save(name, SIGNAL, overwrite=True)
    with pytest.raises(MissingFileError, match="no folder"):
        hspyio.save("missing/", SIGNAL)
    assert sorted(os.listdir()) == ["folder", "good.hspy"]


def test_file_writer_writes_the_very_name() -> None:
    """As RosettaSciIO does."""
    for name in ("scan", "v.tif"):
        hspyio.file_writer(name, as_dict())
        assert hspyio.file_reader(name)[0]["data"].shape == (3, 4)
    assert sorted(os.listdir()) == ["good.hspy", "scan", "v.tif"]


@given(st.text(max_size=30))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    for function in (path_text, path_of_file, path_to_save):
        try:
            found = function(text)
        except HspyError:
            continue
        assert os.fsencode(found)
        assert "\0" not in found
        if function is path_to_save and not os.path.lexists(found):
            assert found.lower().endswith((".hspy", ".hdf5", ".h5"))
            assert path_to_save(found) == found


@pytest.mark.parametrize("address", ["https://a.org/b.hspy", "s3://bucket/b.hspy"])
def test_an_address_as_a_path_is_told(address: str) -> None:
    with pytest.raises(ArgumentError, match=f"give it as text: '{address}'"):
        hspyio.load(Path(address))


def test_nothing_is_saved_under_a_shortened_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    monkeypatch.chdir(tmp_path / "own")
    with pytest.raises(ArgumentError, match=r"hspyio.save takes 's3://bucket/b.hspy' as text"):
        hspyio.save(Path("s3://bucket/b.hspy"), Signal(np.zeros(3)))
    assert list((tmp_path / "own").iterdir()) == []
