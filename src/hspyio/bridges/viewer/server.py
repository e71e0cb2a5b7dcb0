"""The server of the viewer: on this computer only, for whoever has the address with its token."""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
import re
import secrets
import socket
import threading
import webbrowser
from collections.abc import Sequence
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.server.auth_provider import AuthProvider
from bokeh.server.server import Server
from bokeh.server.views.ws import WSHandler
from tornado.web import HTTPError

from hspyio.bridges.viewer.application import Session
from hspyio.bridges.viewer.library import Library
from hspyio.errors import OptionError

__all__ = ["Viewer"]

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_A_HOST = re.compile(r"[a-z0-9.-]+(:\d+)?|\[[0-9a-f:.]+\](:\d+)?")
_STARTING = 30
"""Seconds in which a server has to have begun."""
_FRAME = 900
"""Pixels that a notebook's cell is high."""


class _Gate(AuthProvider):
    """Lets in who names the right host and has the token."""

    def __init__(self, token: str, *, asks: bool) -> None:
        self._token = token
        self._asks = asks
        """Whether nobody has said under which host a proxy shows it: who has the token does."""
        self._hosts: set[str] = set()
        self.origins: set[str] = set()
        """Where pages that open sockets may come from, as Bokeh compares them."""
        super().__init__()

    def serve(self, host: str) -> None:
        """Let in whoever asks for that host, and pages that come from it."""
        self._hosts.add(host)
        self.origins.add(host if ":" in host else f"{host}:80")

    @property
    def get_user(self) -> Any:
        """Called by Bokeh with each request but those for its own scripts."""
        return self._user

    @property
    def get_login_url(self) -> Any:
        """Nobody can log in: never asked for, as `get_user` raises."""
        return lambda handler: ""

    def _user(self, handler: Any) -> str:
        host = handler.request.host.lower()
        socket = isinstance(handler, WSHandler)  # its token is one that Bokeh signed for a page
        has_token = not socket and self._has_token(handler)
        if has_token and self._asks and _A_HOST.fullmatch(host):
            self.serve(host)
        if host not in self._hosts:
            raise HTTPError(403, reason="this host is not served; see --origin")
        if socket:
            return "viewer"
        handler.set_header("Referrer-Policy", "no-referrer")
        handler.set_header("X-Content-Type-Options", "nosniff")
        handler.set_header("Cache-Control", "no-store")
        if not has_token:
            raise HTTPError(403, reason="the address has no token, or another one")
        return "viewer"

    def _has_token(self, handler: Any) -> bool:
        given = handler.get_argument("token", "")
        return hmac.compare_digest(given.encode(), self._token.encode())


class _Unchecked(Application):
    """Fills a document without Bokeh's search for mistakes, which takes a third of the time."""

    def initialize_document(self, doc: Any) -> None:
        """Fill it."""
        for handler in self.handlers:
            handler.modify_document(doc)


class Viewer:
    """A viewer that runs, in threads of this process, until it is closed.

    A notebook shows it in the cell; anything else opens `url` in a browser.

    Attributes
    ----------
    url : str
        Its address on this computer, with the token that lets in.
    public_url : str
        The same, or what leads to it through the JupyterHub that this process runs on.
    """

    def __init__(
        self, library: Library, name: str, *, host: str, port: int, prefix: str,
        origins: Sequence[str], follow: bool = False,
    ) -> None:  # fmt: skip
        self._library, self._name, self._follow = library, name, follow
        self._host, self._port = host, port
        self._prefix = prefix.strip("/")
        self._hub = "" if self._prefix else os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "")
        if self._hub:
            self._port = port or _free_port(host)
            self._prefix = f"{self._hub.strip('/')}/proxy/absolute/{self._port}"
        self._origins = tuple(origins)
        self._token = secrets.token_urlsafe(24)
        self._sessions: list[Session] = []
        self._started = threading.Event()
        self._ended = threading.Event()
        _quieten()
        self._failures: list[str] = []
        self._server: Any = None
        self._loop: Any = None
        self._thread = threading.Thread(target=self._run, name="hspy view server", daemon=True)
        self._thread.start()
        self._started.wait(_STARTING)
        failure = self._failures
        if failure:
            library.close()
            raise OptionError(f"no server at {host}, port {port}: {failure[0]}")

    # the server's own thread

    def _run(self) -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            self._server = self._made()
        except Exception as error:  # it is told where the viewer was asked for
            self._failures.append(str(error))
            loop.close()
            self._started.set()
            return
        self._loop = self._server.io_loop
        self._server.start()
        self._started.set()
        self._loop.start()
        self._loop.close(all_fds=True)

    def _made(self) -> Any:
        gate = _Gate(self._token, asks=bool(self._prefix) and not self._origins)
        server = Server(
            {"/": _Unchecked(FunctionHandler(self._window))},
            address=self._host, port=self._port, prefix=self._prefix, auth_provider=gate,
            allow_websocket_origin=["localhost:0"],
            sign_sessions=True, secret_key=secrets.token_bytes(32), generate_session_ids=True,
            include_headers=[], include_cookies=[], session_token_expiration=3600,
            unused_session_lifetime_milliseconds=10_000, keep_alive_milliseconds=20_000,
            check_unused_sessions_milliseconds=5_000,
        )  # fmt: skip
        self._port = server.port
        for host in self._hosts():
            gate.serve(host)
        server._tornado._websocket_origins = gate.origins
        return server

    def _hosts(self) -> set[str]:
        """What the address of a page may begin with."""
        names = _LOOPBACK if self._host in _LOOPBACK else {self._host}
        names = {f"[{name}]" if ":" in name else name for name in names}
        return {f"{name}:{self._port}" for name in names} | {o.lower() for o in self._origins}

    def _window(self, document: Any) -> None:
        """Fill the document of one more window."""
        self._library.refresh()
        titles = self._library.titles
        name = self._name if self._name in titles else next(iter(titles), self._name)
        session = Session(document, self._library, name, follow=self._follow)
        self._sessions.append(session)

        def gone(context: Any) -> None:
            if session in self._sessions:
                self._sessions.remove(session)
            session.close()

        document.on_session_destroyed(gone)

    # what its owner does

    @property
    def url(self) -> str:
        """The address, with the token."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        place = f"/{self._prefix}/" if self._prefix else "/"
        return f"http://{host}:{self._port}{place}?{urlencode({'token': self._token})}"

    @property
    def public_url(self) -> str:
        """The address as a browser far away has it; a path if a JupyterHub tells no name."""
        if not self._hub:
            return self.url
        hub = urlsplit(os.environ.get("JUPYTERHUB_PUBLIC_URL", ""))
        name = f"{hub.scheme}://{hub.netloc}" if hub.netloc else ""
        return f"{name}/{self._prefix}/?{urlencode({'token': self._token})}"

    def open(self) -> bool:
        """Open the browser of this computer; False where there is none."""
        return webbrowser.open(self.url)

    def wait(self) -> None:
        """Wait until it is closed, or Ctrl-C is pressed, which closes it."""
        try:
            while not self._ended.wait(0.5):
                pass
        except KeyboardInterrupt:
            self.close()

    def close(self) -> None:
        """End the server, its threads and windows, and let go of the file; again is no error."""
        if self._ended.is_set():
            return
        self._ended.set()
        for session in list(self._sessions):
            session.close()
        self._loop.add_callback(self._stop)
        self._thread.join(_STARTING)
        self._library.close()

    def _stop(self) -> None:
        self._server.stop(wait=False)
        self._loop.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<Viewer, closed>" if self._ended.is_set() else f"<Viewer at {self.url}>"

    def _repr_html_(self) -> str:
        from html import escape

        if self._ended.is_set():
            return "<p>This viewer is closed.</p>"
        url = escape(self.public_url, quote=True)
        return (
            f'<iframe src="{url}" style="width:100%;height:{_FRAME}px;border:0"></iframe>'
            f'<p><a href="{url}" target="_blank" rel="noopener noreferrer">in a window</a></p>'
        )


def _free_port(host: str) -> int:
    """A port that nobody listens at."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _quieten() -> None:
    """Keep Bokeh's and tornado's notes about each request off the terminal."""
    for name in ("bokeh", "tornado.access", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
