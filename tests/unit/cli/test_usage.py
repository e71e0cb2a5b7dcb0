"""The quick way to read words of the command line says what typer says, or leaves it to typer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hspyio.cli.app import _command
from hspyio.cli.commands import COMMANDS, command
from hspyio.cli.usage import Option, Place, WrongUsageError, parameters, values_of
from unit.cli.conftest import Ran

NAMES = [name for listed in COMMANDS.values() for name in listed]
WORDS = ("a.hspy", "b", "", "5", "0.5", "-1", "nan", "--", "-", "note", "--name=x", "-h", "x.png")


def flags(name: str) -> list[str]:
    known = parameters(command(name))
    return [flag for item in known if isinstance(item.spec, Option) for flag in item.flags()]


def by_typer(name: str, words: list[str]) -> dict[str, Any] | None:
    try:
        with _command(name, "").make_context(name, list(words)) as context:
            return dict(context.params)
    except Exception:  # wrong usage, or help that was shown
        return None


@pytest.mark.parametrize("name", NAMES)
def test_words_are_read_as_typer_reads_them(name: str) -> None:
    words = st.lists(st.sampled_from([*WORDS, *flags(name)]), max_size=5)

    @given(words)
    def same(words: list[str]) -> None:
        try:
            quick = values_of(command(name), words)
        except WrongUsageError:
            assert by_typer(name, words) is None
            return
        if quick is not None:
            slow = by_typer(name, words)
            assert slow is not None
            assert repr(quick) == repr({key: slow[key] for key in quick})

    same()


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("info", ["a", "b"], {"files": [Place("a"), Place("b")], "tree": False, "as_json": False}),
        ("info", ["--json", "a"], {"files": [Place("a")], "tree": False, "as_json": True}),
        ("get", ["a", "k", "l", "--name", "n"], {"keys": ["k", "l"], "name": "n"}),
        ("extract", ["a", "x", "y", "out"], {"names": ["x", "y"], "target": Path("out")}),
        ("tree", ["a", "--depth", "3", "--no-data"], {"depth": 3, "data": False}),
        ("demo", [], {"file": None}),
    ],
)
def test_what_is_common_is_read_without_typer(
    name: str, words: list[str], expected: dict[str, Any]
) -> None:
    values = values_of(command(name), words)
    assert values is not None
    assert expected.items() <= values.items()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("info", []),
        ("info", ["-h"]),
        ("info", ["--jsn", "a"]),
        ("set", ["a", "axes.0.offset", "-1"]),
        ("tree", ["a", "--depth", "0"]),
        ("validate", ["a", "--severity", "fatal"]),
    ],
)
def test_all_else_is_left_to_typer(name: str, words: list[str]) -> None:
    assert values_of(command(name), words) is None


def test_a_command_runs_without_typer(hspy: Any, two_in_one: Path) -> None:
    known = [module for module in sys.modules if module.partition(".")[0] in ("typer", "rich")]
    kept = {module: sys.modules.pop(module) for module in known}
    try:
        ran: Ran = hspy("info", two_in_one)
        assert ran.code == 0
        assert "typer" not in sys.modules
        assert "rich" not in sys.modules
    finally:
        sys.modules.update(kept)
