"""What goes wrong in a thread of a window is said in it."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

import hspyio
from hspyio.bridges.viewer.library import Library
from support.browser import needs_browser
from unit.bridges.viewer.conftest import Shown, made

pytestmark = needs_browser


def test_a_signal_that_cannot_be_read_is_named(shown: Shown, tmp_path: Path) -> None:
    signal = made((6, 7, 5000), 1)
    signal.data = signal.data // 9999  # so that it is compressed
    page = shown(signal)
    page.wait_for_values("signal-line", signal.data[3, 3], "y")
    with h5py.File(tmp_path / "a.hspy") as stored:
        place = stored["Experiments/values/data"].id.get_chunk_info(0)
    with open(tmp_path / "a.hspy", "r+b") as file:
        file.seek(place.byte_offset)
        file.write(bytes(place.size))
    page.viewer._library.cache.clear()
    page.viewer._library.item("values").maps.clear()
    page.click("navigator", 1.0, 1.0)
    page.page.wait_for_function("() => window.model('status').text.includes('chunk')")
    assert hspyio.open(tmp_path / "a.hspy").titles == {"values": "values"}
    assert np.isfinite(page.values("signal-line", "y")).all()


def test_nothing_comes_of_what_is_read_for_a_window_that_has_gone() -> None:
    from bokeh.document import Document

    from hspyio.bridges.viewer.window import Window

    signal = made((6, 7, 50), 1)
    document = Document()
    window = Window(document, Library(signal))
    document.callbacks.destroy()
    window.later(lambda: window.say("too late"))
    window.close()
    assert window.status.text == ""
