"""``hspy view``: prints the address, and ends with Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest

import hspyio

pytest.importorskip("bokeh")


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is another thing there")
def test_it_prints_the_address_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    hspyio.save(tmp_path / "a.hspy", hspyio.Signal(np.zeros((3, 4))))
    source = Path(hspyio.__file__).resolve().parents[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "hspyio", "view", "a.hspy", "--no-browser", "--prefix", "x"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(source)},
    )  # fmt: skip
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url.startswith("http://127.0.0.1:") and "/x/?token=" in url
    with urllib.request.urlopen(url, timeout=30) as page:
        assert page.status == 200
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")
