"""What stores say, as errors of ours that hold no address."""

from __future__ import annotations

import pytest

from hspyio.errors import (
    FilePermissionError,
    HspyError,
    MissingFileError,
    StaleFileError,
    UnreadableFileError,
)
from hspyio.remote.failures import Fault, RequestError, error_of, fault_of_text

_SAID = "Error performing GET https://host/a?sig=SECRET in 5ms - Server returned {}"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (_SAID.format("non-2xx status code: 429 Too Many Requests: busy"), Fault.BUSY),
        (_SAID.format("non-2xx status code: 503 Service Unavailable"), Fault.BUSY),
        (_SAID.format("non-2xx status code: 500 x"), Fault.PASSING),
        (_SAID.format("non-2xx status code: 403 x"), Fault.DENIED),
        (_SAID.format("non-2xx status code: 416 x"), Fault.EMPTY),
        (_SAID.format("non-2xx status code: 418 x"), Fault.FINAL),
        ("HTTP error: request or response body error", Fault.PASSING),
        ("tcp connect error: Connection refused (os error 111)", Fault.PASSING),
        ("error trying to connect: dns error: failed to lookup", Fault.FINAL),
        ("invalid peer certificate: UnknownIssuer", Fault.FINAL),
        ("Requested 10..20, got 11..21", Fault.FINAL),
        ("GET http://timeout.example/connect: something else", Fault.FINAL),
    ],
)
def test_what_is_said_tells_what_can_be_done(text: str, fault: Fault) -> None:
    found = fault_of_text(text)
    assert found.fault is fault
    assert "SECRET" not in found.message and "host" not in found.message.replace("no such host", "")


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        (Fault.CHANGED, StaleFileError, "has changed since it was opened"),
        (Fault.MISSING, MissingFileError, "no such file"),
        (Fault.DENIED, FilePermissionError, "tells it who asks"),
        (Fault.BUSY, UnreadableFileError, "ask for less at a time"),
        (Fault.PASSING, UnreadableFileError, "try again"),
        (Fault.FINAL, UnreadableFileError, "cannot be read: said"),
    ],
)
def test_every_fault_is_an_error_with_a_mend(
    fault: Fault, kind: type[HspyError], message: str
) -> None:
    error = error_of(RequestError(fault, "said"), "https://a/b")
    assert type(error) is kind
    assert str(error).startswith("https://a/b: ") and message in str(error)


def test_who_asks_a_bucket_is_told_otherwise() -> None:
    error = error_of(RequestError(Fault.DENIED, "said"), "s3://a/b")
    assert "give credentials in storage_options or the environment" in str(error)
