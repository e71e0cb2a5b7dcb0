"""Processor time of each test, of its child processes too, and the table of slow unit tests.

``PYTHONPATH=src:tests TIMES=FILE pytest -p support.times tests/unit`` adds a line a test to FILE;
``python tests/support/times.py FILE`` makes ``tests/slow.json`` of them, which `conftest.py` reads.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

TABLE = Path(__file__).resolve().parents[1] / "slow.json"
SECONDS = 0.5
"""A function that takes longer, with all its parameters, is slow..."""
OF_CHILDREN = 0.05
"""...and one with child processes that take so much at once."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Add the line of a test."""
    before = _seconds()
    result = yield
    used = [after - start for start, after in zip(before, _seconds(), strict=True)]
    with open(os.environ["TIMES"], "a", encoding="utf-8") as file:
        file.write(json.dumps([item.nodeid, *used]) + "\n")
    return result


def _seconds() -> list[float]:
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return [use.ru_utime + use.ru_stime for use in map(resource.getrusage, whose)]


def slow(rows: Iterable[tuple[str, float, float]]) -> dict[str, list[str]]:
    """Slow functions by file."""
    own, of_children = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for node, seconds, seconds_of_children in rows:
        path, _, rest = node.partition("::")
        name = rest.partition("[")[0].rpartition("::")[2]
        own[path, name] += seconds
        of_children[path, name] = max(of_children[path, name], seconds_of_children)
    found: dict[str, list[str]] = {}
    for path, name in sorted(own):
        if own[path, name] > SECONDS or of_children[path, name] > OF_CHILDREN:
            found.setdefault(path.removeprefix("tests/"), []).append(name)
    return found


def main() -> None:
    """Write the table."""
    rows: list[Any] = []
    for name in sys.argv[1:]:
        rows += map(json.loads, Path(name).read_text(encoding="utf-8").splitlines())
    unit = [row[:3] for row in rows if row[0].startswith("tests/unit/")]
    TABLE.write_text(json.dumps(slow(unit), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
