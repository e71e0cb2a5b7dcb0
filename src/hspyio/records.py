"""Small classes that only hold things, and are quick to make: the program starts with many.

`dataclasses` compiles every method of every class whenever a program starts. Comparing, printing
and refusing assignment take three quarters of that, and nobody asks an internal class for them;
that it is never changed is for the type checker to see.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

__all__ = ["record"]

T = TypeVar("T")


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def record(kind: type[T]) -> type[T]:
    """Make a dataclass with slots, compared by identity, that type checkers take for frozen."""
    return dataclass(slots=True, eq=False, repr=False)(kind)
