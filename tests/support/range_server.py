"""A web server of our own over a folder: gives parts of files, counts, misbehaves as it is told.

Loopback only.
"""

from __future__ import annotations

import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Asked:
    """One request, and how many bytes were sent."""

    path: str
    begin: int
    size: int
    headers: dict[str, str]


@dataclass
class Server:
    """What the server does, and what was asked of it."""

    folder: Path
    latency: float = 0.0
    asked: list[Asked] = field(default_factory=list)
    fail: dict[str, int] = field(default_factory=dict)
    """How often a thing goes wrong before it works: "429", "503", "reset", "short", ..."""
    always: set[str] = field(default_factory=set)
    """What goes wrong each time, or is always so: "no ranges", "weak", "no tag", ..."""
    retry_after: str | None = "0"
    redirect: str | None = None
    wanted: str | None = None
    """The Authorization that is wanted."""
    tag: str | None = None
    port: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self, what: str) -> bool:
        """Whether a thing goes wrong this time."""
        with self.lock:
            left = self.fail.get(what, 0)
            self.fail[what] = max(0, left - 1)
        return left > 0 or what in self.always

    def forget(self) -> None:
        self.asked.clear()

    @property
    def requests(self) -> int:
        return len(self.asked)

    @property
    def bytes(self) -> int:
        return sum(one.size for one in self.asked)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    ours: Server
    noted: Asked

    def log_message(self, *given: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        time.sleep(self.ours.latency)
        self.noted = Asked(
            self.path, -1, 0, {name.title(): text for name, text in self.headers.items()}
        )
        self.ours.asked.append(self.noted)
        for what in (429, 503, 500, 403, 404):
            if self.ours.take(str(what)):
                return self._empty(what)
        if self.ours.take("reset"):
            self.connection.close()
            self.close_connection = True
            return None
        if self.ours.redirect and not self.path.startswith("/there/"):
            return self._empty(302, Location=f"{self.ours.redirect}/there{self.path}")
        if self.ours.wanted and self.headers.get("Authorization") != self.ours.wanted:
            return self._empty(401)
        if self.ours.take("hang"):
            time.sleep(30)
        return self._file()

    def _file(self) -> None:
        name = urllib.parse.unquote(self.path.partition("?")[0]).lstrip("/").removeprefix("there/")
        file = self.ours.folder / name
        if not file.is_file():
            return self._empty(404)
        content, status = file.read_bytes(), file.stat()
        tag = self.ours.tag or f'"{status.st_size}-{status.st_mtime_ns}"'
        if "weak" in self.ours.always:
            tag = "W/" + tag
        if (match := self.headers.get("If-Match")) and match != tag:
            return self._empty(412)
        begin, end = self._range(len(content))
        if begin >= len(content) > 0 or (not content and self.headers.get("Range")):
            return self._empty(416, **{"Content-Range": f"bytes */{len(content)}"})
        part = content[begin:end]
        headers = {"Content-Length": str(len(part))}
        if "no tag" not in self.ours.always:
            headers["ETag"] = tag
        if "dated" in self.ours.always:
            headers["Last-Modified"] = self.date_time_string(int(status.st_mtime))
        if begin or end < len(content) or self._is_part():
            shift = 1 if self.ours.take("other part") else 0
            size = len(content) + (7 if self.ours.take("other size") else 0)
            headers["Content-Range"] = f"bytes {begin + shift}-{end - 1 + shift}/{size}"
        if self.ours.take("short"):
            part = part[: len(part) // 2]
            self.close_connection = True
        self.noted.begin, self.noted.size = begin, len(part)
        self._send(206 if self._is_part() else 200, headers, part)
        if self.close_connection:
            self.connection.close()
        return None

    def _is_part(self) -> bool:
        return bool(self.headers.get("Range")) and "no ranges" not in self.ours.always

    def _range(self, size: int) -> tuple[int, int]:
        if not self._is_part():
            return 0, size
        begin, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
        return int(begin), min(size, int(last) + 1)

    def _empty(self, status: int, **headers: str) -> None:
        if status in (429, 503) and self.ours.retry_after is not None:
            headers["Retry-After"] = self.ours.retry_after
        self._send(status, {"Content-Length": "0", **headers}, b"")

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections that broke off; everything else is a fault of the server's."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def open_server(folder: Path, *, latency: float = 0.0) -> Iterator[Server]:
    """A server for as long as the block lasts."""
    ours = Server(folder, latency)
    made = type("Bound", (Handler,), {"ours": ours})
    with _Quiet(("127.0.0.1", 0), made) as server:
        ours.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield ours
        finally:
            server.shutdown()
            thread.join()
