"""Who gets in: the right host, with the token; and that all ends with the viewer."""

from __future__ import annotations

import contextlib
import gc
import http.client
import socket
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio.errors import OptionError
from support.browser import needs_browser, open_page
from unit.bridges.viewer.conftest import made

pytest.importorskip("bokeh")


@pytest.fixture
def viewer() -> Iterator[Any]:
    with hspyio.view(hspyio.Signal(np.zeros((3, 4, 5)), signal_dimension=1)) as made:
        yield made


def asked(
    viewer: Any, *, token: str | None = None, host: str | None = None, path: str = "/"
) -> tuple[int, str]:
    """Status and body of a request."""
    url = urllib.parse.urlsplit(viewer.url)
    query = url.query if token is None else urllib.parse.urlencode({"token": token})
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", url.port, timeout=20)) as line:
        line.request("GET", f"{path}?{query}", headers={"Host": host or url.netloc})
        with line.getresponse() as response:
            return response.status, response.read().decode()


def test_with_the_token_there_is_a_page(viewer: Any) -> None:
    status, body = asked(viewer)
    assert status == 200 and "data-root-id" in body
    assert "bokeh-mathjax" not in body and "cdn" not in body
    assert asked(viewer, host=f"localhost:{urllib.parse.urlsplit(viewer.url).port}")[0] == 200


@pytest.mark.parametrize("path", ["/", "/autoload.js", "/metadata"])
@pytest.mark.parametrize("token", ["", "x", "é" * 30])
def test_without_it_there_is_nothing(viewer: Any, path: str, token: str) -> None:
    status, body = asked(viewer, token=token, path=path)
    assert status == 403
    assert "session" not in body and "data-root-id" not in body


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "[::1]"])
def test_another_host_is_refused(viewer: Any, host: str) -> None:
    port = urllib.parse.urlsplit(viewer.url).port
    assert asked(viewer, host=host.format(port=port))[0] == 403


def opened(
    viewer: Any, token: str, *, origin: str | None = None, host: str | None = None, path: str = "/"
) -> str:
    """What becomes of a WebSocket with a token of a session, and an Origin."""
    url = urllib.parse.urlsplit(viewer.url)
    request = (
        f"GET {path}ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Host: {host or url.netloc}\r\nOrigin: {origin or f'http://{url.netloc}'}\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Sec-WebSocket-Protocol: bokeh, {token}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", url.port), timeout=20) as line:
        line.sendall(request.encode())
        with line.makefile("rb") as answer:
            status = answer.readline().split()[1].decode()
            while answer.readline().strip():
                pass
            if status != "101":
                return status
            first = answer.read(1)
            return "closed" if not first or first[0] & 15 == 8 else "open"


def session_of(viewer: Any, path: str = "/") -> str:
    _, body = asked(viewer, path=path)
    return body.partition('"token":"')[2].partition('"')[0]


def test_sockets_need_the_page_and_its_origin(viewer: Any) -> None:
    token = session_of(viewer)
    port = urllib.parse.urlsplit(viewer.url).port
    assert opened(viewer, token) == "open"
    assert opened(viewer, token, origin="http://evil.example") == "403"
    assert opened(viewer, token, origin=f"http://evil.example:{port}") == "403"
    assert opened(viewer, token, origin="http://127.0.0.1:1") == "403"
    assert opened(viewer, token, host="evil.example") in ("403", "closed")
    assert opened(viewer, token[:-4] + "AAAA") == "closed"
    from bokeh.util.token import generate_jwt_token

    assert opened(viewer, generate_jwt_token("made-up")) == "closed"


def test_prefixes_and_origins_of_proxies() -> None:
    signal = hspyio.Signal(np.zeros(3))
    options: dict[str, Any] = {"prefix": "/user/me/", "origins": ["Hub.example.org"]}
    with hspyio.view(signal, **options) as viewer:
        assert "/user/me/?token=" in viewer.url
        assert asked(viewer, path="/")[0] == 404
        status, body = asked(viewer, path="/user/me/", host="hub.example.org")
        assert status == 200 and '"/user/me/static' in body
        assert asked(viewer, path="/user/me/static/js/bokeh.min.js")[0] == 200


def test_a_hub_need_not_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has the token says under which name a proxy shows it; nobody else does."""
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/me/")
    with hspyio.view(hspyio.Signal(np.zeros(3))) as viewer:
        path = urllib.parse.urlsplit(viewer.public_url).path
        assert viewer.public_url == f"{path}?{urllib.parse.urlsplit(viewer.url).query}"
        origin = {"host": "hub.example.org", "origin": "https://hub.example.org"}
        assert asked(viewer, path=path, host="hub.example.org", token="x")[0] == 403
        token = session_of(viewer, path)
        assert opened(viewer, token, path=path, **origin) in ("403", "closed")
        assert asked(viewer, path=path, host="hub.example.org")[0] == 200
        assert opened(viewer, token, path=path, **origin) == "open"
        wrong = {"host": "hub.example.org", "origin": "http://a.b"}
        assert opened(viewer, token, path=path, **wrong) == "403"
        for host in ("*", "*:80", "*.org", "a/b"):
            assert asked(viewer, path=path, host=host)[0] in (400, 403)
        assert opened(viewer, token, path=path, origin="https://other.org") == "403"
        monkeypatch.setenv("JUPYTERHUB_PUBLIC_URL", "https://hub.example.org/user/me/")
        assert viewer.public_url.startswith(f"https://hub.example.org{path}?token=")


def test_named_hosts_of_proxies_are_the_only_ones() -> None:
    with hspyio.view(hspyio.Signal(np.zeros(3)), prefix="/a", origins=["hub.org"]) as viewer:
        assert viewer.public_url == viewer.url
        assert asked(viewer, path="/a/", host="hub.org")[0] == 200
        assert asked(viewer, path="/a/", host="other.org")[0] == 403


def test_it_listens_on_this_computer_only(viewer: Any) -> None:
    assert urllib.parse.urlsplit(viewer.url).hostname == "127.0.0.1"
    assert viewer._server.address == "127.0.0.1"


# tornado leaves the socket behind that it could not bind
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_port_that_is_taken(viewer: Any) -> None:
    port = urllib.parse.urlsplit(viewer.url).port
    with pytest.raises(OptionError, match=f"port {port}"):
        hspyio.view(hspyio.Signal(np.zeros(3)), port=port)
    gc.collect()


def test_at_the_end_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, hspyio.Signal(np.ones((9, 9, 20)), signal_dimension=1))
    before = path.read_bytes()
    viewer = hspyio.view(path)
    assert asked(viewer)[0] == 200
    viewer.close()
    viewer.close()
    assert path.read_bytes() == before
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hspy view")]
    assert not links_to(path)
    with pytest.raises(ConnectionRefusedError):
        asked(viewer)


def threads_of_windows() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "hspy view"]


def links_to(path: Path) -> list[str]:
    """Descriptors of this process that lead to a file."""
    found = []
    for link in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(OSError):
            found.append(str(link.readlink()))
    return [link for link in found if link.startswith(str(path))]


@needs_browser
def test_a_window_that_is_closed_leaves_nothing(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, made((9, 9, 20), 1))
    with open_page(browser, path) as page:
        first = threads_of_windows()
        other = page.beside()
        other.page.keyboard.press("ArrowRight")
        other.wait_until("pointer-x", "location", 3.5)
        assert len(page.viewer._sessions) == 2 and len(threads_of_windows()) > len(first)
        other.page.close()
        for _ in range(400):
            if len(page.viewer._sessions) == 1:
                break
            page.page.wait_for_timeout(100)
        assert len(page.viewer._sessions) == 1
        assert {t for t in threads_of_windows() if t.is_alive()} <= set(first)
        page.page.keyboard.press("ArrowRight")
        page.wait_until("pointer-x", "location", 3.5)


@needs_browser
def test_the_file_is_free_while_windows_are_open(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, made((9, 9, 20), 1))
    with open_page(browser, path) as page:
        page.beside()
        assert links_to(path)
        page.viewer.close()
        assert not links_to(path) and not threads_of_windows()
        path.unlink()


def test_what_a_notebook_shows(viewer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    page = viewer._repr_html_()
    assert f'<iframe src="{viewer.url}"' in page and f'<a href="{viewer.url}"' in page
    assert viewer.url in repr(viewer)
    viewer.close()
    assert "closed" in repr(viewer) and "iframe" not in viewer._repr_html_()
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/me/")
    with hspyio.view(hspyio.Signal(np.zeros(3))) as hub:
        path = f"/user/me/proxy/absolute/{urllib.parse.urlsplit(hub.url).port}/"
        assert f'<iframe src="{path}?token=' in hub._repr_html_()
        status, body = asked(hub, path=path, host="hub.example.org")
        assert status == 200 and f'"{path}static' in body
