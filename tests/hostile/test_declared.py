"""What a file declares beyond its bytes is bounded or refused, whichever way it is read."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import places
from support.attacks.declared import FILES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of the system")


AS_LONG_AS_DATA = dict.fromkeys(("data of 2^36 bytes", "data of 32 dimensions"), ("export", "plot"))
"""Commands that write or draw all data, in little memory: of so many, that takes its time."""


Ask = Callable[..., list[str]]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """What is wrong with a file, told by a process that forks a child for each."""
    program = places.TESTS / "support" / "attacks" / "declared_child.py"
    command = [sys.executable, str(program)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as server:
        assert server.stdin and server.stdout

        def answer(*question: str) -> list[str]:
            server.stdin.write(json.dumps(question) + "\n")
            assert select.select([server.stdout], [], [], 300)[0], "it hangs"
            found: list[str] = json.loads(server.stdout.readline())
            return found

        yield answer
        server.kill()


@pytest.mark.parametrize("name", FILES)
def test_nothing_hangs(ask: Ask, name: str, tmp_path: Path) -> None:
    path = tmp_path / "huge.hspy"
    FILES[name](path)
    assert ask(str(path), *AS_LONG_AS_DATA.get(name, ())) == []
