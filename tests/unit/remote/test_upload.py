"""Files are sent whole, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hspyio.errors import OptionError, SaveError, TargetExistsError
from hspyio.remote import upload as module
from hspyio.remote.storage_options import storage_options_of
from hspyio.remote.upload import Target, target_of

obstore = pytest.importorskip("obstore")
stores = pytest.importorskip("obstore.store")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(250)) * 100_000)
    return path


@pytest.fixture(params=["whole", "in parts"])
def target(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Target:
    if request.param == "in parts":
        monkeypatch.setattr(module, "_AT_ONCE", 0)
        monkeypatch.setattr(module, "_PART", 6 * 2**20)
    return target_of("a/b.hspy", storage_options_of({"store": stores.MemoryStore()}))


def test_a_file_is_there_as_it_was(target: Target, file: Path) -> None:
    done: list[int] = []
    target.check(overwrite=False)
    target.upload(str(file), done.append, overwrite=False)
    assert bytes(obstore.get(target.store, "a/b.hspy").bytes()) == file.read_bytes()
    assert sum(done) == file.stat().st_size


def test_what_is_there_stays(target: Target, file: Path) -> None:
    obstore.put(target.store, "a/b.hspy", b"old")
    with pytest.raises(TargetExistsError, match=r"a/b.hspy: exists; overwrite=True"):
        target.check(overwrite=False)
    with pytest.raises(TargetExistsError):
        target.upload(str(file), lambda size: None, overwrite=False)
    assert bytes(obstore.get(target.store, "a/b.hspy").bytes()) == b"old"
    target.check(overwrite=True)
    target.upload(str(file), lambda size: None, overwrite=True)
    assert obstore.head(target.store, "a/b.hspy")["size"] == file.stat().st_size


def test_a_store_that_takes_nothing_is_told(file: Path, tmp_path: Path) -> None:
    class Refusing:
        def __getattr__(self, name: str) -> Any:
            raise OSError("S3CRET connection reset")

    target = Target("s3://b/k", Refusing(), "k")
    with pytest.raises(SaveError, match="s3://b/k: cannot be written") as caught:
        target.upload(str(file), lambda size: None, overwrite=True)
    assert "S3CRET" not in str(caught.value)


def test_what_cannot_be_written_to_is_told() -> None:
    with pytest.raises(OptionError, match=r"https://host/a.hspy: web servers have no safe way"):
        target_of("https://u:p@host/a.hspy", storage_options_of(None))
    fsspec = pytest.importorskip("fsspec")
    options = storage_options_of({"store": fsspec.filesystem("memory")})
    with pytest.raises(OptionError, match="from which files are only read"):
        target_of("a.hspy", options)
