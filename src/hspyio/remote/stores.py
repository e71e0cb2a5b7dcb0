"""Stores: what gives a part of an object, and tells which state of it that is of."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from typing import Any, Protocol

from hspyio.errors import ArgumentError, MissingPackageError, OptionError
from hspyio.packages import how_to_get
from hspyio.records import record, value
from hspyio.remote.failures import Fault, RequestError, fault_of_text
from hspyio.remote.storage_options import StorageOptions, unknown_option
from hspyio.remote.url import Url

__all__ = [
    "Fetched",
    "FsspecStore",
    "ObjectStore",
    "Store",
    "Version",
    "client_of",
    "is_fsspec",
    "request_error",
    "store_of",
]

_LONG = timedelta(days=1)
_CONNECT = timedelta(seconds=15)
_OF_CLIENT = (
    *("allow_http", "allow_invalid_certificates", "http1_only", "http2_only", "proxy_url"),
    *("proxy_ca_certificate", "proxy_excludes", "user_agent"),
)
"""Options that obstore takes for the connection, not for the store."""
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_PIECE = 2**16
"""Bytes that are waited for at a time."""


@value
class Version:
    """What tells one state of an object from another.

    Attributes
    ----------
    size : int
        Bytes.
    tag : str
        Its ETag; empty where the store has none.
    modified : float
        When it was changed, in seconds; 0 where that is unknown.
    """

    size: int
    tag: str = ""
    modified: float = 0.0

    @property
    def condition(self) -> str | None:
        """The tag, where a server can be made to compare it: weak ones never match."""
        return self.tag if self.tag and not self.tag.startswith("W/") else None

    def is_of(self, other: Version) -> bool:
        """Whether two answers are of one state, as far as they tell."""
        if self.tag and other.tag and self.tag != other.tag:
            return False
        both = self.modified and other.modified
        return self.size == other.size and not (both and self.modified != other.modified)


@record
class Fetched:
    """A part of an object.

    Attributes
    ----------
    content : bytes-like
        Its bytes.
    version : Version
        Of the object.
    """

    content: bytes | bytearray
    version: Version


class Store(Protocol):
    """One object of a store."""

    async def fetch(self, start: int, stop: int, version: Version | None) -> Fetched:
        """A part of it, less at its end; raise `RequestError`."""
        ...

    async def fetch_whole(self, limit: int) -> Fetched:
        """All of it, if that is no more than so many bytes; raise `RequestError`."""
        ...


class ObjectStore:
    """An object in one of obstore's stores.

    Parameters
    ----------
    store : object
        Of obstore.
    key : str
        Of the object in it.
    timeout : float
        Seconds without a byte.
    """

    def __init__(self, store: Any, key: str, timeout: float) -> None:
        self._store, self._key, self._timeout = store, key, timeout
        self._obstore: Any = import_module("obstore")

    async def fetch(self, start: int, stop: int, version: Version | None) -> Fetched:
        """A part of it."""
        options: dict[str, Any] = {"range": (start, stop)}
        if version is not None and version.condition is not None:
            options["if_match"] = version.condition
        return await self._fetch(options, stop - start)

    async def fetch_whole(self, limit: int) -> Fetched:
        """All of it."""
        return await self._fetch({}, limit)

    async def _fetch(self, options: dict[str, Any], most: int) -> Fetched:
        try:
            asked = self._obstore.get_async(self._store, self._key, options=options)
            result = await asyncio.wait_for(asked, self._timeout)
            begin, end = result.range
            if end - begin > most:
                raise RequestError(Fault.NO_RANGES, f"{end - begin}")
            content = await self._content(result, end - begin)
        except Exception as error:
            raise request_error(error) from None
        return Fetched(content, _version(result.meta))

    async def _content(self, result: Any, size: int) -> bytearray:
        """The bytes of an answer; a connection over which nothing comes is given up."""
        content = bytearray(size)
        done = 0
        pieces = result.stream(min_chunk_size=_PIECE).__aiter__()
        while True:
            try:
                piece = await asyncio.wait_for(pieces.__anext__(), self._timeout)
            except StopAsyncIteration:
                break
            if done + len(piece) > size:
                raise RequestError(Fault.FINAL, "the server sent more than it announced")
            content[done : done + len(piece)] = piece
            done += len(piece)
        if done < size:
            raise RequestError(Fault.PASSING, "the connection broke off")
        return content


def _version(meta: Any) -> Version:
    changed = meta["last_modified"].timestamp()
    return Version(int(meta["size"]), meta["e_tag"] or "", max(0.0, changed))


def request_error(error: Exception) -> RequestError:
    """What obstore raised, as one of ours."""
    kind = type(error).__name__
    if isinstance(error, RequestError):
        return error
    if isinstance(error, TimeoutError):
        return RequestError(Fault.PASSING, "no answer came in time")
    if kind == "NotSupportedError":
        return RequestError(Fault.NO_RANGES, "the server gives no parts of files")
    if isinstance(error, ValueError | TypeError | OverflowError):
        return RequestError(Fault.FINAL, "the store does not understand this name, or an option")
    if kind == "PreconditionError":
        return RequestError(Fault.CHANGED, "")
    if kind == "NotFoundError" or isinstance(error, FileNotFoundError):
        return RequestError(Fault.MISSING, "")
    if kind in ("PermissionDeniedError", "UnauthenticatedError"):
        return RequestError(Fault.DENIED, "access is denied")
    return fault_of_text(str(error))


class FsspecStore:
    """A file of a file system of fsspec; its state is looked at after each part.

    Parameters
    ----------
    system : object
        Of fsspec.
    key : str
        The path in it.
    timeout : float
        Seconds that a part may take.
    """

    def __init__(self, system: Any, key: str, timeout: float) -> None:
        self._system, self._key, self._timeout = system, key, timeout
        self._version: Version | None = None

    async def fetch(self, start: int, stop: int, version: Version | None) -> Fetched:
        """A part of it."""
        try:
            first = self._version or _version_of(await self._info())
            self._version = first
            stop = min(stop, first.size)
            content = b""
            if stop > start:
                content = await self._part(start, stop)
            known = _version_of(await self._info()) if version is not None else first
        except Exception as error:
            raise _fault_of_fsspec(error) from None
        if len(content) != stop - start:
            raise RequestError(Fault.PASSING, "less came than was asked for")
        return Fetched(content, known)

    async def fetch_whole(self, limit: int) -> Fetched:
        """All of it, as its first bytes."""
        return await self.fetch(0, limit, None)

    async def _info(self) -> Any:
        forget = getattr(self._system, "invalidate_cache", None)
        if forget is not None:
            forget()
        return await asyncio.wait_for(
            asyncio.to_thread(self._system.info, self._key), self._timeout
        )

    async def _part(self, start: int, stop: int) -> bytes:
        asked = asyncio.to_thread(self._system.cat_file, self._key, start=start, end=stop)
        return bytes(await asyncio.wait_for(asked, self._timeout))


def _version_of(facts: Mapping[str, Any]) -> Version:
    """What a file system of fsspec tells of a file, each in words of its own."""
    if facts.get("size") is None:
        raise RequestError(Fault.FINAL, "the file system does not tell how long it is")
    tag = next(
        (str(facts[key]) for key in ("ETag", "etag", "md5Hash", "md5") if facts.get(key)), ""
    )
    changed = facts.get("LastModified", facts.get("mtime", 0))
    stamp = changed.timestamp() if hasattr(changed, "timestamp") else changed
    return Version(int(facts["size"]), tag, float(stamp) if isinstance(stamp, int | float) else 0.0)


def _fault_of_fsspec(error: Exception) -> RequestError:
    if isinstance(error, RequestError):
        return error
    if isinstance(error, FileNotFoundError):
        return RequestError(Fault.MISSING, "")
    if isinstance(error, PermissionError):
        return RequestError(Fault.DENIED, "access is denied")
    if isinstance(error, TimeoutError):
        return RequestError(Fault.PASSING, "no answer came in time")
    return fault_of_text(str(error))


# which store


def store_of(place: Url | str, options: StorageOptions) -> Store:
    """The store of an address, or that a user has made, with a key in it.

    Raises
    ------
    MissingPackageError
        If it needs obstore, which is not installed.
    OptionError
        If the store does not know an option.
    """
    if isinstance(place, str) and is_fsspec(options.store):
        return FsspecStore(options.store, place, options.timeout)
    if isinstance(place, str):
        return ObjectStore(options.store, place, options.timeout)
    client, key = client_of(place, options)
    return ObjectStore(client, key, options.timeout)


def is_fsspec(store: Any) -> bool:
    """Whether it is a file system of fsspec; of obstore otherwise."""
    if hasattr(store, "cat_file") and hasattr(store, "info"):
        return True
    if type(store).__module__.partition(".")[0] not in ("obstore", "builtins"):
        raise ArgumentError(
            f"storage_options['store'] is a {type(store).__name__}, not a store of obstore or a "
            "file system of fsspec"
        )
    return False


def client_of(url: Url, options: StorageOptions, *, patient: bool = False) -> tuple[Any, str]:
    """A store of obstore for an address, and the key in it; a patient one repeats what fails.

    Raises
    ------
    MissingPackageError
        If obstore is not installed.
    OptionError
        If the store does not know an option.
    """
    try:
        stores: Any = import_module("obstore.store")
        errors: Any = import_module("obstore.exceptions")
    except ImportError:
        text = f"is far away, which takes obstore: {how_to_get('obstore')}"
        raise MissingPackageError(text, path=url.text) from None
    # Where it is read they are ours.
    retries = None if patient else {"max_retries": 0, "retry_timeout": timedelta(seconds=1)}
    made: dict[str, Any] = {"client_options": _connection(url, options), "retry_config": retries}
    config = {key: item for key, item in options.config.items() if key not in _OF_CLIENT}
    if url.is_http:
        for key in config:
            raise unknown_option(key, http=True)
        try:
            return stores.HTTPStore.from_url(url.full, **made), ""
        except (errors.BaseError, TypeError, ValueError):
            raise ArgumentError(
                "has headers or an address of no valid form", path=url.text
            ) from None
    root = url.full.removesuffix(f"/{url.key}")
    if not url.key or url.key.endswith("/"):
        raise OptionError("names a bucket or a folder in it, and no file", path=url.text)
    try:
        return stores.from_url(root, config=config or None, **made), url.key
    except errors.UnknownConfigurationKeyError:
        raise unknown_option(_unknown(stores, root, config)) from None
    except (errors.BaseError, TypeError, ValueError):
        needs = "" if url.scheme in ("s3", "s3a", "gs") else "; it needs at least account_name"
        raise ArgumentError(
            f"storage_options has nothing that the store understands{needs}", path=url.text
        ) from None


def _connection(url: Url, options: StorageOptions) -> dict[str, Any]:
    """How obstore is to connect: its retries and its time limit for a whole answer are not ours."""
    client: dict[str, Any] = {"timeout": _LONG, "connect_timeout": _CONNECT}
    headers = dict(options.headers)
    if url.authorization:
        headers.setdefault("Authorization", url.authorization)
    if headers:
        client["default_headers"] = headers
    client |= {key: item for key, item in options.config.items() if key in _OF_CLIENT}
    given = options.config.get("endpoint")
    endpoint = str(given or next(filter(None, map(os.environ.get, _ENDPOINTS)), ""))
    if url.is_http or endpoint.startswith("http://"):
        client["allow_http"] = True
    elif endpoint and not endpoint.startswith("https://"):
        raise OptionError("the endpoint has to begin with https:// or http://", path=url.text)
    return client


def _unknown(stores: Any, root: str, config: Mapping[str, Any]) -> str:
    """The first word that the store does not know; its own message may hold values."""
    for key, item in config.items():
        try:
            stores.from_url(root, config={key: item})
        except Exception as error:
            if type(error).__name__ == "UnknownConfigurationKeyError":
                return key
    return ", ".join(config)
