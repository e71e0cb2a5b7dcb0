"""What goes wrong in a thread of a window is said in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.bridges.viewer.library import Library
from hspyio.errors import StaleFileError
from support.browser import needs_browser, open_page
from unit.bridges.viewer.conftest import Shown, made

pytestmark = needs_browser


def damage(path: Path, chunk: int = 0) -> None:
    """Overwrite a chunk by zeros."""
    with h5py.File(path) as stored:
        place = stored["Experiments/values/data"].id.get_chunk_info(chunk)
    with open(path, "r+b") as file:
        file.seek(place.byte_offset)
        file.write(bytes(place.size))


def compressed() -> hspyio.Signal:
    """A signal whose chunks are all compressed: not so many different values."""
    signal = made((6, 7, 5000), 1)
    signal.data = signal.data // 9999
    return signal


def test_a_signal_that_cannot_be_read_is_named_and_not_shown(shown: Shown, tmp_path: Path) -> None:
    signal = compressed()
    page = shown(signal)
    page.wait_for_values("signal-line", signal.data[3, 3], "y")
    damage(tmp_path / "a.hspy")
    page.viewer._library.cache.clear()
    page.viewer._library.item("values").maps.clear()
    page.click("navigator", 1.0, 1.0)
    page.page.wait_for_function("() => window.model('status').text.includes('chunk')")
    assert hspyio.open(tmp_path / "a.hspy").titles == {"values": "values"}
    page.page.wait_for_function(
        "() => window.model('signal').title.text == 'y = 1 nm [0], x = 1 nm [0]'"
    )
    assert np.isnan(page.values("signal-line", "y")).all()


def test_a_window_opens_on_a_damaged_signal(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    signal = compressed()
    hspyio.save(path, signal, chunks=(1, 1, 5000))
    damage(path, 3 * 7 + 3)
    with open_page(browser, path) as page:
        assert "cannot be read" in page.get("status", "text")
        assert np.isnan(page.values("signal-line", "y")).all()
        expected = signal.data.sum(2, dtype=float)
        expected[3, 3] = np.nan
        page.wait_for_values("navigator-image", expected)
        assert "1 blocks of it damaged" in page.get("navigator", "title")["text"]
        page.page.keyboard.press("ArrowRight")
        page.wait_for_values("signal-line", signal.data[3, 4], "y")
        assert page.get("status", "text") == ""


def test_a_file_that_is_overwritten(shown: Shown, tmp_path: Path) -> None:
    old, new = made((6, 7, 8), 1), made((6, 7, 8), 1)
    new.data = new.data + 1000
    new.title = "others"
    page = shown(old)
    page.wait_for_values("signal-line", old.data[3, 3], "y")
    hspyio.save(tmp_path / "a.hspy", new, overwrite=True)
    page.viewer._library.cache.clear()
    page.page.keyboard.press("ArrowRight")
    page.wait_for_values("signal-line", old.data[3, 4], "y")  # what it was, and that it is that
    page.page.wait_for_function("() => window.model('status').text.includes('has changed')")
    other = page.beside()
    other.wait_for_values("signal-line", new.data[3, 3], "y")
    assert other.page.title() == "others - hspyio" and other.get("status", "text") == ""
    page.page.keyboard.press("ArrowRight")
    page.wait_for_values("signal-line", old.data[3, 5], "y")


def test_what_the_disk_no_longer_has_is_said(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    from hspyio.bridges.viewer.source import Cube

    def fails(*_: object) -> None:
        raise StaleFileError("has changed since it was loaded lazily; load it again")

    page = shown(made((6, 7, 8), 1))
    monkeypatch.setattr(Cube, "at", fails)
    page.page.keyboard.press("ArrowRight")
    page.page.wait_for_function("() => window.model('status').text.includes('load it again')")
    assert np.isnan(page.values("signal-line", "y")).all()


def test_a_fast_pointer_over_data_that_were_never_written(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, made((2, 2, 30, 30), 2), chunks=(1, 1, 30, 30))
    with h5py.File(path, "r+") as file:
        experiment = file["Experiments/values"]
        kept = dict(experiment["data"].attrs)
        del experiment["data"]
        data = experiment.create_dataset(
            "data", (12, 16, 30, 30), "u2", chunks=(1, 1, 30, 30), compression="gzip"
        )
        data.attrs.update(kept)
        data[3, 4] = 7
        for axis, size in enumerate(data.shape):
            experiment[f"axis-{axis}"].attrs["size"] = size
    with open_page(browser, path) as page:
        page.wait_for_values("signal-image", np.zeros(900))
        for _ in range(5):
            page.drag("navigator", (1.0, 1.0), (8.0, 6.0), (1.0, 6.0), (8.0, 1.0), (3.0, 2.5))
        page.wait_for_values("signal-image", np.full(900, 7))
        assert page.get("status", "text") == ""


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
