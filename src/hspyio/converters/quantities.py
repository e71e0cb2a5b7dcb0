"""Quantities and units of pint: a node with value and units, and text, which any reader shows."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import Any

from hspyio.converters.converter import Converter, Encoded, NotStorableError, StoredItem
from hspyio.converters.decoder import Decoder
from hspyio.converters.encoder import Encoder
from hspyio.converters.strings import restored_text, store_text
from hspyio.converters.type_hints import Hint

__all__ = ["CONVERTERS", "QUANTITY", "UNIT"]

QUANTITY, UNIT = "pint.Quantity", "pint.Unit"
_VALUE, _UNITS = "value", "units"
_LONGEST = 1000
_POWER = r"[^\W\d]\w*( \*\* -?\d{1,3}(\.\d{1,20})?)?"
_PLAIN = re.compile(rf"(1|{_POWER})( [*/] {_POWER})*")


def _is(name: str) -> Any:
    def matches(value: object) -> bool:
        # the module is imported once there is a value, and its own attributes tell no lies
        kind = getattr(sys.modules.get("pint"), name, None)
        return isinstance(kind, type) and issubclass(type(value), kind)

    return matches


def _units_text(units: Any) -> str:
    """The units by their full names, if their registry reads that text as these units."""
    text = format(units, "D")
    if not _PLAIN.fullmatch(text):
        raise NotStorableError(f"has units {text!r}, whose text is no product of powers")
    registry = units._REGISTRY  # pint's own documentation has users look there
    try:
        exact = registry.Unit(text) == units
    except Exception as error:  # whatever pint's parser makes of a name
        raise NotStorableError(f"has units {text!r}, which pint does not read: {error}") from None
    if not exact:
        raise NotStorableError(f"has units {text!r}, which pint reads as other ones")
    return text


def _encode(value: Any, context: Encoder, where: str) -> Encoded:
    units, _ = store_text(_units_text(value.units))
    held = context.encode(value.magnitude, f"{where}.{_VALUE}")
    encoded = context.named_group([(_VALUE, held), (_UNITS, Encoded(units))], where, ordered=False)
    return encoded.tagged(QUANTITY)


def _encode_unit(value: Any, context: Encoder, where: str) -> Encoded:
    attribute, rest = store_text(_units_text(value))
    return Encoded(attribute, hint=Hint(UNIT, rest))


def _registry() -> Any:
    """The registry that a program has chosen, or pint's own; none where pint is not installed."""
    try:
        pint = import_module("pint")
    except ImportError:
        return None
    return pint.get_application_registry()


def _restore(item: StoredItem, context: Decoder) -> Any:
    found = context.plain(item)
    registry = _registry()
    if registry is None:
        return found
    return registry.Quantity(found[_VALUE], _unit(registry, found[_UNITS]))


def _restore_unit(item: StoredItem, context: Decoder) -> Any:
    text, registry = restored_text(item), _registry()
    return text if registry is None else _unit(registry, text)


def _unit(registry: Any, text: str) -> Any:
    """The unit of a text, which pint computes: not with what a file makes up."""
    if len(text) > _LONGEST or not _PLAIN.fullmatch(text):
        raise ValueError(f"no units: {text[:60]!r}")
    return registry.Unit(text)


CONVERTERS = (
    Converter(matches=_is("Quantity"), encode=_encode, exact_readers={QUANTITY: _restore}),
    Converter(matches=_is("Unit"), encode=_encode_unit, exact_readers={UNIT: _restore_unit}),
)
