"""What all commands share: help, the page of the docs, pipes, and files that are not good."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.cli.main import COMMANDS
from support.places import DOCS
from unit.cli.conftest import Ran

Hspy = Callable[..., Ran]
NAMES = [name for listed in COMMANDS.values() for name in listed]
ENVIRONMENT = {
    **os.environ,
    "PYTHONIOENCODING": "utf-8",
    "PYTHONPATH": str(Path(hspyio.__file__).resolve().parents[1]),
}

# What stands after the command's name, with the file to be read as BAD and a good one as GOOD.
READING: dict[str, tuple[str, ...]] = {
    "info": ("BAD",),
    "tree": ("BAD",),
    "tree --lines": ("BAD",),
    "tree --json": ("BAD",),
    "get": ("BAD", "General.title"),
    "diff": ("BAD", "GOOD"),
    "diff --json": ("GOOD", "BAD"),
    "set": ("BAD", "General.title", "x"),
    "unset": ("BAD", "General.title"),
    "append": ("GOOD", "BAD"),
    "append --threads 1": ("BAD", "GOOD"),
    "remove": ("BAD", "line"),
    "navigator": ("BAD",),
    "repack": ("BAD", "out.hspy"),
    "upgrade": ("BAD", "out.hspy"),
    "extract": ("BAD", "line", "out.hspy"),
    "references": ("BAD",),
    "demo": ("BAD",),
    "plot": ("BAD", "-o", "out.png"),
    "view": ("BAD", "--no-browser"),
}


def process(*args: object, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hspyio", *map(str, args)],
        capture_output=True,
        encoding="utf-8",
        env={**ENVIRONMENT, **more},
        cwd=folder,
        timeout=120,
        check=False,
    )


def missing(path: Path) -> None:
    """There is no such file."""


def text(path: Path) -> None:
    path.write_text("energy,counts\n1,2\n")


def foreign(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["measurement/values"] = np.arange(3)


def truncated(path: Path) -> None:
    hspyio.save(path, hspyio.Signal(np.arange(4000.0)), compression=None)
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("make", [missing, text, foreign, truncated])
@pytest.mark.parametrize("command", READING)
def test_a_file_that_is_not_good(
    hspy: Hspy, two_in_one: Path, tmp_path: Path, command: str, make: Callable[[Path], None]
) -> None:
    bad = tmp_path / "bad.hspy"
    make(bad)
    before = two_in_one.read_bytes()
    places = {"BAD": bad, "GOOD": two_in_one}
    args = [places.get(arg, arg) for arg in READING[command]]
    code, _, err = hspy(*command.split(), *args)
    assert code == 1
    assert err.startswith("hspy: ") and str(bad) in err
    assert "Traceback" not in err
    assert two_in_one.read_bytes() == before
    assert not (tmp_path / "out.hspy").exists()


def test_every_command_is_tested_with_them() -> None:
    # Each of these has a test file of its own.
    elsewhere = {"validate", "verify", "export", "add-nexus", "rescue", "hyperspy", "import"}
    assert {command.split()[0] for command in READING} | elsewhere == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_help_has_an_example(hspy: Hspy, name: str) -> None:
    code, out, err = hspy(name, "--help")
    assert (code, err) == (0, "")
    plain = " ".join(out.replace("│", " ").split())
    assert f"Example: hspy {name} " in plain
    assert "exit code" in plain or name in ("repack", "export", "add-nexus", "navigator", "import")


@pytest.mark.parametrize("name", NAMES)
def test_an_option_that_is_none(hspy: Hspy, name: str) -> None:
    code, _, err = hspy(name, "--nonsense")
    assert code == 2
    assert "--nonsense" in err


def test_a_typing_error_gets_a_suggestion(hspy: Hspy) -> None:
    code, _, err = hspy("tre")
    assert code == 2
    assert "Did you mean 'tree'" in err


def test_the_page_of_the_docs_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("make_cli", DOCS / "make_cli.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = module.page()
    assert all(f"### hspy {name}\n" in page for name in NAMES)
    made = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert made == page, "python docs/make_cli.py makes it anew"


@pytest.mark.parametrize(
    ("words", "found"), [("hspy tr", "tree"), ("hspy tree --li", "--lines"), ("hspy u", "upgrade")]
)
def test_shells_complete(tmp_path: Path, words: str, found: str) -> None:
    done = process(
        folder=tmp_path,
        _HSPY_COMPLETE="complete_bash",
        COMP_WORDS=words,
        COMP_CWORD=str(words.count(" ")),
    )
    assert found in done.stdout.split(), done.stderr


@pytest.mark.parametrize(
    "args",
    [
        ("info", "FILE"),
        ("tree", "FILE"),
        ("tree", "--lines", "FILE"),
        ("tree", "--hdf5", "FILE"),
        ("get", "FILE", "axes", "--name", "line"),
        ("diff", "-q", "FILE", "FILE"),
        ("diff", "--json", "FILE", "FILE"),
        ("set", "FILE", "General.date", "2026-01-01", "--name", "EELS/map"),
        ("unset", "FILE", "Sample.elements", "--name", "EELS/map"),
        ("extract", "FILE", "EELS/map", "a.hspy"),
        ("upgrade", "FILE", "b.hspy"),
        ("remove", "FILE", "EELS/map"),
    ],
)
def test_as_a_process(two_in_one: Path, args: tuple[str, ...]) -> None:
    title = "\x1b[31mline [bold]"
    place = {"FILE": str(two_in_one), "line": title}
    done = process(*(place.get(arg, arg) for arg in args), folder=two_in_one.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are another thing there; untested")
@pytest.mark.parametrize(
    "args", [("tree",), ("tree", "--json"), ("tree", "--lines"), ("tree", "--hdf5"), ("info",)]
)
def test_a_reader_that_stops_early(tmp_path: Path, args: tuple[str, ...]) -> None:
    """As in ``hspy tree big.hspy | head -1``."""
    path = tmp_path / "big.hspy"
    metadata = {f"node{i}": {f"leaf{j}": "x" * 100 for j in range(20)} for i in range(100)}
    hspyio.save(path, hspyio.Signal(np.zeros(3), metadata=metadata))
    files = [path] * 30 if args == ("info",) else [path]
    child = subprocess.Popen(
        [sys.executable, "-m", "hspyio", *args, *map(str, files)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )
    assert child.stdout is not None and child.stderr is not None
    with child:
        assert child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read() == b""
    assert child.returncode in (0, 1)


def test_colours_are_for_terminals(
    hspy: Hspy, two_in_one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b" not in hspy("info", two_in_one).out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[36m\x1b[1mEELS/map" in hspy("info", two_in_one).out.replace("  EELS", "EELS")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in hspy("info", two_in_one).out
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in hspy("info", two_in_one).out


@pytest.mark.parametrize("name", NAMES)
def test_help_names_no_class_of_ours(hspy: Hspy, name: str) -> None:
    assert "Place" not in hspy(name, "--help").out
