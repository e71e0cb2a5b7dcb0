"""How much of a file nothing leads to: what updates have left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio import names
from hspyio.errors import UNREADABLE, DamagedFileError, FilterError, HspyError
from hspyio.hdf5.dataset import Dataset, dataset_node
from hspyio.hdf5.format.btree_v2 import ATTRIBUTES_BY_ORDER, LINKS_BY_ORDER, count_tree
from hspyio.hdf5.format.fractal_heap import count_managers
from hspyio.hdf5.format.messages import layout_of_header
from hspyio.hdf5.format.object_header import (
    ATTRIBUTE_INFO,
    LAYOUT,
    LINK_INFO,
    SYMBOL_TABLE,
    ObjectHeader,
)
from hspyio.hdf5.format.superblock import LENGTH
from hspyio.hdf5.opening import Opening
from hspyio.nodes.node import Attribute, Text, Vlen

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Usage", "count_unused"]

_SLACK = 8192
"""What HDF5 leaves free here and there in any file."""
_GAPS = 500
"""Of so many bytes of headers and indices HDF5 loses one between them."""
_ITEM_HEAD = 16
"""Bytes of what precedes a text or row in its heap."""


def count_unused(opening: Opening) -> int:
    """Bytes of an open file that no object takes, to within a few kilobytes.

    Raises
    ------
    DamagedFileError
        If not all of it can be read.
    """
    try:
        usage = Usage(opening)
        if opening.snapshot.size - usage.arrays - usage.structures <= _SLACK:
            return 0  # whatever else attributes take
        usage.read_attributes()
        left = opening.snapshot.size - usage.arrays - usage.structures
        others = usage.structures + sum(usage.heaps.values())
        if left - (others - usage.structures) <= _SLACK + others // _GAPS:
            return 0
        left -= usage.rows()
    except (*UNREADABLE, HspyError) as error:
        reason = error.message if isinstance(error, HspyError) else repr(error)
        message = f"not all of it can be read: {reason}"
        raise DamagedFileError(message, path=opening.path) from None
    return left if left > _SLACK else 0


class Usage:
    """Bytes that the objects of a file take, each counted once however many links lead to it.

    Attributes
    ----------
    arrays : int
        Of blocks and chunks.
    heaps : dict
        Of the heaps that texts and rows of attributes were read from, by their addresses.
    """

    def __init__(self, opening: Opening) -> None:
        self._opening, self._content = opening, opening.content
        self._items = 0
        self._variable: list[Dataset] = []
        self._headers: list[ObjectHeader] = []
        self.arrays = 0
        self.heaps: dict[int, int] = {}
        self._visit(opening.root_address)

    @property
    def structures(self) -> int:
        """Bytes of headers and indices, the superblock included."""
        return LENGTH + sum(self._content.taken.values())

    def read_attributes(self) -> None:
        """Count what attributes take outside of headers, for which each has to be read."""
        for header in self._headers:
            self._attributes(header)
        count_managers(self._content)
        self.heaps = dict(self._opening.heaps.taken)

    def rows(self) -> int:
        """Bytes of texts and rows: of attributes by their lengths, of arrays whole heaps."""
        found: set[int] = set()
        for dataset in self._variable:
            try:
                found.update(np.unique(dataset.references()["address"]).tolist())
            except FilterError:
                continue
        heaps = self._opening.heaps
        return self._items + sum(heaps.size(address) for address in found - {0})

    def _visit(self, root: int) -> None:
        seen, pending = {root}, [(root, "")]
        while pending:
            address, where = pending.pop()
            if where.count("/") > names.MAX_DEPTH + 1:
                raise DamagedFileError("groups are nested too deep")
            header = self._opening.header(address)
            self._headers.append(header)
            if header.only(LAYOUT) is not None:
                self._array(header, where)
                continue
            for name, target in self._members(header):
                if target not in seen:
                    seen.add(target)
                    pending.append((target, f"{where}/{name}"))

    def _members(self, header: ObjectHeader) -> list[tuple[str, int]]:
        """Where the hard links of a group lead; a named datatype has none."""
        if header.only(LINK_INFO) is None and header.only(SYMBOL_TABLE) is None:
            return []
        self._order_tree(header.only(LINK_INFO), 8, LINKS_BY_ORDER)
        links = self._opening.links(header).items()
        return [(name, link) for name, link in links if isinstance(link, int)]

    def _attributes(self, header: ObjectHeader) -> None:
        self._order_tree(header.only(ATTRIBUTE_INFO), 2, ATTRIBUTES_BY_ORDER)
        for attribute in self._opening.attributes(header).values():
            if isinstance(attribute, Attribute) and _is_variable(attribute.type):
                self._items += sum(map(_in_heap, _items(attribute)))

    def _order_tree(self, info: bytes | None, width: int, kind: int) -> None:
        """Count a tree that reading does without: it lists by the order of making."""
        if info is not None and info[1] & 2:
            place = 2 + (width if info[1] & 1 else 0) + self._content.pair.size
            size = self._content.offset_size
            address = int.from_bytes(info[place : place + size], "little")
            if address != self._content.undefined:
                count_tree(self._content, address, kind)

    def _array(self, header: ObjectHeader, where: str) -> None:
        layout = layout_of_header(header, self._opening.types, self._content)
        if layout is None or layout.elsewhere or layout.inside is not None:
            return
        source = dataset_node(layout, where, header.address, self._opening).source
        assert isinstance(source, Dataset)
        self.arrays += source.stored_bytes
        if layout.shape and _is_variable(layout.kind.kind):
            self._variable.append(source)


def _is_variable(kind: Any) -> bool:
    return isinstance(kind, Vlen) or (isinstance(kind, Text) and kind.length is None)


def _items(attribute: Attribute) -> list[bytes | NDArray[Any]]:
    value = attribute.value
    return [value] if isinstance(value, bytes) else value.reshape(-1).tolist()


def _in_heap(item: bytes | NDArray[Any]) -> int:
    length = len(item) if isinstance(item, bytes) else item.nbytes
    return _ITEM_HEAD + length + -length % 8
