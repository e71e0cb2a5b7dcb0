"""Markers as HyperSpy stores them, at positions of the pointer."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio.bridges.viewer.markers import Shapes, shapes_at


def new(kind: str, *, over_signal: bool = True, transform: str = "data", **kwargs: Any) -> Any:
    return {
        "a": {"class": kind, "plot_on_signal": over_signal, "offset_transform": transform,
              "kwargs": kwargs}
    }  # fmt: skip


def at(markers: Any, position: tuple[int, ...] = (), *, over_signal: bool = True) -> Shapes:
    return shapes_at(markers, position, over_signal=over_signal)


def test_points_and_texts() -> None:
    offsets = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = at(new("Points", offsets=offsets, sizes=20, color=("red",)))
    assert found.points == [(1, 2, "", "red"), (3, 4, "", "red")]
    texts = at(new("Texts", offsets=offsets, texts=("<b>one",), color="k"))
    assert [text[2:] for text in texts.texts] == [("<b>one", "#000000")] * 2
    assert at(new("Points", offsets=offsets), over_signal=False).is_empty


def test_lines() -> None:
    segments = np.array([[[0, 0], [5, 6]]])
    assert at(new("Lines", segments=segments)).lines[0][:2] == ([0, 5], [0, 6])
    closed = at(new("Polygons", verts=[[[1, 1], [3, 1], [2, 4]]])).lines[0]
    assert closed[0] == [1, 3, 2, 1]
    assert at(new("HorizontalLines", offsets=[3.0])).across[0][0] == 3
    assert [place for place, _ in at(new("VerticalLines", offsets=[3.0, 4.0])).down] == [3, 4]
    arrow = at(new("Arrows", offsets=[[1.0, 2.0]], U=[2], V=[-1]))
    assert arrow.lines[0][:2] == ([1, 3], [2, 1])


@pytest.mark.parametrize("kind", ["Rectangles", "Ellipses", "Circles", "Squares"])
def test_outlines(kind: str) -> None:
    sizes = {"Rectangles": {"widths": (4,), "heights": (2,)}, "Squares": {"widths": (4,)},
             "Ellipses": {"widths": (4,), "heights": (2,)}, "Circles": {"sizes": (4,)}}  # fmt: skip
    ((xs, ys, _),) = at(new(kind, offsets=[[5.0, 6.0]], **sizes[kind])).lines
    half = 1 if "heights" in sizes[kind] else 2
    assert (min(xs), max(xs)) == pytest.approx((3, 7))
    assert (min(ys), max(ys)) == pytest.approx((6 - half, 6 + half))
    turned = at(new(kind, offsets=[[5.0, 6.0]], angles=(90,), **sizes[kind])).lines[0]
    assert (min(turned[1]), max(turned[1])) == pytest.approx((4, 8))


def test_each_position_has_its_own() -> None:
    offsets = np.empty((3, 2), object)  # HyperSpy's order: x, y
    for x, y in np.ndindex(3, 2):
        offsets[x, y] = np.array([[x, y]])
    for y, x in np.ndindex(2, 3):
        assert at(new("Points", offsets=offsets), (y, x)).points[0][:2] == (x, y)


@pytest.mark.parametrize(
    ("kind", "shape"), [("Point", "points"), ("Text", "texts"), ("VerticalLine", "down"),
                        ("HorizontalLine", "across"), ("Rectangle", "lines"), ("Arrow", "lines"),
                        ("LineSegment", "lines")],
)  # fmt: skip
def test_markers_of_hyperspy_1(kind: str, shape: str) -> None:
    data = {"x1": 1, "y1": 2, "x2": 3, "y2": 4, "text": "Fe", "size": 20}
    marker = {"a": {"marker_type": kind, "marker_properties": {"color": "b"}, "data": data,
                    "plot_on_signal": True}}  # fmt: skip
    found = at(marker)
    assert len(getattr(found, shape)) == 1 and not found.is_empty
    assert getattr(found, shape)[0][-1] == "#0000ff"


@pytest.mark.parametrize(
    "odd",
    [None, 3, {"a": 1}, {"a": {}}, new("Points"), new("Lines", segments=3), new("Nothing"),
     new("Points", offsets=[[1, 2]], transform="relative"), new("Points", offsets="text")],
)  # fmt: skip
def test_what_makes_no_sense_is_left_out(odd: Any) -> None:
    assert at(odd).is_empty


@pytest.mark.parametrize(
    ("given", "found"),
    [("C1", "#ff7f0e"), ("tab:red", "red"), ((1, 0, 0, 1), "#ff0000"), ("<script>", "#e8452c"),
     (None, "#e8452c"), (np.array([[0.0, 1.0, 0.0, 1.0]]), "#00ff00"), ("#12aBcd", "#12aBcd")],
)  # fmt: skip
def test_colours(given: Any, found: str) -> None:
    assert at(new("Points", offsets=[[1.0, 2.0]], color=given)).points[0][3] == found


def test_what_hyperspy_writes(tmp_path: Path) -> None:
    hs = pytest.importorskip("hyperspy.api")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signal = hs.signals.Signal2D(np.zeros((4, 5, 16, 16)))
        markers = hs.plot.markers
        offsets = np.empty((5, 4), object)
        for x, y in np.ndindex(5, 4):
            offsets[x, y] = np.array([[x + 2.0, y + 3.0]])
        for marker in (
            markers.Points(offsets=offsets, sizes=9, color="red"),
            markers.Rectangles(offsets=np.array([[5.0, 6.0]]), widths=(4,), heights=(3,)),
            markers.Lines(segments=np.array([[[0, 0], [5, 5]]])),
            markers.Texts(offsets=np.array([[3.0, 3.0]]), texts=("Fe",)),
            markers.HorizontalLines(offsets=[3.0]),
        ):
            signal.add_marker(marker, permanent=True, plot_marker=False)
        signal.save(tmp_path / "a.hspy")
    loaded = hspyio.load(tmp_path / "a.hspy").metadata.Markers
    found = at(loaded, (3, 1))
    assert found.points == [(3, 6, "", "red")]
    assert len(found.lines) == 2 and len(found.across) == 1
    assert found.texts[0][:3] == (3, 3, "Fe")
