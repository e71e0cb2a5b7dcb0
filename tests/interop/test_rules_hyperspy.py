"""Files that HyperSpy writes break no rule."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import hyperspy.api as hs
import numpy as np
import pytest

import hspyio
from interop.test_hyperspy import MAKERS


def with_long_lists() -> Any:
    signal = hs.signals.Signal1D(np.zeros((2, 3)))
    signal.metadata.General.title = "lists"
    signal.metadata.add_dictionary({"many": [{"n": i} for i in range(12)], "none": [], "two": (1,)})
    return signal


def lazy() -> Any:
    return hs.signals.Signal2D(np.zeros((4, 5, 6))).as_lazy()


@pytest.mark.parametrize("make", [*MAKERS, with_long_lists, lazy], ids=lambda make: make.__name__)
@pytest.mark.filterwarnings("ignore")
def test_hyperspy_breaks_no_rule(make: Callable[[], Any], tmp_path: Path) -> None:
    path = tmp_path / "file.hspy"
    make().save(path)
    report = hspyio.validate(path, isolated=False)
    assert report.ok and not report.warnings, report
    assert {one.rule for one in report.notes} <= {"H408", "H506", "H609"}
