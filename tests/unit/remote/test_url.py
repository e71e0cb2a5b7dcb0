"""Addresses: taken apart, and told without their secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hspyio.errors import OptionError
from hspyio.remote.url import is_url, local_path, url_of


@pytest.mark.parametrize(
    ("text", "shown", "full"),
    [
        ("https://a.org/b/c.hspy", "https://a.org/b/c.hspy", "https://a.org/b/c.hspy"),
        ("HTTP://A.org:81/c?download=1", "http://a.org:81/c?download=1", "http://a.org:81/c?download=1"),
        ("https://u:pw@a.org/c?sig=S3CRET#x", "https://a.org/c?...", "https://a.org/c?sig=S3CRET"),
        ("http://[::1]:8000/c", "http://[::1]:8000/c", "http://[::1]:8000/c"),
        ("s3://Bucket/a b/ä.hspy", "s3://Bucket/a b/ä.hspy", "s3://Bucket/a b/ä.hspy"),
        ("abfss://box@account/c.hspy", "abfss://box@account/c.hspy", "abfss://box@account/c.hspy"),
    ],
)  # fmt: skip
def test_an_address_is_taken_apart(text: str, shown: str, full: str) -> None:
    url = url_of(text)
    assert (url.text, url.full) == (shown, full)
    assert repr(url) == f"Url({shown!r})"


def test_user_and_password_become_a_header() -> None:
    assert url_of("https://me:p%40ss@a.org/c").authorization == "Basic bWU6cEBzcw=="
    assert url_of("https://a.org/c").authorization == ""


@given(
    st.text("abcXYZ012%", min_size=1, max_size=12), st.text("abcXYZ012", min_size=1, max_size=12)
)
def test_no_secret_is_ever_told(user: str, password: str) -> None:
    password = f"Pw{password}"
    url = url_of(f"https://u{user}:{password}@host.org/file.hspy?X-Signature={password}")
    assert password not in url.text + repr(url)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ftp://a.org/c", "begin with ftp:// are not read here; known are http://"),
        ("https:///c.hspy", "names no host"),
        ("s3:///c.hspy", "names no bucket"),
        ("https://u:secret@a.org:port/c", "'https://a.org:port/c' is none"),
        ("https://[::1/c", "its host or port is malformed"),
    ],
)
def test_what_is_none_is_told(text: str, message: str) -> None:
    with pytest.raises(OptionError) as caught:
        url_of(text)
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("file:///a/b%20c.hspy", "/a/b c.hspy"),
        ("file://localhost/a", "/a"),
        ("/a/b", None),
        ("https://a/b", None),
    ],
)
def test_an_address_may_be_of_this_computer(text: str, path: str | None) -> None:
    assert local_path(text) == path


def test_a_file_of_another_computer_is_told() -> None:
    with pytest.raises(OptionError, match="another computer, 'nas'"):
        local_path("file://nas/a")


def test_a_file_that_is_called_so_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_url("odd://x")
    (tmp_path / "odd:").mkdir()
    (tmp_path / "odd:" / "x").touch()
    assert not is_url("odd://x")
    assert not is_url("C:\\data") and not is_url("plain.hspy")
