"""How long a busy web server wants to be left alone: ``Retry-After``, which obstore does not tell.

It is asked once more by Python's own client, for one byte, when all requests wait anyway.
"""

from __future__ import annotations

import email.utils
import http.client
import time
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from hspyio.remote.storage_options import StorageOptions
from hspyio.remote.url import Url

__all__ = ["seconds_of", "wait_of_server"]

_BUSY = (429, 503)
_TIMEOUT = 10.0


class _NoRedirect(HTTPRedirectHandler):
    """Headers with credentials are not sent on."""

    def redirect_request(self, *given: object) -> None:
        """None."""
        return


def wait_of_server(url: Url, options: StorageOptions) -> float | None:
    """Seconds; 0 where it is busy no more, ``None`` where it does not tell.

    Parameters
    ----------
    url : Url
        What was asked for.
    options : StorageOptions
        The headers that are sent with it.
    """
    headers = {"Range": "bytes=0-0", **options.headers}
    if url.authorization:
        headers.setdefault("Authorization", url.authorization)
    request = Request(url.full, headers=headers)
    try:
        with build_opener(_NoRedirect).open(request, timeout=_TIMEOUT):
            return 0.0
    except HTTPError as error:
        if error.code not in _BUSY:
            return None
        return seconds_of(error.headers.get("Retry-After"), time.time())
    except (URLError, OSError, http.client.HTTPException, ValueError):
        return None


def seconds_of(header: str | None, now: float) -> float | None:
    """What a server says: seconds, or a date; ``None`` for anything else (RFC 9110, 10.2.3)."""
    text = (header or "").strip()
    if text.isdecimal() and len(text) < 9:
        return float(text)
    try:
        when = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return max(0.0, when.timestamp() - now)
