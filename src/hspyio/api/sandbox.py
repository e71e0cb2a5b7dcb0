"""`isolated=True`: a whole operation in a process of its own, where a codec may crash or hang.

That process writes a clean file, or says as JSON what it has found; nothing is pickled, since it
may have been taken over. It sends a line of JSON for all that happens, the result last.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Any

from hspyio import errors
from hspyio.arrays.workers import Workers
from hspyio.errors import DamagedFileError, HspyError, UnreadableFileError, warn_user
from hspyio.transaction.temporary import NoTemporaryError, folder_beside

__all__ = ["isolated_result", "open_temporary_folder"]

_PROGRAM = "hspyio.api.sandbox_child"
_MOST_LINE = 2**30
"""Bytes of a line, such as a report of very many places."""


def isolated_result(operation: str, path: str, options: Mapping[str, Any], workers: Workers) -> Any:
    """What an operation has found of a file, from a process of its own."""
    process = subprocess.Popen(
        # -P: no module of the folder that a hostile file may have come with
        [sys.executable, "-P", "-m", _PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
    )
    asked = {"operation": operation, "path": path, "threads": workers.threads, "options": options}
    try:
        assert process.stdin is not None and process.stdout is not None
        with suppress(BrokenPipeError):  # it may be dead; stdin stays open as long as we are here
            process.stdin.write(json.dumps(asked).encode("ascii") + b"\n")
            process.stdin.flush()
        return _result(process.stdout, path, workers)
    except EOFError:
        raise DamagedFileError(_cause(process.wait()), path=path) from None
    finally:
        _end(process)


def _environment() -> dict[str, str]:
    """The same, with this very package."""
    package = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    known = os.environ.get("PYTHONPATH", "")
    paths = os.pathsep.join([package, known] if known else [package])
    return {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}


def _result(stream: IO[bytes], path: str, workers: Workers) -> Any:
    """The result; on the way to it warnings and progress are passed on."""
    while line := stream.readline(_MOST_LINE):
        try:
            what, about = json.loads(line)
            if what == "result":
                return about
            if what == "error":
                raise _error(about, path)
            if what == "warning":
                warn_user(str(about))
            elif what == "expect":
                workers.progress.expect(int(about))
            elif what == "advance":
                workers.progress.advance(int(about))
        except (RecursionError, TypeError, ValueError) as error:
            if isinstance(error, HspyError):
                raise
            raise DamagedFileError(
                f"the process that reads it does not answer: {error}", path=path
            ) from None
    raise EOFError


def _error(about: Mapping[str, str], path: str) -> HspyError:
    """The error that was raised there, if it is one of ours."""
    kind = getattr(errors, str(about["kind"]), DamagedFileError)
    if not (isinstance(kind, type) and issubclass(kind, HspyError)):
        kind = DamagedFileError
    place = {"path": about.get("path") or path, "where": str(about["where"])}
    try:
        return kind(str(about["message"]), **place)
    except TypeError:  # one that has more to say
        return DamagedFileError(str(about["message"]), **place)


def _cause(code: int) -> str:
    if code in (-getattr(signal, "SIGPROF", 0), -getattr(signal, "SIGALRM", 0)):
        return "reading it does not come to an end"
    if code == -getattr(signal, "SIGKILL", 0):
        return "reading it takes more memory than there is"
    return "reading it crashes"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()


@contextmanager
def open_temporary_folder() -> Iterator[str]:
    """A folder for the clean file; gone at the end, on Ctrl-C, SIGTERM and soon after a kill."""
    target = os.path.join(tempfile.gettempdir(), f"isolated-{secrets.token_hex(4)}")
    try:
        with folder_beside(target) as folder:
            yield folder.path
    except NoTemporaryError as error:
        reason = f"no temporary folder can be made in {os.path.dirname(target)}: {error.strerror}"
        raise UnreadableFileError(reason) from None
