"""What the tests of the pages would find: each kind of block, right and wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from support.fences import Fence, Reader, commands, fences, run_by_shell, run_here

PAGE = """# A page

```python
x = 2
print(x + 1)  # 3
```

```{note}
no code
```

```console
$ echo one
one
```
"""
WRONG = {
    "session": Fence("python", ">>> 1 + 1\n3\n", 1),
    "session that fails": Fence("python", ">>> 1 / 0\n", 1),
    "program": Fence("python", "print(1 + 1)  # 3\n", 1),
    "console": Fence("console", "$ echo one\ntwo\n", 1),
    "command": Fence("console", "$ hspy info nothing.hspy\n", 1),
    "commands": Fence("sh", "echo one\nhspy nonsense\n", 1),
}
RIGHT = {
    "session": Fence("python", ">>> list(range(30))\n[0, 1, ..., 29]\n>>> x = 1\n", 1),
    "program": Fence("python", "y = 3\nprint(y)  # 3\n", 1),
    "console": Fence("console", "$ echo one\none\n$ echo\n", 1),
    "commands": Fence("sh", "# a comment\nhspy --version\n", 1),
    "not run": Fence("sh", "make nothing-of-this-name\n", 1),
    "shown only": Fence("text", "cannot be run\n", 1),
}
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are of a Unix shell")


def test_blocks_are_found() -> None:
    found = [(fence.language, fence.line) for fence in fences(PAGE)]
    assert found == [("python", 3), ("{note}", 8), ("console", 12)]


def test_a_block_without_an_end() -> None:
    with pytest.raises(AssertionError, match="line 1 has no end"):
        fences("```python\nx = 1\n")


def test_commands_and_their_output() -> None:
    fence = Fence("console", "$ hspy info a.hspy \\\n  --json\n{}\n$ hspy demo\n", 1)
    assert commands(fence) == [("hspy info a.hspy    --json", "{}\n"), ("hspy demo", None)]


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_noted(kind: str, tmp_path: Path) -> None:
    reader = Reader(tmp_path, "page.md")
    reader.run(WRONG[kind])
    assert len(reader.wrong) == 1


@pytest.mark.parametrize("kind", RIGHT)
def test_what_is_right_is_not(kind: str, tmp_path: Path) -> None:
    reader = Reader(tmp_path, "page.md")
    reader.run(RIGHT[kind])
    assert reader.wrong == []


@pytest.mark.parametrize(
    "command", ["hspy --version", "hspy info nothing.hspy", "hspy nonsense", "hspy get 'a b' c"]
)
def test_a_command_is_the_same_here_and_by_a_shell(command: str, tmp_path: Path) -> None:
    assert run_here(command, tmp_path) == run_by_shell(command, tmp_path)


def test_blocks_share_their_names(tmp_path: Path) -> None:
    reader = Reader(tmp_path, "page.md")
    for text in ("x = 1\n", ">>> y = x + 1\n", "print(x, y)  # 1 2\n"):
        reader.run(Fence("python", text, 1))
    assert reader.wrong == []
