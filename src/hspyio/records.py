"""Small classes that only hold things, and are quick to make: the program starts with many.

`dataclasses` compiles every method of every class whenever a program starts, which takes longer
than reading a small file. Here only ``__init__`` is compiled: comparing and printing are the same
code for all, and that nothing is ever changed is for the type checker to see.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import attrgetter
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
    held = attrgetter(*(item.name for item in fields(made) if item.compare))  # asked for often

    def equals(one: Any, other: object) -> bool:
        return bool(held(one) == held(other)) if type(one) is type(other) else NotImplemented

    made.__eq__, made.__hash__, made.__repr__ = equals, lambda one: hash(held(one)), _repr
    return made  # type: ignore[no-any-return]


def _repr(one: Any) -> str:
    inside = ", ".join(f"{item.name}={getattr(one, item.name)!r}" for item in fields(one))
    return f"{type(one).__qualname__}({inside})"
