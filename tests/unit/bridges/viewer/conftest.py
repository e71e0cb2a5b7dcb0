"""Pages of the browser, and files of every dimension."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from support.browser import Page, open_page

Shown = Callable[..., Page]


@pytest.fixture
def shown(browser: Any, tmp_path: Path) -> Iterator[Shown]:
    """Saves signals and shows the file; all is closed at the end."""
    with ExitStack() as stack:

        def show(signals: Any, **options: Any) -> Page:
            path = tmp_path / "a.hspy"
            hspyio.save(path, signals, overwrite=True)
            opened: AbstractContextManager[Page] = open_page(browser, path, **options)
            return stack.enter_context(opened)

        yield show


def made(shape: tuple[int, ...], signal_dimension: int, dtype: str = "u2") -> hspyio.Signal:
    """A signal whose values are all different, with calibrated axes."""
    values = np.random.default_rng(0).permutation(np.prod(shape)).reshape(shape)
    names = ["t", "y", "x"][-(len(shape) - signal_dimension) :] + ["ky", "kx"][-signal_dimension:]
    axes = [
        {"name": name, "size": size, "scale": 0.5, "offset": 1.0, "units": "nm",
         "navigate": index < len(shape) - signal_dimension}
        for index, (name, size) in enumerate(zip(names[-len(shape) :], shape, strict=True))
    ]  # fmt: skip
    return hspyio.Signal(values.astype(dtype), axes, title="values")
