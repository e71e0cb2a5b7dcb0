"""MetadataTree: a dict with attribute access, dotted paths and a drawing of itself."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from hspyio.errors import warn_user
from hspyio.model.tree_drawing import DRAWN_DEPTH, HTML_OPEN, entries, tree_html, tree_text
from hspyio.suggestions import NotThereError, did_you_mean, missing, nearest, quoted

if TYPE_CHECKING:
    pass

__all__ = ["MetadataTree", "path_hint"]

_SEARCHED = 10_000  # entries that are looked at for one that was meant
_ELSEWHERE = {
    "add_dictionary": "update({...}) sets entries, set_item('a.b', value) one at a path",
    "deepcopy": "copy.deepcopy(tree) copies all of it",
    "export": "paths() lists all entries",
    "process_lazy_attributes": "nothing here is lazy",
}


_UNSET: Any = object()
_NOTHING: tuple[()] = ()


class MetadataTree(dict[Any, Any]):
    """A dict whose string keys are attributes too: ``tree.General.title``.

    Every value whose type is exactly ``dict`` becomes a `MetadataTree` on its
    way in, at any depth, so a change of the original dict is not seen here.
    Other mappings, and dicts inside lists, stay what they are. Any hashable
    key is allowed; keys that are no identifiers, or that are names of dict
    methods (``items``, ``copy``), are reached with ``tree["items"]``.

    Parameters
    ----------
    items : mapping or iterable of pairs
        The entries, as for `dict`.

    Examples
    --------
    >>> tree = MetadataTree({"General": {"title": "EDS"}})
    >>> tree.General.title
    'EDS'
    >>> tree.set_item("Sample.elements", ["Fe", "Pt"])
    >>> tree
    ├── General
    │   └── title = 'EDS'
    └── Sample
        └── elements = ['Fe', 'Pt']
    """

    __slots__ = ()

    def __init__(self, items: Mapping[Any, Any] | Iterable[tuple[Any, Any]] = _NOTHING, /) -> None:
        super().__init__()
        if items is not _NOTHING:
            self.update(items)

    # values on their way in

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, _adopted(value))

    def update(  # type: ignore[override] # dict's keyword arguments are left out
        self, items: Mapping[Any, Any] | Iterable[tuple[Any, Any]] = (), /
    ) -> None:
        """Set many entries, as `dict.update` does; plain dicts become trees."""
        super().update(_adopted(dict(items)))

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key, after setting it where it is missing.

        Returns
        -------
        object
            The value that now stands there: a tree where `default` is a dict.
        """
        if key not in self:
            self[key] = default
        return self[key]

    def __ior__(self, other: Any) -> Self:
        self.update(other)
        return self

    def __or__(self, other: Any) -> MetadataTree:
        if not isinstance(other, dict):
            return NotImplemented
        return MetadataTree(super().__or__(other))

    def __ror__(self, other: Any) -> MetadataTree:
        if not isinstance(other, dict):
            return NotImplemented
        return MetadataTree({**other, **self})

    # attributes

    def __getattr__(self, name: str) -> Any:
        # A special name is Python asking for a protocol (copy, pickle, numpy).
        if _is_special(name):
            raise AttributeError(f"MetadataTree has no {name!r}")
        if name in self:
            return self[name]
        raise NotThereError(lambda: f"no entry {quoted(name)}{_instead(self, name)}")

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name):
            raise AttributeError(
                f"{name!r} is a part of MetadataTree itself; write tree[{name!r}] = ... for the key"
            )
        self[name] = value

    def __delattr__(self, name: str) -> None:
        if name not in self:
            raise AttributeError(f"no entry {quoted(name)}{_instead(self, name, new=False)}")
        del self[name]

    def __missing__(self, key: Any) -> Any:
        """Say which key was probably meant."""
        if not isinstance(key, str):
            raise KeyError(key)
        raise KeyError(f"no entry {quoted(key)}{_instead(self, key)}")

    def __delitem__(self, key: Any) -> None:
        if key not in self:
            self.__missing__(key)
        super().__delitem__(key)

    def __dir__(self) -> list[str]:
        keys = [key for key in self if isinstance(key, str) and key.isidentifier()]
        return [*super().__dir__(), *keys]

    # paths

    def get_item(self, path: str, default: Any = _UNSET) -> Any:
        """Value at a dotted path.

        Parameters
        ----------
        path : str
            Such as ``"General.title"``. A key that contains a dot is found
            too: where several readings fit, the one with the longest first key.
        default : object
            What to return where there is no such entry; None if it is not given.

        Returns
        -------
        object
            The value; a `MetadataTree` for a node.

        Warns
        -----
        HspyWarning
            If there is no such entry, but one of nearly that name, and no `default` is given.
        """
        place = _find(self, path)
        if place is not None:
            return place[0][place[1]]
        if default is not _UNSET:
            return default
        if hint := path_hint(self, path):
            text = f"no entry {quoted(path)}{hint} None is returned, as without a default"
            warn_user(text)
        return None

    def has_item(self, path: str) -> bool:
        """Whether there is an entry at a dotted path (see `get_item`)."""
        return _find(self, path) is not None

    def set_item(self, path: str, value: Any) -> None:
        """Set the value at a dotted path, and make the nodes on the way.

        Parameters
        ----------
        path : str
            As for `get_item`, which finds the value again.
        value : object
            Replaces what is there; a dict becomes a tree.

        Raises
        ------
        TypeError
            If something on the way is a value, not a node.
        """
        node, key = _find(self, path) or _place_for(self, path)
        node[key] = value

    def remove_item(self, path: str) -> None:
        """Remove the entry at a dotted path (see `get_item`).

        Raises
        ------
        KeyError
            If there is none.
        """
        place = _find(self, path)
        if place is None:
            raise KeyError(f"no entry {quoted(path)}{path_hint(self, path)}")
        del place[0][place[1]]

    def add_node(self, path: str) -> None:
        """Make an empty node at a dotted path; one that is there stays as it is.

        Parameters
        ----------
        path : str
            As for `set_item`, which makes the nodes on its way without being asked.

        Raises
        ------
        TypeError
            If a value stands there, or on the way.
        """
        place = _find(self, path)
        there = None if place is None else place[0][place[1]]
        if place is None:
            self.set_item(path, MetadataTree())
        elif not isinstance(there, Mapping):
            raise TypeError(f"cannot make a node of {path!r}: there is a {type(there).__name__}")

    def paths(self) -> Iterator[tuple[str, Any]]:
        """Iterate over all leaves.

        Yields
        ------
        path : str
            The keys on the way as text, joined by dots.
        leaf : object
            The value; an empty node is a leaf too, a node inside itself is left out.
        """
        keys: list[str] = []
        for entry in entries(self, MetadataTree):
            del keys[entry.depth :]
            keys.append(str(entry.key))
            if not entry.is_node and not entry.cut:
                yield ".".join(keys), entry.value

    # other forms

    def as_dictionary(self) -> dict[Any, Any]:
        """Return plain dicts, all the way down.

        Returns
        -------
        dict
            A new dict for every node. Lists and tuples that hold a tree are
            made anew; all other values are the same objects as here.
        """
        return _plain(self)

    def copy(self) -> MetadataTree:
        """Return a shallow copy, as `dict.copy`: its nodes are the same objects."""
        return MetadataTree(self)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> MetadataTree:
        # Not Python's own: that recurses, and trees may be deep.
        result = MetadataTree()
        memo[id(self)] = result
        todo = [(self, result)]
        while todo:
            source, target = todo.pop()
            for key, value in source.items():
                if isinstance(value, MetadataTree) and id(value) not in memo:
                    new = MetadataTree()
                    memo[id(value)] = new
                    todo.append((value, new))
                else:
                    new = copy.deepcopy(value, memo)
                dict.__setitem__(target, copy.deepcopy(key, memo), new)
        return result

    def __repr__(self) -> str:
        if not self:
            return "MetadataTree()"
        return tree_text(self, MetadataTree)

    def _repr_html_(self) -> str:
        from hspyio.html import page

        return page(tree_html(self, MetadataTree, open_root=len(self) <= HTML_OPEN))


def _adopted(value: Any) -> Any:
    """Make trees of a plain dict and of those in it; anything else stays as it is."""
    if type(value) is not dict:
        return value
    result = MetadataTree.__new__(MetadataTree)  # its __init__ comes here
    done = {id(value): result}  # a dict that holds itself becomes a tree that does
    todo = [(value, result)]
    while todo:
        source, target = todo.pop()
        for key, item in source.items():
            new = item
            if type(item) is dict:
                new = done.get(id(item))
                if new is None:
                    new = done[id(item)] = MetadataTree.__new__(MetadataTree)
                    todo.append((item, new))
            dict.__setitem__(target, key, new)
    return result


def _plain(tree: MetadataTree) -> dict[Any, Any]:
    """Undo `_adopted`, inside lists and tuples too."""
    result: dict[Any, Any] = {}
    done = {id(tree): result}
    todo = [(tree, result)]

    def convert(value: Any, inside: tuple[int, ...] = ()) -> Any:
        if isinstance(value, MetadataTree):
            if id(value) not in done:
                done[id(value)] = {}
                todo.append((value, done[id(value)]))
            return done[id(value)]
        if type(value) not in (list, tuple) or id(value) in inside or len(inside) > DRAWN_DEPTH:
            return value
        items = [convert(item, (*inside, id(value))) for item in value]
        same = all(new is old for new, old in zip(items, value, strict=True))
        return value if same else type(value)(items)

    while todo:
        source, target = todo.pop()
        target.update((key, convert(value)) for key, value in source.items())
    return result


# paths


def _find(tree: MetadataTree, path: str) -> tuple[Any, str] | None:
    """Find the mapping and the key that a dotted path means, the longest first key first."""
    todo: list[tuple[Any, str]] = [(tree, path)]
    seen: set[tuple[int, int]] = set()  # without it, odd trees take exponential time
    while todo:
        node, rest = todo.pop()
        if (id(node), len(rest)) in seen:
            continue
        seen.add((id(node), len(rest)))
        if rest in node:
            return node, rest
        # The stack gives back the last first, so the shortest key goes on it first.
        for head, tail in _splits(rest):
            if isinstance(node.get(head), Mapping):
                todo.append((node[head], tail))
    return None


def _place_for(tree: MetadataTree, path: str) -> tuple[Any, str]:
    """Find the mapping and the key under which `_find` will find a path that is not there."""
    node: Any = tree
    rest = path
    while "." in rest:
        splits = list(_splits(rest))
        nodes = [split for split in splits if isinstance(node.get(split[0]), Mapping)]
        head, tail = nodes[-1] if nodes else splits[0]
        if head not in node:
            node[head] = MetadataTree()
        elif not nodes:
            kind = type(node[head]).__name__
            raise TypeError(f"cannot set {path!r}: {head!r} is a {kind}, not a node")
        node, rest = node[head], tail
    if not isinstance(node, MutableMapping):
        raise TypeError(f"cannot set {path!r}: it lies in a {type(node).__name__}")
    return node, rest


def _splits(path: str) -> Iterator[tuple[str, str]]:
    position = path.find(".")
    while position >= 0:
        yield path[:position], path[position + 1 :]
        position = path.find(".", position + 1)


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


# what was meant


def _instead(tree: MetadataTree, name: str, *, new: bool = True) -> str:
    """The end of a message on an entry that a node has not got."""
    if name in _ELSEWHERE:
        return f"; {_ELSEWHERE[name]}"
    if "." in name:
        return f"; get_item({quoted(name)}) follows dotted paths"
    more = (
        f"; set_item('{name}.key', value) or add_node('{name}') makes it"
        if new and name.isidentifier()
        else ""
    )
    near = did_you_mean(name, list(tree))
    return near or f"{missing(name, list(tree)) if tree else '; the tree is empty'}{more}"


def path_hint(tree: Mapping[Any, Any], path: str, prefix: str = "") -> str:
    """``"; did you mean 'General.title'?"`` for a dotted path that is not there, or ``""``."""
    node, done, rest = tree, "", path
    while "." in rest:
        head, _, tail = rest.partition(".")
        inner = node.get(head)
        if not isinstance(inner, Mapping):
            break
        node, done, rest = inner, f"{done}{head}.", tail
    key, dot, after = rest.partition(".")
    near = [f"{done}{name}{dot}{after}" for name in nearest(key, node) if name != key]
    whole = [near_path for near_path in near if not after or _holds(tree, near_path)]
    last = path.rpartition(".")[2].casefold()
    same = (
        found
        for found, _ in islice(MetadataTree(tree).paths(), _SEARCHED)
        if found.rpartition(".")[2].casefold() == last
    )
    found = whole or list(islice(same, 3)) or near
    whole_paths = [f"{prefix}{place}" for place in found]
    return f"; did you mean {' or '.join(map(quoted, whole_paths))}?" if found else ""


def _holds(tree: Mapping[Any, Any], path: str) -> bool:
    return isinstance(tree, MetadataTree) and tree.has_item(path)
