"""The process of `hspyio.recovery.isolated`, which dies of what is named after a way to die."""

from __future__ import annotations

import os
from typing import Any

from hspyio.recovery import isolated_child

_found = isolated_child._found


def _deadly(question: Any, *others: Any) -> Any:
    name = question["place"][-1] if question["place"] else ""
    if name == "abort" and question["do"] == "read":
        os.abort()
    if name == "abort here":
        os.abort()
    if name == "hang":
        isolated_child._limit_time(0.1)
        while True:
            pass
    if name == "memory":
        os.kill(os.getpid(), 9)
    if name == "nonsense":
        os.write(told, b"nonsense" * 1000)
    return _found(question, *others)


told = os.dup(1)
isolated_child._found = _deadly
isolated_child.main()
