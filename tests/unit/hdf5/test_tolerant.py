"""The tolerant temper of the parser: what it yields of damaged groups, and what it says is lost."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import pytest

from hspyio.errors import HspyError
from hspyio.hdf5.format.attributes import attributes_of
from hspyio.hdf5.format.datatypes import TypeTable
from hspyio.hdf5.format.file_bytes import FileBytes
from hspyio.hdf5.format.global_heap import GlobalHeaps
from hspyio.hdf5.format.links import links_of
from hspyio.hdf5.format.object_header import object_header
from hspyio.system.byte_source import LocalBytes

LIBVERS: list[Any] = ["earliest", ("v108", "latest"), "latest"]
COUNTS = (3, 60, 3000)
"""Of links and attributes: in the header, in a heap of one block, in a heap of many."""


@pytest.fixture(params=[(libver, n) for libver in LIBVERS for n in COUNTS], ids=str)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    libver, count = request.param
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver=libver) as file:
        group = file.create_group("group")
        for i in range(count):
            group[f"member {i}"] = h5py.SoftLink("/x") if i == 1 else file
        for i in range(count if libver != "earliest" else 60):
            group.attrs[f"attribute {i}"] = i
    return path


@contextmanager
def opened(path: Path, *, tolerant: bool) -> Iterator[FileBytes]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield FileBytes(LocalBytes(descriptor), None, tolerant=tolerant)
    finally:
        os.close(descriptor)


def listed(content: FileBytes, address: int) -> tuple[dict[bytes, Any], dict[bytes, Any]]:
    header = object_header(content, address)
    found = attributes_of(header, TypeTable(content), GlobalHeaps(content))
    values = {name: int(node.value) for name, node in found.items()}  # type: ignore[arg-type]
    try:
        return links_of(header, content), values
    except HspyError as error:  # nothing in its header says where they stand
        content.lose(error)
        return {}, values


def test_of_a_good_group_nothing_is_lost(path: Path) -> None:
    with h5py.File(path) as file:
        address = int(h5py.h5o.get_info(file["group"].id).addr)
    with opened(path, tolerant=True) as here, opened(path, tolerant=False) as there:
        assert listed(here, address) == listed(there, address)
        assert here.losses == 0


def test_of_a_damaged_group_the_rest_comes_back(path: Path) -> None:
    with h5py.File(path) as file:
        address = int(h5py.h5o.get_info(file["group"].id).addr)
    with opened(path, tolerant=False) as content:
        members, attributes = listed(content, address)
        places = [(place, n) for place, n in content.taken.items() if place != address]
    whole = path.read_bytes()
    chance = random.Random(path.name)
    checked = b"OHDR" in whole and b"SNOD" not in whole
    partly = 0
    for place, length in chance.sample(places, min(12, len(places))):
        start = place + chance.randrange(max(1, length - 16))
        path.write_bytes(whole[:start] + bytes(16) + whole[start + 16 :])
        with opened(path, tolerant=True) as content:
            found, values = listed(content, address)
            lost = len(found) < len(members) or len(values) < len(attributes)
            assert content.losses or not lost or not checked
            partly += lost and bool(found or values)
        if checked:
            assert found.items() <= members.items()
            assert values.items() <= attributes.items()
        try:
            with opened(path, tolerant=False) as content:
                strict = listed(content, address)
        except HspyError:
            continue
        assert strict == (found, values)
    assert partly or not places
    path.write_bytes(whole[: max(place for place, _ in places) + 5] if places else whole)
    with opened(path, tolerant=True) as content:
        found, values = listed(content, address)
        assert content.losses or not places
        assert found.items() <= members.items()


def test_what_is_no_object_is_none_in_either_temper(path: Path) -> None:
    for tolerant in (False, True):
        with opened(path, tolerant=tolerant) as content, pytest.raises(HspyError):
            object_header(content, 13)
