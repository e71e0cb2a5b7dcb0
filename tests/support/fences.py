"""The blocks of code in a page of Markdown, and running them as a reader would, in their order.

Blocks of ``python`` share one namespace a page; those with prompts are doctests, in others a
comment behind a line that prints says what it prints. Blocks of ``console`` show commands behind
``$`` and their output, blocks of ``sh`` commands alone; both are run by a shell, in the folder
where the Python blocks have their files.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import hspyio
from hspyio.cli.main import main

RUN = ("python", "console", "sh")
SHOWN = ("text",)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

NOT_RUN = {
    "make": "installs, tests or measures the whole project",
    "pip": "installs packages",
    "python -m torture": "takes minutes; tests/hostile/test_torture.py runs a part of it",
    "python docs/make_": "changes the project; a test looks whether its page is up to date",
    "python -m http.server": "serves until it is stopped",
    "hspy import merlin.mib": "reads a file of gigabytes; docs/guide/importing.md runs others",
    "hspy hyperspy": "changes the environment; tests/interop/test_hyperspy_sessions.py has its own",
    "hspy view": "serves until it is stopped; tests/unit/cli/commands/look/test_view.py runs it",
}
"""Commands that pages show and tests don't run, and why."""

MAY_FIND = ("hspy diff", "hspy verify", "hspy validate", "git difftool")
"""Commands whose exit code 1 says that they found something."""

_OF_THE_SHELL = re.compile(r"[|&;<>$*?()\[\]{}`~#!]")
_FENCE = re.compile(r"^(?P<mark>```+|~~~+|:::+)[ ]*(?P<language>[^\s`]*)")
_SAID = re.compile(r"^print\(.*\)  # (?P<text>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Fence:
    """A block of a page: its language, its text, and the line of the page it begins at."""

    language: str
    text: str
    line: int


def fences(page: str) -> list[Fence]:
    """All blocks of a page."""
    found: list[Fence] = []
    mark, language, start, inside = "", "", 0, list[str]()
    for number, line in enumerate(page.splitlines(), 1):
        opened = _FENCE.match(line)
        if not mark and opened:
            mark, language, start, inside = opened["mark"], opened["language"], number, []
        elif mark and line.strip() == mark:
            found.append(Fence(language, "\n".join(inside) + "\n", start))
            mark = ""
        elif mark:
            inside.append(line)
    assert not mark, f"the block of line {start} has no end"
    return found


@dataclass
class Reader:
    """Someone who types what a page shows, in a folder of their own."""

    folder: Path
    page: str
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "page"})
    wrong: list[str] = field(default_factory=list)

    def run(self, fence: Fence) -> None:
        """Run a block; what is wrong is noted."""
        if fence.language == "python":
            run = self._session if ">>> " in fence.text else self._program
            run(fence)
        elif fence.language in ("console", "sh"):
            for command, output in commands(fence):
                self._command(fence, command, output)

    def _session(self, fence: Fence) -> None:
        parser = doctest.DocTestParser()
        test = parser.get_doctest(fence.text, self.names, self.page, self.page, fence.line)
        told: list[str] = []
        doctest.DocTestRunner(optionflags=FLAGS).run(test, out=told.append, clear_globs=False)
        self.names.update(test.globs)
        self.wrong += told

    def _program(self, fence: Fence) -> None:
        code = "\n" * fence.line + fence.text  # so that a traceback has the lines of the page
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, self.page, "exec"), self.names)
        said = [match["text"] for match in _SAID.finditer(fence.text)]
        if said:
            self._compare(fence, "\n".join(said), printed.getvalue())

    def _command(self, fence: Fence, command: str, output: str | None) -> None:
        if any(command.startswith(start) for start in NOT_RUN):
            return
        alone = command.startswith("hspy ") and not _OF_THE_SHELL.search(command)
        code, printed = (run_here if alone else run_by_shell)(command, self.folder)
        found = output is not None or command.startswith(MAY_FIND)
        if code not in ((0, 1) if found else (0,)):
            self.wrong.append(f"{self._place(fence)}: {command}: {code}\n{printed}")
        elif output is not None:
            self._compare(fence, output, printed)

    def _compare(self, fence: Fence, wanted: str, got: str) -> None:
        if not doctest.OutputChecker().check_output(
            f"{wanted.strip()}\n", f"{got.strip()}\n", FLAGS
        ):
            self.wrong.append(f"{self._place(fence)}: shown is\n{wanted}\nbut it is\n{got}")

    def _place(self, fence: Fence) -> str:
        return f"{self.page}:{fence.line}"


def commands(fence: Fence) -> list[tuple[str, str | None]]:
    """Commands of a block, with the output that it shows; None where it shows none."""
    text = fence.text.replace("\\\n", " ")
    if fence.language == "sh":
        lines = (line.strip() for line in text.splitlines())
        return [(line, None) for line in lines if line and not line.startswith("#")]
    assert text.startswith("$ "), f"line {fence.line}: a console begins with a command behind $"
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    split = [part.partition("\n") for part in parts]
    return [(command, output if output.strip() else None) for command, _, output in split]


def run_by_shell(command: str, folder: Path) -> tuple[int, str]:
    """Exit code and output of a command."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout


def run_here(command: str, folder: Path) -> tuple[int, str]:
    """The same of ``hspy``, in this process: a new one imports for longer than it works."""
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with (
        open(os.devnull, encoding="utf-8") as nothing,
        patch.dict(os.environ, environment(folder)),
        patch.multiple(sys, argv=shlex.split(command), stdin=nothing),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error")
        code: Any = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    printed.seek(0)
    return code or 0, printed.read()


def environment(folder: Path) -> dict[str, str]:
    """Where the command ``hspy`` is the one that is tested, whatever is installed."""
    programs = folder / ".programs"
    if not programs.exists():
        programs.mkdir()
        script = programs / "hspy"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -W error -m hspyio "$@"\n')
        script.chmod(0o755)
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
        "PYTHONPATH": str(Path(hspyio.__file__).resolve().parents[1]),
        "PYTHONIOENCODING": "utf-8",
        "NO_COLOR": "1",
        "COLUMNS": "100",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
