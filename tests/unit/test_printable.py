"""What files say, on its way to a person: on its line, short enough, obeyed by no terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio.printable import dtype_text, printable_name

ODD = {
    "long": "T" * 3000,
    "wide": "日本語" * 100,
    "several lines": "one\ntwo: no damage found",
    "control": "a\x1b[31mred\x07\x00\u202eb",
    "none": "",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_names(text: str) -> None:
    shown = printable_name(text)
    assert shown.isprintable() and len(shown) <= 80
    assert shown.endswith("…") is (len(text) > 80)


@pytest.mark.parametrize("title", ODD.values(), ids=ODD)
@pytest.mark.parametrize("count", [1, 50])
def test_objects_and_reports_stay_readable(title: str, count: int, tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    axes = [{"name": title, "units": title, "navigate": True}, {"name": "x"}]
    made = [hspyio.Signal(np.zeros((2, 3)), axes, title=title) for _ in range(count)]
    hspyio.save(path, made)
    with hspyio.open(path) as experiments:
        shown: dict[str, Any] = {
            "signal": (made[0], 1),
            "axes": (made[0].axes, 3),
            "metadata": (made[0].metadata, 2),
            "experiments": (experiments, count + 1),
            "info": (hspyio.info(path), count + 1),
            "verify": (hspyio.verify(path), 2),
            "rescue": (hspyio.rescue(path, tmp_path / "b.hspy"), count + 2),
        }
        for name, (item, lines) in shown.items():
            text = repr(item)
            assert len(text.split("\n")) <= lines, name
            assert "\x1b" not in text and "\u202e" not in text, name
            longest = 2200 if name in ("verify", "rescue") else 300
            assert max(map(len, text.split("\n"))) < longest, name


@pytest.mark.parametrize(
    ("dtype", "text"),
    [
        ([("R", "u1"), ("G", "u1"), ("B", "u1")], "rgb8"),
        ([("R", "<u2"), ("G", "<u2"), ("B", "<u2"), ("A", "<u2")], "rgba16"),
        ([("R", "u1"), ("G", "u1")], "[('R', 'u1'), ('G', 'u1')]"),
        (">f4", ">f4"),
        ("u2", "uint16"),
    ],
)
def test_colours_have_hyperspys_names(dtype: Any, text: str) -> None:
    assert dtype_text(np.dtype(dtype)) == text


def test_no_message_lists_the_fields_of_colours(tmp_path: Path) -> None:
    colours = np.zeros((3, 2, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    grey, rgb = tmp_path / "grey.hspy", tmp_path / "rgb.hspy"
    hspyio.save(grey, hspyio.Signal(colours["R"].copy()))
    hspyio.save(rgb, hspyio.Signal(colours, metadata={"Sample": {"picture": colours[0]}}))
    with pytest.raises(hspyio.HspyError, match="its dtype is rgb8, not uint8"):
        hspyio.load([grey, rgb], stack=True)
    assert "the dtype uint8 became rgb8" in str(hspyio.diff(grey, rgb, strict=True))
    assert "rgb8" in str(hspyio.load(rgb).metadata)
