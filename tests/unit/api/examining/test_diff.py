"""`hspyio.diff` finds every kind of change, names its path, and finds nothing where nothing is."""

from __future__ import annotations

import warnings
from datetime import date
from pathlib import Path
from typing import Any

import dask.array as da
import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import hspyio
from hspyio.compare import MISSING, Terms, compare_arrays, compare_values
from hspyio.errors import ExperimentError, MissingFileError, OptionError
from hspyio.testing import values
from support import places
from support.samples import made

EXACT = Terms()


def diff(one: Path, other: Path, **options: Any) -> dict[str, str]:
    return {found.where: found.what for found in hspyio.diff(one, other, **options)}


def edited(path: Path, **changes: Any) -> Path:
    """A copy of a file with one signal, changed by what is set in it."""
    signal = hspyio.load(path)
    for name, value in changes.items():
        setattr(signal, name, value)
    target = path.with_name("edited.hspy")
    hspyio.save(target, signal, overwrite=True)
    return target


@pytest.fixture
def one(tmp_path: Path) -> Path:
    result = tmp_path / "one.hspy"
    hspyio.save(result, made("First"))
    return result


def test_every_part_is_compared(one: Path) -> None:
    whole = hspyio.load(one)
    axes = list(whole.axes)
    axes[1] = hspyio.UniformAxis("E", "eV", size=axes[1].size, scale=0.5)
    metadata = whole.metadata.as_dictionary() | {"number": 2}
    changes: dict[str, tuple[Any, dict[str, str]]] = {
        "data": (np.asarray(whole.data).astype("i8"), {"data": "the dtype uint16 became int64"}),
        "metadata": (metadata, {"metadata.number": "changed"}),
        "original_metadata": (
            {"array": np.arange(2)},
            {"original_metadata.array": "the shape (1,) became (2,)"},
        ),
        "attributes": ({}, {"attributes.comment": "removed"}),
        "learning_results": (
            {"factors": np.ones((2, 2))},
            {"learning_results.factors": "2 values of 4 differ, the first at (0, 1), by 1 at most"},
        ),
        "models": (
            {"fit": hspyio.Model(hspyio.MetadataTree({"date": "now", "values": np.arange(3)}))},
            {"models.fit.date": "changed"},
        ),
        "package": ("", {"package": "changed"}),
        "axes": (
            axes,
            {"axes.1.name": "changed", "axes.1.units": "changed", "axes.1.scale": "changed",
             "axes.1.navigate": "changed"},
        ),
    }  # fmt: skip
    for name, (value, expected) in changes.items():
        assert diff(one, edited(one, **{name: value})) == expected, name


def test_nothing_differs_whatever_the_storage(one: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.hspy"
    hspyio.repack(one, other, chunks=(1, 2, 3), compression=None)
    assert diff(one, other, stamps=True, strict=True) == {}


def test_stamps(one: Path) -> None:
    stamped = hspyio.load(one).metadata.as_dictionary()
    stamped["General"]["FileIO"] = {"0": {"operation": "save"}}
    stamped["_HyperSpy"] = {"Folding": {"unfolded": False}}
    other = edited(one, metadata=stamped, package_version="9")
    assert diff(one, other) == {}
    assert diff(one, other, stamps=True) == {
        "metadata.General.FileIO.0.operation": "added",
        "metadata._HyperSpy.Folding.unfolded": "added",
        "package_version": "changed",
    }


def test_tolerance(one: Path) -> None:
    data = np.asarray(hspyio.load(one).data)
    data[1, 2, 3] += 2
    other = edited(one, data=data)
    assert list(diff(one, other)) == ["data"]
    assert diff(one, other, atol=2) == {}
    assert list(diff(one, other, atol=1.9)) == ["data"]
    assert diff(one, other, rtol=0.5) == {}
    assert diff(one, other, data=False) == {}
    with pytest.raises(OptionError, match="use numbers from 0 up"):
        list(hspyio.diff(one, other, rtol=-1))
    with pytest.raises(OptionError, match="use numbers from 0 up"):
        list(hspyio.diff(one, other, atol=float("nan")))


def test_strict(one: Path) -> None:
    metadata = hspyio.load(one).metadata.as_dictionary()
    reordered = dict(reversed(metadata.items())) | {"number": np.int64(1)}
    other = edited(one, metadata=reordered)
    assert diff(one, other) == {}
    assert set(diff(one, other, strict=True)) == {"metadata", "metadata.number"}


def test_experiments_are_matched(tmp_path: Path) -> None:
    first, second, third = (made(title, models={}) for title in ("First", "Second", "Third"))
    one, other = tmp_path / "one.hspy", tmp_path / "other.hspy"
    hspyio.save(one, [first, second])
    hspyio.save(other, [second, third])
    with h5py.File(other, "r+") as file:
        file["Experiments"].move("Second", "renamed")
        file["Experiments"].attrs["operator"] = "A. N. Other"
    found = [(item.experiment, item.where, item.what) for item in hspyio.diff(one, other)]
    assert found == [
        ("", "attributes of the file.operator", "added"),
        ("First", "", "experiment removed"),
        ("Third", "", "experiment added"),
    ]
    hspyio.save(other, third, overwrite=True)
    hspyio.save(one, second, overwrite=True)
    assert set(diff(one, other)) == {"metadata.General.title", "attributes.comment"}


def test_one_experiment(path: Path) -> None:
    assert diff(path, path, name="First") == {}
    with pytest.raises(ExperimentError, match="no experiment 'Other'"):
        diff(path, path, name="Other")
    with pytest.raises(MissingFileError):
        diff(path, path.with_name("missing"))


def test_models_of_no_signal(path: Path) -> None:
    other = path.with_name("models.hspy")
    other.write_bytes(path.read_bytes())
    with h5py.File(other, "r+") as file:
        file["Analysis/models"].create_group("alone").attrs["date"] = "today"
    assert diff(path, other) == {"models of no signal.alone.date": "added"}


def test_archive_files_and_themselves() -> None:
    for file in sorted(places.ARCHIVE.iterdir()):
        assert diff(file, file, stamps=True, strict=True) == {}, file


def test_a_file_saved_again_by_hyperspy(tmp_path: Path) -> None:
    pytest.importorskip("hyperspy")
    one, other = tmp_path / "one.hspy", tmp_path / "other.hspy"
    signal = hspyio.Signal(
        np.arange(24.0).reshape(2, 3, 4),
        [
            hspyio.UniformAxis("y", "nm", size=2, scale=0.1, navigate=True),
            hspyio.UniformAxis("x", "nm", size=3, scale=0.1, navigate=True),
            hspyio.UniformAxis("E", "eV", size=4, offset=-3.0),
        ],
        metadata={
            "General": {"title": "T", "authors": "A"},
            "Signal": {"signal_type": ""},
            "Sample": {"elements": ["Fe", "Pt"], "size": (1.5, 2), "none": None, "ok": True},
            "values": np.arange(3),
        },
        original_metadata={"a": {"b": 1}},
    )
    hspyio.save(one, signal)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import hyperspy.api as hs

        hs.load(one).save(other)
    found = {where for where in diff(one, other) if where.startswith(("data", "axes", "metadata"))}
    assert found == set()
    assert any("FileIO" in where for where in diff(one, other, stamps=True))


# values


@given(values())
def test_a_value_is_no_different_from_itself(value: Any) -> None:
    assert list(compare_values(value, value, "v", EXACT)) == []
    assert list(compare_values({"k": value}, {"k": value}, "", EXACT)) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0), (1, np.int8(1)), (1.5, np.float32(1.5)), ("a", np.str_("a")), (2**70, 2**70),
        (float("nan"), float("nan")), (0.0, -0.0), ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([1, 2.0], [1.0, 2]), (True, np.True_), (np.array([1], "<i4"), np.array([1], ">i4")),
        (float("inf"), float("inf")), (np.array([np.nan]), np.array([np.nan])),
        (b"a", np.bytes_(b"a")),
    ],
)  # fmt: skip
def test_what_means_the_same(one: Any, other: Any) -> None:
    assert list(compare_values(one, other, "v", EXACT)) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 2), (1, True), (0, False), ("1", 1), (None, 0), ("a", b"a"), ([1], (1,)), ([1], [1, 2]),
        ([1, 2], [2, 1]), ({1}, {2}), ({}, []), (2**70, 2**70 + 1), (1e308, -1e308),
        (1.0, 1 + 1e-15),
        (float("nan"), 0.0), (float("inf"), 1e308), (date(2020, 1, 1), date(2020, 1, 2)),
        (np.array([1]), [1]), (np.array([1]), np.array([2])), (np.array(["a"]), np.array(["b"])),
        (np.array([np.nan]), np.array([0.0])), (np.array([1, 2]), np.array([[1, 2]])),
        (np.array([0], "u1"), np.array([255], "u1")), (1 + 1j, 1 + 2j), ({"a": {}}, {"a": 1}),
        (np.array(["2020"], "M8[D]"), np.array(["2021"], "M8[D]")),
        (np.array([(1, 0.5)], "i4,f8"), np.array([(1, 0.25)], "i4,f8")),
        (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[0, 0])),
        (hspyio.Signal([1.0]), hspyio.Signal([2.0])), ([{"a": 1}], [{"a": 2}]), ([{}], [{}, {}]),
    ],
)  # fmt: skip
def test_what_differs(one: Any, other: Any) -> None:
    assert len(list(compare_values(one, other, "v", EXACT))) == 1
    assert len(list(compare_values(other, one, "v", EXACT))) == 1


def test_what_only_one_side_has_is_named_leaf_by_leaf() -> None:
    found = list(compare_values({"a": {"b": {"c": 1, "d": 2}}}, {"e": 3}, "m", EXACT))
    assert [(item.where, item.what, item.one, item.other) for item in found] == [
        ("m.a.b.c", "removed", 1, MISSING),
        ("m.a.b.d", "removed", 2, MISSING),
        ("m.e", "added", MISSING, 3),
    ]
    assert str(found[0]) == "m.a.b.c: removed"


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("piece", [1, 5, 2**20])
def test_tolerance_of_arrays(order: Any, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hspyio.compare._PIECE", piece)
    one = np.asarray(np.arange(12, dtype="u2").reshape(3, 4), order=order)
    other = one + np.where(one % 5 == 4, np.uint16(2), np.uint16(0))
    terms = Terms(rtol=0.2)
    expected = ~np.isclose(one, other, rtol=0.2, atol=0)
    assert expected.sum() == 1
    assert np.array_equal(terms.apart(one, other), expected)
    [found] = compare_arrays(one, other, "v", terms)
    assert found.what == "1 value of 12 differs, the first at (1, 0), by 2 at most"
    assert list(compare_arrays(one, other, "v", Terms(atol=2))) == []


def test_a_mask_hides_what_is_under_it() -> None:
    one = np.ma.array([1, 2, 3], mask=[0, 1, 0])
    other = np.ma.array([1, 9, 3], mask=[0, 1, 0])
    assert list(compare_values(one, other, "v", EXACT)) == []


@given(
    arrays(np.uint16, (5, 7), elements=st.integers(0, 3)),
    arrays(np.uint16, (5, 7), elements=st.integers(0, 3)),
    st.integers(1, 5),
    st.integers(1, 7),
)
def test_blocks_do_not_matter(one: Any, other: Any, rows: int, columns: int) -> None:
    """Dask arrays of any chunks, differing ones too, give what arrays in memory give."""
    whole = list(map(str, compare_arrays(one, other, "data", EXACT)))
    lazy = da.from_array(one, (rows, columns)), da.from_array(other, (columns % 5 + 1, rows))
    assert {line.split(" differ")[0] for line in whole} == {
        str(item).split(" differ")[0] for item in compare_arrays(*lazy, "data", EXACT)
    }
    count = int((one != other).sum())
    assert bool(whole) == bool(count)
    if count > 1:
        assert whole[0].startswith(f"data: {count} values of 35 differ, the first at ")
        at = tuple(int(i[0]) for i in np.nonzero(one != other))
        assert f"at {at}, by {np.abs(one.astype(int) - other).max()} at most" in whole[0]
