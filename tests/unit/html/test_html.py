"""What notebooks show: well-formed, escaped, small, without scripts and without other files."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import zlib
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import hspyio
from hspyio import (
    Axes,
    DataAxis,
    FunctionalAxis,
    MetadataTree,
    Model,
    Signal,
    UniformAxis,
)
from hspyio.html import preview
from hspyio.html.thumbnail import png
from hspyio.names import CURRENT_VERSION

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&lt;\n"
VOID = {"img"}
ALLOWED = {
    *("div", "style", "span", "strong", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th"),
    *("td", "details", "summary", "ul", "li", "code", "figure", "figcaption", "img", "svg"),
    "polyline",
}


class Checked(HTMLParser):
    """Raises where tags are not closed in order, or one is not allowed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.counts: dict[str, int] = {}
        self.unfolded = 0
        self.words: list[str] = []
        self.sources: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag
        names = [name for name, _ in attrs]
        assert not any(name.startswith("on") or name in ("href", "style") for name in names)
        self.sources += [value or "" for name, value in attrs if name == "src"]
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.unfolded += tag == "details" and "open" in names
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


def html(value: Any) -> str:
    """The html of a value, after all the rules."""
    made = value._repr_html_()
    assert isinstance(made, str)
    assert len(made.encode()) < 1_000_000
    checked = Checked(made)
    assert checked.counts["style"] == 1
    assert all(source.startswith("data:image/png;base64,") for source in checked.sources)
    style = made[made.index("<style>") : made.index("</style>")]
    assert "url(" not in style and "@import" not in style and "http" not in made
    return made


def everything_hostile() -> dict[str, Any]:
    signal = Signal(
        np.zeros((2, 3)),
        [UniformAxis(HOSTILE, HOSTILE, size=2), DataAxis(HOSTILE, HOSTILE, axis=np.arange(3.0))],
        metadata={"General": {"title": HOSTILE}, HOSTILE: {HOSTILE: HOSTILE}, "x": [HOSTILE]},
        original_metadata={HOSTILE: HOSTILE},
        attributes={HOSTILE: HOSTILE},
        learning_results={HOSTILE: HOSTILE},
        models={HOSTILE: {"components": {HOSTILE: {}}, "date": HOSTILE}},
    )
    signal.metadata.set_item("Signal.signal_type", HOSTILE)
    formula = FunctionalAxis(HOSTILE, HOSTILE, expression="x*a", parameters={"a": 2})
    formula.expression = HOSTILE
    formula.extra = {HOSTILE: HOSTILE}
    return {
        "signal": signal,
        "axes": signal.axes,
        "uniform axis": signal.axes[0],
        "data axis": signal.axes[1],
        "functional axis": formula,
        "tree": signal.metadata,
        "model": signal.models[HOSTILE],
    }


@pytest.mark.parametrize("name", everything_hostile())
def test_all_texts_are_escaped(name: str) -> None:
    made = html(everything_hostile()[name])
    assert "<script" not in made and "<img src=x" not in made
    assert "alert(1)" in Checked(made).text or "…" in made


def test_experiments(tmp_path: Path) -> None:
    path = tmp_path / "many.hspy"
    spectra = Signal(np.zeros((30, 40, 50), "u2"), metadata={"General": {"title": HOSTILE}})
    ragged = np.empty(2, object)
    ragged[:] = [np.arange(3), np.arange(4)]
    hspyio.save(path, [spectra, Signal(ragged, metadata={"General": {"title": "<b>"}})])
    with hspyio.open(path) as experiments:
        made = html(experiments)
        text = Checked(made).text
    assert "<script" not in made and "<b>" not in made
    assert "(30, 40, 50), uint16" in text and "120,000 bytes in memory" in text
    assert (
        "shuffle + gzip" in text and "2 experiments" in text and f"format {CURRENT_VERSION}" in text
    )
    assert Checked(made).counts["details"] == 2 and not Checked(made).unfolded


def test_experiments_of_a_file_that_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(np.zeros(3), metadata={"General": {"title": "first"}}))
    experiments = hspyio.open(path)
    hspyio.save(path, Signal(np.zeros(4)), overwrite=True)
    assert "(3,), float64" in Checked(html(experiments)).text
    experiments.close()
    text = Checked(html(experiments)).text
    assert "first" in text and "has changed" in text


def test_many_experiments_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "many.hspy"
    made = [Signal([1.0], metadata={"General": {"title": f"s{i}"}}) for i in range(205)]
    hspyio.save(path, made, durable=False)
    with hspyio.open(path) as experiments:
        assert "… 5 more" in Checked(html(experiments)).text


def test_what_a_signal_shows(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    axes = [UniformAxis("y", "nm", size=20, navigate=True), UniformAxis("Energy", "eV", size=300)]
    tree = {"General": {"title": "EELS"}, "Signal": {"signal_type": "EELS"}}
    hspyio.save(path, Signal(np.ones((20, 300), "f4"), axes, metadata=tree))
    signal = hspyio.load(path)
    text = Checked(html(signal)).text
    for part in ("EELS", "(20|300)", "(20, 300), float32", "6,000 items, 24 kB, in memory"):
        assert part in text
    assert "/Experiments/EELS" in text and str(path) in text and "metadata" in text
    lazy = hspyio.load(path, lazy=True)
    made = html(lazy)
    assert "lazy" in made and "chunks" in Checked(made).text
    assert "polyline" in html(signal) and "polyline" not in made and "<img" not in made
    lazy.close()


def test_a_ragged_signal() -> None:
    data = np.empty(2, object)
    data[:] = [np.arange(3.0), np.arange(5.0)]
    text = Checked(html(Signal(data))).text
    assert "(2,), ragged, of float64" in text and "2 items, in memory" in text


def test_nothing_is_computed_for_lazy_data() -> None:
    def fail(*_: object) -> None:
        raise AssertionError("computed")

    data = da.map_blocks(fail, da.zeros((8, 8, 8), chunks=4), dtype="f8", meta=np.empty((0,) * 3))
    tree = {"lazy": data}
    made = html(Signal(data, signal_dimension=2, metadata=tree))
    assert "8 of them" in made and "<img" not in made and "polyline" not in made


def test_a_tree_of_ten_thousand_leaves_is_folded() -> None:
    tree = MetadataTree({f"n{i}": {f"leaf {j}": "x" for j in range(100)} for i in range(100)})
    for value in (tree, Signal([1.0], metadata={"a": 1}, original_metadata=tree)):
        checked = Checked(html(value))
        assert not checked.unfolded
        assert checked.counts["details"] >= 101
        assert "n99" in checked.text


def test_what_is_left_out_is_said() -> None:
    text = "&" * 60
    tree = MetadataTree({f"n{i}": {f"leaf {j}": text for j in range(100)} for i in range(100)})
    made = Checked(html(Signal([1.0], metadata=tree, original_metadata=tree)))
    assert made.text.count("more; .paths() lists all of them") == 2
    (found,) = re.findall(r"… ([\d,]+) more", Checked(html(tree)).text)
    shown = html(tree).count("<code>")
    assert 0 < 10_000 - shown <= int(found.replace(",", "")) <= 10_000 - shown + 100


def test_long_texts_are_cut() -> None:
    long = "x" * 2_000_000
    signal = Signal(
        np.zeros(2, [(f"f{i}", "u1") for i in range(500)]),
        [UniformAxis(long, long, size=2)],
        metadata={"General": {"title": long}, "Signal": {"signal_type": long}, long: long},
        attributes={long: long},
    )
    assert len(html(signal)) < 20_000
    assert len(html(signal.axes[0])) < 10_000


# previews


def pixels(made: str) -> np.ndarray[Any, Any]:
    """Decode the PNG of a preview, without the code that made it."""
    (encoded,) = re.findall(r"base64,([^\"]+)", made)
    content = b64decode(encoded)
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, depth, kind = struct.unpack(">IIBB", content[16:26])
    assert depth == 8 and kind in (0, 2)
    start, body, names = 8, b"", []
    while start < len(content):
        (size,) = struct.unpack(">I", content[start : start + 4])
        name, data = content[start + 4 : start + 8], content[start + 8 : start + 8 + size]
        (crc,) = struct.unpack(">I", content[start + 8 + size : start + 12 + size])
        assert crc == zlib.crc32(name + data)
        names.append(name)
        body += data if name == b"IDAT" else b""
        start += 12 + size
    assert names == [b"IHDR", b"IDAT", b"IEND"]
    rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape((height, width, 3) if kind == 2 else (height, width))


@given(hnp.arrays("u1", st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_png(image: np.ndarray[Any, Any]) -> None:
    from base64 import b64encode

    assert np.array_equal(pixels(f'base64,{b64encode(png(image)).decode()}"'), image)


def test_thumbnail_of_an_image() -> None:
    ramp = np.arange(40.0)[:, None] + np.zeros(30)
    made = pixels(preview(ramp, [False, False]))
    assert made.shape == (40, 30)
    assert made[0, 0] == 0 and made[-1, -1] == 255 and (np.diff(made[:, 0].astype(int)) >= 0).all()
    wide = pixels(preview(np.arange(500 * 1000).reshape(500, 1000), [False, False]))
    assert wide.shape[1] <= 84 and abs(wide.shape[1] / wide.shape[0] - 2) < 0.1


def test_thumbnail_of_colours() -> None:
    data = np.zeros((4, 5), [("R", "u2"), ("G", "u2"), ("B", "u2")])
    data["G"] = 2**16 - 1
    made = pixels(preview(data, [False, False]))
    assert made.shape == (4, 5, 3)
    assert (made == [0, 255, 0]).all()


def test_sparkline_keeps_a_narrow_peak() -> None:
    line = np.zeros(100_000)
    line[54_321] = 1
    made = preview(line, [False])
    (points,) = re.findall(r'points="([^"]+)"', made)
    heights = [float(point.split(",")[1]) for point in points.split()]
    assert min(heights) == 2 and max(heights) == 82 and len(made) < 10_000


@given(
    hnp.arrays(
        st.sampled_from(["?", "u1", "i8", "f2", "f8", "c16", ">f4", "u8"]),
        hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=7),
    ),
    st.lists(st.booleans(), min_size=5, max_size=5),
)
def test_any_array_has_a_preview_or_none(data: np.ndarray[Any, Any], flags: list[bool]) -> None:
    made = preview(data, flags[: data.ndim])
    Checked(made)
    assert len(made) < 50_000
    if data.size and data.ndim and np.isfinite(data).all():
        assert made


def test_no_preview_of_what_is_not_in_memory(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "raw", "f4", "w+", shape=(9, 9))
    assert preview(mapped, [False, False]) == ""
    assert preview(da.zeros((9, 9)), [False, False]) == ""
    assert preview(np.array(["a", "b"]), [False]) == ""
    assert preview(np.zeros(3, object), [True]) == ""


def test_masked_and_odd_values_have_previews() -> None:
    masked = np.ma.masked_array(np.arange(12.0).reshape(3, 4), mask=False)
    masked[1] = np.ma.masked
    assert "<img" in preview(masked, [False, False])
    odd = np.full((3, 4), np.nan)
    assert "<img" in preview(odd, [False, False])
    assert preview(np.full(5, np.inf), [False]).count("polyline") == 0


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_a_matrix_has_a_preview() -> None:
    """Its rows are matrices again."""
    assert "polyline" in preview(np.matrix([[1, 2]]), [False, False])


def test_large_arrays_are_looked_at_in_part() -> None:
    """An array of no bytes that claims 8 TB would take for ever otherwise."""
    for navigates in ([True, True, False], [True, False, False], [False] * 3):
        assert preview(np.broadcast_to(np.uint16(3), (2**14, 2**14, 2**14)), navigates)


def test_axes_and_models_without_anything() -> None:
    for value in (Axes(), MetadataTree(), Model(MetadataTree()), Signal(np.array(3.0)),
                  DataAxis(), UniformAxis(size=0), Signal(np.zeros((0, 3)))):  # fmt: skip
        html(value)


def test_axes_that_do_not_fit_the_data_yet() -> None:
    signal = Signal(np.zeros((2, 3)))
    signal.data = np.zeros((2, 3, 4))
    assert "(2, 3, 4)" in html(signal)


def test_no_heavy_import() -> None:
    code = (
        "import numpy, hspyio, sys\n"
        "hspyio.Signal(numpy.zeros((3, 4)))._repr_html_()\n"
        "found = {'matplotlib', 'dask', 'h5py', 'rich'} & set(sys.modules)\n"
        "assert not found, found"
    )
    source = str(Path(hspyio.__file__).parents[1])
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": source})


@pytest.mark.parametrize("tag", ["dt", "dd", "th", "td", "tr"])
def test_rules_of_notebooks_for_lists_and_tables_do_not_win(tag: str) -> None:
    """JupyterLab, nbconvert and VS Code have rules of up to two classes for these elements."""
    (style,) = re.findall("<style>(.*?)</style>", Signal(np.ones((2, 3)))._repr_html_())
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", style)
    selectors = [one for group, _ in rules for one in group.split(",") if tag in one.split()]
    assert selectors
    assert all(one.count(".hspyio") == 3 for one in selectors)
    if tag in {"dt", "dd"}:
        assert any("float:none" in body and f" {tag}" in group for group, body in rules)
