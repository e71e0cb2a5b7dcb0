"""dask graphs -> blocks, on the workers of a cluster: they compute and compress, one writes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from itertools import product
from typing import Any

from hspyio.arrays.blocks import Encoder, Piece, Target
from hspyio.errors import HspyError, SaveError
from hspyio.nodes.computed import BlockId, Declared, declared
from hspyio.nodes.node import Selection

__all__ = ["block_tasks", "checked_at", "client_of", "store_on_cluster", "take"]

_MESSAGE = 8 * 2**20
"""Bytes of finished chunks that a worker sends at a time."""
_IN_FLIGHT = 8
"""Messages that wait for the one process that writes; workers wait when it is behind."""
_PATIENCE = "1s"
_WORKER_PATIENCE = "30 minutes"


def client_of(get: Any) -> Any:
    """The client of a cluster, if that is what dask would compute with."""
    client = getattr(get, "__self__", None)
    return client if type(client).__module__.partition(".")[0] == "distributed" else None


def checked_at(said: Declared, block: Any, place: BlockId, where: str) -> Any:
    """A block as it was declared to be; an error names the array, too."""
    try:
        return said.checked(block, place)
    except HspyError as error:
        error.where = error.where or where
        raise


def take(target: Target, piece: Piece, failures: list[Exception]) -> None:
    """Store what came back; what fails then is told from what fails in a task."""
    try:
        target.take(piece)
    except Exception as error:
        failures.append(error)
        raise


def block_tasks(
    pairs: Sequence[tuple[Any, Target]], do: Callable[..., Any], *more: Any
) -> list[Any]:
    """A task a block of every array.

    Parameters
    ----------
    pairs : sequence of (dask array, Target)
        What goes where.
    do : callable
        Is given a block, its place among the others, where it is in the array, what dask was told
        of it, the encoder of its target, the number of the pair, and the array's path.
    *more : any
        Is given to it at last.
    """
    delayed: Any = import_module("dask").delayed
    slices: Any = import_module("dask.array.core").slices_from_chunks
    tasks = []
    for number, (graph, target) in enumerate(pairs):
        # Once each, not once a task; under names of our making, so that nothing is hashed.
        said = delayed(declared(graph), name=f"hspyio-{secrets.token_hex(8)}", traverse=False)
        encoder = delayed(target.encoder, name=f"hspyio-{secrets.token_hex(8)}", traverse=False)
        blocks = graph.to_delayed()
        places = product(*map(range, blocks.shape))
        for selection, place in zip(slices(graph.chunks), places, strict=True):
            block = blocks[place]
            tasks.append(
                delayed(do)(block, place, selection, said, encoder, number, target.where, *more)
            )
    return tasks


def store_on_cluster(
    client: Any, pairs: Sequence[tuple[Any, Target]], failures: list[Exception]
) -> None:
    """Have workers compute and compress, and put finished chunks into a short queue.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    pairs : sequence of (dask array, Target)
        What goes where.
    failures : list
        Takes what fails here, in the file, and not there.
    """
    distributed: Any = import_module("distributed")
    name = f"hspyio-{secrets.token_hex(8)}"
    with _not_in_the_way():
        queue = distributed.Queue(name, client=client, maxsize=_IN_FLIGHT)
        futures = client.compute(block_tasks(pairs, _send, name))
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
    values = checked_at(said, block, place, where)
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


def _receive(
    queue: Any, futures: list[Any], targets: Sequence[Target], failures: list[Exception]
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
            take(targets[number], (chunk, parts, data, mask), failures)
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
