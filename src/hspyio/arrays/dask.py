"""dask graphs -> blocks: on threads here, on the workers of a cluster, or by another scheduler."""

from __future__ import annotations

import concurrent.futures
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from itertools import product
from typing import Any, TypeAlias

from hspyio.arrays.blocks import ChunkTarget, Encoder, Piece, Target
from hspyio.arrays.workers import Workers
from hspyio.errors import HspyError, SaveError
from hspyio.nodes.computed import (
    DERIVED,
    BlockId,
    Declared,
    Derived,
    declared,
    each_block,
    not_computed,
    scheduler,
    thread_limit,
)
from hspyio.nodes.node import Selection
from hspyio.system.interrupts import caught, interrupt_behind

__all__ = ["GraphOfTarget", "ended_by", "store_graphs"]

GraphOfTarget: TypeAlias = tuple[Any, Target]
"""A dask array, and where its blocks go."""

_MESSAGE = 8 * 2**20
"""Bytes of finished chunks that a worker sends at a time."""
_IN_FLIGHT = 8
"""Messages that wait for the one process that writes; workers wait when it is behind."""
_PATIENCE = "1s"
_WORKER_PATIENCE = "30 minutes"


def store_graphs(pairs: Sequence[GraphOfTarget], workers: Workers) -> None:
    """Compute dask arrays in one go, so that what they share is computed once, and store them."""
    if not pairs:
        return
    failures: list[BaseException] = []
    try:
        _store(pairs, workers, failures)
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


def _store(pairs: Sequence[GraphOfTarget], workers: Workers, failures: list[BaseException]) -> None:
    get = scheduler()
    client = _client_of(get)
    if client is not None:
        _store_on_cluster(client, pairs, failures)
    elif get is None or get is import_module("dask.threaded").get:
        _store_on_threads(pairs, workers, failures)
    elif get is import_module("dask.local").get_sync:
        _compute(_stores(pairs, failures, 1), get)
    else:
        _store_by(get, pairs, failures)


def _client_of(get: Any) -> Any:
    """The client of a cluster, if that is what dask would compute with."""
    client = getattr(get, "__self__", None)
    return client if type(client).__module__.partition(".")[0] == "distributed" else None


def _checked_at(said: Declared, block: Any, place: BlockId, where: str) -> Any:
    """A block as it was declared to be; an error names the array, too."""
    try:
        return said.checked(block, place)
    except HspyError as error:
        error.where = error.where or where
        raise


def _take(target: Target, piece: Piece, failures: list[BaseException]) -> None:
    """Store what came back; what fails then is told from what fails in a task."""
    try:
        target.take(piece)
    except Exception as error:
        failures.append(error)
        raise


# in this process: a block goes into the file on the thread that computed it


class _Store:
    """What dask calls with each block of an array."""

    def __init__(
        self, said: Declared, target: Target, failures: list[BaseException], threads: int
    ) -> None:
        self._said = said
        self._selection = said.selections()
        self._target = target
        self._failures = failures
        self._threads = threads
        self._alone = all(len(sizes) == 1 for sizes in said.chunks)
        self.also: list[tuple[Derived, _Store]] = []

    def __call__(self, block: Any, block_id: BlockId = ()) -> None:
        if self._failures:  # or Ctrl-C
            raise self._failures[0]
        try:
            values = _checked_at(self._said, block, block_id, self._target.where)
            for derived, store in self.also:
                store(*derived(values, block_id))
            if self._alone and isinstance(self._target, ChunkTarget):
                self._target.write(values, self._threads)
            else:
                self._target[self._selection(block_id)] = values
        except Exception as error:
            self._failures.append(error)
            raise


def _stores(
    pairs: Sequence[GraphOfTarget], failures: list[BaseException], threads: int
) -> list[Any]:
    """What is to be computed: one task a block, which stores what is derived of the block, too."""
    graphs, stores = [], [_Store(declared(graph), to, failures, threads) for graph, to in pairs]
    by_name: dict[str, _Store] = {}
    for (graph, _), store in zip(pairs, stores, strict=True):
        by_name[graph.name] = store
    for (graph, _), store in zip(pairs, stores, strict=True):
        derived: Derived | None = getattr(graph, DERIVED, None)
        if derived is not None and derived.graph.name in by_name:
            by_name[derived.graph.name].also.append((derived, store))
        else:
            graphs.append(each_block(graph, store))
    return graphs


def _compute(graphs: list[Any], get: Any, pool: Any = None) -> None:
    base: Any = import_module("dask.base")
    base.compute(*graphs, scheduler=get, **({} if pool is None else {"pool": pool}))


def _store_on_threads(
    pairs: Sequence[GraphOfTarget], workers: Workers, failures: list[BaseException]
) -> None:
    dask: Any = import_module("dask")
    threaded: Any = import_module("dask.threaded")
    pool = dask.config.get("pool", None)
    threads = thread_limit(workers.threads, asked=workers.asked)
    graphs = _stores(pairs, failures, 1 if pool is not None else threads)
    if pool is not None:  # the user's, which dask finds there
        _compute(graphs, threaded.get)
        return
    # Dask's own pool would outlive the call, and hang after a fork.
    with ended_by(failures), concurrent.futures.ThreadPoolExecutor(threads) as pool:
        _compute(graphs, threaded.get, pool=pool)


@contextmanager
def ended_by(failures: list[BaseException]) -> Iterator[None]:
    """Within this, dask begins no more tasks for this thread once there is a failure, or Ctrl-C."""
    caller = threading.get_ident()

    def check(*state: Any) -> None:
        if failures and threading.get_ident() == caller:
            raise failures[0]

    callbacks: Any = import_module("dask.callbacks")
    with caught(failures.append), callbacks.Callback(pretask=check):
        yield
    if failures:
        raise failures[0]


# elsewhere: pieces of blocks come back, and are stored here


def _block_tasks(
    pairs: Sequence[tuple[Any, Target]], do: Callable[..., Any], *more: Any
) -> list[Any]:
    """A task a block of every array, which calls ``do`` with what `_make` takes, and with more."""
    delayed: Any = import_module("dask").delayed
    slices: Any = import_module("dask.array.core").slices_from_chunks
    tasks = []
    graphs = _optimized([graph for graph, _ in pairs])
    for number, (graph, (_, target)) in enumerate(zip(graphs, pairs, strict=True)):
        # Once each, not once a task; under names of our making, so that nothing is hashed.
        said = delayed(declared(graph), name=f"hspyio-{secrets.token_hex(8)}", traverse=False)
        encoder = delayed(target.encoder, name=f"hspyio-{secrets.token_hex(8)}", traverse=False)
        blocks = graph.to_delayed(optimize_graph=False)
        places = product(*map(range, blocks.shape))
        for selection, place in zip(slices(graph.chunks), places, strict=True):
            block = blocks[place]
            tasks.append(
                delayed(do)(block, place, selection, said, encoder, number, target.where, *more)
            )
    return tasks


def _optimized(graphs: Sequence[Any]) -> list[Any]:
    """Arrays with one graph in common, which dask has made better as a whole.

    Each for itself, as dask's own ``optimize`` has it, would get tasks of its own for what it
    shares with others: a chunk of their source would be read once for each.
    """
    high: Any = import_module("dask.highlevelgraph")
    merged = high.HighLevelGraph.merge(*(graph.dask for graph in graphs))
    better = graphs[0].__dask_optimize__(merged, [graph.__dask_keys__() for graph in graphs])
    made = []
    for graph in graphs:
        rebuild, more = graph.__dask_postpersist__()
        made.append(rebuild(better, *more))
    return made


def _pieces(
    block: Any, place: BlockId, selection: Selection, said: Declared, encoder: Encoder, where: str
) -> Iterator[Piece]:
    """The pieces of a block, each in bytes of its own."""
    values = _checked_at(said, block, place, where)
    for chunk, inside, data, mask in encoder.pieces(selection, values):
        yield chunk, inside, bytes(data), mask


# by a scheduler of other processes, or one that nobody knows


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
    return _Made(number, [*_pieces(block, place, selection, said, encoder, where)])


def _store_by(
    get: Callable[..., Any], pairs: Sequence[GraphOfTarget], failures: list[BaseException]
) -> None:
    callbacks: Any = import_module("dask.callbacks")
    base: Any = import_module("dask.base")

    def store(made: Any) -> None:
        for piece in made.pieces:
            _take(pairs[made.number][1], piece, failures)
        made.pieces.clear()

    def finished(key: Any, made: Any, graph: Any, state: Any, worker: Any) -> None:
        if isinstance(made, _Made):  # while the next are computed
            store(made)

    with callbacks.Callback(posttask=finished):
        for made in base.compute(*_block_tasks(pairs, _make), scheduler=get):
            store(made)


# on a cluster: the workers compute and compress, one writes


def _store_on_cluster(
    client: Any, pairs: Sequence[tuple[Any, Target]], failures: list[BaseException]
) -> None:
    """Have workers compute and compress, and put finished chunks into a short queue."""
    distributed: Any = import_module("distributed")
    name = f"hspyio-{secrets.token_hex(8)}"
    with _not_in_the_way():
        queue = distributed.Queue(name, client=client, maxsize=_IN_FLIGHT)
        futures = client.compute(_block_tasks(pairs, _send, name))
        try:
            _receive(queue, futures, [target for _, target in pairs], failures)
            client.gather(futures)
        finally:
            client.cancel(futures, force=True)
            with suppress(Exception):  # a cluster that is gone takes its queue along
                queue.close()


@contextmanager
def _not_in_the_way() -> Iterator[None]:
    """Within this, a task of a cluster leaves its thread to those it waits for."""
    state: Any = import_module("distributed.worker").thread_state
    left = False
    if getattr(state, "key", None) and getattr(state, "proceed", True):
        distributed: Any = import_module("distributed")
        distributed.secede()
        left = True
    try:
        yield
    finally:
        if left:
            distributed.rejoin()


def _send(
    block: Any, place: BlockId, selection: Selection, said: Declared, encoder: Encoder,
    number: int, where: str, queue: str,
) -> int:  # fmt: skip
    """On a worker: send a block's chunks, and wait where the writer is behind."""
    distributed: Any = import_module("distributed")
    outbox = distributed.Queue(queue, client=distributed.get_client())
    message: list[Piece] = []
    size = count = 0
    for piece in _pieces(block, place, selection, said, encoder, where):
        message.append(piece)
        size += len(piece[2])
        count += 1
        if size >= _MESSAGE:
            outbox.put((number, message), timeout=_WORKER_PATIENCE)
            message, size = [], 0
    if message:
        outbox.put((number, message), timeout=_WORKER_PATIENCE)
    return count


def _receive(
    queue: Any, futures: list[Any], targets: Sequence[Target], failures: list[BaseException]
) -> None:
    """Write what the workers send until every chunk is there."""
    count = 0
    while any(target.missing() for target in targets):
        try:
            number, message = queue.get(timeout=_PATIENCE)
        except TimeoutError:
            _check(futures, queue)
            continue
        for chunk, inside, data, mask in message:
            parts = tuple((int(start), int(stop)) for start, stop in inside)
            _take(targets[number], (chunk, parts, data, mask), failures)
        # What is done is let go, or it would be done again when its worker dies. Not at every
        # message: that would take the square of their number.
        count += 1
        if count > len(futures) // 100:
            count = 0
            futures[:] = [future for future in futures if future.status != "finished"]


def _check(futures: Sequence[Any], queue: Any) -> None:
    """Raise what a task raised, or that the cluster has lost something."""
    for future in futures:
        if future.status == "error":
            raise future.exception()
    if any(future.status in ("cancelled", "lost") for future in futures):
        raise SaveError("the dask cluster has gone away")
    if all(future.status == "finished" for future in futures) and not queue.qsize():
        raise SaveError("the workers of the dask cluster are done, but chunks are missing")
