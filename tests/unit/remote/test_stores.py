"""Stores: parts of one object, and which state they are of."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from hspyio.errors import ArgumentError, OptionError
from hspyio.remote.failures import Fault, RequestError
from hspyio.remote.storage_options import storage_options_of
from hspyio.remote.stores import (
    FsspecStore,
    ObjectStore,
    Version,
    client_of,
    is_fsspec,
    request_error,
    store_of,
)
from hspyio.remote.url import url_of

CONTENT = bytes(range(200))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Version(5, "a"), Version(5, "a"), True),
        (Version(5, "a"), Version(5, "b"), False),
        (Version(5, "a"), Version(6, "a"), False),
        (Version(5, "", 1.0), Version(5, "", 1.0), True),
        (Version(5, "", 1.0), Version(5, "", 2.0), False),
        (Version(5, "a", 0.0), Version(5, "a", 2.0), True),
        (Version(5), Version(5, "b", 2.0), True),
    ],
)
def test_two_answers_are_of_one_state_as_far_as_they_tell(
    one: Version, other: Version, same: bool
) -> None:
    assert one.is_of(other) == other.is_of(one) == same


def test_only_a_strong_tag_is_a_condition() -> None:
    assert Version(1, '"a"').condition == '"a"'
    assert Version(1, 'W/"a"').condition is None
    assert Version(1).condition is None


class System:
    """A file system as fsspec has it."""

    def __init__(self, **facts: Any) -> None:
        self.facts = {"size": len(CONTENT), **facts}
        self.error: Exception | None = None

    def info(self, key: str) -> dict[str, Any]:
        if self.error is not None:
            raise self.error
        return self.facts

    def cat_file(self, key: str, start: int, end: int) -> bytes:
        return CONTENT[start:end]


@pytest.mark.parametrize(
    ("facts", "version"),
    [
        ({"ETag": '"x"'}, Version(200, '"x"')),
        ({"LastModified": dt.datetime(1970, 1, 1, 0, 1, tzinfo=dt.UTC)},
         Version(200, "", 60.0)),
        ({"mtime": 5.5}, Version(200, "", 5.5)),
        ({"mtime": "long ago"}, Version(200)),
    ],
)  # fmt: skip
def test_a_file_system_of_fsspec(facts: dict[str, Any], version: Version) -> None:
    store = FsspecStore(System(**facts), "key", 5)
    for start, stop in ((0, 10), (190, 300), (200, 300)):
        assert asyncio.run(store.fetch(start, stop, version)).version == version
        fetched = asyncio.run(store.fetch(start, stop, None))
        assert fetched.content == CONTENT[start:stop]
        assert fetched.version == version


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (FileNotFoundError("x"), Fault.MISSING),
        (PermissionError("x"), Fault.DENIED),
        (TimeoutError(), Fault.PASSING),
        (OSError("connection reset"), Fault.PASSING),
        (RuntimeError("S3CRET"), Fault.FINAL),
    ],
)
def test_what_fsspec_raises(error: Exception, fault: Fault) -> None:
    system = System()
    system.error = error
    with pytest.raises(RequestError) as caught:
        asyncio.run(FsspecStore(system, "key", 5).fetch(0, 10, None))
    assert caught.value.fault is fault
    assert "S3CRET" not in str(caught.value)


def test_a_file_system_that_does_not_tell_the_size() -> None:
    with pytest.raises(RequestError, match="does not tell how long"):
        asyncio.run(FsspecStore(System(size=None), "key", 5).fetch(0, 10, None))


def test_which_store_it_is() -> None:
    stores = pytest.importorskip("obstore.store")
    assert not is_fsspec(stores.MemoryStore())
    assert is_fsspec(System())
    assert isinstance(store_of("key", storage_options_of({"store": System()})), FsspecStore)
    memory = storage_options_of({"store": stores.MemoryStore()})
    assert isinstance(store_of("key", memory), ObjectStore)
    with pytest.raises(ArgumentError, match=r"is a Path|is a PosixPath"):
        store_of("key", storage_options_of({"store": Path()}))


def test_a_store_of_obstore() -> None:
    obstore = pytest.importorskip("obstore")
    memory = pytest.importorskip("obstore.store").MemoryStore()
    obstore.put(memory, "a/b", CONTENT)
    store = ObjectStore(memory, "a/b", 5)
    fetched = asyncio.run(store.fetch(5, 20, None))
    assert bytes(fetched.content) == CONTENT[5:20]
    assert asyncio.run(store.fetch(5, 20, fetched.version)).version == fetched.version
    obstore.put(memory, "a/b", CONTENT[::-1])
    with pytest.raises(RequestError) as caught:
        asyncio.run(store.fetch(5, 20, fetched.version))
    assert caught.value.fault is Fault.CHANGED
    with pytest.raises(RequestError) as caught:
        asyncio.run(ObjectStore(memory, "gone", 5).fetch(5, 20, None))
    assert caught.value.fault is Fault.MISSING


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("s3://bucket/a%20b/c.hspy", "a%20b/c.hspy"),
        ("s3://bucket/run#1?x=2.hspy", "run#1?x=2.hspy"),
        ("gs://bucket/c.hspy", "c.hspy"),
        ("az://box/c.hspy", "c.hspy"),
        ("https://host/c.hspy?x=1", ""),
    ],
)
def test_the_key_in_the_store_of_an_address(address: str, key: str) -> None:
    pytest.importorskip("obstore")
    config = {"account_name": "a"} if address.startswith("az") else {}
    client, found = client_of(url_of(address), storage_options_of(config))
    assert found == key
    assert client is not None


@pytest.mark.parametrize("address", ["s3://bucket/c", "https://host/c"])
def test_an_unknown_word_is_told_without_its_value(address: str) -> None:
    pytest.importorskip("obstore")
    options = storage_options_of({"secrt": "S3CRET"})
    with pytest.raises(OptionError, match="'secrt', which the store does not know; did you") as got:
        client_of(url_of(address), options)
    assert "S3CRET" not in str(got.value)


def test_errors_of_obstore_by_their_names() -> None:
    class PreconditionError(Exception):
        pass

    class NotSupportedError(Exception):
        pass

    assert request_error(PreconditionError("x")).fault is Fault.CHANGED
    assert request_error(NotSupportedError("x")).fault is Fault.NO_RANGES
    assert request_error(TimeoutError()).fault is Fault.PASSING


def test_a_file_of_fsspec_that_changes_is_noticed() -> None:
    system = System(mtime=1.0)
    store = FsspecStore(system, "key", 5)
    first = asyncio.run(store.fetch(0, 10, None)).version
    system.facts["mtime"] = 2.0
    assert not asyncio.run(store.fetch(20, 30, first)).version.is_of(first)
