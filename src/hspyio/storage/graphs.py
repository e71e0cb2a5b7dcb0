"""dask graphs -> blocks: on threads of this process, or on the workers of a cluster."""

from __future__ import annotations

import concurrent.futures
import secrets
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, TypeAlias

from hspyio.errors import SaveError
from hspyio.node import Selection
from hspyio.storage.blocks import BlockEncoder, Piece, Target
from hspyio.storage.work import Work

__all__ = ["GraphOfTarget", "store_graphs"]

GraphOfTarget: TypeAlias = tuple[Any, Target]
"""A dask array, and where its blocks go."""

_MESSAGE = 8 * 2**20
"""Bytes of finished chunks that a worker sends at a time."""
_IN_FLIGHT = 8
"""Messages that wait for the one process that writes; workers wait when it is behind."""
_PATIENCE = "1s"
_WORKER_PATIENCE = "30 minutes"


def store_graphs(pairs: Sequence[GraphOfTarget], work: Work) -> None:
    """Compute dask arrays, all in one go, and store their blocks.

    With a ``distributed.Client`` active, computing and compressing happen on its workers;
    otherwise on threads of this process, none of which outlives the call.

    Parameters
    ----------
    pairs : sequence of (dask array, Target)
        What goes where.
    work : Work
        How many threads.

    Raises
    ------
    SaveError
        If the workers lose something. What a task raises is raised.
    """
    if not pairs:
        return
    client = _active_client()
    if client is None:
        _store_on_threads(pairs, work.threads)
        return
    shared = [pair for pair in pairs if pair[1].encoder is not None]
    _store_on_cluster(client, shared)
    # What only HDF5 can compress comes here as it is, a block at a time.
    _store_on_threads([pair for pair in pairs if pair[1].encoder is None], 1)


def _active_client() -> Any:
    """The client of a cluster, if dask would use it now."""
    base: Any = import_module("dask.base")
    client = getattr(base.get_scheduler(), "__self__", None)
    is_client = type(client).__module__.partition(".")[0] == "distributed"
    return client if is_client and not getattr(client, "asynchronous", True) else None


def _store_on_threads(pairs: Sequence[GraphOfTarget], threads: int) -> None:
    if not pairs:
        return
    array: Any = import_module("dask.array")
    graphs, targets = zip(*pairs, strict=True)
    # Dask's own pool would outlive the call, and hang after a fork.
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        array.store(list(graphs), list(targets), lock=False, scheduler="threads", pool=pool)


def _store_on_cluster(client: Any, pairs: Sequence[GraphOfTarget]) -> None:
    """Workers compute and compress, and put finished chunks into a short queue."""
    distributed: Any = import_module("distributed")
    name = f"hspyio-{secrets.token_hex(8)}"
    queue = distributed.Queue(name, client=client, maxsize=_IN_FLIGHT)
    futures = client.compute(_block_tasks(pairs, name))
    try:
        _receive(queue, futures, [target for _, target in pairs])
        client.gather(futures)
    finally:
        client.cancel(futures, force=True)
        with suppress(Exception):  # a cluster that is gone takes its queue along
            queue.close()


def _block_tasks(pairs: Sequence[GraphOfTarget], queue: str) -> list[Any]:
    """A task a block: compute, compress, send."""
    delayed: Any = import_module("dask").delayed
    slices: Any = import_module("dask.array.core").slices_from_chunks
    tasks = []
    for number, (graph, target) in enumerate(pairs):
        encoder = delayed(target.encoder, pure=True)
        blocks = graph.to_delayed().ravel()
        for selection, block in zip(slices(graph.chunks), blocks, strict=True):
            tasks.append(delayed(_send)(block, selection, encoder, number, queue))
    return tasks


def _send(values: Any, selection: Selection, encoder: BlockEncoder, number: int, queue: str) -> int:
    """On a worker: send a block's chunks, and wait where the writer is behind."""
    distributed: Any = import_module("distributed")
    outbox = distributed.Queue(queue, client=distributed.get_client())
    message: list[Piece] = []
    size = count = 0
    for chunk, inside, data, mask in encoder.pieces(selection, values):
        message.append((chunk, inside, bytes(data), mask))
        size += len(data)
        count += 1
        if size >= _MESSAGE:
            outbox.put((number, message), timeout=_WORKER_PATIENCE)
            message, size = [], 0
    if message:
        outbox.put((number, message), timeout=_WORKER_PATIENCE)
    return count


def _receive(queue: Any, futures: list[Any], targets: Sequence[Target]) -> None:
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
            targets[number].take((chunk, parts, data, mask))
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
