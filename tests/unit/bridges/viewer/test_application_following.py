"""A window goes along with a file that grows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio.bridges.viewer.application import Following
from support.browser import needs_browser, open_page

FRAMES = np.random.default_rng(0).integers(0, 500, (9, 6, 7), dtype="u2")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.hspy"


def opened(path: Path) -> Any:
    return hspyio.create(
        path, shape=(None, 6, 7), dtype="u2", checkpoint=None, durable=False, title="run"
    )


@needs_browser
def test_the_last_frame_is_shown(browser: Any, path: Path) -> None:
    with opened(path) as w:
        w.append(FRAMES[:3])
        w.checkpoint()
        with open_page(browser, path, follow=True) as page:
            page.wait_for_values("signal-image", FRAMES[2])
            for count in (5, 6):
                w.append(FRAMES[len(w) : count])
                w.checkpoint()
                page.wait_for_values("signal-image", FRAMES[count - 1])
                page.wait_for_values("navigator-line", FRAMES[:count].sum((1, 2), dtype=float), "y")
            page.click("navigator", 1.0, float(FRAMES[1].sum()))
            page.wait_for_values("signal-image", FRAMES[1])
            assert page.get("status", "text") == ""  # that it changes is what one looks at
            w.append(FRAMES[6:])
            w.checkpoint()
            page.wait_for_values("navigator-line", FRAMES.sum((1, 2), dtype=float), "y")
            page.wait_for_values("signal-image", FRAMES[1])


class Shown:
    """A window, its pointer and its library, without a browser."""

    def __init__(self, path: Path | None, shape: tuple[int, ...]) -> None:
        self.path, self.shape, self.next = path, shape, shape
        self.name, self.position = "run", (0,) * len(shape)
        self.looks: list[Callable[[], None]] = []
        self.shown = 0
        self.document = self.library = self

    @property
    def item(self) -> Shown:
        return self

    @property
    def cube(self) -> Shown | None:
        return self if self.shape and 0 not in self.shape else None

    @property
    def navigation_shape(self) -> tuple[int, ...]:
        return self.shape

    def add_periodic_callback(self, look: Callable[[], None], pause: int) -> None:
        self.looks.append(look)

    def move(self, position: tuple[int, ...]) -> None:
        self.position = position

    def refresh(self) -> None:
        self.shown += 1
        self.shape = self.next

    def show(self, name: str) -> None:
        self.position = (0,) * len(self.shape)


def follow(shown: Any) -> Callable[[], None]:
    Following(shown, shown, shown.show)
    (look,) = shown.looks
    return look


def test_each_state_is_shown_once(path: Path) -> None:
    with opened(path) as w:
        shown = Shown(path, (0,))
        look = follow(shown)
        look()
        assert shown.shown == 0
        w.append(FRAMES[:4])
        look()  # what no checkpoint has is nothing new
        assert shown.shown == 0
        w.checkpoint()
        shown.next = (4,)
        look()
        look()
        assert shown.shown == 1 and shown.position == (3,)
        shown.move((1,))
        w.append(FRAMES[4:5])
        w.checkpoint()
        shown.next = (5,)
        look()
        assert shown.shown == 2 and shown.position == (1,)


def test_a_file_that_goes_and_a_signal_without_one(path: Path) -> None:
    with opened(path) as w:
        w.append(FRAMES[:2])
    shown = Shown(path, (2,))
    look = follow(shown)
    path.unlink()
    look()
    assert shown.shown == 0 and shown.position == (1,)
    look = follow(other := Shown(None, (2, 3)))
    look()
    assert other.shown == 0 and other.position == (1, 0)
