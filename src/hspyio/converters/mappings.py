"""dict, MetadataTree and OrderedDict: groups."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hspyio.converters.converter import Element, Form, Item
from hspyio.converters.kinds import Kind
from hspyio.model.tree import MetadataTree
from hspyio.nodes.node import Group

if TYPE_CHECKING:
    from hspyio.converters.decoder import Decoder
    from hspyio.converters.encoder import Encoder

__all__ = ["ELEMENT"]


def _encode(value: Mapping[Any, Any], walker: Encoder, where: str) -> Form:
    form = walker.group(value, where)
    if type(value) is OrderedDict:
        return replace(form, hint=replace(form.hint, tag="OrderedDict"))
    return form


def _decode(item: Item, walker: Decoder) -> dict[Any, Any]:
    if not isinstance(item.node, Group):
        raise ValueError("no group")
    return walker.dictionary(item.node, item.where, item.hint)


ELEMENT = Element(
    types=(dict, MetadataTree, OrderedDict),
    encode=_encode,
    decodes={Kind.DICT: _decode},
    restores={"OrderedDict": lambda item, walker: OrderedDict(_decode(item, walker))},
)
