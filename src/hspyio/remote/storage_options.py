"""How far files are read: what users may choose, told at once where it makes no sense."""

from __future__ import annotations

import os
import pickle
import zlib
from collections.abc import Mapping
from dataclasses import field, fields
from typing import Any

from hspyio.errors import ArgumentError, OptionError
from hspyio.records import record
from hspyio.suggestions import did_you_mean

__all__ = ["StorageOptions", "storage_options_of"]

_KIB, _MIB, _GIB = 2**10, 2**20, 2**30
_OF_FSSPEC = {
    "anon": "skip_signature",
    "key": "access_key_id",
    "secret": "secret_access_key",
    "endpoint_url": "endpoint",
    "region_name": "region",
}
"""The words of s3fs for what obstore calls otherwise."""
_OTHERS = ("anon", "key", "secret", "token", "endpoint_url", "region", "skip_signature")


@record
class StorageOptions:
    """How a file that is far away is read; never shows what it holds.

    Attributes
    ----------
    head : int
        Bytes of the first request.
    block : int
        Bytes of a block, of which what is read here and there is made.
    gap : int
        Bytes between two wanted ranges below which they are asked for as one.
    request : int
        Bytes of a request at most, where many are wanted.
    parallel : int
        Requests at a time.
    retries : int
        How often a request that fails is repeated.
    timeout : float
        Seconds until a request counts as failed, and most that a busy server is waited for.
    whole : int
        Bytes up to which a file is read whole from a server that gives no parts of files.
    cache : str or None
        A folder in which blocks are kept.
    cache_size : int
        Bytes of that folder at most.
    headers : dict
        Sent with each request to a web server.
    store : object
        A store of obstore, or a file system of fsspec, in which the path is a key.
    config : dict
        What the store itself is told: credentials, region, endpoint.
    """

    head: int = _MIB
    block: int = 64 * _KIB
    gap: int = _MIB
    request: int = 16 * _MIB
    parallel: int = 8
    retries: int = 6
    timeout: float = 60.0
    whole: int = 64 * _MIB
    cache: str | None = None
    cache_size: int = _GIB
    headers: dict[str, str] = field(default_factory=dict)
    store: Any = None
    config: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """The names of what was given, and nothing of it."""
        given = [item.name for item in fields(self) if getattr(self, item.name) != _default(item)]
        return f"StorageOptions({', '.join(given)})"

    def packed(self, address: str) -> bytes:
        """For another process: with the credentials, which it needs, but not as text."""
        held = tuple(getattr(self, one.name) for one in fields(self))
        return zlib.compress(pickle.dumps((address, held)))

    @classmethod
    def unpacked(cls, content: bytes) -> tuple[str, StorageOptions]:
        """The address and the options that were packed."""
        address, held = pickle.loads(zlib.decompress(content))  # noqa: S301 # within a pickle
        return address, cls(*held)


def _default(item: Any) -> Any:
    return {} if item.name in ("headers", "config") else item.default


_WHOLE = {"head": 512, "block": 512, "request": 4096, "parallel": 1, "cache_size": 1}
"""Whole numbers, and the least that makes sense."""
_FROM_ZERO = ("gap", "retries", "whole")


def storage_options_of(given: object) -> StorageOptions:
    """What a user chose.

    Raises
    ------
    ArgumentError
        If it is no mapping with text for keys.
    OptionError
        If a value makes no sense; all of them are told.
    """
    if given is None:
        return StorageOptions()
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise ArgumentError(
            f"storage_options is {_kind(given)}, not a dict such as {{'anon': True}}"
        )
    known = {item.name for item in fields(StorageOptions)} - {"config"}
    ours = {key: value for key, value in given.items() if key in known}
    wrong = [text for key, value in ours.items() if (text := _fault(key, value))]
    if wrong:
        raise OptionError("storage_options: " + "; ".join(wrong))
    if ours.get("cache") is not None:
        ours["cache"] = os.path.abspath(os.path.expanduser(os.fspath(ours["cache"])))
    if "headers" in ours:
        ours["headers"] = dict(ours["headers"])
    rest = {key: value for key, value in given.items() if key not in known}
    return StorageOptions(**ours, config=_config(rest))


def _kind(given: object) -> str:
    return (
        "a dict with keys that are no text" if isinstance(given, Mapping) else type(given).__name__
    )


def _fault(key: str, value: Any) -> str:
    """What is wrong with a value; nothing of it is shown that may be secret."""
    if key in _WHOLE or key in _FROM_ZERO:
        least = _WHOLE.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            return f"{key} is {value!r}; use a whole number from {least} up"
    if key == "timeout" and not (
        isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 86400
    ):
        return f"timeout is {value!r}; use a number of seconds"
    if key == "cache" and not (value is None or isinstance(value, str | os.PathLike)):
        return f"cache is a {type(value).__name__}; use the path of a folder"
    if key == "headers" and not (
        isinstance(value, Mapping)
        and all(isinstance(text, str) for pair in value.items() for text in pair)
    ):
        return "headers are no dict of texts"
    return ""


def _config(rest: dict[str, Any]) -> dict[str, Any]:
    """What is for the store, in obstore's words."""
    result: dict[str, Any] = {}
    for key, value in rest.items():
        if key == "client_kwargs" and isinstance(value, Mapping):
            result.update(_config(dict(value)))
        else:
            result[_OF_FSSPEC.get(key, key)] = value
    return result


def unknown_option(key: str, *, http: bool = False) -> OptionError:
    """The error about a word that neither we nor the store know."""
    if http and (key in _OF_FSSPEC.values() or key in _OTHERS):
        given = next((word for word, one in _OF_FSSPEC.items() if one == key), key)
        return OptionError(
            f"storage_options has {given!r}, which is for buckets; web servers are told who asks "
            "by {'headers': {'Authorization': 'Bearer ...'}}"
        )
    known = [item.name for item in fields(StorageOptions) if item.name != "config"]
    near = did_you_mean(key, [*known, *_OTHERS])
    return OptionError(f"storage_options has {key!r}, which the store does not know{near}")
