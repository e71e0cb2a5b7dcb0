"""Mappings whose values are made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, overload

__all__ = ["OnDemand"]

L = TypeVar("L")
T = TypeVar("T")
D = TypeVar("D")


class OnDemand(Mapping[str, T]):
    """A mapping with known names whose values are made when first asked for.

    Parameters
    ----------
    links : mapping
        What is known of each, by name.
    make : callable
        Makes a value of a name and what is known.
    """

    def __init__(self, links: Mapping[str, L], make: Callable[[str, L], T]) -> None:
        self._links = links
        self._make = make
        self._made: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._made:
            self._made[name] = self._make(name, self._links[name])
        return self._made[name]

    @overload
    def get(self, name: str, default: None = None, /) -> T | None: ...

    @overload
    def get(self, name: str, default: D, /) -> T | D: ...

    def get(self, name: str, default: Any = None, /) -> Any:
        """What a name stands for; asked for often where there is nothing, and without an error."""
        return self[name] if name in self._links else default

    def __contains__(self, name: object) -> bool:
        return name in self._links

    def __iter__(self) -> Iterator[str]:
        return iter(self._links)

    def __len__(self) -> int:
        return len(self._links)
