"""The entry point: errors, warnings, pipes, and the command as another process."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import hspyio
from hspyio.cli.commands import command as command_named
from hspyio.cli.commands.look import info as info_module
from hspyio.cli.main import COMMANDS
from hspyio.reports import FileInfo
from unit.cli.conftest import Ran

Hspy = Callable[..., Ran]


def command(module: str, *args: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, args)],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("module", ["hspyio", "hspyio.cli.main"])
def test_as_a_process(module: str, two_in_one: Path) -> None:
    done = command(module, "info", two_in_one)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "EELS/map" in done.stdout


def test_a_missing_file_as_a_process(tmp_path: Path) -> None:
    done = command("hspyio", "info", tmp_path / "missing.hspy")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"hspy: {tmp_path / 'missing.hspy'}: ")
    assert done.stderr.count("\n") == 1


def test_an_output_that_has_no_micro_sign(two_in_one: Path) -> None:
    done = command("hspyio", "info", two_in_one, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "\\xb5m" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are another thing there; untested")
@pytest.mark.parametrize("options", [(), ("--tree",), ("--json", "--tree")])
def test_a_pipe_that_closes_early(two_in_one: Path, options: tuple[str, ...]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "hspyio", "info", *options, str(two_in_one)],
            stdout=write_end,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )
    finally:
        os.close(write_end)
    assert done.stderr == b""
    assert done.returncode in (0, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no shell that closes streams")
def test_streams_that_are_closed(tmp_path: Path) -> None:
    """The first file that is opened would get the number of a stream, and what is printed."""
    source, target = tmp_path / "a.hspy", tmp_path / "b.hspy"
    hspyio.save(source, hspyio.Signal(np.arange(5)))
    line = f"exec '{sys.executable}' -m hspyio repack '{source}' '{target}' <&- >&- 2>&-"
    done = subprocess.run(["sh", "-c", line], timeout=120, check=False)
    assert done.returncode == 0
    assert not hspyio.diff(source, target, strict=True)
    line = f"exec '{sys.executable}' -m hspyio info '{target}' '{tmp_path}/no.hspy' >&-"
    ran = subprocess.run(["sh", "-c", line], stderr=-1, timeout=120, check=False)
    assert (ran.returncode, ran.stderr.decode()) == (1, f"hspy: {tmp_path}/no.hspy: no such file\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_an_output_that_is_full_is_said_once(two_in_one: Path, options: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hspyio", "info", *options, str(two_in_one), str(two_in_one)],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )
    assert done.stderr == b"hspy: the output cannot be written: No space left on device\n"
    assert done.returncode == 1


def test_ctrl_c_while_a_command_is_imported(hspy: Hspy, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hspyio.cli.main.command", interrupted)
    assert hspy("info", "x.hspy") == (130, "", "")


def test_messages_name_options_as_in_a_shell(hspy: Hspy, tmp_path: Path) -> None:
    for name in ("a1.hspy", "a2.hspy"):
        hspyio.save(tmp_path / name, hspyio.Signal(np.arange(5)))
    pattern = str(tmp_path / "a*.hspy")
    assert "name a folder, or --stack for one" in hspy("import", pattern, "x.hspy").err
    none = str(tmp_path / "b*.hspy")
    for args in (("plot", pattern), ("plot", none), ("view", none), ("export", none, "x.nc")):
        code, _, err = hspy(*args)
        assert (code, err) == (1, f"hspy: {args[1]}: no such file\n")


def test_version_and_help(hspy: Hspy) -> None:
    assert hspy("--version") == (0, f"hspyio {hspyio.__version__}\n", "")
    code, out, _ = hspy("--help")
    assert code == 0
    assert "info" in out
    assert "demo" in out


@pytest.mark.parametrize("args", [("info",), ("inform",), ("info", "--all", "x.hspy"), ()])
def test_wrong_usage_is_exit_code_2(hspy: Hspy, args: tuple[str, ...]) -> None:
    assert hspy(*args).code == 2


@pytest.mark.parametrize(
    ("category", "says"),
    [
        (hspyio.HspyWarning, "hspy: warning: an odd file\n"),
        (DeprecationWarning, ": DeprecationWarning: an odd file\n"),
    ],
)
def test_warnings_are_one_line(
    hspy: Hspy, monkeypatch: pytest.MonkeyPatch, category: type[Warning], says: str
) -> None:
    def info(path: Path) -> FileInfo:
        warnings.simplefilter("always", DeprecationWarning)
        warnings.warn("an odd file", category, stacklevel=1)
        return FileInfo(path=str(path), version="", size=0, unused_bytes=0, experiments=())

    monkeypatch.setattr(info_module, "file_info", info)
    code, out, err = hspy("info", "--json", "x.hspy")
    assert (code, out) == (0, "[]\n")
    assert says in err


def test_an_error_of_the_system_is_one_sentence(
    hspy: Hspy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", "x.hspy")

    monkeypatch.setattr(info_module, "file_info", refuse)
    assert hspy("info", "x.hspy") == (1, "", "hspy: x.hspy: Permission denied\n")


@pytest.mark.parametrize("command", [name for listed in COMMANDS.values() for name in listed])
def test_help_has_a_short_option_and_keeps_its_brackets(hspy: Hspy, command: str) -> None:
    short, whole = hspy(command, "-h"), hspy(command, "--help")
    assert short.code == 0 and short.out == whole.out
    assert "pip install hspyio" not in whole.out
    text = inspect.getdoc(command_named(command)) or ""
    for bracketed in re.findall(r"\[[a-z]+\]", text):
        assert bracketed in whole.out


def test_commands_by_other_names_are_told(hspy: Hspy) -> None:
    for typed, meant in (("show", "info"), ("rm", "remove"), ("inof", "info")):
        code, _, err = hspy(typed, "a.hspy")
        assert code == 2 and f"'{meant}'" in err


@pytest.mark.parametrize("arguments", [["get", "General.title"], ["set", "a.b", "1"]])
def test_get_and_set_do_not_import_what_is_heavy(tmp_path: Path, arguments: list[str]) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, hspyio.Signal(np.ones((3, 4)), title="x"))
    code = (
        f"import sys; sys.argv = ['hspy', {arguments[0]!r}, {str(path)!r}, *{arguments[1:]!r}]\n"
        "from hspyio.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "print(sorted({'dask', 'pandas', 'xarray'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
