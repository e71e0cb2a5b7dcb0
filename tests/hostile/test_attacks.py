"""Every attack, read in every way: refused or harmless, in little memory, nothing else opened."""

from __future__ import annotations

import multiprocessing
import os
import sys
import warnings
from multiprocessing.context import ForkServerContext, SpawnContext
from pathlib import Path

import pytest

import hspyio
from support.attacks import child, foreign
from support.attacks.corpus import ATTACKS
from support.attacks.verdict import problems

TIMEOUT = 120
"""Seconds after which a child has got stuck; an attack takes one."""

IMPORTED = (
    "hspyio.api.loading.load",
    "hspyio.bridges.inspection",
    "hspyio.bridges.rosettasciio",
    "hspyio.hdf5.ragged",
    "dask.array",
    "imagecodecs",
    "rich.console",
    "rich.table",
)
"""What takes most of a child's time, were it not there."""

NEEDS_FIFO = {name for name in ATTACKS if "fifo" in name}


@pytest.fixture(scope="module")
def context() -> ForkServerContext | SpawnContext:
    """Makes children; where it can be they find everything imported."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([*IMPORTED])
    return server


Outcomes = dict[str, child.Outcome]


def read(context: ForkServerContext | SpawnContext, path: Path) -> Outcomes:
    """What a child makes of a file; it fails if the child dies or gets stuck."""
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=child.report, args=(path, sending))
    process.start()
    sending.close()
    try:
        if not receiving.poll(TIMEOUT):
            pytest.fail("reading got stuck")
        outcomes: Outcomes = receiving.recv()
    except EOFError:
        process.join()
        pytest.fail(f"reading ended the process, with exit code {process.exitcode}")
    finally:
        process.kill()
        process.join()
    return outcomes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder" / "attack.hspy"


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_does_no_harm(
    name: str, path: Path, context: ForkServerContext | SpawnContext
) -> None:
    if name in NEEDS_FIFO and not hasattr(os, "mkfifo"):
        pytest.skip("no FIFOs here")
    attack = ATTACKS[name]
    attack.make(path)
    content = path.read_bytes()
    outcomes = read(context, path)
    assert path.read_bytes() == content
    found = list(problems(outcomes, attack))
    assert not found, "\n".join(found)


def test_a_child_tells_what_is_opened(
    path: Path, context: ForkServerContext | SpawnContext
) -> None:
    """The watch itself: with external links followed it sees them."""
    foreign.linked_experiment(path)
    with child.watched(path.parent) as events, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hspyio.load(path, name="Handmade", allow_external=True)
        opened = events()
    if sys.platform == "linux":
        assert foreign.CANARY in opened
