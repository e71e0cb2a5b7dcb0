"""Requests for parts: few at a time, again where one fails, and of one state only."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hspyio.errors import (
    FilePermissionError,
    HspyError,
    MissingFileError,
    StaleFileError,
    UnreadableFileError,
)
from hspyio.remote import requests as module
from hspyio.remote.object_bytes import ObjectBytes, open_object
from hspyio.remote.storage_options import storage_options_of
from support.range_server import Server, open_server

CONTENT = bytes(range(256)) * 1024


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "a").write_bytes(CONTENT)
    with open_server(tmp_path) as made:
        yield made


def open_here(server: Server, **given: Any) -> ObjectBytes:
    options = {"head": 4096, "block": 4096, **given}
    return open_object(f"{server.url}/a", storage_options_of(options))


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_WAIT", 0.001)
    monkeypatch.setattr(module, "_FIRST_WAIT_BUSY", 0.001)


@pytest.mark.parametrize("what", ["500", "503", "429", "reset", "short"])
@pytest.mark.parametrize("times", [1, 4])
def test_what_fails_in_passing_is_asked_for_again(server: Server, what: str, times: int) -> None:
    server.fail[what] = times
    source = open_here(server)
    server.fail[what] = times
    assert source.read(100_000, 500) == CONTENT[100_000:100_500]


@pytest.mark.parametrize(
    ("what", "error", "message"),
    [
        ("500", UnreadableFileError, "the server answered 500; try again"),
        (
            "429",
            UnreadableFileError,
            "the server answered 429: the server is asked too often; wait",
        ),
        ("short", UnreadableFileError, "the connection broke off"),
        ("reset", UnreadableFileError, "try again"),
        ("404", MissingFileError, "no such file"),
        ("403", FilePermissionError, "access is denied"),
    ],
)
def test_what_goes_on_failing_is_an_error(
    server: Server, what: str, error: type[HspyError], message: str
) -> None:
    server.always.add(what)
    with pytest.raises(error) as caught:
        open_here(server, retries=2)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{server.url}/a: ")
    assert caught.value.__cause__ is None


def test_refusals_are_not_repeated(server: Server) -> None:
    server.always.add("404")
    with pytest.raises(MissingFileError):
        open_here(server)
    assert server.requests == 1


def test_a_busy_server_is_left_alone_as_long_as_it_wants(server: Server) -> None:
    source = open_here(server)
    server.retry_after = "1"
    server.fail["429"] = 2  # the second is the question how long
    began = time.monotonic()
    assert source.read(100_000, 5) == CONTENT[100_000:100_005]
    assert time.monotonic() - began >= 1.0


def test_all_requests_wait_for_a_busy_server(server: Server) -> None:
    source = open_here(server)
    server.forget()
    server.retry_after, server.fail["429"] = "1", 2
    threads = [threading.Thread(target=source.read, args=(n * 20_000, 5)) for n in range(1, 5)]
    threads[0].start()
    time.sleep(0.3)
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.requests == 2 + 4  # refused, asked for how long, then the four


def test_a_server_that_wants_too_long_is_not_waited_for(server: Server) -> None:
    server.retry_after = "3000"
    server.fail["429"] = 2
    with pytest.raises(UnreadableFileError, match="wants 3000 s of pause"):
        open_here(server)


@pytest.mark.parametrize("kind", ["tagged", "weak", "dated", "bare"])
def test_a_file_that_changes_is_never_mixed(server: Server, kind: str, tmp_path: Path) -> None:
    server.always |= {
        "tagged": set(), "weak": {"weak"}, "dated": {"no tag", "dated"}, "bare": {"no tag"},
    }[kind]  # fmt: skip
    source = open_here(server)
    time.sleep(1.1 if kind == "dated" else 0.01)
    changed = CONTENT[::-1] if kind != "bare" else CONTENT[:-1]
    (tmp_path / "a").write_bytes(changed)
    with pytest.raises(StaleFileError, match="has changed since it was opened; load it again"):
        source.read(100_000, 5)


def test_every_request_but_the_first_says_which_state_is_wanted(server: Server) -> None:
    source = open_here(server)
    source.read(100_000, 5)
    assert "If-Match" not in server.asked[0].headers
    assert server.asked[1].headers["If-Match"] == source.version.tag


@pytest.mark.parametrize("what", ["other part", "other size"])
def test_an_answer_that_lies_is_refused(server: Server, what: str) -> None:
    source = open_here(server)
    server.always.add(what)
    with pytest.raises((UnreadableFileError, StaleFileError)):
        source.read(100_000, 5)


def test_a_server_without_parts_is_read_whole(server: Server) -> None:
    server.always.add("no ranges")
    source = open_here(server)
    assert source.read(100_000, 500) == CONTENT[100_000:100_500]
    assert server.requests == 2


def test_but_not_if_the_file_is_large(server: Server) -> None:
    server.always.add("no ranges")
    with pytest.raises(UnreadableFileError, match=r"gives no parts of files .* download it"):
        open_here(server, whole=1000)


def test_an_empty_file_is_empty(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    assert open_here(server).size == 0


def test_credentials_are_not_sent_on(server: Server, tmp_path: Path) -> None:
    with open_server(tmp_path) as other:
        other_url = other.url.replace("127.0.0.1", "localhost")
        server.redirect = other_url
        url = server.url.replace("//", "//me:S3CRET@") + "/a"
        source = open_object(url, storage_options_of({"head": 4096}))
        assert source.read(0, 10) == CONTENT[:10]
        assert "Authorization" in server.asked[0].headers
        assert "Authorization" not in other.asked[0].headers


def test_which_headers_are_sent_on(server: Server, tmp_path: Path) -> None:
    """As the manual says: those of which everybody knows that they are secret are not."""
    given = dict.fromkeys(("Authorization", "Cookie", "X-Key"), "S3CRET")
    with open_server(tmp_path) as other:
        server.redirect = other.url.replace("127.0.0.1", "localhost")
        source = open_object(f"{server.url}/a", storage_options_of({"headers": given}))
        assert source.read(0, 10) == CONTENT[:10]
        for sent, names in ((server, given), (other, ["X-Key"])):
            found = [
                name.title() for name, value in sent.asked[0].headers.items() if "S3C" in value
            ]
            assert sorted(found) == sorted(names)


def test_credentials_stand_in_no_error(server: Server) -> None:
    server.wanted = "nobody"
    with pytest.raises(FilePermissionError) as caught:
        open_object(
            server.url.replace("//", "//me:S3CRET@") + "/a?sig=S3CRET",
            storage_options_of({"headers": {"X-Token": "S3CRET"}}),
        )
    assert "S3CRET" not in str(caught.value) + repr(caught.value)


def test_few_requests_are_made_at_a_time(server: Server) -> None:
    source = open_here(server, parallel=3, block=512)
    server.latency = 0.05
    active: list[int] = []
    take, lock = server.take, threading.Lock()
    running = 0

    def counted(what: str) -> bool:
        nonlocal running
        if what == "429":
            with lock:
                running += 1
                active.append(running)
            time.sleep(0.03)
            with lock:
                running -= 1
        return take(what)

    server.take = counted  # type: ignore[method-assign]
    threads = [threading.Thread(target=source.read, args=(n * 9000, 5)) for n in range(1, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(active) == 12 and max(active) <= 3


def test_a_server_that_hangs_is_given_up(server: Server) -> None:
    server.always.add("hang")
    with pytest.raises(UnreadableFileError, match="no answer came in time"):
        open_here(server, timeout=0.2, retries=1)


def test_nobody_there(server: Server) -> None:
    with pytest.raises(UnreadableFileError, match="nobody answers there"):
        open_object("http://127.0.0.1:1/a", storage_options_of({"retries": 1}))
