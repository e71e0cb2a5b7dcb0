"""Positions, ranges and detectors, against what numpy says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hspyio.bridges.viewer.selection import (
    PRESETS,
    Along,
    Detector,
    around,
    bright_disk,
    dragged,
    grip,
    moved,
    preset,
    weights,
)
from hspyio.model.axes import DataAxis, UniformAxis

UNIFORM = Along.of(UniformAxis("x", "nm", size=11, offset=5.0, scale=2.0), as_image=True)
FALLING = Along.of(UniformAxis("x", "nm", size=11, offset=5.0, scale=-2.0), as_image=True)
UNEVEN = DataAxis("depth", "nm", axis=np.array([0.0, 1.0, 4.0, 9.0, 16.0]))
SINGLE = Along.of(UniformAxis("x", size=1, offset=3.0, scale=0.5), as_image=True)


@pytest.mark.parametrize("along", [UNIFORM, FALLING, SINGLE], ids=["rising", "falling", "single"])
def test_places_and_points(along: Along) -> None:
    for index, place in enumerate(along.centres):
        assert along.index(float(place)) == index
        assert along.fraction(float(place)) == pytest.approx(index)
        assert along.place(index) == pytest.approx(place)
    assert along.index(math.nan) == 0


def test_between_takes_the_points_whose_centres_are_inside() -> None:
    assert UNIFORM.between(8.0, 12.0) == slice(2, 4)
    assert UNIFORM.between(12.0, 8.0) == slice(2, 4)
    assert FALLING.between(-1.0, 3.0) == slice(1, 4)
    assert UNIFORM.between(9.2, 9.3) == slice(2, 3)
    assert UNIFORM.between(-100, 100) == slice(0, 11)


def test_an_uneven_axis_is_numbered_in_an_image_only() -> None:
    image, line = Along.of(UNEVEN, as_image=True), Along.of(UNEVEN, as_image=False)
    assert image.centres.tolist() == [0, 1, 2, 3, 4]
    assert line.centres.tolist() == UNEVEN.axis.tolist()
    assert image.ticks() == {0.0: "0", 1.0: "1", 2.0: "4", 3.0: "9", 4.0: "16"}
    assert line.ticks() is None and UNIFORM.ticks() is None
    assert image.text(3) == "9 nm [3]"


def test_a_pointer_stays_within_its_bounds() -> None:
    assert moved((3, 0), (-1, -1), (5, 5)) == (2, 0)
    assert moved((3, 4), (10, 1), (5, 5)) == (4, 4)


def test_what_is_around_a_point() -> None:
    assert around(UNIFORM, 0, "left", "right") == {"left": 4.0, "right": 8.0}
    assert around(UNIFORM, 5, "left", "right") == {"left": 12.0, "right": 18.0}


sizes = st.integers(3, 40)
floats = st.floats(0, 40)


@given(sizes, sizes, floats, floats, st.floats(0.5, 30), st.floats(0, 1))
def test_masks(rows: int, columns: int, y: float, x: float, outer: float, share: float) -> None:
    i, j = np.mgrid[:rows, :columns]
    distance = np.hypot(i - y, j - x)
    inner = outer * share
    near = np.isclose(distance, outer) | np.isclose(distance, inner)
    disk = Detector("disk", y, x, outer).mask((rows, columns))
    annulus = Detector("annulus", y, x, outer, inner).mask((rows, columns))
    assert ((disk == (distance <= outer)) | near).all()
    assert ((annulus == ((distance <= outer) & (distance >= inner))) | near).all()
    box = Detector("rectangle", y, x, outer, inner).mask((rows, columns))
    wanted = (np.abs(i - y) <= outer) & (np.abs(j - x) <= inner)
    assert (box == wanted).all()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 12))))
def test_weights_leave_out_what_is_outside(points: list[tuple[int, int]]) -> None:
    mask = np.zeros((10, 13), bool)
    for point in points:
        mask[point] = True
    found = weights(mask)
    if found is None:
        assert not points
        return
    window, inside = found
    again = np.zeros_like(mask)
    again[window] = inside
    assert (again == mask).all()
    assert inside.any(0).all() or inside.any(0)[[0, -1]].all()
    assert inside.any(1)[[0, -1]].all()


def test_a_detector_is_held_at_its_rim_or_inside() -> None:
    annulus = Detector("annulus", 20, 20, 10, 4)
    assert grip(annulus, 20, 30.5, 1) == "outer"
    assert grip(annulus, 24.2, 20, 1) == "inner"
    assert grip(annulus, 20, 27, 1) == "centre"
    assert grip(annulus, 20, 35, 1) is None
    box = Detector("rectangle", 20, 20, 5, 10)
    assert grip(box, 24.8, 20, 1) == "outer"
    assert grip(box, 20, 25, 1) == "centre"
    assert grip(box, 40, 25, 1) is None


def test_dragging() -> None:
    annulus = Detector("annulus", 20, 20, 10, 4)
    moved_ = dragged(annulus, "centre", (20, 27), (25, 30))
    assert (moved_.y, moved_.x, moved_.outer) == (25, 23, 10)
    assert dragged(annulus, "outer", (20, 30), (20, 35)).outer == 15
    assert dragged(annulus, "outer", (20, 30), (20, 21)).outer == 4
    assert dragged(annulus, "inner", (20, 24), (20, 50)).inner == 10
    box = dragged(Detector("rectangle", 20, 20, 5, 5), "outer", (25, 25), (28, 30))
    assert (box.outer, box.inner) == (8, 10)


def pattern(y: float, x: float, radius: float) -> np.ndarray:
    i, j = np.mgrid[:64, :80]
    return np.random.default_rng(0).poisson(50 * (np.hypot(i - y, j - x) <= radius) + 0.3)


def test_the_bright_disk_is_found() -> None:
    disk = bright_disk(pattern(28, 45, 9))
    assert (disk.y, disk.x) == pytest.approx((28, 45), abs=0.5)
    assert disk.outer == pytest.approx(9, abs=1)
    assert bright_disk(np.zeros((8, 8))).outer >= 1


@pytest.mark.parametrize("name", PRESETS)
def test_presets(name: str) -> None:
    values = pattern(32, 40, 6)
    inside = bright_disk(values).mask(values.shape)
    mask = preset(name, values).mask(values.shape)
    assert mask.any()
    if name == "Bright field":
        assert mask[inside].all()
    elif name == "Annular bright field":
        assert inside[mask].mean() > 0.9 and not mask[32, 40]
    else:
        assert not (mask & inside).any()


def test_outlines_are_closed() -> None:
    for kind, count in (("disk", 1), ("annulus", 2), ("rectangle", 1)):
        lines = Detector(kind, 5, 6, 3, 2).outlines()  # type: ignore[arg-type]
        assert len(lines) == count
        assert all(np.allclose(part[0], part[-1]) for line in lines for part in line)
