"""What goes wrong between here and a store: of which kind it is, told without what is secret."""

from __future__ import annotations

import re
from enum import Enum

from hspyio.errors import (
    FilePermissionError,
    HspyError,
    MissingFileError,
    StaleFileError,
    UnreadableFileError,
)

__all__ = ["Fault", "RequestError", "error_of", "fault_of_text"]


class Fault(Enum):
    """What can be done about a request that failed."""

    BUSY = "busy"  # wait as long as the server wants, then again
    PASSING = "passing"  # again
    CHANGED = "changed"
    MISSING = "missing"
    DENIED = "denied"
    NO_RANGES = "no ranges"
    EMPTY = "empty"  # there is nothing behind where it should begin
    FINAL = "final"


class RequestError(Exception):
    """A request that failed.

    Parameters
    ----------
    fault : Fault
        Of which kind.
    message : str
        What happened, in words that hold no address and no credentials.
    """

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault, self.message = fault, message


_STATUS = re.compile(r"status(?: code)?: (\d{3})")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*")
_BY_STATUS = {
    **dict.fromkeys((408, 425, 500, 502, 504), Fault.PASSING),
    **dict.fromkeys((429, 503), Fault.BUSY),
    **dict.fromkeys((401, 403, 407), Fault.DENIED),
    **dict.fromkeys((404, 410), Fault.MISSING),
    412: Fault.CHANGED,
    416: Fault.EMPTY,
}
_WORDS = {
    401: "the server wants to know who asks",
    403: "access is denied",
    407: "the proxy wants to know who asks",
    429: "the server is asked too often",
    301: "the store is elsewhere; for S3 name the bucket's region: storage_options={'region': ...}",
    503: "the server is busy",
}
_TEXTS = (
    ("timed out", Fault.PASSING, "no answer came in time"),
    ("timeout", Fault.PASSING, "no answer came in time"),
    ("dns error", Fault.FINAL, "there is no such host, or no network"),
    ("certificate", Fault.FINAL, "the certificate of the server is not trusted"),
    ("connection refused", Fault.PASSING, "nobody answers there (connection refused)"),
    ("requested", Fault.FINAL, "the server sent another part of the file than was asked for"),
    ("redirect", Fault.FINAL, "the server redirects in a circle"),
    ("credential", Fault.DENIED, "no credentials were found"),
    ("connect", Fault.PASSING, "the connection failed"),
    ("body", Fault.PASSING, "the connection broke off"),
    ("incomplete", Fault.PASSING, "the connection broke off"),
    ("reset", Fault.PASSING, "the connection broke off"),
    ("closed", Fault.PASSING, "the connection broke off"),
    ("send", Fault.PASSING, "the connection failed"),
)
"""What obstore and fsspec say, in the order in which it is looked for."""


def fault_of_text(text: str) -> RequestError:
    """The failure for what a store said; nothing of the text itself is told."""
    text = _ADDRESS.sub("", text)
    found = _STATUS.search(text)
    if found is not None:
        status = int(found[1])
        words = _WORDS.get(status, "")
        said = f"the server answered {status}" + (f": {words}" if words else "")
        return RequestError(_BY_STATUS.get(status, Fault.FINAL), said)
    small = text.lower().replace("retry_timeout", "")
    for sign, fault, words in _TEXTS:
        if sign in small:
            return RequestError(fault, words)
    return RequestError(Fault.FINAL, "the store does not give it")


_MENDS = {
    Fault.DENIED: "; give credentials in storage_options or the environment, or {'anon': True} "
    "(AWS_SKIP_SIGNATURE=true) for a public bucket",
    Fault.BUSY: "; wait, ask for less at a time (storage_options={'parallel': 1}), or download it",
    Fault.PASSING: "; try again",
}


_FOR_WEB = "; storage_options={'headers': {'Authorization': 'Bearer ...'}} tells it who asks"


def error_of(failure: RequestError, path: str) -> HspyError:
    """The error of ours; a new one each time, since whoever catches it may add to it."""
    fault, said = failure.fault, failure.message
    match fault:
        case Fault.CHANGED:
            return StaleFileError("has changed since it was opened; load it again", path=path)
        case Fault.MISSING:
            return MissingFileError("no such file", path=path)
        case Fault.DENIED:
            mend = _FOR_WEB if path.startswith("http") else _MENDS[fault]
            return FilePermissionError(f"cannot be read: {said}{mend}", path=path)
        case _:
            return UnreadableFileError(f"cannot be read: {said}{_MENDS.get(fault, '')}", path=path)
