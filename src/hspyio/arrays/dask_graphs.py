"""dask graphs -> blocks: on threads of this process, or wherever dask's settings have it."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeAlias

from hspyio.arrays.blocks import ChunkTarget, Encoder, Piece, Target
from hspyio.arrays.cluster import block_tasks, checked_at, client_of, store_on_cluster, take
from hspyio.arrays.workers import Work
from hspyio.errors import HspyError, SaveError
from hspyio.nodes.computed import (
    BlockId,
    Declared,
    declared,
    each_block,
    not_computed,
    scheduler,
    thread_limit,
)
from hspyio.nodes.node import Selection
from hspyio.system.interrupts import interrupt_behind

__all__ = ["GraphOfTarget", "store_graphs"]

GraphOfTarget: TypeAlias = tuple[Any, Target]
"""A dask array, and where its blocks go."""


def store_graphs(pairs: Sequence[GraphOfTarget], work: Work) -> None:
    """Compute dask arrays, all in one go, and store their blocks.

    With a ``distributed.Client`` active, computing and compressing happen on its workers;
    otherwise on threads of this process, none of which outlives the call, unless dask's settings
    name another scheduler, a pool of threads, or how many there may be.

    Parameters
    ----------
    pairs : sequence of (dask array, Target)
        What goes where.
    work : Work
        How many threads.

    Raises
    ------
    SaveError
        If a block is not what dask was told, a task fails, or the workers lose something.
    OptionError
        If dask's settings cannot be obeyed.
    """
    if not pairs:
        return
    failures: list[Exception] = []
    try:
        _store(pairs, work, failures)
    except HspyError:
        raise
    except Exception as error:
        if failures:  # not the task, but the file
            raise failures[0] from None
        if interrupt_behind(error) is not None:
            raise
        raise not_computed(error) from error  # the code that failed is the caller's
    if any(target.missing() for _, target in pairs):
        raise SaveError("dask has not computed all blocks of the array")
    for _, target in pairs:
        target.finish()


def _store(pairs: Sequence[GraphOfTarget], work: Work, failures: list[Exception]) -> None:
    get = scheduler()
    client = client_of(get)
    if client is not None:
        store_on_cluster(client, pairs, failures)
    elif get is None or get is import_module("dask.threaded").get:
        _store_on_threads(pairs, work, failures)
    elif get is import_module("dask.local").get_sync:
        _compute(_stores(pairs, failures, 1), get)
    else:
        _store_by(get, pairs, failures)


# in this process: a block goes into the file on the thread that computed it


class _Store:
    """What dask calls with each block of an array."""

    def __init__(
        self, said: Declared, target: Target, failures: list[Exception], threads: int
    ) -> None:
        self._said = said
        self._selection = said.selections()
        self._target = target
        self._failures = failures
        self._threads = threads
        self._alone = all(len(sizes) == 1 for sizes in said.chunks)

    def __call__(self, block: Any, block_id: BlockId = ()) -> None:
        try:
            values = checked_at(self._said, block, block_id, self._target.where)
            if self._alone and isinstance(self._target, ChunkTarget):
                self._target.write(values, self._threads)
            else:
                self._target[self._selection(block_id)] = values
        except Exception as error:
            self._failures.append(error)
            raise


def _stores(pairs: Sequence[GraphOfTarget], failures: list[Exception], threads: int) -> list[Any]:
    return [
        each_block(graph, _Store(declared(graph), target, failures, threads))
        for graph, target in pairs
    ]


def _compute(graphs: list[Any], get: Any, pool: Any = None) -> None:
    base: Any = import_module("dask.base")
    base.compute(*graphs, scheduler=get, **({} if pool is None else {"pool": pool}))


def _store_on_threads(
    pairs: Sequence[GraphOfTarget], work: Work, failures: list[Exception]
) -> None:
    dask: Any = import_module("dask")
    threaded: Any = import_module("dask.threaded")
    pool = dask.config.get("pool", None)
    threads = thread_limit(work.threads, asked=work.asked)
    graphs = _stores(pairs, failures, 1 if pool is not None else threads)
    if pool is not None:  # the user's, which dask finds there
        _compute(graphs, threaded.get)
        return
    # Dask's own pool would outlive the call, and hang after a fork.
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        _compute(graphs, threaded.get, pool=pool)


# by a scheduler of other processes, or one that nobody knows: pieces come back, and are stored here


class _Made:
    """The pieces of a block, on their way to the file."""

    def __init__(self, number: int, pieces: list[Piece]) -> None:
        self.number = number
        self.pieces = pieces


def _make(
    block: Any, place: BlockId, selection: Selection, said: Declared, encoder: Encoder,
    number: int, where: str,
) -> _Made:  # fmt: skip
    """In a task: the pieces of a block."""
    values = checked_at(said, block, place, where)
    pieces: list[Piece] = [
        (chunk, inside, bytes(data), mask)
        for chunk, inside, data, mask in encoder.pieces(selection, values)
    ]
    return _Made(number, pieces)


def _store_by(
    get: Callable[..., Any], pairs: Sequence[GraphOfTarget], failures: list[Exception]
) -> None:
    callbacks: Any = import_module("dask.callbacks")
    base: Any = import_module("dask.base")

    def store(made: Any) -> None:
        for piece in made.pieces:
            take(pairs[made.number][1], piece, failures)
        made.pieces.clear()

    def finished(key: Any, made: Any, graph: Any, state: Any, worker: Any) -> None:
        if isinstance(made, _Made):  # while the next are computed
            store(made)

    with callbacks.Callback(posttask=finished):
        for made in base.compute(*block_tasks(pairs, _make), scheduler=get):
            store(made)
