"""What is written like an address on a network, and how it is told without its secrets."""

from __future__ import annotations

import base64
import os
import re
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit
from urllib.request import url2pathname

from hspyio.errors import OptionError
from hspyio.records import record

__all__ = ["HTTP_SCHEMES", "SCHEMES", "Url", "is_url", "local_path", "url_of"]

HTTP_SCHEMES = ("http", "https")
SCHEMES = (*HTTP_SCHEMES, "s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl")
"""Those that obstore has a store for."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_PLAIN = {"download", "versionid", "raw", "dl"}
"""What may stand behind a ``?`` and tells nothing that should not be seen."""


@record
class Url:
    """An address.

    Attributes
    ----------
    scheme : str
        In small letters.
    text : str
        How it is told: without user and password, and without what is behind a ``?``.
    full : str
        What the store is asked for: without user and password.
    authorization : str
        The header that stands for user and password; empty where there are none.
    key : str
        Of the object in its bucket; empty for a file of a web server.
    """

    scheme: str
    text: str
    full: str
    authorization: str = ""
    key: str = ""

    def __repr__(self) -> str:
        """How it is told."""
        return f"Url({self.text!r})"

    @property
    def is_http(self) -> bool:
        """Whether it is a file of a web server."""
        return self.scheme in HTTP_SCHEMES


def is_url(text: str) -> bool:
    """Whether a text is an address, and not the name of a file that is there."""
    return _SCHEME.match(text) is not None and not os.path.lexists(text)


def local_path(text: str) -> str | None:
    """The path of an address of a file on this computer; ``None`` for all others.

    Raises
    ------
    OptionError
        If the address names another computer.
    """
    if text[:5].lower() != "file:":
        return None
    parts = urlsplit(text)
    if parts.netloc not in ("", "localhost"):
        raise OptionError(
            f"the address names a file on another computer, {parts.netloc!r}; "
            "give the path where that is mounted here"
        )
    return url2pathname(parts.path)


def url_of(text: str) -> Url:
    """Take an address apart.

    Raises
    ------
    OptionError
        If nothing here reads such addresses.
    """
    found = _SCHEME.match(text)
    scheme = found[1].lower() if found else ""
    try:
        parts = urlsplit(text)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        raise OptionError(
            f"the address {_told(text)} is none: its host or port is malformed"
        ) from None
    if scheme not in SCHEMES:
        raise OptionError(
            f"addresses that begin with {scheme}:// are not read here; known are "
            f"{', '.join(f'{one}://' for one in SCHEMES)}; of others load takes what "
            "fsspec.open(address).open() gives"
        )
    if scheme not in HTTP_SCHEMES:
        return _of_bucket(scheme, text)
    host = parts.hostname or ""
    if not host:
        raise OptionError(f"the address {_told(text)} names no host")
    where = (f"[{host}]" if ":" in host else host) + port
    full = urlunsplit((scheme, where, parts.path, parts.query, ""))
    shown = urlunsplit((scheme, where, parts.path, "", ""))
    return Url(scheme, shown + _query(parts.query), full, _basic(parts.username, parts.password))


def _of_bucket(scheme: str, text: str) -> Url:
    """A key is taken as it is: nothing in it stands for anything else, as with s3fs."""
    bucket, _, key = text.partition("://")[2].partition("/")
    if not bucket:
        raise OptionError(f"the address {_told(text)} names no bucket")
    full = f"{scheme}://{bucket}/{key}"
    return Url(scheme, full, full, key=key)


def _query(query: str) -> str:
    """What is told of that behind the ``?``: names of files, not signatures."""
    if not query:
        return ""
    plain = all(key.lower() in _PLAIN for key, _ in parse_qsl(query, keep_blank_values=True))
    return f"?{query}" if plain else "?..."


def _told(text: str) -> str:
    """A malformed address, without what may be a password."""
    scheme, _, rest = text.partition("://")
    return repr(f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}")


def _basic(user: str | None, password: str | None) -> str:
    if user is None:
        return ""
    pair = f"{unquote(user)}:{unquote(password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
