"""tree <-> Signal: experiments, axes and models, and where each stands in a file.

Format, sections 1, 3 and 7.
"""

from __future__ import annotations

from hspyio.layout.reading import (
    Contents,
    contents,
    decode_experiment,
    decode_models,
    is_own_member,
    stored_title,
    to_signal,
)
from hspyio.layout.writing import EncodedFile, encode_file

__all__ = [
    "Contents",
    "EncodedFile",
    "contents",
    "decode_experiment",
    "decode_models",
    "encode_file",
    "is_own_member",
    "stored_title",
    "to_signal",
]
