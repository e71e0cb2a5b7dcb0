"""A file that replaces another one gets its mode, owner, group, ACL and extended attributes."""

from __future__ import annotations

import errno
import os
import stat
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.errors import HspyWarning
from hspyio.system.permissions import Permissions, carry_over, permissions_of

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
NEW = Signal(np.ones(3))
ACL = "system.posix_acl_access"


def acl(*entries: tuple[int, int, int]) -> bytes:
    """Tag, permissions, number."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


# One more user may read: with 0o640 as the permissions, as its mask shows.
GRANTED = acl(
    (1, 6, 2**32 - 1), (2, 4, 4321), (4, 0, 2**32 - 1), (16, 4, 2**32 - 1), (32, 0, -1 % 2**32)
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(np.zeros(3)))
    return path


def set_or_skip(path: Path, name: str, content: bytes) -> None:
    try:
        os.setxattr(path, name, content)
    except (AttributeError, OSError) as error:
        pytest.skip(f"no {name} here: {error}")


def overwrite(path: Path) -> None:
    hspyio.save(path, NEW, overwrite=True)
    assert hspyio.load(path).data.tolist() == [1, 1, 1]
    assert os.listdir(path.parent) == [path.name]


WAYS: dict[str, Any] = {
    "save": overwrite,
    "repack": lambda path: hspyio.repack(path, path, overwrite=True),
    "upgrade": lambda path: hspyio.upgrade(path, path, overwrite=True),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o2660])
def test_the_mode_is_kept(path: Path, mode: int, way: Any) -> None:
    path.chmod(mode)
    way(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.skipif(not ROOT, reason="only root gives files away")
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_owner_and_group_are_kept(path: Path, way: Any) -> None:
    os.chown(path, 1234, 2345)
    path.chmod(0o660)
    way(path)
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1234, 2345, 0o660)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_extended_attributes_are_kept(path: Path, way: Any) -> None:
    set_or_skip(path, "user.origin", b"microscope 3")
    way(path)
    assert os.getxattr(path, "user.origin") == b"microscope 3"


def test_an_acl_is_kept(path: Path) -> None:
    set_or_skip(path, ACL, GRANTED)
    before = os.getxattr(path, ACL), path.stat().st_mode
    overwrite(path)
    assert (os.getxattr(path, ACL), path.stat().st_mode) == before


def test_the_acl_of_the_folder_gives_nobody_more_than_before(path: Path) -> None:
    """A new file gets what its folder says; one that replaces another does not."""
    path.chmod(0o600)
    set_or_skip(path.parent, "system.posix_acl_default", GRANTED)
    overwrite(path)
    assert ACL not in os.listxattr(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def refuse(*args: Any, **options: Any) -> None:
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def test_where_nothing_can_be_set_it_is_saved_all_the_same(path: Path, monkeypatch: Any) -> None:
    path.chmod(0o640)
    for name in ("chmod", "fchmod", "chown", "fchown", "setxattr"):
        monkeypatch.setattr(os, name, refuse, raising=False)
    with pytest.warns(HspyWarning, match=r"is written, but its permissions \(640, now 600\)"):
        overwrite(path)
    hspyio.save(path.with_name("b.hspy"), NEW)


def test_what_cannot_be_kept_is_named_and_gives_nobody_more(path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(os, "chown", refuse)
    found = path.stat()
    old = Permissions(0o6664, found.st_uid + 1, found.st_gid + 1, {"user.x y": b""}, 1)
    monkeypatch.setattr(os, "setxattr", refuse, raising=False)
    descriptor = os.open(path, os.O_RDWR)
    lost = carry_over(old, str(path), descriptor)
    os.close(descriptor)
    assert lost == (
        f"its owner ({found.st_uid + 1})",
        f"its group ({found.st_gid + 1})",
        "the extended attribute user.x y",
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o644  # the group can no more than everybody


def test_what_is_not_there_has_none(tmp_path: Path) -> None:
    assert permissions_of(str(tmp_path / "no")) is None


AS_NOBODY = """
import os, sys, warnings
import numpy, hspyio, imagecodecs
folder = sys.argv[1]
one, two = hspyio.Signal(numpy.zeros(3)), hspyio.Signal(numpy.ones(3))
warm = folder + "/warm"
# Another user may not be let in where the packages are: all are imported before.
hspyio.save(warm + ".hspy", one, checksum=True)
numpy.asarray(hspyio.load(warm + ".hspy", lazy=True).data)
hspyio.export(warm + ".hspy", warm + ".nc")
one.plot().write(warm + ".png")
if not os.getuid():
    os.setgid(65534); os.setuid(65534)
path = folder + "/own/a.hspy"
os.mkdir(folder + "/own"); hspyio.save(path, one, checksum=True)
"""


def as_nobody(folder: Path, program: str) -> str:
    """Run something as a user who may not do everything."""
    folder.chmod(folder.stat().st_mode | 0o777)
    for above in folder.parents:
        if above == Path(tempfile.gettempdir()):
            break
        above.chmod(above.stat().st_mode | 0o055)
    command = [sys.executable, "-c", AS_NOBODY + program, str(folder)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert child.returncode == 0, child.stderr
    return child.stdout


@pytest.fixture
def open_folder(tmp_path_factory: Any) -> Path:
    return Path(str(tmp_path_factory.mktemp("open")))


PROTECTED = """
os.chmod(path, 0o444)
before = open(path, "rb").read()
for write in (
    lambda: hspyio.save(path, two, overwrite=True),
    lambda: hspyio.repack(path, path, overwrite=True),
    lambda: hspyio.upgrade(path, path, overwrite=True),
    lambda: hspyio.file_writer(path, hspyio.file_reader(path)[0]),
    lambda: hspyio.update(path, two, name=list(hspyio.open(path))[0]),
    lambda: hspyio.append(path, two),
):
    try:
        write()
    except hspyio.HspyError as error:
        print(type(error).__name__, "protected" in str(error))
    assert open(path, "rb").read() == before and os.listdir(folder + "/own") == ["a.hspy"]
"""


def test_a_write_protected_file_is_not_replaced(open_folder: Path) -> None:
    assert as_nobody(open_folder, PROTECTED).splitlines() == ["SaveError True"] * 6


READ_ONLY_FOLDER = """
hspyio.append(path, two)
os.chmod(folder + "/own", 0o555)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    hspyio.save(path, two, overwrite=True, checksum=True)
print([str(w.message).partition("is written, ")[2][:30] for w in told])
print(hspyio.load(path).data.tolist(), len(hspyio.open(path)))
warnings.simplefilter("ignore")
old = hspyio.load(path, lazy=True)
hspyio.repack(path, path, overwrite=True); hspyio.upgrade(path, path, overwrite=True)
hspyio.file_writer(path, hspyio.file_reader(path)[0])
hspyio.update(path, one, name=list(hspyio.open(path))[0])
print(hspyio.load(path).data.tolist(), numpy.asarray(old.data).tolist())
for name in ("new.hspy", "new.nc", "new.png"):
    try:
        target = folder + "/own/" + name
        if name == "new.hspy": hspyio.save(target, one)
        elif name == "new.nc": hspyio.export(path, target)
        else: one.plot().write(target)
    except hspyio.HspyError as error:
        print("another folder" in str(error))
os.chmod(folder + "/own", 0o755)
"""


def test_a_writable_file_in_a_folder_where_none_can_be_made(open_folder: Path) -> None:
    assert as_nobody(open_folder, READ_ONLY_FOLDER).splitlines() == [
        "['but in place, as no file can b']",
        "[1.0, 1.0, 1.0] 1",
        "[1.0, 1.0, 1.0] [1.0, 1.0, 1.0]",
        *["True"] * 3,
    ]


def test_a_file_that_is_no_hdf5_in_such_a_folder(open_folder: Path) -> None:
    program = """
open(path, "wb").write(b"x" * 5000)
os.chmod(folder + "/own", 0o555)
try: hspyio.save(path, two, overwrite=True)
except hspyio.HspyError as error: print(error)
assert open(path, "rb").read() == b"x" * 5000
os.chmod(folder + "/own", 0o755)
"""
    assert "no file can be made in" in as_nobody(open_folder, program)


@pytest.mark.skipif(not ROOT, reason="needs two users")
def test_a_file_of_another_in_a_folder_like_tmp(open_folder: Path) -> None:
    """It may be written to, but not replaced."""
    open_folder.chmod(0o1777)
    path = open_folder / "a.hspy"
    hspyio.save(path, Signal(np.zeros(3)))
    path.chmod(0o666)
    program = """
warnings.simplefilter("ignore")
hspyio.save(folder + "/a.hspy", two, overwrite=True)
"""
    inode = path.stat().st_ino
    as_nobody(open_folder, program)
    assert path.stat().st_ino == inode
    assert path.stat().st_uid == 0
    assert hspyio.load(path).data.tolist() == [1, 1, 1]
