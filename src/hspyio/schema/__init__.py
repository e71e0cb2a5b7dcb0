"""tree <-> Signal: experiments, axes and models, and where each stands in a file.

Format, sections 1, 3 and 7.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hspyio.schema.fitting import fitting_dicts
from hspyio.schema.reading import (
    Contents,
    contents,
    data_hint,
    decode_experiment,
    decode_models,
    experiment_hint,
    is_own_member,
    stored_title,
    to_signal,
)

if TYPE_CHECKING:
    from hspyio.schema.writing import EncodedFile, encode_file

__all__ = [
    "Contents",
    "EncodedFile",
    "contents",
    "data_hint",
    "decode_experiment",
    "decode_models",
    "encode_file",
    "experiment_hint",
    "fitting_dicts",
    "is_own_member",
    "stored_title",
    "to_signal",
]


def __getattr__(name: str) -> Any:
    """What writes is imported when it is first used: whoever loads a file need not wait for it."""
    if name in ("EncodedFile", "encode_file"):
        return getattr(import_module("hspyio.schema.writing"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
