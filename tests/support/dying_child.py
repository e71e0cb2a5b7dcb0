"""The process of `hspyio.api.sandbox`, which dies in the way that the file's name says."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from hspyio.api import sandbox_child

signal.setitimer(signal.ITIMER_PROF, 0)


def deadly(path: str, options: Any, work: Any) -> dict[str, Any]:
    way = Path(path).stem
    if way == "abort":
        os.abort()
    if way == "hang":
        signal.setitimer(signal.ITIMER_PROF, 0.1)
        while True:
            pass
    if way == "memory":
        os.kill(os.getpid(), 9)
    if way == "nonsense":
        os.write(told, b"nonsense\n" * 10)
    if way == "waits":
        Path(options["clean"]).write_bytes(b"half of it")
        print(os.getpid(), flush=True)
        Path(path).with_suffix(".pid").write_text(str(os.getpid()))
        time.sleep(60)
    return {"group": "/etc/passwd"}


told = os.dup(1)
sandbox_child.OPERATIONS = {"load": deadly, "validate": deadly}
sandbox_child.main()
