"""The state of a file that is far away."""

from __future__ import annotations

import copy
import pickle
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import hspyio
from hspyio.errors import NotHspyError, StaleFileError
from hspyio.hdf5.remote_snapshot import RemoteSnapshot, remote_snapshot
from hspyio.remote.storage_options import storage_options_of
from support.range_server import Server, open_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    hspyio.save(tmp_path / "a.hspy", hspyio.Signal(np.arange(60_000.0)), chunks=(1000,))
    with open_server(tmp_path) as made:
        yield made


def snapshot_of(server: Server) -> RemoteSnapshot:
    url = server.url.replace("//", "//me:S3CRET@")
    options = {"head": 4096, "headers": {"X-Token": "T0KEN"}}
    return remote_snapshot(f"{url}/a.hspy?sig=S1G", storage_options_of(options))


def test_it_is_one_for_all(server: Server) -> None:
    snapshot = snapshot_of(server)
    assert snapshot.clone() is copy.copy(snapshot) is copy.deepcopy(snapshot) is snapshot
    assert not snapshot.is_local
    snapshot.close()
    with snapshot.open_source() as source:
        assert source.read(1, 3) == b"HDF"


def test_its_pickle_has_what_another_process_needs(server: Server) -> None:
    snapshot = snapshot_of(server)
    content = pickle.dumps(snapshot)
    for secret in (b"S3CRET", b"T0KEN"):
        assert secret not in content
    assert "S3CRET" not in repr(snapshot) and "S1G" not in snapshot.path
    again = pickle.loads(content)
    assert again.path == snapshot.path
    with again.open_source() as source:
        assert source.size == snapshot.size
    assert server.asked[-1].headers["X-Token"] == "T0KEN"
    assert server.asked[-1].headers["Authorization"].startswith("Basic ")
    assert pickle.loads(content) is again  # one a process, not one a task


def test_another_state_is_not_opened(server: Server, tmp_path: Path) -> None:
    content = pickle.dumps(snapshot_of(server))
    time.sleep(0.01)
    hspyio.save(tmp_path / "a.hspy", hspyio.Signal(np.arange(5.0)), overwrite=True)
    with pytest.raises(StaleFileError, match="has changed since it was opened"):
        pickle.loads(content)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("<!DOCTYPE html><html><head><title>Sign in</title>", "a page of a web site ('Sign in')"),
        (" \n<html>", "a page of a web site, not an HDF5 file; the address of the file"),
        ("<?xml version='1.0'?><Error>", "a page of a web site"),
        ("version https://git-lfs", "is not an HDF5 file"),
    ],
)
def test_a_page_is_told_from_a_file(
    server: Server, tmp_path: Path, page: str, message: str
) -> None:
    (tmp_path / "a.hspy").write_text(page)
    with pytest.raises(NotHspyError) as caught:
        hspyio.load(f"{server.url}/a.hspy")
    assert message in str(caught.value)
