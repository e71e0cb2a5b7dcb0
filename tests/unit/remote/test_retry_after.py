"""How long a busy server wants to be left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from hspyio.remote.retry_after import seconds_of, wait_of_server
from hspyio.remote.storage_options import storage_options_of
from hspyio.remote.url import url_of
from support.range_server import open_server


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5.0),
        (" 0 ", 0.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        *((text, None) for text in ("soon", "", None, "9" * 30)),
    ],
)
def test_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert seconds_of(header, now=10.0) == seconds


def test_the_server_is_asked(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    with open_server(tmp_path) as server:
        server.retry_after = "7"
        url = url_of(server.url.replace("//", "//me:pw@") + "/a")
        server.fail["429"] = 1
        assert wait_of_server(url, storage_options_of({"headers": {"X": "y"}})) == 7.0
        assert server.asked[-1].headers["Authorization"].startswith("Basic ")
        assert server.asked[-1].headers["X"] == "y"
        assert wait_of_server(url, storage_options_of(None)) == 0.0
        server.fail["500"] = 1
        assert wait_of_server(url, storage_options_of(None)) is None
        server.redirect = server.url
        assert wait_of_server(url, storage_options_of(None)) is None
        assert server.asked[-1].path == "/a"
    assert wait_of_server(url, storage_options_of(None)) is None
