"""Small classes that only hold things, and are quick to make: the program starts with many.

`dataclasses` compiles every method of every class whenever a program starts, which takes longer
than reading a small file. Here only ``__init__`` is compiled: comparing and printing are the same
functions for all, and that nothing is ever changed is for the type checker to see.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

__all__ = ["record", "value"]

T = TypeVar("T")


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def record(kind: type[T]) -> type[T]:
    """Make a dataclass with slots, compared by identity, that type checkers take for frozen."""
    return dataclass(slots=True, eq=False, repr=False)(kind)


@dataclass_transform(frozen_default=True, eq_default=True, field_specifiers=(field,))
def value(kind: type[T]) -> type[T]:
    """Make a `record` that is compared, hashed and printed by what it holds."""
    made: Any = record(kind)
    made.__eq__, made.__hash__, made.__repr__ = _eq, _hash, _repr
    return made  # type: ignore[no-any-return]


def _held(one: Any) -> tuple[Any, ...]:
    return tuple(getattr(one, item.name) for item in fields(one) if item.compare)


def _eq(one: Any, other: object) -> bool:
    return _held(one) == _held(other) if type(one) is type(other) else NotImplemented


def _hash(one: Any) -> int:
    return hash(_held(one))


def _repr(one: Any) -> str:
    inside = ", ".join(f"{item.name}={getattr(one, item.name)!r}" for item in fields(one))
    return f"{type(one).__qualname__}({inside})"
