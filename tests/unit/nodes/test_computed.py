"""dask arrays: whether their blocks are what was said of them, and what computes them."""

from __future__ import annotations

import operator
import warnings
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hspyio.compare import value_differences
from hspyio.errors import HspyError, OptionError, SaveError
from hspyio.nodes.computed import (
    DERIVED,
    Declared,
    computed,
    declared,
    derive,
    each_block,
    scheduler,
    thread_limit,
)

NUMBERS = ["u1", "u2", ">u4", "u8", "i1", "i2", ">i4", "i8", ">i8", "f2", "f4", ">f8", "f8"]
NUMBERS += ["c8", "c16", "?"]


def whole(values: Any, dtype: Any = None) -> Declared:
    """An array of one block."""
    return Declared(np.dtype(dtype or values.dtype), tuple((n,) for n in values.shape))


@given(st.data(), st.sampled_from(NUMBERS), st.sampled_from(NUMBERS))
def test_a_cast_keeps_every_value_or_is_refused(data: Any, found: str, said: str) -> None:
    values = data.draw(hnp.arrays(found, st.integers(1, 5)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            cast = whole(values, said).checked(values, (0,))
        except SaveError as error:
            assert values.dtype != np.dtype(said)
            assert str(values.dtype) in str(error) and str(np.dtype(said)) in str(error)  # noqa: PT017
            return
    assert cast.dtype == np.dtype(said)
    for one, other in zip(values.tolist(), cast.tolist(), strict=True):  # Python compares exactly
        assert one == other or (one != one and other != other)  # noqa: PLR0124


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("f8", [1j]), ("u1", [301]), ("u1", [-1]), ("i8", [0.5]), ("i4", [np.nan]), ("i8", [1.0]),
        ("f4", [1 + 1e-9]), ("f4", [1e39]), ("f8", np.array([2**53 + 1])), ("?", [1]),
        ("c8", [1 + 1e-9j]),
        ("u8", np.array([-1])), ("i8", np.array([2**63], "u8")), ("f2", np.array([70000])),
        ("f8", np.array([2**64 - 1], "u8")), ("f4", np.array([2**63 - 1])),
        ("U3", ["abcd"]), ("S1", [b"ab"]), ("U3", [1]), ("O", [1]), ("i8", np.array([None])),
        ("M8[s]", np.array(["2020-01-01T00:00:00.001"], "M8[ms]")), ("m8[s]", [1]),
        ("i4,f8", np.zeros(1, "i4,f4")), ("i4,f8", np.zeros(1, [("a", "i4"), ("b", "f8")])),
    ],
)  # fmt: skip
def test_values_that_the_type_does_not_hold(said: str, values: Any) -> None:
    values = np.asarray(values)
    with pytest.raises(SaveError, match=r"^block \(0,\) .* where dask was told"):
        whole(values, said).checked(values, (0,))


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("u1", [255]), ("i1", np.array([127], "u8")), ("f4", [0.5, np.nan, np.inf]),
        ("f8", [2**53]),
        ("c16", np.array([1.5, np.nan], "f4")), ("c8", [1 + 2j, complex("nan+1j")]), ("u1", [True]),
        (">i4", np.array([5], "<i4")), ("U9", ["abcd"]),
        ("U1", np.array(["a"], "U9")), ("S1", np.array([b"a"], "S9")),
        ("M8[s]", np.array(["2020-01-01T00:00:01", "NaT"], "M8[ms]")),
        ("O", np.array([None, [1]], object)),
        (">i4,>f8", np.array([(1, np.nan)], "<i4,<f8")),
    ],
)  # fmt: skip
def test_casts_that_lose_nothing(said: str, values: Any) -> None:
    values = np.asarray(values)
    cast = whole(values, said).checked(values, (0,))
    assert cast.dtype == np.dtype(said)
    back = cast.real if values.dtype.kind == "f" else cast
    assert not value_differences(back.astype(values.dtype), values)


class Cupy:
    """What cannot become an array of numpy's by itself."""

    shape, dtype, ndim = (2, 3), np.dtype("f8"), 2

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed")


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (np.zeros((3, 2)), r"has shape \(3, 2\) where dask was told \(2, 3\)"),
        (np.zeros(6), r"has shape \(6,\)"), (np.zeros((0, 3)), r"has shape \(0, 3\)"),
        (np.zeros((1, 2, 3)), r"has shape \(1, 2, 3\)"), (np.float64(1), r"has shape \(\)"),
        (1.0, r"has shape \(\)"), ([[1.0], [2.0, 3.0]], r"has shape \(\)"),
        ([], r"has shape \(0,\)"), (None, "is a NoneType"), ({}, "is a dict"),
        (Cupy(), r"is a \S*Cupy, not an array of numpy"),
        (np.ma.array(np.zeros((2, 3)), mask=np.eye(2, 3)), "hides values behind a mask"),
    ],
)  # fmt: skip
def test_blocks_that_are_something_else(block: Any, message: str) -> None:
    said = Declared(np.dtype("f8"), ((2, 2), (3,)))
    with pytest.raises(SaveError, match=rf"^block \(1, 0\) of the dask array {message}"):
        said.checked(block, (1, 0))


@pytest.mark.parametrize(
    "block", [[[1.0, 2.0, 3.0]], np.ma.array([[1.0, 2.0, 3.0]]), np.array([1.0, 2.0, 3.0])]
)
def test_blocks_that_dask_too_takes_for_arrays(block: Any) -> None:
    values = Declared(np.dtype("f8"), ((1,), (3,))).checked(block, (0, 0))
    assert type(values) is np.ndarray and values.tolist() == [[1, 2, 3]]


def test_where_blocks_are() -> None:
    place = Declared(np.dtype("f8"), ((1, 2, 3), (4,))).selections()
    assert place((0, 0)) == (slice(0, 1), slice(0, 4))
    assert place((2, 0)) == (slice(3, 6), slice(0, 4))


@pytest.mark.parametrize(
    "graph",
    [
        da.arange(7, chunks=3), da.zeros(()), da.zeros((0, 3)),
        da.ones((4, 5, 6), chunks=(3, 2, 6)), da.arange(9, chunks=4)[da.arange(9, chunks=4) > 2],
        da.from_array(np.array(["a", "µ"]), chunks=1),
    ],
)  # fmt: skip
def test_what_is_computed_is_what_dask_computes(graph: Any) -> None:
    assert not value_differences(computed(graph), graph.compute())


def test_a_task_that_fails_is_named() -> None:
    failing = da.ones(3, chunks=1).map_blocks(
        operator.itemgetter("x"), dtype="f8", meta=np.empty(0)
    )
    with pytest.raises(SaveError, match="could not be computed: IndexError: only integers"):
        computed(failing)


class Hashed:
    """A function that notes when dask wants a hash of it."""

    def __init__(self) -> None:
        self.hashed = 0

    def __call__(self, block: Any, block_id: Any = ()) -> Any:
        return block + block_id[0]

    def __dask_tokenize__(self) -> Any:
        self.hashed += 1
        return id(self)


def test_nothing_is_hashed() -> None:
    graph, do = da.zeros(3, chunks=1), Hashed()
    one, other = each_block(graph, do), each_block(graph, do)
    assert one.name != other.name
    assert one.compute(scheduler="sync").tolist() == [0, 1, 2]
    assert do.hashed == 0
    graph.map_blocks(do, dtype="f8", meta=np.empty(0))
    assert do.hashed > 0


def test_the_scheduler_is_dasks() -> None:
    assert scheduler() is None
    with dask.config.set(scheduler="synchronous"):
        assert scheduler() is dask.local.get_sync
    with dask.config.set(scheduler="threads"):
        assert scheduler() is dask.threaded.get
    with dask.config.set(scheduler="nonsense"), pytest.raises(OptionError, match="scheduler"):
        scheduler()
    with dask.config.set(scheduler="distributed"), pytest.raises(HspyError, match="no Client"):
        scheduler()


@pytest.mark.parametrize(
    ("threads", "asked", "setting", "expected"),
    [(4, True, None, 4), (4, False, None, 4), (4, True, 2, 2), (4, True, 8, 4),
     (4, False, 8, 8), (4, False, 1, 1)],
)  # fmt: skip
def test_num_workers_is_obeyed(threads: int, asked: bool, setting: Any, expected: int) -> None:
    with dask.config.set(num_workers=setting):
        assert thread_limit(threads, asked=asked) == expected
    with dask.config.set(num_workers="many"), pytest.raises(OptionError, match="num_workers"):
        thread_limit(threads, asked=asked)


def test_what_dask_was_told() -> None:
    assert declared(da.zeros((3, 4), chunks=(2, 4))) == Declared(np.dtype("f8"), ((2, 1), (4,)))


def test_a_derived_array_is_computed_as_any_and_knows_how_it_is_made() -> None:
    values = np.arange(24).reshape(2, 3, 4)
    lazy = da.from_array(values, chunks=(1, 3, 2))
    made = derive(lazy, lambda block: block.sum(1), [0, 2], values.dtype)
    assert (computed(made) == values.sum(1)).all()
    found = getattr(made, DERIVED)
    assert found.graph is lazy
    block, place = found(values[1:, :, 2:], (1, 0, 1))
    assert place == (1, 1)
    assert (block == values[1:, :, 2:].sum(1)).all()
    for other in (lazy, made + 1, made[:1], made.rechunk((2, 2))):
        assert not hasattr(other, DERIVED)
