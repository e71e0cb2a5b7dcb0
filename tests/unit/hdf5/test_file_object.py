"""File objects as snapshots: what they share, and what they have not got."""

from __future__ import annotations

import copy
import io
import pickle
from pathlib import Path

import h5py
import pytest

from hspyio.errors import ArgumentError
from hspyio.hdf5.file_object import ObjectSnapshot
from hspyio.hdf5.reader import open_file


def test_a_snapshot_closes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"] = [1, 2, 3]
    with path.open("rb") as stream:
        snapshot = ObjectSnapshot(stream, "name")
        for _ in range(2):
            with open_file(snapshot) as root:
                assert root.members["x"].source.read().tolist() == [1, 2, 3]
        snapshot.close()
        assert snapshot.clone() is snapshot is copy.copy(snapshot)
        with snapshot.hold() as source:
            assert source.size == path.stat().st_size == snapshot.size


def test_no_other_process_has_it() -> None:
    snapshot = ObjectSnapshot(io.BytesIO(b"content"), "name")
    with pytest.raises(ArgumentError, match="name: is read through a file object"):
        pickle.dumps(snapshot)
