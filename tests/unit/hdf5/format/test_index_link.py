"""A header that HDF5 has made leads to an index, or says that it is none for that."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import pytest

from hspyio.errors import SaveError
from hspyio.hdf5.format.index_link import lead_to_index, linked
from hspyio.hdf5.format.superblock import lookup3


def header(path: Path, libver: Any, **options: Any) -> int:
    with h5py.File(path, "w", libver=libver) as file:
        data = file.create_dataset("data", (4, 4), "u2", **options)
        return int(h5py.h5o.get_info(data.id).addr)


@pytest.mark.parametrize("options", [{}, {"compression": "gzip", "shuffle": True, "fillvalue": 3}])
def test_only_the_address_and_the_checksum_change(tmp_path: Path, options: Any) -> None:
    path = tmp_path / "a.h5"
    place = header(path, ("v108", "latest"), chunks=(2, 2), maxshape=(None, 4), **options)
    before = path.read_bytes()
    descriptor = os.open(path, os.O_RDWR)
    lead_to_index(descriptor, place, 0x123456)
    os.close(descriptor)
    after = path.read_bytes()
    changed = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    assert place < changed[0] and changed[-1] < place + 400
    assert len(changed) <= 12
    assert (0x123456).to_bytes(8, "little") in after[place:]
    block = linked(before[place:], 0x123456)
    assert block is not None and lookup3(block[:-4]) == int.from_bytes(block[-4:], "little")


@pytest.mark.parametrize(
    ("libver", "options"),
    [
        ("earliest", {"chunks": (2, 2)}),
        ("latest", {"chunks": (2, 2), "maxshape": (None, 4)}),
        (("v108", "latest"), {}),
    ],
)
def test_another_header_is_refused(tmp_path: Path, libver: Any, options: Any) -> None:
    path = tmp_path / "a.h5"
    place = header(path, libver, **options)
    descriptor = os.open(path, os.O_RDWR)
    try:
        with pytest.raises(SaveError, match="does not lead to chunks"):
            lead_to_index(descriptor, place, 5)
    finally:
        os.close(descriptor)
    assert linked(b"OHDR\x02\x00\x00", 5) is None
