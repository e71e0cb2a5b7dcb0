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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("info", "a.hspy", "--name", "X"), "option of 'hspy tree', 'hspy get', 'hspy diff'"),
        (("repack", "--force", "a.hspy", "b.hspy"), "did you mean '--overwrite'?"),
        (("get", "a.hspy", "k", "--title", "X"), "did you mean '--name'?"),
        (("plot", "a.hspy", "--ouput", "b.png"), "--output"),
        (("repack", "a.hspy", "b.hspy", "--seal"), "did you mean '--checksum'?"),
        (("a.hspy",), "A command comes first: hspy info a.hspy"),
        (("validat", "a.hspy"), "Did you mean 'validate'"),
        (("fix", "a.hspy"), "Did you mean 'rescue'?"),
    ],
)
def test_what_was_meant_is_said(hspy: Hspy, words: tuple[str, ...], said: str) -> None:
    code, out, err = hspy(*words)
    assert (code, out) == (2, "")
    assert said in " ".join(err.replace("│", " ").split())


def test_what_nobody_means_is_said_as_it_was(hspy: Hspy) -> None:
    code, _, err = hspy("info", "a.hspy", "--qqqq")
    assert code == 2 and "No such option: --qqqq " in err
