"""What typer is for: help, and commands as they were called once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from unit.cli.conftest import Ran

Hspy = Callable[..., Ran]


@pytest.mark.parametrize(("old", "new"), [("annotate", "add-nexus"), ("convert", "export")])
def test_the_old_words_are_understood_and_not_listed(hspy: Hspy, old: str, new: str) -> None:
    assert (
        hspy(old, "--help").out.partition("\n\n")[2] == hspy(new, "--help").out.partition("\n\n")[2]
    )
    assert hspy(old, "--help").code == 0
    assert f" {old} " not in hspy("--help").out
