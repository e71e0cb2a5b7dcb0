"""Where the keys of a store are: folders and zips."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import pytest

from hspyio.errors import DamagedFileError, MissingFileError, StaleFileError
from hspyio.zarr2.store import StoreSnapshot, is_store, store_at


@pytest.fixture(params=["folder", "zip", "deflated"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    content = {".zgroup": b"{}", "a/.zarray": b"[]", "a/0.0": b"12345" * 50, "a/1.0": b""}
    if request.param == "folder":
        for key, octets in content.items():
            (tmp_path / "s" / key).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "s" / key).write_bytes(octets)
        return tmp_path / "s"
    how = zipfile.ZIP_STORED if request.param == "zip" else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(tmp_path / "s.zspy", "w", how) as archive:
        for key, octets in content.items():
            archive.writestr(key, octets)
    return tmp_path / "s.zspy"


def test_keys_and_values(store: Path) -> None:
    assert is_store(str(store))
    found = store_at(str(store))
    assert found is not None
    assert sorted(found.keys()) == [".zgroup", "a/.zarray", "a/0.0", "a/1.0"]
    assert found.get("a/0.0") == b"12345" * 50 and found.get("a/1.0") == b""
    assert found.get("a/2.0") is None and found.get("a") is None and found.get(".zgroup/x") is None
    assert found.sizes("a/") > 0 and found.size > 0
    assert not found.is_hdf5
    with pytest.raises(DamagedFileError, match="large"):
        found.get("a/0.0", most=10)


def test_copies_are_of_the_same_state(store: Path) -> None:
    found = StoreSnapshot(str(store))
    for copy in (pickle.loads(pickle.dumps(found)), found.clone()):
        copy.check()
        assert copy.get(".zgroup") == b"{}"
        copy.close()
    os.utime(store, (1, 1))
    with pytest.raises(StaleFileError):
        found.check()


def test_what_is_none(tmp_path: Path) -> None:
    assert not is_store(str(tmp_path))
    (tmp_path / "a.zspy").write_bytes(b"PK")
    assert store_at(str(tmp_path / "a.zspy")) is None
    with pytest.raises(MissingFileError):
        StoreSnapshot(str(tmp_path / "none"))


def test_a_damaged_zip(tmp_path: Path) -> None:
    path = tmp_path / "s.zspy"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(".zgroup", b"{}")
        archive.writestr("a/0", b"12345678")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"12345678", b"12345679"))
    with pytest.raises(DamagedFileError, match="a/0 is damaged"):
        StoreSnapshot(str(path)).get("a/0")


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_links_are_not_listed(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / ".zgroup").write_bytes(b"{}")
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "s" / "a").symlink_to(tmp_path / "secret")
    assert StoreSnapshot(str(tmp_path / "s")).keys() == [".zgroup"]
