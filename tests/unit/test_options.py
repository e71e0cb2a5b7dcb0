"""Options are frozen, and refuse what makes no sense."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.errors import OptionError
from hspyio.options import ReadOptions, WriteOptions


@pytest.mark.parametrize("errors", ["ignore", "", None, True, "RAISE"])
def test_errors_is_raise_or_warn(errors: Any) -> None:
    with pytest.raises(OptionError, match="use 'raise' or 'warn'"):
        ReadOptions(errors=errors)
    assert ReadOptions(errors="warn").errors == "warn"


@pytest.mark.parametrize("chunks", ["Auto", "", "x", "-1"])
def test_read_chunks_are_known_words_or_a_shape(chunks: Any) -> None:
    with pytest.raises(OptionError, match="use 'auto', 'storage' or a shape"):
        ReadOptions(chunks=chunks)
    for good in ("auto", "storage", (1, 2)):
        assert ReadOptions(chunks=good).chunks == good


@pytest.mark.parametrize("chunks", [False, 5, "auto", 1.5, {1, 2}, {"x": 1}, b"x"])
def test_write_chunks_are_none_true_or_a_shape(chunks: Any) -> None:
    with pytest.raises(OptionError, match="use None, True or a shape"):
        WriteOptions(chunks=chunks)
    for good in (None, True, (1, 2), ()):
        assert WriteOptions(chunks=good).chunks == good


@pytest.mark.parametrize("kind", [ReadOptions, WriteOptions])
def test_options_are_frozen_and_named(kind: Any) -> None:
    options = kind()
    with pytest.raises(FrozenInstanceError):
        options.chunks = True
    with pytest.raises(TypeError):
        kind(None)
    with pytest.raises(TypeError):
        kind(nonsense=1)
    assert kind() == options


@pytest.mark.parametrize(
    "options",
    [
        {"errors": "ignore"}, {"chunks": "x"}, {"isolated": True, "lazy": True}, {"threads": 0},
        {"threads": -1}, {"threads": True}, {"threads": 1.5}, {"threads": "x"},
        {"lazy": True, "chunks": (-5,)}, {"lazy": True, "chunks": (0,)},
        {"lazy": True, "chunks": ("x",)},
    ],
)  # fmt: skip
def test_load_refuses_what_makes_no_sense(options: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(np.arange(3.0)))
    with pytest.raises(OptionError):
        hspyio.load(path, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"chunks": False}, {"chunks": 5}, {"chunks": (1, 2)}, {"chunks": (0,)}, {"chunks": ("x",)},
        {"compression": "x"}, {"compression_opts": 99}, {"checksum": 1}, {"nexus": 1},
        {"threads": 0}, {"threads": 2.5}, {"threads": "x"},
    ],
)  # fmt: skip
def test_save_refuses_what_makes_no_sense_and_touches_nothing(
    options: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "a.hspy"
    path.write_bytes(b"old")
    with pytest.raises(OptionError):
        hspyio.save(path, Signal(np.arange(3.0)), overwrite=True, **options)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "options",
    [{"maxshape": (1,)}, {"maxshape": (None, None)}, {"maxshape": 5}, {"maxshape": ("x",)},
     {"mode": "r"}, {"write_dataset": 1}, {"write_dataset": False, "mode": "w"}],
)  # fmt: skip
def test_file_writer_refuses_what_makes_no_sense(options: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    path.write_bytes(b"old")
    made = {"data": np.arange(3.0), "axes": [{"size": 3, "navigate": False}], "metadata": {}}
    with pytest.raises(OptionError):
        hspyio.file_writer(path, made, **options)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_shapes_may_be_lists(tmp_path: Path) -> None:
    assert WriteOptions(chunks=[1, 2], maxshape=[None, 3]).chunks == (1, 2)  # type: ignore[arg-type]
    assert WriteOptions(maxshape=[None, 3]).maxshape == (None, 3)  # type: ignore[arg-type]
    path, other = tmp_path / "a.hspy", tmp_path / "b.hspy"
    signal = hspyio.Signal(np.zeros((4, 6)))
    hspyio.save(path, signal, chunks=[1, 2])  # type: ignore[arg-type]
    hspyio.append(path, signal, chunks=[2, 2])  # type: ignore[arg-type]
    hspyio.repack(path, other, chunks=[4, 3])  # type: ignore[arg-type]
    for file, chunks in ((path, [(1, 2), (2, 2)]), (other, [(4, 3)] * 2)):
        with h5py.File(file) as opened:
            assert [group["data"].chunks for group in opened["Experiments"].values()] == chunks
    with hspyio.open(path) as experiments:
        name = next(iter(experiments))
    assert hspyio.load(path, name=name, lazy=True, chunks=[2, 6]).data.chunksize == (2, 6)  # type: ignore[arg-type]
