"""Requests for parts of one state of a file: few at a time, and again where one fails."""

from __future__ import annotations

import asyncio
import random
import time
from concurrent.futures import CancelledError, Future
from typing import TypeAlias, TypeVar

from hspyio.errors import UnreadableFileError
from hspyio.remote.block_cache import BlockCache
from hspyio.remote.event_loop import start, wait
from hspyio.remote.failures import Fault, RequestError, error_of
from hspyio.remote.retry_after import wait_of_server
from hspyio.remote.storage_options import StorageOptions
from hspyio.remote.stores import Fetched, Store, Version
from hspyio.remote.url import Url

__all__ = ["Content", "Requests"]

T = TypeVar("T")
Content: TypeAlias = bytes | bytearray | memoryview

_FIRST_WAIT, _FIRST_WAIT_BUSY, _LONGEST_WAIT = 0.1, 1.0, 30.0
_AGAIN = (Fault.BUSY, Fault.PASSING)


class Requests:
    """What is asked of a store for one object; from any thread.

    Parameters
    ----------
    store : Store
        The object.
    options : StorageOptions
        How many at a time, and how often.
    name : str
        What errors call the file.
    url : Url or None
        Its address, where it has one.

    Attributes
    ----------
    address : str
        What leads to it; without user and password, but with what is behind a ``?``.
    version : Version or None
        The state that was found first.
    """

    def __init__(self, store: Store, options: StorageOptions, name: str, url: Url | None) -> None:
        self.options, self.name = options, name
        self.address = name if url is None else url.full
        self.version: Version | None = None
        self._store, self._url = store, url
        self._cache: BlockCache | None = None
        self._most = asyncio.Semaphore(options.parallel)
        self._busy_until = 0.0

    def first(self) -> Fetched:
        """The beginning of the file, and all of it where the server gives no parts.

        Raises
        ------
        HspyError
            If it cannot be had.
        """
        fetched = self._wait(start(self._first()))
        self.version = fetched.version
        return fetched

    def keep_in(self, cache: BlockCache) -> None:
        """From now on, have a folder keep what was fetched."""
        self._cache = cache

    def begin(self, begin: int, end: int) -> Future[Content]:
        """Ask for a part, which is all in the file; see `result`."""
        return start(self._part(begin, end))

    def result(self, work: Future[Content]) -> Content:
        """What was asked for.

        Raises
        ------
        StaleFileError
            If the file has changed.
        HspyError
            If it cannot be had.
        """
        return self._wait(work)

    def _wait(self, work: Future[T]) -> T:
        try:
            return wait(work)
        except RequestError as failure:
            raise error_of(failure, self.name) from None
        except CancelledError:
            raise UnreadableFileError("its reading was given up", path=self.name) from None

    async def _first(self) -> Fetched:
        try:
            return await self._again(0, self.options.head)
        except RequestError as failure:
            if failure.fault is Fault.EMPTY:
                return Fetched(b"", Version(0))
            if failure.fault is not Fault.NO_RANGES:
                raise
        try:
            return await self._store.fetch_whole(self.options.whole)
        except RequestError as failure:
            if failure.fault is not Fault.NO_RANGES:
                raise
            raise RequestError(
                Fault.FINAL,
                "the server gives no parts of files (it ignores Range); download it and load "
                "that, or raise storage_options={'whole': bytes}",
            ) from None

    async def _part(self, begin: int, end: int) -> Content:
        cache = self._cache
        if cache is not None:
            return await cache.read(begin, end, self._fetch)
        return await self._fetch(begin, end)

    async def _fetch(self, begin: int, end: int) -> Content:
        fetched = await self._again(begin, end)
        if len(fetched.content) != end - begin:
            raise RequestError(
                Fault.FINAL, "the server sent another part of the file than asked for"
            )
        return fetched.content

    async def _again(self, begin: int, end: int) -> Fetched:
        """A part, however often it takes."""
        async with self._most:
            for attempt in range(self.options.retries + 1):
                await self._while_busy()
                try:
                    fetched = await self._store.fetch(begin, end, self.version)
                    self._check(fetched.version)
                    return fetched
                except RequestError as failure:
                    if failure.fault not in _AGAIN or attempt == self.options.retries:
                        raise
                    await self._pause(failure, attempt)
        raise AssertionError("unreachable")

    def _check(self, version: Version) -> None:
        """Refuse an answer that is of another state of the file."""
        if self.version is not None and not version.is_of(self.version):
            raise RequestError(Fault.CHANGED, "")

    async def _while_busy(self) -> None:
        """Wait while the server wants nobody to ask."""
        while (left := self._busy_until - time.monotonic()) > 0:
            await asyncio.sleep(left)

    async def _pause(self, failure: RequestError, attempt: int) -> None:
        """Wait before the next attempt; all requests do, if the server is busy."""
        busy = failure.fault is Fault.BUSY
        most = min(_LONGEST_WAIT, (_FIRST_WAIT_BUSY if busy else _FIRST_WAIT) * 2.0**attempt)
        seconds = most * random.uniform(0.5, 1.0)  # no secret
        if not busy:
            await asyncio.sleep(seconds)
            return
        if self._busy_until > time.monotonic():
            return  # another request has been told already
        self._busy_until = time.monotonic() + seconds
        asked = await self._wait_of_server()
        if asked is not None and asked > self.options.timeout:
            raise RequestError(Fault.FINAL, f"the server is busy, and wants {asked:.0f} s of pause")
        if asked is not None:
            until = time.monotonic() + asked + seconds * _FIRST_WAIT
            self._busy_until = max(self._busy_until, until) if asked else until

    async def _wait_of_server(self) -> float | None:
        """How long the server wants to be left alone, as obstore does not pass it on."""
        if self._url is None or not self._url.is_http:
            return None
        return await asyncio.to_thread(wait_of_server, self._url, self.options)
