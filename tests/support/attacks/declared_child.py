"""Goes every way over files, each in so much processor time, and tells what was wrong."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import resource
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

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


def _in_child(work: Callable[[], list[str]]) -> list[str]:
    """What is found in a child of this process, which has imported all that is needed."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.close(reading)
            resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
            with os.fdopen(writing, "w", encoding="utf-8") as told:
                json.dump(work(), told)
            code = 0
        finally:
            os._exit(code)  # never back into what its parent does
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as told:
        found = told.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    result: list[str] = json.loads(found) if not code else [f"ended by {code}"]
    return result


def _needed() -> list[str]:
    """Modules that the ways import."""
    with tempfile.TemporaryDirectory() as folder:
        good = str(Path(folder, "good.hspy"))
        hspyio.save(good, hspyio.Signal(np.zeros((2, 3))), durable=False)
        wrong(good)
    return list(sys.modules)


def main_of_server() -> None:
    """For each line with a path and what to leave out, a line with what is wrong."""
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGPROF, _late)
    for module in _in_child(_needed):  # in a child: whoever has threads should not fork
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    for line in sys.stdin:
        path, *left_out = json.loads(line)
        print(json.dumps(_in_child(partial(wrong, path, *left_out))), flush=True)


if __name__ == "__main__":
    main_of_server()
