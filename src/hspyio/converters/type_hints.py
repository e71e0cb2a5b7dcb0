"""Type hints: what the format's own forms cannot tell apart, in one JSON text an experiment.

The text maps the path of a stored item, relative to the experiment's group and written like a
JSON pointer, to what it was: ``types`` (tag and details), ``keys`` (a dict's real key) and
``order`` (a dict's order as a permutation of the sorted names). Every type and key carries a
digest of the stored item; where it does not fit any more, the plain reading stands.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from hspyio.records import value

__all__ = ["NO_HINT", "Hint", "dumps", "loads", "names_digest"]

Json = Any
_PLAIN_LIMIT = 4000
_LEAST_INFLATED, _MOST_INFLATED = 2**18, 256 * 2**20
_INFLATION = 64
"""How much longer hints are than their deflated form at most; digests hardly deflate."""
_VERSION = 1
_NOTHING = f'{{"version":{_VERSION}}}'
"""What most files hold; told without a parser."""


@value
class Hint:
    """What is known of one stored item beyond its form."""

    tag: str = ""  # the kind of value; none where the plain reading is right
    data: Json = None
    digest: str = ""  # of the stored item; set where tag or key is
    key: tuple[Json] | None = None  # where the name on disk is not the key
    order: tuple[int, Sequence[int]] | None = None  # digest of a dict's sorted names, permutation
    children: Mapping[str, Hint] = field(default_factory=dict)  # by name on disk

    def __bool__(self) -> bool:
        """Whether anything is known here or below."""
        return bool(self.tag or self.key or self.order or self.children)

    def without_self(self) -> Hint:
        """What is known of the content alone, not of the item itself."""
        if not (self.order or self.children):
            return NO_HINT
        return Hint(order=self.order, children=self.children)

    def child(self, name: str) -> Hint:
        """Return the hint for an item inside."""
        return self.children.get(name, NO_HINT)


NO_HINT = Hint()


def names_digest(sorted_names: Sequence[str]) -> int:
    """Digest of a dict's stored names, to see whether an order still fits."""
    return zlib.crc32("\0".join(sorted_names).encode("utf-8", "surrogatepass"))


def dumps(hint: Hint) -> str:
    """Write a tree of hints as text; long texts are deflated, as far as readers inflate them."""
    tables: dict[str, dict[str, Json]] = {"types": {}, "keys": {}, "order": {}}
    for pointer, item in _walk(hint, ""):
        if item.tag:
            entry = [item.tag, item.digest]
            tables["types"][pointer] = entry if item.data is None else [*entry, item.data]
        if item.key is not None:
            tables["keys"][pointer] = [item.key[0], item.digest]
        if item.order is not None:
            tables["order"][pointer] = [item.order[0], list(item.order[1])]
    content = {name: table for name, table in tables.items() if table}
    text = _json(content)
    whole = f'{{"version":{_VERSION},{text[1:]}' if content else _json({"version": _VERSION})
    if len(whole) <= _PLAIN_LIMIT:
        return whole
    import base64

    plain = text.encode()
    deflated = zlib.compress(plain, 6)
    if len(plain) > _most_inflated(len(deflated)):  # much of the same
        return whole
    return _json({"version": _VERSION, "deflated": base64.b85encode(deflated).decode()})


def _json(value: Json) -> str:
    import json

    return json.dumps(value, separators=(",", ":"))


def _walk(hint: Hint, pointer: str) -> Iterator[tuple[str, Hint]]:
    yield pointer, hint
    for name, child in hint.children.items():
        step = name.replace("~", "~0").replace("/", "~1")
        if child.children:
            yield from _walk(child, f"{pointer}/{step}")
        else:
            yield f"{pointer}/{step}", child


def loads(text: str) -> Hint:
    """Inverse of `dumps`; a `ValueError` for what is none, or newer than this program."""
    if text == _NOTHING:
        return Hint()
    import json

    try:
        content = json.loads(text)
        if content["version"] > _VERSION:
            raise ValueError(f"type hints of version {content['version']}; update hspyio")
        if "deflated" in content:
            import base64

            content = json.loads(_inflate(base64.b85decode(content["deflated"])))
        return _tree(content)
    except ValueError:
        raise
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        zlib.error,
    ) as error:
        raise ValueError(f"no type hints: {error}") from None


def _most_inflated(size: int) -> int:
    """How many bytes of hints so many deflated ones are believed to be."""
    return min(max(_LEAST_INFLATED, _INFLATION * size), _MOST_INFLATED)


def _inflate(packed: bytes) -> bytes:
    stream = zlib.decompressobj()
    most = _most_inflated(len(packed))
    text = stream.decompress(packed, most)
    if stream.unconsumed_tail or not stream.eof:
        raise ValueError(f"the type hints inflate to more than {most} bytes, or have no end")
    return text


class _Draft:
    """A hint while it is being collected from the tables."""

    __slots__ = ("children", "data", "digest", "key", "order", "tag")

    def __init__(self) -> None:
        self.tag = ""
        self.data: Json = None
        self.digest = ""
        self.key: tuple[Json] | None = None
        self.order: tuple[int, Sequence[int]] | None = None
        self.children: dict[str, _Draft] = {}

    def finish(self) -> Hint:
        children = {name: child.finish() for name, child in self.children.items()}
        return Hint(self.tag, self.data, self.digest, self.key, self.order, children)


class _Drafts(dict[str, _Draft]):
    """Drafts by pointer, made with those above them when first asked for."""

    def __missing__(self, pointer: str) -> _Draft:
        above, slash, step = pointer.rpartition("/")
        if slash:
            name = step.replace("~1", "/").replace("~0", "~")
            draft = self[above].children.setdefault(name, _Draft())
        else:
            draft = self[""] if pointer else _Draft()
        self[pointer] = draft
        return draft


def _tree(content: Mapping[str, Json]) -> Hint:
    drafts = _Drafts()
    for pointer, entry in content.get("types", {}).items():
        draft = drafts[pointer]
        draft.tag, draft.digest = str(entry[0]), str(entry[1])
        draft.data = entry[2] if len(entry) > 2 else None
    for pointer, entry in content.get("keys", {}).items():
        draft = drafts[pointer]
        draft.key, draft.digest = (entry[0],), str(entry[1])
    for pointer, entry in content.get("order", {}).items():
        draft = drafts[pointer]
        draft.order = (int(entry[0]), [int(i) for i in entry[1]])
    return drafts[""].finish()
