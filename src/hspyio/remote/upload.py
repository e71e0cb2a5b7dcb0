"""A file of this computer -> an object of a store, which is there whole or not at all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from importlib import import_module
from typing import Any

from hspyio.errors import OptionError, SaveError, TargetExistsError
from hspyio.records import record
from hspyio.remote.event_loop import start, wait
from hspyio.remote.failures import Fault, RequestError
from hspyio.remote.storage_options import StorageOptions
from hspyio.remote.stores import client_of, is_fsspec, request_error
from hspyio.remote.url import url_of

__all__ = ["Target", "target_of"]

_AT_ONCE = 64 * 2**20
"""Bytes up to which an object is sent as one, and in parts above."""
_PART = 16 * 2**20
_MOST_PARTS = 9_000
"""A store takes 10,000 at most."""


@record
class Target:
    """An object that is to be written.

    Attributes
    ----------
    name : str
        What errors call it.
    store : object
        Of obstore.
    key : str
        Of the object in it.
    """

    name: str
    store: Any
    key: str

    def check(self, *, overwrite: bool) -> None:
        """Look whether it may be written, before anything is prepared.

        Raises
        ------
        TargetExistsError
            If it is there, and not to be replaced.
        SaveError
            If the store does not tell.
        """
        if not overwrite and self._is_there():
            raise self._exists()

    def upload(self, path: str, advance: Callable[[int], None], *, overwrite: bool) -> None:
        """Send a file; what readers see is the old object until the new one is complete.

        Parameters
        ----------
        path : str
            The file on this computer.
        advance : callable
            Told of the bytes that were sent.
        overwrite : bool
            Whether an object that is there is replaced. The store itself refuses that for what
            is sent as one; what is sent in parts is looked for just before.

        Raises
        ------
        TargetExistsError, SaveError
            If it is not there afterwards.
        """
        size = os.path.getsize(path)
        whole = size <= _AT_ONCE
        if not whole:
            self.check(overwrite=overwrite)
        try:
            self._wait(self._put(path, size, advance, create=whole and not overwrite))
        except RequestError as error:
            raise self._error(error) from None

    async def _put(
        self, path: str, size: int, advance: Callable[[int], None], *, create: bool
    ) -> None:
        obstore: Any = import_module("obstore")
        if size <= _AT_ONCE:
            with open(path, "rb") as file:  # small, and on this computer
                content = file.read()
            mode = "create" if create else "overwrite"
            await obstore.put_async(self.store, self.key, content, mode=mode, use_multipart=False)
            advance(size)
            return
        part = max(_PART, -(-size // _MOST_PARTS))
        await obstore.put_async(
            self.store, self.key, _parts(path, part, advance), use_multipart=True, chunk_size=part,
            max_concurrency=4,
        )  # fmt: skip

    def _is_there(self) -> bool:
        async def look() -> None:
            obstore: Any = import_module("obstore")
            await obstore.head_async(self.store, self.key)

        try:
            self._wait(look())
        except RequestError as error:
            if error.fault is Fault.MISSING:
                return False
            raise self._error(error) from None
        return True

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        async def waited() -> None:
            try:
                await work
            except Exception as error:
                if type(error).__name__ == "AlreadyExistsError":
                    raise self._exists() from None
                raise request_error(error) from None

        wait(start(waited()))

    def _error(self, error: RequestError) -> SaveError:
        said = error.message or "the store does not take it"
        return SaveError(f"cannot be written: {said}", path=self.name)

    def _exists(self) -> TargetExistsError:
        return TargetExistsError("exists; overwrite=True replaces it", path=self.name)


async def _parts(path: str, size: int, advance: Callable[[int], None]) -> AsyncIterator[bytes]:
    with open(path, "rb") as file:  # on this computer
        while content := await asyncio.to_thread(file.read, size):
            yield content
            advance(len(content))


def target_of(address: str, options: StorageOptions) -> Target:
    """The object of an address, or of a key in a store that the options hold.

    Raises
    ------
    OptionError
        If it is a file of a web server, which would not take it whole or not at all.
    """
    if options.store is not None and is_fsspec(options.store):
        raise OptionError(
            "storage_options['store'] is a file system of fsspec, from which files are only read "
            "here; save it on this computer and put that there: store.put(path, key)",
            path=address,
        )
    if options.store is not None:
        return Target(address, options.store, address)
    url = url_of(address)
    if url.is_http:
        raise OptionError(
            "web servers have no safe way to take a file; save it on this computer and upload it "
            "as the site wants it, or give the address of a bucket (s3://, gs://, az://)",
            path=url.text,
        )
    client, key = client_of(url, options, patient=True)
    return Target(url.text, client, key)
