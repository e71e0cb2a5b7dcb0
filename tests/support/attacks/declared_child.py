"""Goes every way over one file, each in so much processor time, and tells what was wrong."""

from __future__ import annotations

import contextlib
import io
import json
import resource
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hspyio
from hspyio.cli.main import main

SECONDS = 10.0
ROOM = 6 << 30
COMMANDS = (
    "info",
    "info --json",
    "info --tree",
    "tree",
    "tree --lines",
    "tree --hdf5",
    "tree --json",
    "get FILE General.title",
    "get FILE a",
    "diff FILE FILE",
    "validate",
    "verify",
    "rescue FILE FILE.out",
    "export FILE FILE.nc",
    "plot FILE -o FILE.png",
)


def _shown(path: str) -> None:
    signal_ = hspyio.load(path, lazy=True)
    for shown in (signal_, signal_.metadata, signal_.axes):
        repr(shown)
        shown._repr_html_()


def _opened(path: str) -> None:
    with hspyio.open(path) as experiments:
        experiments._repr_html_()
        list(map(repr, experiments.values()))


WAYS: dict[str, Callable[[str], Any]] = {
    "load": hspyio.load,
    "load lazily": lambda path: hspyio.load(path, lazy=True),
    "shown": _shown,
    "open": _opened,
    "file_reader": hspyio.file_reader,
    "file_reader lazily": lambda path: hspyio.file_reader(path, lazy=True),
    "datasets": lambda path: hspyio.list_datasets_in_file(path, verbose=False),
    "metadata": hspyio.read_metadata_from_file,
}


class LateError(BaseException):
    """It takes too long."""


def _late(*_: object) -> None:
    raise LateError


def _said(words: str, path: str) -> None:
    args = [word.replace("FILE", path) for word in words.split()]
    sys.argv = ["hspy", *args] if "FILE" in words else ["hspy", *args, path]
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        main()


def wrong(path: str, *left_out: str) -> list[str]:
    found = []
    commands = [words for words in COMMANDS if words.split()[0] not in left_out]
    ways = {**WAYS, **{words: lambda p, w=words: _said(w, p) for words in commands}}
    for name, way in ways.items():
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            way(path)
        except (hspyio.HspyError, SystemExit):
            pass
        except BaseException as error:
            found.append(f"{name}: {type(error).__name__} {error}"[:300])
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGPROF, _late)
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
    print(json.dumps(wrong(str(Path(sys.argv[1])), *sys.argv[2:])))
