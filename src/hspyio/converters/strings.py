"""str and numpy.str_: a scalar UTF-8 attribute."""

from __future__ import annotations

from typing import Any

import numpy as np

from hspyio import names
from hspyio.converters.converter import TEXT, Converter, Encoded, NotStorableError, StoredItem
from hspyio.converters.kinds import Kind
from hspyio.converters.type_hints import Hint
from hspyio.nodes.node import Attribute, Text, nested_lists

__all__ = ["CONVERTER", "decode_bytes", "is_plain", "restored_text", "store_text"]

Json = Any

_NONE = names.NONE.encode()
_MOST_NULS = 2**24
"""What a hint can ask for, whoever wrote it."""


_MOST_LISTS = 250_000
"""Lists that may have no values at all."""


def is_plain(text: str) -> bool:
    """Whether a variable-length UTF-8 string holds the text as it is."""
    return "\0" not in text and (text.isascii() or not _surrogates(text))


def _surrogates(text: str) -> list[list[int]]:
    return [[i, ord(char)] for i, char in enumerate(text) if "\ud800" <= char <= "\udfff"]


def store_text(text: str) -> tuple[Attribute, Json]:
    """An attribute for any text, and what it cannot tell: NULs at its end, lone surrogates."""
    # Fixed-length strings keep NULs inside; a lone surrogate is stored as U+FFFD.
    rest: dict[str, Json] = {}  # {"nul": count, "surrogates": [[position, code], ...]}
    surrogates = [] if text.isascii() else _surrogates(text)
    if surrogates:
        rest["surrogates"] = surrogates
        text = "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    if "\0" not in text:
        return Attribute(TEXT, text.encode()), rest or None
    kept = text.rstrip("\0")
    if len(text) - len(kept) > _MOST_NULS:
        raise NotStorableError(f"text with more than {_MOST_NULS} NULs at its end has no HSpy form")
    if len(kept) < len(text):
        rest["nul"] = len(text) - len(kept)
    content = kept.encode()
    return Attribute(Text(max(1, len(content))), content), rest or None


def restored_text(item: StoredItem) -> str:
    """Inverse of `store_text`, for restoring: the text with what the hint adds."""
    if not isinstance(item.node, Attribute) or not isinstance(item.node.value, bytes):
        raise ValueError("no text")
    text = decode_bytes(item.node.value)
    rest = item.hint.data
    if not rest:
        return text
    chars = list(text) + ["\0"] * min(int(rest.get("nul", 0)), _MOST_NULS)
    for position, code in rest.get("surrogates", ()):
        chars[position] = chr(code)
    return "".join(chars)


def decode_bytes(content: bytes) -> str:
    """Text of stored bytes: UTF-8, else the Latin-1 of very old files (defect R9)."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _encode(value: str, context: object, where: str) -> Encoded:
    # numpy's own conversion would drop trailing NULs
    attribute, rest = store_text(value if type(value) is str else "".join(value))
    if isinstance(value, np.str_):
        return Encoded(attribute, hint=Hint("numpy.str", rest))
    if rest is not None or attribute.value == _NONE:
        return Encoded(attribute, hint=Hint("str", rest))
    return Encoded(attribute)


def _decode(item: StoredItem, context: object) -> Any:
    node = item.node
    assert isinstance(node, Attribute)
    if isinstance(node.value, bytes):
        text = decode_bytes(node.value)
        return None if text == names.NONE else text
    return _decode_array(node)


def _decode_array(node: Attribute) -> Any:
    """An attribute array: a list where each string is one byte wide, as old files wrote lists."""
    assert isinstance(node.type, Text) and not isinstance(node.value, bytes)
    texts = np.empty(node.value.shape, object)
    texts.ravel()[:] = [decode_bytes(item) for item in node.value.ravel()]
    if node.type.length is None:
        return texts
    if node.type.length == 1 and (texts.size or nested_lists(texts.shape) <= _MOST_LISTS):
        return texts.tolist()
    return texts.astype(str)


CONVERTER = Converter(
    types=(str, np.str_),
    encode=_encode,
    readers={Kind.TEXT: _decode},
    exact_readers={
        "str": lambda item, context: restored_text(item),
        "numpy.str": lambda item, context: np.str_(restored_text(item)),
    },
)
