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
    place = "transform" if kind in ("Lines", "Polygons") else "offset_transform"
    return {"a": {"class": kind, "plot_on_signal": over_signal, place: transform, "kwargs": kwargs}}


def at(markers: Any, position: tuple[int, ...] = (), **options: Any) -> Shapes:
    return shapes_at(markers, position, **{"over_signal": True} | options)


def rows(found: Shapes, kind: str, frame: str = "data") -> list[dict[str, Any]]:
    """The only kind of shapes that was found."""
    assert list(found.rows) == [(kind, frame)]
    return found.rows[kind, frame]


def columns(found: Shapes, kind: str, *names: str, frame: str = "data") -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows(found, kind, frame)]


def test_points_and_texts() -> None:
    offsets = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = at(new("Points", offsets=offsets, sizes=(6, 12), color=("red", "blue")))
    assert columns(found, "point", "x", "y", "size", "fill") == [
        (1, 2, 8, "red"), (3, 4, 16, "blue"),
    ]  # fmt: skip
    texts = at(new("Texts", offsets=offsets, texts=("<b>one",), color="k", sizes=(4,)))
    assert (
        columns(texts, "text", "text", "colour", "size", "align", "base")
        == [("<b>one", "#000000", "26.7px", "center", "middle")] * 2
    )
    placed = {"horizontalalignment": "left", "verticalalignment": "top"}
    left = at(new("Texts", offsets=offsets[:1], texts=("a",), **placed))
    assert columns(left, "text", "align", "base", "size") == [("left", "top", "13.3px")]
    assert at(new("Points", offsets=offsets), over_signal=False).is_empty


def test_lines() -> None:
    segments = np.array([[[0, 0], [5, 6]], [[1, 1], [2, 2]]])
    given = new("Lines", segments=segments, linewidths=(3, 6), linestyle="--", color="g")
    assert columns(at(given), "line", "xs", "ys", "width", "dash", "colour") == [
        ([0, 5], [0, 6], 4, "dashed", "#008000"), ([1, 2], [1, 2], 8, "dashed", "#008000"),
    ]  # fmt: skip
    closed = at(new("Polygons", verts=[[[1, 1], [3, 1], [2, 4]]], facecolor="none"))
    assert columns(closed, "patch", "xs", "ys", "fill") == [([1, 3, 2], [1, 1, 4], "#00000000")]
    across = at(new("HorizontalLines", offsets=[3.0], transform="display"))
    assert columns(across, "across", "place") == [(3,)]
    assert columns(at(new("VerticalLines", offsets=[3.0, 4.0])), "down", "place") == [(3,), (4,)]
    arrow = at(new("Arrows", offsets=[[1.0, 2.0]], U=[2], V=[-1]))
    assert columns(arrow, "arrow", "x", "y", "to_x", "to_y", "colour") == [(1, 2, 3, 1, "#000000")]


SIZES: dict[str, dict[str, Any]] = {
    "Rectangles": {"widths": (4,), "heights": (2,)}, "Squares": {"widths": (4,)},
    "Ellipses": {"widths": (4,), "heights": (2,)}, "Circles": {"sizes": (4,)},
}  # fmt: skip


@pytest.mark.parametrize("kind", SIZES)
def test_shapes_of_the_size_of_data(kind: str) -> None:
    ((xs, ys),) = columns(at(new(kind, offsets=[[5.0, 6.0]], **SIZES[kind])), "patch", "xs", "ys")
    half = 1 if "heights" in SIZES[kind] else 2
    assert (min(xs), max(xs)) == pytest.approx((3, 7))
    assert (min(ys), max(ys)) == pytest.approx((6 - half, 6 + half))
    turned = rows(at(new(kind, offsets=[[5.0, 6.0]], angles=(90,), **SIZES[kind])), "patch")[0]
    assert (min(turned["ys"]), max(turned["ys"])) == pytest.approx((4, 8))


@pytest.mark.parametrize("kind", SIZES)
def test_shapes_of_a_size_on_screen(kind: str) -> None:
    found = at(new(kind, offsets=[[5.0, 6.0]], units="points", angles=(90,), **SIZES[kind]))
    if kind == "Circles":
        assert columns(found, "point", "x", "y", "size") == [(5, 6, 4 * 4 / 3)]
        return
    shape = "oval" if kind == "Ellipses" else "box"
    height = 2 if "heights" in SIZES[kind] else 4
    wanted = (5, 6, 4 * 4 / 3, height * 4 / 3, np.pi / 2)
    assert columns(found, shape, "x", "y", "w", "h", "angle") == [pytest.approx(wanted)]


def test_circles_are_empty_unless_told() -> None:
    offsets = [[5.0, 6.0]]
    plain = at(new("Circles", offsets=offsets, sizes=(4,), facecolors="none"))
    assert columns(plain, "patch", "colour", "fill") == [("#000000", "#00000000")]
    full = at(new("Circles", offsets=offsets, sizes=(4,), facecolor="r", facecolors="none"))
    assert columns(full, "patch", "fill") == [("#ff0000",)]


@pytest.mark.parametrize(
    ("transform", "frame"), [("xaxis", "y"), ("yaxis", "x"), ("axes", "both"), ("data", "data")]
)
def test_places_that_are_shares_of_the_picture(transform: str, frame: str) -> None:
    found = at(new("Texts", offsets=[[0.2, 0.5]], texts=("a",), transform=transform))
    assert columns(found, "text", "x", "y", frame=frame) == [(0.2, 0.5)]


def test_heights_relative_to_the_curve() -> None:
    lines = new("Lines", segments=[[[2, 0], [2, 1]]], transform="relative")
    found = at(lines, value_at=lambda x: 10 * x)
    assert columns(found, "line", "xs", "ys") == [([2, 2], [0, 20])]
    assert at(lines).is_empty  # over an image


def test_each_position_has_its_own() -> None:
    offsets = np.empty((3, 2), object)  # HyperSpy's order: x, y
    for x, y in np.ndindex(3, 2):
        offsets[x, y] = np.array([[x, y]])
    for y, x in np.ndindex(2, 3):
        found = at(new("Points", offsets=offsets), (y, x))
        assert columns(found, "point", "x", "y") == [(x, y)]


@pytest.mark.parametrize(
    ("kind", "shape"), [("Point", "point"), ("Text", "text"), ("VerticalLine", "down"),
                        ("HorizontalLine", "across"), ("Rectangle", "patch"), ("Arrow", "arrow"),
                        ("LineSegment", "line")],
)  # fmt: skip
def test_markers_of_hyperspy_1(kind: str, shape: str) -> None:
    data = {"x1": 1, "y1": 2, "x2": 3, "y2": 4, "text": "Fe", "size": 20}
    marker = {"a": {"marker_type": kind, "marker_properties": {"color": "b"}, "data": data,
                    "plot_on_signal": True}}  # fmt: skip
    assert columns(at(marker), shape, "colour") == [("#0000ff",)]


@pytest.mark.parametrize(
    "odd",
    [None, 3, {"a": 1}, {"a": {}}, new("Points"), new("Lines", segments=3), new("Nothing"),
     new("Points", offsets=[[1, 2]], transform="relative"), new("Points", offsets="text"),
     new("Points", offsets=[[1, 2]], transform="nowhere"), new("Circles", offsets=[[1, 2]]),
     new("Rectangles", offsets=[[1, 2]], widths=(1,), transform="axes"),
     new("Lines", segments=[[[1, 2], [3, 4]]], linewidths=float("nan"))],
)  # fmt: skip
def test_what_makes_no_sense_is_left_out(odd: Any) -> None:
    assert at(odd).is_empty


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
    [point] = found.rows["point", "data"]
    assert (point["x"], point["y"], point["fill"]) == (3, 6, "red")
    assert {kind: len(each) for (kind, _), each in found.rows.items()} == {
        "point": 1, "patch": 1, "line": 1, "text": 1, "across": 1,
    }  # fmt: skip
    assert found.rows["text", "data"][0]["text"] == "Fe"
