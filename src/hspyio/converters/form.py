"""What an element makes of a value: the form it stands in, before it has a name."""

from __future__ import annotations

from dataclasses import dataclass

from hspyio import names
from hspyio.converters.type_hints import NO_HINT, Hint
from hspyio.model.given import is_data_array, is_hyperspy
from hspyio.nodes.node import Array, Attribute, Group, Text

__all__ = ["TEXT", "Form", "Refusal", "no_form", "text_form"]


class Refusal(Exception):  # noqa: N818 - no error yet: the walker collects them
    """A value has no form; the walker notes the place and goes on to find the others."""


def no_form(value: object) -> Refusal:
    """The refusal of a type that no file can hold; nothing is asked of the value itself."""
    kind = type(value)
    mend = ""
    if hasattr(kind, "todense"):
        mend = "; it is sparse: use its .todense() or .toarray()"
    elif is_hyperspy(value):
        mend = "; hspyio.from_hyperspy(signal) makes a Signal of it, which has one"
    elif is_data_array(value):
        mend = "; hspyio.from_xarray(array) makes a Signal of it, which has one"
    elif kind.__module__.partition(".")[0] == "pandas" and hasattr(kind, "to_dict"):
        mend = "; a dict, .to_dict(), and an array, .to_numpy(), have one"
    return Refusal(f"no HSpy form for {kind.__module__}.{kind.__qualname__}{mend}")


@dataclass(slots=True, eq=False, repr=False)
class Form:
    """A value as it will stand in a file. Not frozen: a tree takes one a leaf, and that costs.

    Attributes
    ----------
    node : Attribute, Array or Group
        What is stored.
    prefix : str
        What the name begins with, ``"_list_"`` for a list.
    shapes : Array or None
        The dataset beside a ragged array.
    hint : Hint
        What the form cannot tell.
    """

    node: Attribute | Array | Group
    prefix: str = ""
    shapes: Array | None = None
    hint: Hint = NO_HINT


TEXT = Text()
"""The type of all plain text."""


def text_form(text: str, tag: str = "", data: object = None) -> Form:
    """Form of a text without NUL and lone surrogates."""
    return Form(Attribute(TEXT, text.encode()), hint=Hint(tag, data) if tag else NO_HINT)


NONE_FORM = text_form(names.NONE)
