"""Switching hspyio on and off under HyperSpy: nothing else is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rsciio

import hspyio
from hspyio import HspyError
from interop.test_hyperspy import spectrum
from support.plugged import OURS, THEIRS, load, save


def formats() -> list[dict[str, Any]]:
    return [dict(plugin) for plugin in rsciio.IO_PLUGINS]


def test_nothing_else_is_touched() -> None:
    before = formats()
    hspyio.enable_hyperspy()
    try:
        enabled = formats()
    finally:
        hspyio.disable_hyperspy()
    changed = [plugin for plugin, old in zip(enabled, before, strict=True) if plugin != old]
    assert [plugin["name"] for plugin in changed] == ["HSPY"]
    assert changed[0].pop("replaced_by_hspyio") == "rsciio.hspy"
    [theirs] = [plugin for plugin in before if plugin["name"] == "HSPY"]
    assert changed[0] == {**theirs, "api": "hspyio"}
    assert formats() == before
    assert all(type(plugin["api"]) is str for plugin in enabled)  # it goes into HyperSpy's log


def test_again_changes_nothing() -> None:
    before = formats()
    hspyio.disable_hyperspy()
    assert formats() == before
    hspyio.enable_hyperspy()
    once = formats()
    hspyio.enable_hyperspy()
    assert formats() == once
    hspyio.disable_hyperspy()
    hspyio.disable_hyperspy()
    assert formats() == before


def test_what_stood_there_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    [plugin] = [plugin for plugin in rsciio.IO_PLUGINS if plugin["name"] == "HSPY"]
    monkeypatch.setitem(plugin, "api", "somebody.elses")
    hspyio.enable_hyperspy()
    assert plugin["api"] == "hspyio"
    hspyio.disable_hyperspy()
    assert plugin["api"] == "somebody.elses"


def test_zspy_is_left_alone(tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    signal = spectrum()
    path = save(OURS, signal, tmp_path / "a.zspy")
    again = load(OURS, path)
    log = again.metadata.General.FileIO.as_dictionary()
    assert {entry["io_plugin"] for entry in log.values()} == {"rsciio.zspy"}
    assert np.array_equal(again.data, signal.data)


def test_from_many_threads() -> None:
    before = formats()

    def switch(number: int) -> None:
        (hspyio.enable_hyperspy if number % 2 else hspyio.disable_hyperspy)()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(switch, range(2000)))
    hspyio.disable_hyperspy()
    assert formats() == before


@pytest.mark.parametrize("first", ["hspyio.enable_hyperspy()", "import hyperspy.api"])
def test_before_and_after_hyperspy_is_imported(first: str, tmp_path: Path) -> None:
    code = f"""
import hspyio
{first}
hspyio.enable_hyperspy()
import hyperspy.api as hs
path = {str(tmp_path / "a.hspy")!r}
hs.signals.Signal1D([1.0, 2.0]).save(path)
log = hs.load(path).metadata.General.FileIO.as_dictionary()
assert [entry["io_plugin"] for entry in log.values()] == ["hspyio", "hspyio"], log
"""
    source = str(Path(hspyio.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": source}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_a_list_without_the_format(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rsciio.IO_PLUGINS", [])
    with pytest.raises(HspyError, match="lists no format HSPY"):
        hspyio.enable_hyperspy()
    hspyio.disable_hyperspy()


def test_lazy_signals_go_on_after_disabling(tmp_path: Path) -> None:
    signal = spectrum()
    save(OURS, signal, tmp_path / "a.hspy")
    lazy = load(OURS, tmp_path / "a.hspy", lazy=True)
    save(THEIRS, lazy + 1, tmp_path / "b.hspy")
    assert np.array_equal(load(THEIRS, tmp_path / "b.hspy").data, signal.data + 1)
