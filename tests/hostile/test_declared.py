"""What a file declares beyond its bytes is bounded or refused, whichever way it is read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support import places
from support.attacks.declared import FILES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of the system")


AS_LONG_AS_DATA = dict.fromkeys(("data of 2^36 bytes", "data of 32 dimensions"), ("export", "plot"))
"""Commands that write or draw all data, in little memory: of so many, that takes its time."""


@pytest.mark.parametrize("name", FILES)
def test_nothing_hangs(name: str, tmp_path: Path) -> None:
    path = tmp_path / "huge.hspy"
    FILES[name](path)
    ran = subprocess.run(
        [
            sys.executable,
            str(places.TESTS / "support" / "attacks" / "declared_child.py"),
            str(path),
            *AS_LONG_AS_DATA.get(name, ()),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert json.loads(ran.stdout.splitlines()[-1]) == []
