"""Signal -> picture -> figure: what is drawn, where, and of how much of the data."""

from __future__ import annotations

import gc
import importlib.util
import pickle
import struct
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest

import hspyio
from hspyio import DataAxis, FunctionalAxis, Signal, UniformAxis
from hspyio.arrays.workers import Progress, Workers
from hspyio.bridges import plotting
from hspyio.bridges.plotting.choose import picture_of
from hspyio.bridges.plotting.panels import Histogram, Image, Lines, Picture, Points
from hspyio.bridges.plotting.reduce import Kept, reduce_data
from hspyio.bridges.plotting.scales import Scale, bar_of, is_reciprocal, limits_of
from hspyio.errors import (
    AxesError,
    ConversionError,
    MissingPackageError,
    OptionError,
    SaveError,
    TargetExistsError,
)
from support.places import DOCS

RNG = np.random.default_rng(7)


def uniform(size: int, name: str = "x", units: str = "nm", **more: Any) -> UniformAxis:
    return UniformAxis(name, units, size=size, **more)


def picture(signal: Signal, log: bool | None = None, most_bytes: int | None = None) -> Picture:
    return picture_of(signal, log=log, most_bytes=most_bytes, workers=Workers(2))


def kinds(made: Picture) -> tuple[str, ...]:
    return (made.layout, *(type(panel).__name__ for panel in made.panels))


def ragged(items: list[Any], shape: tuple[int, ...] | None = None) -> np.ndarray[Any, Any]:
    data = np.empty(len(items), object)
    for index, item in enumerate(items):
        data[index] = item
    return data.reshape(shape or (-1,))


def pixels(*names: str, dtype: str = "u1", shape: tuple[int, ...] = (6, 7)) -> Any:
    return np.zeros(shape, [(name, dtype) for name in names])


CASES: dict[str, tuple[Callable[[], Signal], tuple[str, ...]]] = {
    "scalar": (lambda: Signal(np.array(5.0)), ("row", "Lines")),
    "one value": (lambda: Signal([3.0]), ("row", "Lines")),
    "line": (lambda: Signal(np.arange(9)), ("row", "Lines")),
    "one spectrum with navigation": (
        lambda: Signal(np.ones((1, 1, 9)), signal_dimension=1),
        ("row", "Lines"),
    ),
    "few lines": (lambda: Signal(np.ones((3, 9)), signal_dimension=1), ("row", "Lines")),
    "many lines": (
        lambda: Signal(np.ones((30, 9)), signal_dimension=1),
        ("column", "Image", "Lines"),
    ),
    "spectrum image": (
        lambda: Signal(np.ones((3, 4, 9)), signal_dimension=1),
        ("row", "Image", "Lines"),
    ),
    "three navigation axes": (
        lambda: Signal(np.ones((2, 3, 4, 9)), signal_dimension=1),
        ("row", "Image", "Lines"),
    ),
    "image": (lambda: Signal(np.ones((5, 6))), ("row", "Image")),
    "one row": (lambda: Signal(np.ones((1, 6))), ("row", "Lines")),
    "map that only navigates": (
        lambda: Signal(np.ones((5, 6)), signal_dimension=0),
        ("row", "Image"),
    ),
    "few images": (
        lambda: Signal(np.ones((4, 5, 6)), signal_dimension=2),
        ("grid", *["Image"] * 4),
    ),
    "stack of images": (
        lambda: Signal(np.ones((20, 5, 6)), signal_dimension=2),
        ("row", "Lines", "Image"),
    ),
    "three signal axes": (lambda: Signal(np.ones((20, 5, 6))), ("row", "Lines", "Image")),
    "4D-STEM": (
        lambda: Signal(np.ones((4, 5, 6, 7)), signal_dimension=2),
        ("row", "Image", "Image"),
    ),
    "complex line": (lambda: Signal(np.ones(9) * 1j), ("row", "Lines", "Lines")),
    "complex image": (lambda: Signal(np.ones((5, 6)) * 1j), ("row", "Image", "Image")),
    "complex map": (
        lambda: Signal(np.ones((3, 4, 9)) * 1j, signal_dimension=1),
        ("row", "Image", "Lines"),
    ),
    "boolean": (lambda: Signal(np.eye(5, dtype=bool)), ("row", "Image")),
    "RGB": (lambda: Signal(pixels("R", "G", "B")), ("row", "Image")),
    "RGBA of 16 bits": (lambda: Signal(pixels("R", "G", "B", "A", dtype="u2")), ("row", "Image")),
    "stack of RGB": (
        lambda: Signal(pixels("R", "G", "B", shape=(3, 6, 7)), signal_dimension=2),
        ("grid", *["Image"] * 3),
    ),
    "long stack of RGB": (
        lambda: Signal(pixels("R", "G", "B", shape=(30, 6, 7)), signal_dimension=2),
        ("row", "Lines", "Image"),
    ),
    "ragged points": (
        lambda: Signal(ragged([np.ones((n % 5, 2)) for n in range(12)], (3, 4))),
        ("row", "Image", "Points"),
    ),
    "few ragged lines": (
        lambda: Signal(ragged([np.arange(3.0), np.arange(5.0)])),
        ("row", "Lines", "Lines"),
    ),
    "ragged values": (
        lambda: Signal(ragged([np.arange(n % 7) for n in range(40)])),
        ("row", "Lines", "Histogram"),
    ),
    "one ragged item": (lambda: Signal(ragged([np.arange(4)])), ("row", "Lines")),
    "ragged texts": (lambda: Signal(ragged(["a", None, {}])), ("row", "Lines")),
    "all not finite": (lambda: Signal(np.full((4, 5), np.nan)), ("row", "Image")),
    "not finite line": (lambda: Signal(np.full(5, np.inf)), ("row", "Lines")),
    "largest floats": (lambda: Signal(np.array([[1e308, -1e308]] * 2)), ("row", "Image")),
    "smallest floats": (lambda: Signal(np.array([[1e-300, 5e-324]] * 2)), ("row", "Image")),
    "half floats": (lambda: Signal(np.ones((4, 5), "f2") * 6e4), ("row", "Image")),
    "big-endian": (lambda: Signal(np.ones((4, 5), ">u2")), ("row", "Image")),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("lazy", [False, True])
def test_every_kind_has_its_picture(case: str, lazy: bool) -> None:
    make, expected = CASES[case]
    signal = make()
    if lazy:
        chunks = tuple(max(1, size // 2) for size in signal.data.shape)
        signal.data = da.from_array(signal.data, chunks=chunks)
    assert kinds(picture(signal)) == expected
    figure: Any = signal.plot()
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_lazy_and_in_memory_give_the_same() -> None:
    data = RNG.random((13, 17, 30))
    data[3, 4, 5] = np.nan
    one = picture(Signal(data, signal_dimension=1))
    other = picture(Signal(da.from_array(data, chunks=(5, 4, 7)), signal_dimension=1))
    for mine, theirs in zip(one.panels, other.panels, strict=True):
        values = (mine.values, theirs.values)
        assert isinstance(mine, Image | Lines)
        np.testing.assert_allclose(np.asarray(values[0]), np.asarray(values[1]))
    assert one.notes == other.notes


def test_navigator_and_mean() -> None:
    data = RNG.integers(0, 9, (4, 5, 6, 7))
    navigator, mean = picture(Signal(data, signal_dimension=2)).panels
    assert isinstance(navigator, Image) and isinstance(mean, Image)
    np.testing.assert_allclose(navigator.values, data.sum(axis=(2, 3)))
    np.testing.assert_allclose(mean.values, data.mean(axis=(0, 1)))
    assert (navigator.title, mean.title) == ("sum over axis 2, axis 3", "mean of 20 images")


def test_what_is_not_finite_or_masked_is_left_out() -> None:
    data = np.arange(24.0).reshape(2, 3, 4)
    data[0, 0, 0], data[1, 1, 1] = np.nan, np.inf
    made = picture(Signal(data, signal_dimension=1))
    line = made.panels[1]
    assert isinstance(line, Lines)
    expected = np.nanmean(np.where(np.isfinite(data), data, np.nan), axis=(0, 1))
    np.testing.assert_allclose(line.values[0], expected)
    assert "2 values not finite, or masked, left out" in made.notes
    masked = np.ma.masked_array(np.arange(6).reshape(2, 3), mask=[[1, 0, 0], [0, 0, 0]])
    image = picture(Signal(masked)).panels[0]
    assert isinstance(image, Image)
    assert np.isnan(image.values[0, 0]) and image.values[1, 2] == 5


def test_colours_are_from_zero_to_one() -> None:
    data = pixels("R", "G", "B", "A", dtype="u2")
    data["G"], data["A"] = 2**16 - 1, 2**15
    (image,) = picture(Signal(data)).panels
    assert isinstance(image, Image)
    np.testing.assert_allclose(image.values[0, 0], [0, 1, 0, 0.5], atol=1e-4)


def test_complex_is_modulus_and_phase() -> None:
    modulus, phase = picture(Signal(np.array([[2j, -3.0], [1, 1 + 1j]]))).panels
    assert isinstance(modulus, Image) and isinstance(phase, Image)
    np.testing.assert_allclose(modulus.values, [[2, 3], [1, 2**0.5]])
    np.testing.assert_allclose(phase.values, [[np.pi / 2, np.pi], [0, np.pi / 4]])


def test_a_large_image_is_grouped_and_says_so() -> None:
    data = np.arange(2500 * 40, dtype="f8").reshape(2500, 40)
    made = picture(Signal(da.from_array(data, chunks=(777, 13))))
    (image,) = made.panels
    assert isinstance(image, Image)
    assert image.values.shape == (834, 40)
    np.testing.assert_allclose(image.values[:833], data[:2499].reshape(833, 3, 40).mean(axis=1))
    np.testing.assert_allclose(image.values[833], data[2499])
    assert "one point drawn for the mean of 3 × 1 over axis 0, axis 1" in made.notes
    assert image.vertical.edges.size == 835 and image.vertical.edges[-1] == 2499.5


@pytest.mark.parametrize("chunks", [(1, 1, 1), (2, 3, 4), (5, 7, 11), (3, 7, 2)])
@pytest.mark.parametrize("axes", [(0,), (2,), (0, 1), (1, 2), (0, 1, 2)])
def test_reduce_in_any_chunks(chunks: tuple[int, ...], axes: tuple[int, ...]) -> None:
    data = RNG.integers(-9, 9, (5, 7, 11))
    kept = Kept(axes, tuple(range(1, len(axes) + 1)))
    lazy = da.from_array(data, chunks=chunks)
    options: Any = {"leading": (), "modulus": True, "most_bytes": None, "workers": Workers(2)}
    (one,), read = reduce_data(data, [kept], **options)
    (other,), also = reduce_data(lazy, [kept], **options)
    np.testing.assert_array_equal(one.total, other.total)
    np.testing.assert_array_equal(one.count, other.count)
    assert one.total.sum() == data.sum() and one.count.sum() == data.size
    assert read == also and read.bytes == read.of == data.nbytes


def test_no_more_is_read_than_asked() -> None:
    seen = []

    def block(block_info: Any = None) -> Any:
        seen.append(block_info[None]["chunk-location"])
        return np.ones((2, 2, 8, 8))

    data = da.map_blocks(
        block, chunks=((2,) * 10, (2,) * 10, (8,) * 2, (8,)), dtype="f8",
        meta=np.empty((0,) * 4),
    )  # fmt: skip
    made = picture(Signal(data, signal_dimension=2), most_bytes=data.nbytes // 10)
    assert len(seen) == 20  # both halves of the signal at ten places
    navigator = made.panels[0]
    assert isinstance(navigator, Image)
    found = navigator.values[np.isfinite(navigator.values)]
    assert found.size == 40 and (found == 128).all()
    assert any("read 41 kB of 409.6 kB" in note for note in made.notes)
    assert "some of the images" in made.panels[1].title  # type: ignore[union-attr]


def test_memory_is_that_of_a_few_blocks() -> None:
    code = """
import resource, dask.array as da, hspyio, matplotlib.figure
data = da.ones((64, 64, 256, 256), chunks=(4, 4, 256, 256), dtype="u2")
hspyio.Signal(data[:4], signal_dimension=2).plot()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
hspyio.Signal(data, signal_dimension=2).plot(threads=2)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""
    pytest.importorskip("resource")
    source = str(Path(hspyio.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, env={"PYTHONPATH": source},
    )  # fmt: skip
    assert float(done.stdout) < 100  # of 512 MiB of data


# where values lie


def test_scales() -> None:
    scale = Scale.of(uniform(4, "E", "eV", offset=10.0, scale=-2.0))
    np.testing.assert_allclose(scale.centres, [10, 8, 6, 4])
    np.testing.assert_allclose(scale.edges, [11, 9, 7, 5, 3])
    assert scale.label == "E (eV)" and scale.uniform
    other = Scale.of(DataAxis("w", "", axis=np.array([1.0, 2.0, 4.0])), as_image=True)
    np.testing.assert_allclose(other.edges, [0.5, 1.5, 3, 5])
    assert not other.uniform
    grouped = Scale.of(uniform(5, scale=2.0), 2)
    np.testing.assert_allclose(grouped.edges, [-1, 3, 7, 9])
    np.testing.assert_allclose(grouped.centres, [1, 5, 8])
    formula = FunctionalAxis("w", "nm", expression="1240 / (x + 1)", x=uniform(3))
    np.testing.assert_allclose(Scale.of(formula).centres, [1240, 620, 1240 / 3])
    assert Scale.of(uniform(1), as_image=True).edges.tolist() == [-0.5, 0.5]


@pytest.mark.parametrize(
    "axis",
    [
        uniform(3, scale=0.0),
        uniform(3, scale=float("nan")),
        uniform(3, offset=float("inf")),
        uniform(3, scale=1e-300),
        DataAxis(axis=np.array([1.0, 3.0, 2.0])),
        DataAxis(axis=np.array([1.0, 1.0, 2.0])),
        FunctionalAxis(expression="evil(x)", x=uniform(3)),
    ],
)
def test_axes_that_cannot_be_drawn_to_are_numbered(axis: Any) -> None:
    scale = Scale.of(axis, as_image=True)
    assert scale.edges.tolist() == [-0.5, 0.5, 1.5, 2.5] and scale.note
    signal = Signal(np.ones((3, 3)), [uniform(3), axis])
    assert any("numbered" in note or "formula" in note for note in picture(signal).notes)
    signal.plot()


@pytest.mark.parametrize(
    ("size", "step", "units", "text"),
    [
        (256, 0.02, "nm", "1 nm"),
        (100, 0.01, "µm", "200 nm"),
        (100, 0.01, "um", "200 nm"),
        (1000, 1.0, "µm", "200 µm"),
        (100, 5e-9, "m", "100 nm"),
        (100, 0.1, "Å", "2 Å"),
        (96, 0.2, "1/nm", "2 nm⁻¹"),
        (96, 1.0, "mrad", "20 mrad"),
    ],
)
def test_scale_bars(size: int, step: float, units: str, text: str) -> None:
    scale = Scale.of(uniform(size, "x", units, scale=step))
    made = bar_of(scale, scale)
    assert made is not None
    length, said = made
    assert said == text
    assert 0.08 < length / (size * step) <= 0.25


def test_no_scale_bar_where_it_would_lie() -> None:
    one = Scale.of(uniform(9, scale=0.1))
    for other in (
        uniform(9, scale=0.2), uniform(9, units="eV", scale=0.1), uniform(9, units="", scale=0.1),
        DataAxis("x", "nm", axis=np.arange(9) * 0.1),
    ):  # fmt: skip
        assert bar_of(one, Scale.of(other)) is None
    assert bar_of(*[Scale.of(uniform(9, units="eV"))] * 2) is None
    assert is_reciprocal("1/nm") and is_reciprocal("nm^-1") and not is_reciprocal("nm")


# colours


@pytest.mark.parametrize("shape", [(40, 400), (400, 40), (30, 40), (1024, 1024)])
def test_an_image_is_drawn_to_scale_whatever_its_form(shape: tuple[int, int]) -> None:
    axes = [uniform(size, name, scale=0.5) for size, name in zip(shape, "yx", strict=True)]
    figure = plotting.plot(Signal(np.zeros(shape), axes, metadata={"General": {"title": "a"}}))
    figure.draw_without_rendering()
    image = figure.axes[0]
    box = image.get_window_extent().transformed(figure.dpi_scale_trans.inverted())
    assert image.get_aspect() == 1 and not image.get_xticks().size
    assert next(text.get_text() for text in image.texts).endswith("nm")
    assert box.height / box.width == pytest.approx(shape[0] / shape[1], rel=0.02)
    assert box.width * box.height > 0.12 * figure.get_figwidth() * figure.get_figheight()
    assert max(figure.get_size_inches()) < 11


@pytest.mark.parametrize(
    ("name", "units", "label"),
    [("", "keV", "Energy (keV)"), ("", "nm", "axis 0 (nm)"), ("E", "keV", "E (keV)"), ("", "", "")],
)
def test_units_never_stand_alone(name: str, units: str, label: str) -> None:
    (panel,) = picture(Signal(np.ones(5), [UniformAxis(name, units, size=5)])).panels
    assert isinstance(panel, Lines) and panel.scale.label == label


def test_limits() -> None:
    image = np.zeros((100, 100))
    image[:, 50:] = 1
    image[0, 0] = 1e9
    found = limits_of(image, False)
    assert (found.low, found.high, found.above, found.below) == (0, 1, True, False)
    assert limits_of(np.array([[1.0, 5.0]]), False).high == 5
    assert (
        limits_of(np.full((3, 3), 7.0), False).low < 7 < limits_of(np.full((3, 3), 7.0), None).high
    )
    assert limits_of(np.full((3, 3), np.nan), None).high == 1
    sparse = np.zeros((100, 100))
    sparse[3, 3] = 5
    assert limits_of(sparse, False).high == 5
    decades = np.geomspace(1e-3, 1e4, 900).reshape(30, 30)
    assert limits_of(decades, None).log and not limits_of(decades, False).log
    assert not limits_of(-decades, None).log and not limits_of(-decades, True).log
    assert not limits_of(np.arange(900.0), None).log and limits_of(np.arange(900.0), True).log


def test_only_diffraction_is_logarithmic_by_itself() -> None:
    data = np.ones((3, 4, 20, 20))
    data[..., 10, 10] = 1e5
    for units, dimensions, expected in (("1/nm", 4, True), ("1/nm", 2, True), ("nm", 2, False)):
        part = data if dimensions == 4 else data[0, 0]
        axes = [uniform(n, navigate=True) for n in part.shape[:-2]]
        signal = Signal(part, [*axes, *(uniform(20, k, units) for k in "yx")])
        image = picture(signal).panels[-1]
        assert isinstance(image, Image) and image.limits.log is expected
        plain = picture(signal, log=False).panels[-1]
        assert isinstance(plain, Image) and not plain.limits.log


def test_lines_stand_apart() -> None:
    temperature = DataAxis("T", "K", axis=np.array([4.0, 77.0, 300.0]), navigate=True)
    made = picture(Signal(np.tile(np.arange(10.0), (3, 1)), [temperature, uniform(10)]))
    (panel,) = made.panels
    assert isinstance(panel, Lines)
    assert panel.labels == ["T 4 K", "T 77 K", "T 300 K"] and panel.apart == 2
    assert "each line 2 above the one before" in made.notes


def test_ragged_counts_and_points() -> None:
    items = [np.full((n, 2), n) for n in (1, 3, 0, 2, 5, 4)]
    counts, points = picture(Signal(ragged(items, (2, 3)))).panels
    assert isinstance(counts, Image) and isinstance(points, Points)
    assert counts.values.tolist() == [[1, 3, 0], [2, 5, 4]]
    assert len(points.values) == 15
    values = picture(Signal(ragged([np.arange(4.0)] * 20))).panels[1]
    assert isinstance(values, Histogram) and values.counts.sum() == 80


# the figure


def test_a_figure_belongs_to_nobody() -> None:
    code = """
import sys, numpy as np, hspyio
figure = hspyio.Signal(np.ones((4, 5))).plot()
assert "matplotlib.pyplot" not in sys.modules
figure._repr_png_()
assert "matplotlib.pyplot" not in sys.modules
import matplotlib.pyplot as plt
assert plt.get_fignums() == []
"""
    source = str(Path(hspyio.__file__).parents[1])
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": source})


def test_a_notebook_shows_it_once() -> None:
    formatters = pytest.importorskip("IPython.core.formatters")
    shown, _ = formatters.DisplayFormatter().format(Signal(np.ones((4, 5))).plot())
    assert set(shown) == {"text/plain", "image/png"}


def test_figures_are_freed_and_can_be_pickled() -> None:
    import weakref

    figure: Any = Signal(np.ones((4, 5))).plot()
    again = pickle.loads(pickle.dumps(figure))
    assert again._repr_png_()
    gone = weakref.ref(figure)
    del figure
    gc.collect()
    assert gone() is None


def test_a_figure_of_ones_own() -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4), layout="constrained")
    assert Signal(np.ones((3, 4, 5)), signal_dimension=1).plot(figure=figure) is figure
    assert len(figure.axes) >= 2
    left, _ = Figure(figsize=(9, 4), layout="constrained").subfigures(1, 2)
    Signal(np.ones(4)).plot(figure=left)
    assert len(left.axes) == 1


def test_units_and_titles_are_there() -> None:
    title = "A <b> title with $ and 標 of a length that has to be broken somewhere, " * 4
    signal = Signal(
        np.ones((3, 4)),
        [uniform(3, "time_1^2", "s"), uniform(4, "x$", "n$m")],
        metadata={"General": {"title": title}, "Signal": {"quantity": "X_rays ($^{"}},
    )
    figure: Any = signal.plot()
    (ax, bar) = [*figure.axes, *figure.axes[0].child_axes][:2]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x$ (n$m)", "time_1^2 (s)")
    assert bar.get_ylabel() == "X_rays ($^{"
    assert "\n" in figure.get_suptitle()
    assert figure._repr_png_()


@pytest.mark.parametrize("text", [r"$t/\lambda$", "$nm^{-1}$", "costs $5", "$\\nonsense{$", "$$"])
def test_formulas_are_drawn_where_they_are_some(text: str) -> None:
    signal = Signal(np.ones(4), [uniform(4, text, "eV")], metadata={"General": {"title": text}})
    figure: Any = signal.plot()
    assert figure._repr_png_()


def test_texts_do_not_overlap() -> None:
    """Titles, labels and the caption of every picture of the docs keep apart."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    for name, simulate in made_pictures().KINDS.items():
        figure: Any = simulate().plot()
        figure._repr_png_()
        renderer = FigureCanvasAgg(figure).get_renderer()
        caption = figure._supxlabel.get_window_extent(renderer)
        title = figure._suptitle.get_window_extent(renderer)
        for ax in figure.axes:
            box = ax.get_tightbbox(renderer)
            assert not box.overlaps(caption) and not box.overlaps(title), name
        for one, other in zip(figure.axes, figure.axes[1:], strict=False):
            boxes = [ax.get_tightbbox(renderer).shrunk(0.99, 0.99) for ax in (one, other)]
            assert not boxes[0].overlaps(boxes[1]), name


def made_pictures() -> Any:
    spec = importlib.util.spec_from_file_location("make_pictures", DOCS / "make_pictures.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pictures_of_the_docs(tmp_path: Path) -> None:
    made = made_pictures().make(tmp_path)
    page = (DOCS / "plotting.md").read_text(encoding="utf-8")
    for path in made:
        width, height = struct.unpack(">II", path.read_bytes()[16:24])
        assert 400 < width < 1000 and 300 < height < 800
        assert path.stat().st_size < 200_000
        assert f"pictures/{path.name}" in page


def test_writing(tmp_path: Path) -> None:
    figure: Any = Signal(np.ones((4, 5))).plot()
    for suffix, start in ((".png", b"\x89PNG"), (".pdf", b"%PDF"), (".SVG", b"<?xml")):
        path = tmp_path / f"a{suffix}"
        assert figure.write(path, dpi=40) == path.stat().st_size
        assert path.read_bytes().startswith(start)
    with pytest.raises(TargetExistsError):
        figure.write(path)
    with pytest.raises(OptionError, match="jpg"):
        figure.write(tmp_path / "a.jpg")
    with pytest.raises(SaveError):
        figure.write(_folder(tmp_path / "b.png"), overwrite=True)
    figure.write(tmp_path / "a.png", overwrite=True)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.SVG", "a.pdf", "a.png", "b.png"]


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


# errors


def test_what_cannot_be_drawn() -> None:
    for data in (
        np.zeros((0, 3)),
        np.array(["a"]),
        np.zeros(3, [("a", "u1")]),
        np.zeros(2, "M8[s]"),
        pixels("R", "G", "B", dtype="f4"),
    ):
        with pytest.raises(ConversionError):
            Signal(data).plot()
    signal = Signal(np.zeros((2, 3)))
    signal.data = np.zeros(4)
    with pytest.raises(AxesError):
        signal.plot()


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hspyio.packages.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"pip install matplotlib"):
        Signal([1.0]).plot()


def test_progress_is_told() -> None:
    told: list[int] = []
    workers = Workers(2, Progress(lambda count: told.append(-count), told.append))
    data = da.ones((4, 2**10, 2**11), chunks=(1, 2**10, 2**11))
    picture_of(Signal(data, signal_dimension=2), log=None, most_bytes=None, workers=workers)
    assert told[0] == -data.nbytes and sum(told) == 0 and len(told) == 3


def test_no_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = np.array([[np.nan, np.inf], [-np.inf, 0]])
        figure: Any = Signal(data).plot(log=True)
        figure._repr_png_()
