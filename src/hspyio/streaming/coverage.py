"""Which values of a chunk were written: as coarse as what is written allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hspyio.arrays.grid import Region

__all__ = ["Coverage"]


class Coverage:
    """A mask over a chunk, of its first dimensions only, as long as the others are written whole.

    Parameters
    ----------
    shape : tuple of int
        Of the part of the chunk that lies in the array.
    full : bool
        Whether all of it was written.
    """

    __slots__ = ("_mask", "shape")

    def __init__(self, shape: tuple[int, ...], *, full: bool = False) -> None:
        self.shape = shape
        self._mask: NDArray[np.bool_] = np.full(shape[:1], full)

    @property
    def is_full(self) -> bool:
        """Whether all was written."""
        return bool(self._mask.all())

    @property
    def is_empty(self) -> bool:
        """Whether nothing was."""
        return not self._mask.any()

    def copy(self) -> Coverage:
        """As it is now."""
        made = Coverage(self.shape)
        made._mask = self._mask.copy()
        return made

    def mark(self, region: Region) -> None:
        """Note what was written."""
        depth = _depth(region, self.shape)
        if depth > self._mask.ndim:
            self._mask = self.within(depth).copy()
        self._mask[region[: self._mask.ndim]] = True

    def within(self, dims: int) -> NDArray[np.bool_]:
        """Which places of the first few dimensions were written whole."""
        mask = self._mask
        if mask.ndim > dims:
            return np.asarray(mask.all(axis=tuple(range(dims, mask.ndim))))
        wide = mask.reshape(mask.shape + (1,) * (dims - mask.ndim))
        return np.broadcast_to(wide, self.shape[:dims])

    def fill_rest(self, values: NDArray[Any], fill: NDArray[Any]) -> None:
        """Put a value where nothing was written.

        Parameters
        ----------
        values : ndarray
            The chunk, whole; what reaches beyond the array is left alone.
        fill : ndarray
            The value.
        """
        if not self.is_full:
            inside = values[tuple(map(slice, self.shape))]
            inside[~self._mask] = fill


def _depth(region: Region, shape: tuple[int, ...]) -> int:
    """How many of the first dimensions are needed to tell a region from its surroundings."""
    depth = len(shape)
    while depth > 1:
        part, length = region[depth - 1], shape[depth - 1]
        if part.start != 0 or part.stop != length or part.step not in (None, 1):
            break
        depth -= 1
    return depth
