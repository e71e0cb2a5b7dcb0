"""A file that is written while it is measured: whatever is done, every reader sees a state."""

from __future__ import annotations

import tempfile
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from rsciio.hspy import file_reader

import hspyio
from hspyio import UniformAxis
from hspyio.errors import (
    ArgumentError,
    AxesError,
    ExperimentError,
    FileLockedError,
    HspyWarning,
    MissingFileError,
    NotHspyError,
    OptionError,
    SaveError,
    TargetExistsError,
    UnsupportedTypeError,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.hspy"


def opened(path: Path, shape: tuple[int | None, ...] = (None, 4, 4), **options: Any) -> Any:
    given: dict[str, Any] = {"dtype": "u2", "checkpoint": None, "durable": False, **options}
    return hspyio.create(path, shape=shape, **given)


def frames(count: int, first: int = 1) -> np.ndarray:
    return np.arange(first, first + count * 16, dtype="u2").reshape(count, 4, 4)


# what is given


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": None}, "shape is None"),
        ({"shape": ()}, "shape is"),
        ({"shape": "abc"}, "shape is 'abc'"),
        ({"shape": (4, None)}, "only the first dimension"),
        ({"shape": (None, 0)}, "has a length"),
        ({"shape": (0, 4)}, "has a length"),
        ({"shape": (1.5, 4)}, "whole numbers"),
        ({"dtype": None}, "dtype is missing"),
        ({"dtype": "no"}, "numpy does not know"),
        ({"dtype": object}, "use booleans"),
        ({"dtype": "U5"}, "use booleans"),
        ({"dtype": ">G"}, "which is stored as complex256; use that"),
        ({"fill_value": -1}, "fill_value is -1"),
        ({"fill_value": 0.5}, "fill_value is 0.5"),
        ({"fill_value": "x"}, "fill_value is 'x'"),
        ({"mode": "a"}, "mode is 'a'"),
        ({"on_full": "drop"}, "on_full is 'drop'"),
        ({"queue_bytes": 0}, "queue_bytes is 0"),
        ({"queue_bytes": True}, "queue_bytes is True"),
        ({"checkpoint": "soon"}, "checkpoint is 'soon'"),
        ({"compression": "zip"}, "zip"),
        ({"threads": 0}, "threads is 0"),
        ({"chunks": (5_000_000, 4, 4)}, "chunks .* of 160 MB each"),
        ({"axes": [{"name": "t", "axis": [1, 2]}, {}, {}]}, "is uniform"),
    ],
)
def test_what_makes_no_sense(path: Path, options: dict[str, Any], message: str) -> None:
    given = {"shape": (None, 4, 4), "dtype": "u2", **options}
    with pytest.raises(OptionError, match=message):
        hspyio.create(path, **given)
    assert not path.exists()


def test_single_values_one_after_the_other(path: Path) -> None:
    with hspyio.create(path, shape=(None,), dtype="f8", chunks=(4,)) as w:
        w.append(5)
        w.append([1, 2, 3.5])
        w.checkpoint()
        w.append(np.arange(6.0))
    assert hspyio.load(path).data.tolist() == [5, 1, 2, 3.5, 0, 1, 2, 3, 4, 5]


def test_frames_of_several_chunks(path: Path) -> None:
    values = np.arange(9 * 35, dtype="u2").reshape(9, 5, 7)
    with opened(path, (None, 5, 7), chunks=(2, 2, 3)) as w:
        for frame in values[:5]:
            w.append(frame)
        w.append(values[5:])
    assert np.array_equal(hspyio.load(path).data, values)


def test_a_shape_may_be_an_array(path: Path) -> None:
    with hspyio.create(path, shape=np.array([3, 4]), dtype="u2") as w:
        assert w.shape == (3, 4)


def test_axes_that_do_not_fit(path: Path) -> None:
    with pytest.raises(AxesError, match="2 axes for 3 dimensions"):
        opened(path, axes=[{}, {}])
    with pytest.raises(ArgumentError, match="give one axis"):
        opened(path, axes=5)
    with pytest.raises(UnsupportedTypeError, match=r"metadata\.bad"):
        opened(path, metadata={"bad": object()})
    assert not path.exists()


def test_a_file_that_exists(path: Path) -> None:
    hspyio.save(path, hspyio.Signal([1.0]))
    before = path.read_bytes()
    with pytest.raises(TargetExistsError):
        opened(path)
    assert path.read_bytes() == before
    with opened(path, overwrite=True) as w:
        assert hspyio.load(path).data.shape == (0, 4, 4)
        w.append(frames(1))
    assert hspyio.load(path).data.shape == (1, 4, 4)


def test_all_of_it_is_in_the_file(path: Path) -> None:
    axes = [
        UniformAxis(name="t", units="s", scale=0.1, size=99, navigate=True),
        {"name": "y", "units": "nm", "size": 4},
        {"name": "x", "units": "nm", "scale": 0.5},
    ]
    with opened(
        path,
        axes=axes,
        title="run",
        signal_type="diffraction",
        metadata={"Sample": {"name": "gold"}},
        original_metadata={"log": ["a", 1]},
        compression="lzf",
        chunks=(3, 4, 4),
    ) as w:
        w.append(frames(5))
        assert w.chunks == (3, 4, 4)
    assert axes[0].size == 99  # type: ignore[union-attr]
    signal = hspyio.load(path)
    assert signal.axes.shape == (5, 4, 4) and signal.axes.names == ("t", "y", "x")
    assert signal.axes[0].scale == 0.1 and signal.axes.navigation_shape == (5,)
    assert (signal.title, signal.signal_type) == ("run", "diffraction")
    assert signal.metadata.Sample.name == "gold" and signal.original_metadata.log == ["a", 1]
    assert list(hspyio.open(path)) == ["run"]
    with h5py.File(path) as file:
        data = file["Experiments/run/data"]
        assert data.compression == "lzf" and data.maxshape == (None, 4, 4)
    assert hspyio.validate(path).ok


@pytest.mark.parametrize("dtype", ["?", "u1", ">i4", "f4", "f8", "c8"])
@pytest.mark.parametrize("compression", ["gzip", None])
def test_types(path: Path, dtype: str, compression: Any) -> None:
    values = np.random.default_rng(0).integers(0, 2, (9, 4, 4)).astype(dtype)
    with opened(path, dtype=dtype, compression=compression, chunks=(2, 4, 4)) as w:
        w.append(values[:5])
    with hspyio.resume(path, checkpoint=None, durable=False) as w:
        assert w.dtype == np.dtype(dtype)
        w.append(values[5:])
    found = hspyio.load(path).data
    assert found.dtype == np.dtype(dtype) and np.array_equal(found, values)
    [theirs] = file_reader(str(path))
    assert np.array_equal(theirs["data"], values)


@pytest.mark.parametrize("fill", [0, 7, np.nan])
def test_what_was_never_written(path: Path, fill: Any) -> None:
    for compression in ("gzip", None):
        with opened(
            path, (3, 5), dtype="f4", fill_value=fill, compression=compression, overwrite=True
        ) as w:
            w[1] = np.ones(5, "f4")
            w.checkpoint()
            expected = np.full((3, 5), fill, "f4")
            expected[1] = 1
            for data in (hspyio.load(path).data, file_reader(str(path))[0]["data"]):
                assert np.array_equal(data, expected, equal_nan=True)
        written = hspyio.load(path).metadata._hspyio.written
        assert written.tolist() == [False, True, False]
        assert not hspyio.load(path).metadata.has_item("_hspyio.growing")


def test_hyperspy_reads_every_state(path: Path) -> None:
    hs = pytest.importorskip("hyperspy.api")
    with opened(path, chunks=(2, 4, 4), title="run") as w:
        for count in range(1, 5):
            w.append(frames(1, count))
            w.checkpoint()
            for lazy in (False, True):
                signal = hs.load(str(path), lazy=lazy)
                data = signal.data.compute() if lazy else signal.data
                assert data.shape == (count, 4, 4) and data[-1, 0, 0] == count
                if lazy:
                    signal.close_file()


def test_only_one_writer(path: Path) -> None:
    with opened(path) as w:
        w.append(frames(2))
        w.checkpoint()
        signal = hspyio.load(path)
        for change in (
            lambda: hspyio.update(path, signal),
            lambda: hspyio.save(path, signal, overwrite=True),
            lambda: hspyio.append(path, signal),
            lambda: hspyio.resume(path),
            lambda: opened(path, overwrite=True),
        ):
            with pytest.raises(FileLockedError):
                change()
        with pytest.raises(BlockingIOError):
            h5py.File(path, "r+")
        with h5py.File(path) as file:
            assert len(file["Experiments/__unnamed__/data"]) == 2
    hspyio.update(path, signal)


def test_a_compact_file_has_its_index_in_front_and_no_dead_space(path: Path) -> None:
    random = np.random.default_rng(0)
    values = random.integers(0, 9, (300, 4, 4)).astype("u2")
    with opened(path, (300, 4, 4), chunks=(3, 4, 4), compression="lzf", fill_value=5) as w:
        for i in random.permutation(290).tolist():
            w[i] = values[i]
            if not i % 20:
                w.checkpoint()
        w.close(compact=True)
    values[[i for i in range(300) if i >= 290]] = 5
    assert np.array_equal(hspyio.load(path).data, values)
    found = hspyio.validate(path)
    assert found.ok, str(found)
    with h5py.File(path) as file:
        data = file["Experiments/__unnamed__/data"]
        assert data.compression == "lzf" and data.fillvalue == 5 and data.chunks == (3, 4, 4)
        places = [data.id.get_chunk_info(i) for i in range(data.id.get_num_chunks())]
        assert len(places) == 97
        assert all(
            one.byte_offset + one.size == other.byte_offset for one, other in pairwise(places)
        )
        assert places[-1].byte_offset + places[-1].size == path.stat().st_size
        assert h5py.h5o.get_info(data.id).addr < places[0].byte_offset
    head = path.read_bytes()[: places[0].byte_offset]
    assert head.count(b"TREE") == 3 + 1  # and that of the mask
    with hspyio.resume(path) as w:
        assert w.written.sum() == 290


# going on


def test_it_goes_on_where_it_was(path: Path) -> None:
    with opened(path, chunks=(3, 4, 4), metadata={"a": 1}) as w:
        w.append(frames(5))
    with hspyio.create(path, mode="r+", checkpoint=None) as w:
        assert (w.shape, w.chunks, w.metadata.a) == ((5, 4, 4), (3, 4, 4), 1)
        w.append(frames(4, 81))
        w.metadata.a = 2
        w.checkpoint()
        assert hspyio.load(path).metadata._hspyio.growing
    signal = hspyio.load(path)
    assert np.array_equal(signal.data, frames(9)) and signal.metadata.a == 2
    assert not signal.metadata.has_item("_hspyio")


def test_a_navigator_of_fewer_frames_is_left_out(path: Path) -> None:
    with opened(path) as w:
        w.append(frames(5))
    hspyio.add_navigator(path, navigator=["sum", "max"])
    with pytest.warns(HspyWarning, match="add_navigator"):
        w = hspyio.resume(path)
    with w:
        w.append(frames(4, 81))
    assert not hspyio.load(path).metadata.has_item("_HyperSpy.navigator")
    hspyio.add_navigator(path)
    assert hspyio.load(path).metadata._HyperSpy.navigator.data.shape == (9,)


def test_a_file_with_more_in_it(path: Path) -> None:
    with opened(path, title="run") as w:
        w.append(frames(2))
    hspyio.append(path, hspyio.Signal([1.0, 2.0], title="other", models={"fit": {"a": 1}}))
    with h5py.File(path, "r+") as file:
        file["Notes"] = [1, 2]
        file["Experiments/run"].attrs["operator"] = "A. N. Other"
        file["Experiments/run/extra"] = 5
        file["Experiments"].attrs["lab"] = 3
    with pytest.raises(ExperimentError, match="2 experiments"):
        hspyio.resume(path)
    with hspyio.resume(path, "run", checkpoint=None) as w:
        for turn in range(3):
            w.append(frames(1, turn))
            w.checkpoint()
    assert len(hspyio.load(path, "run").data) == 5
    assert hspyio.load(path, "other").models["fit"].tree["a"] == 1
    with h5py.File(path) as file:
        assert file["Notes"][:].tolist() == [1, 2] and file["Experiments"].attrs["lab"] == 3
        assert file["Experiments/run"].attrs["operator"] == "A. N. Other"
        assert file["Experiments/run/extra"][()] == 5


def test_a_file_of_another_program(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = 1
    with pytest.raises(NotHspyError):
        hspyio.resume(path)
    with pytest.raises(MissingFileError):
        hspyio.resume(path.with_name("none.hspy"))


@pytest.mark.parametrize(
    ("signal", "options", "message"),
    [
        (hspyio.Signal(np.ones((3, 4))), {"checksum": True}, "are sealed"),
        (hspyio.Signal(np.ones((3, 4))), {"nexus": True}, "annotated for NeXus"),
        (hspyio.Signal(np.ones((3, 4)), models={"fit": {"a": 1}}), {}, "has models"),
        (hspyio.Signal(np.array([np.ones(2), np.ones(3)], object)), {}, "plain numbers"),
        (hspyio.Signal(np.ma.masked_less(np.arange(9.0), 3)), {}, "plain numbers"),
    ],
)
def test_what_cannot_be_gone_on_with(
    path: Path, signal: hspyio.Signal, options: dict[str, Any], message: str
) -> None:
    hspyio.save(path, signal, **options)
    before = path.read_bytes()
    with pytest.raises(SaveError, match=message):
        hspyio.resume(path)
    assert path.read_bytes() == before
    hspyio.update(path, hspyio.load(path))  # nobody holds it


def test_a_saved_signal_can_be_written_into(path: Path) -> None:
    values = np.arange(12.0).reshape(3, 4)
    hspyio.save(path, hspyio.Signal(values, title="a"))
    with pytest.warns(HspyWarning, match="all of its shape"):
        w = hspyio.resume(path)
    with w:
        assert w.written.all()
        w[1, 2] = 50
    values[1, 2] = 50
    assert np.array_equal(hspyio.load(path).data, values)


# any sequence


class Measurement(RuleBasedStateMachine):
    """Whatever is called in whatever order, the file holds what numpy would."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "run.hspy"
        self.writer: Any = None
        self.turn = 0

    @initialize(
        is_open=st.booleans(),
        shape=st.tuples(st.integers(1, 6), st.integers(1, 4), st.integers(1, 4)),
        chunk=st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4)),
        signal=st.integers(0, 3),
        compression=st.sampled_from(["gzip", None]),
        queue=st.sampled_from([1, 10**6]),
    )
    def begin(
        self,
        is_open: bool,
        shape: tuple[int, ...],
        chunk: tuple[int, ...],
        signal: int,
        compression: Any,
        queue: int,
    ) -> None:
        self.is_open, self.queue = is_open, queue
        first = (None, *shape[1:]) if is_open else shape
        self.expected = np.full((0, *shape[1:]) if is_open else shape, 3, "i4")
        self.written = np.zeros(self.expected.shape, bool)
        self.signal = tuple(range(3 - signal, 3))
        self.writer = hspyio.create(
            self.path,
            shape=first,
            dtype="i4",
            fill_value=3,
            chunks=chunk,
            signal_dimension=signal,
            compression=compression,
            queue_bytes=queue,
            checkpoint=None,
            durable=False,
            threads=2,
        )

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        self.turn += 1
        return np.arange(np.prod(shape, dtype=int), dtype="i4").reshape(shape) + 1000 * self.turn

    @precondition(lambda self: self.is_open)
    @rule(count=st.integers(0, 9))
    def append(self, count: int) -> None:
        values = self._values((count, *self.expected.shape[1:]))
        self.writer.append(values)
        self.expected = np.concatenate([self.expected, values])
        self.written = np.concatenate([self.written, np.ones(values.shape, bool)])

    @precondition(lambda self: self.expected.size)
    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        region: list[slice | int] = []
        for n in self.expected.shape[: data.draw(st.integers(0, 3))]:
            low = data.draw(st.integers(0, n - 1))
            high = data.draw(st.integers(low + 1, n))
            region.append(data.draw(st.sampled_from([low, slice(low, high), slice(None)])))
        where = tuple(region)
        values = self._values(self.expected[where].shape)
        self.writer[where] = self.expected[where] = values
        self.written[where] = True

    @rule()
    def checkpoint(self) -> None:
        self.writer.metadata.set_item("turn", self.turn)
        self.writer.checkpoint()
        self._check(growing=True)

    @rule(compact=st.booleans())
    def resume(self, compact: bool) -> None:
        self.writer.close(compact=compact)
        self._check(growing=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HspyWarning)  # nothing may be missing
            self.writer = hspyio.resume(
                self.path, checkpoint=None, durable=False, queue_bytes=self.queue, threads=2
            )
        if self.signal:  # of signals that were written in part nothing is told
            whole = self.written.all(axis=self.signal, keepdims=True)
            self.written = np.broadcast_to(whole, self.written.shape).copy()

    @invariant()
    def tells_what_was_written(self) -> None:
        if self.writer is not None:
            assert self.writer.shape == self.expected.shape
            found = self.writer.written
            assert np.array_equal(found, self._signals()), (found, self._signals())

    def _signals(self) -> np.ndarray:
        return np.asarray(self.written.all(axis=self.signal) if self.signal else self.written)

    def _check(self, *, growing: bool) -> None:
        signal = hspyio.load(self.path)
        assert np.array_equal(signal.data, self.expected)
        assert signal.metadata.get_item("_hspyio.growing", False) == growing
        told = signal.metadata.get_item("_hspyio.written", None)
        mask = self._signals()
        assert told is None if mask.all() else np.array_equal(told, mask)
        with h5py.File(self.path) as file:
            assert np.array_equal(file["Experiments/__unnamed__/data"][()], self.expected)
        assert np.array_equal(file_reader(str(self.path))[0]["data"], self.expected)

    def teardown(self) -> None:
        try:
            if self.writer is not None:
                self.writer.close()
                self._check(growing=False)
        finally:
            self.folder.cleanup()


Measurement.TestCase.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)
TestAnySequence = Measurement.TestCase


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "u2,,"}, "dtype is 'u2,,'"),
        ({"fill_value": 2**70}, "fill_value is 1180591620717"),
    ],
)
def test_odd_types_and_values_are_options_that_make_no_sense(
    path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        hspyio.create(path, **{"shape": (None, 4), "dtype": "u2", **options})
    assert not path.exists()
