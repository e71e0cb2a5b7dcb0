"""dask arrays: what computes them, and whether their blocks are what was said of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hspyio.errors import HspyError, OptionError, SaveError
from hspyio.records import record, value

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "DERIVED",
    "BlockId",
    "Declared",
    "Derived",
    "computed",
    "computed_together",
    "declared",
    "derive",
    "each_block",
    "not_computed",
    "scheduler",
    "thread_limit",
]

DERIVED = "_hspyio_derived"
"""The attribute of a dask array that says how it was made by `derive`."""

BlockId: TypeAlias = tuple[int, ...]
"""Place of a block among the others, along each dimension."""

_IN_PROCESS = (np.ndarray, np.generic, bool, int, float, complex, str, bytes, list, tuple)
"""What becomes an array without losing a unit, a mask or a place on a graphics card."""
_NUMBERS = "biufc"


@value
class Declared:
    """What dask was told of an array: plain data, which can be pickled."""

    dtype: np.dtype[Any]
    chunks: tuple[tuple[int, ...], ...]  # nan where nobody knows

    def selections(self) -> Callable[[BlockId], tuple[slice, ...]]:
        """What tells where a block is in the array, with the sums made once."""
        stops = [tuple(accumulate(sizes)) for sizes in self.chunks]
        return lambda place: tuple(
            slice(ends[i] - sizes[i], ends[i])
            for i, sizes, ends in zip(place, self.chunks, stops, strict=True)
        )

    def checked(self, block: Any, place: BlockId) -> NDArray[Any]:
        """A block as it was declared to be; a `SaveError` if it is something else."""
        if not isinstance(block, _IN_PROCESS):
            advice = (
                "its function has to return numpy's (.get(), .todense() or np.asarray make them)"
            )
            raise _refused(place, f"is a {_name(block)}, not an array of numpy", advice)
        if np.ma.isMaskedArray(block) and np.ma.getmaskarray(block).any():
            raise _refused(place, "hides values behind a mask", "fill them, as da.ma.filled does")
        try:
            values = np.asarray(block)
        except ValueError:  # lists of several lengths
            values = np.asarray(None)
        shape = tuple(sizes[i] for i, sizes in zip(place, self.chunks, strict=True))
        found = values.shape
        values = values[(np.newaxis,) * (len(shape) - values.ndim)]  # as dask itself does
        if not _fits(values.shape, shape):
            raise _refused(
                place,
                f"has shape {found} where dask was told {shape}",
                "give map_blocks the chunks= that its function returns",
            )
        return values if values.dtype == self.dtype else self._cast(values, place)

    def _cast(self, values: NDArray[Any], place: BlockId) -> NDArray[Any]:
        said, found = self.dtype, values.dtype
        told = f"holds {found} where dask was told {said}"
        advice = "give the dtype= that its function returns, or convert it with astype"
        if not _is_alike(found, said):
            raise _refused(place, told, advice)
        with np.errstate(all="ignore"):
            cast = values.astype(said)
            if found.kind == said.kind and np.can_cast(found, said, "safe"):
                return cast
            lost = ~_same(values, cast)
        if lost.any():
            first = np.unravel_index(int(lost.argmax()), lost.shape)
            example = values[first].item() if found.kind in _NUMBERS else values[first]
            raise _refused(place, f"{told}, and {example!r} is no {said}", advice)
        return cast


def _name(block: object) -> str:
    kind = type(block)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")


def _refused(place: BlockId, what: str, advice: str) -> SaveError:
    return SaveError(f"block {place} of the dask array {what}; {advice}")


def _fits(found: tuple[int, ...], said: tuple[int, ...]) -> bool:
    if len(found) != len(said):
        return False
    return all(n in (m, n if m != m else m) for n, m in zip(found, said, strict=True))  # noqa: PLR0124


def _is_alike(found: np.dtype[Any], said: np.dtype[Any]) -> bool:
    """Whether values of one type may be values of the other, by their kind."""
    if found.kind in "iu" and said.kind in "iu":
        return True
    if found.kind in _NUMBERS and said.kind in _NUMBERS:
        return np.can_cast(found, said, "same_kind")
    if found.kind == said.kind and found.kind in "SUmM":
        return np.can_cast(found, said, "same_kind")
    return found.newbyteorder("=") == said.newbyteorder("=")


def _same(values: NDArray[Any], cast: NDArray[Any]) -> NDArray[np.bool]:
    """Which of the values a cast has kept."""
    kinds = values.dtype.kind, cast.dtype.kind
    if kinds == ("c", "c"):
        parts = [_same(getattr(values, part), getattr(cast, part)) for part in ("real", "imag")]
        return np.logical_and(*parts)
    if kinds[1] == "c":
        return _same(values, cast.real)
    back = cast.astype(values.dtype)
    kept: NDArray[np.bool] = np.asarray(back == values, bool)
    if kinds[0] in "iu" and kinds[1] in "iu":
        kept &= (cast < 0) == (values < 0)
    if kinds[0] in "iu" and kinds[1] == "f":  # what is too large could come back as the largest
        kept &= cast < 2.0 ** (8 * values.dtype.itemsize - (kinds[0] == "i"))
    if kinds[0] in "fmM":
        kept |= (back != back) & (values != values)  # noqa: PLR0124 # nan, NaT
    return kept


def declared(graph: Any) -> Declared:
    """What dask was told of an array."""
    return Declared(graph.dtype, graph.chunks)


def each_block(graph: Any, do: Callable[..., Any]) -> Any:
    """A dask array that calls ``do(block, block_id=...)`` with every block; nothing is hashed."""
    array: Any = import_module("dask.array")
    meta = np.empty((0,) * graph.ndim, graph.dtype)
    name = f"hspyio-{secrets.token_hex(8)}"
    return array.map_blocks(do, graph, name=name, dtype=graph.dtype, meta=meta)


@record
class Derived:
    """How a dask array is made of another: a block of each block."""

    graph: Any  # the other
    make: Callable[[NDArray[Any]], NDArray[Any]]
    kept: tuple[int, ...]  # the dimensions of the other that are those of the array

    def __call__(self, block: NDArray[Any], place: BlockId) -> tuple[NDArray[Any], BlockId]:
        """Make a block, and tell its place."""
        return self.make(block), tuple(place[axis] for axis in self.kept)


def derive(graph: Any, make: Callable[..., Any], kept: Sequence[int], dtype: np.dtype[Any]) -> Any:
    """A dask array of some dimensions of another, whose blocks are whole in all others.

    It remembers how it is made: where both are stored, one task stores a block and what is made of
    it. A task of its own would wait for its turn, and the block would not be in the cache any more.
    """
    array: Any = import_module("dask.array")
    meta, name = np.empty((0,) * len(kept), dtype), f"hspyio-{secrets.token_hex(8)}"
    dimensions = tuple(kept), graph, range(graph.ndim)
    made = array.blockwise(make, *dimensions, name=name, dtype=dtype, meta=meta, concatenate=True)
    setattr(made, DERIVED, Derived(graph, make, tuple(kept)))
    return made


class _Checking:
    """What `computed` does with each block."""

    def __init__(self, said: Declared) -> None:
        self._said = said

    def __call__(self, block: Any, block_id: BlockId = ()) -> NDArray[Any]:
        return self._said.checked(block, block_id)


def computed(graph: Any) -> NDArray[Any]:
    """The values of a dask array, every block of which is what it was declared to be."""
    [values] = computed_together(graph)
    return values


def computed_together(*graphs: Any) -> list[NDArray[Any]]:
    """The same of several, in one go: what they share is computed once."""
    base: Any = import_module("dask.base")
    checked = [each_block(graph, _Checking(declared(graph))) for graph in graphs]
    get = scheduler()
    try:
        found = base.compute(*checked, scheduler=get)
    except HspyError:
        raise
    except Exception as error:  # a task may raise anything
        raise not_computed(error) from error
    return [np.asarray(values) for values in found]


def not_computed(error: Exception) -> SaveError:
    """What became of an array of which a task failed."""
    advice = (
        "\nThe distributed.Client here is asynchronous, so threads of this process had to compute. "
        "What its workers hold is saved in a thread: await asyncio.to_thread(hspyio.save, ...)"
    )
    return SaveError(
        f"the dask array could not be computed: {type(error).__name__}: {error}"
        + advice * _is_asynchronous()
    )


def scheduler() -> Callable[..., Any] | None:
    """What dask would compute with by its settings and clients; ``None`` for its default."""
    base: Any = import_module("dask.base")
    threaded: Any = import_module("dask.threaded")
    try:
        found: Callable[..., Any] | None = base.get_scheduler()
    except (RuntimeError, TypeError, ValueError) as error:
        if _is_asynchronous():
            return threaded.get  # type: ignore[no-any-return]
        raise OptionError(f"dask's setting of a scheduler cannot be obeyed: {error}") from None
    client = getattr(found, "__self__", None)
    is_client = type(client).__module__.partition(".")[0] == "distributed"
    if is_client and getattr(client, "asynchronous", True):
        return threaded.get  # type: ignore[no-any-return]
    return found


def _is_asynchronous() -> bool:
    """Whether there is a client that only coroutines can wait for."""
    try:
        return bool(import_module("distributed").get_client().asynchronous)
    except (ImportError, ValueError):
        return False


def thread_limit(threads: int, *, asked: bool) -> int:
    """How many blocks are computed at a time: dask's ``num_workers``, if that is set."""
    dask: Any = import_module("dask")
    setting = dask.config.get("num_workers", None)
    if setting is None:
        return threads
    try:
        return max(1, min(threads, int(setting)) if asked else int(setting))
    except (TypeError, ValueError):
        raise OptionError(f"dask's setting num_workers is {setting!r}; use a number") from None
