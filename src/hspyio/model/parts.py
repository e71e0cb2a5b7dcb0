"""A signal as plain trees: what stands between the nodes of a file and a `Signal`."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from hspyio.records import record

__all__ = ["SignalParts"]


@record
class SignalParts:
    """The decoded parts of an experiment or of a signal inside a tree."""

    data: Any  # an array, of numpy or dask; of objects where ragged
    axes: list[dict[str, Any]]  # in the order of the array (format, section 3)
    metadata: dict[str, Any]
    original_metadata: dict[str, Any]
    attributes: dict[str, Any] = field(default_factory=dict)
    learning_results: dict[str, Any] | None = None
    peak_learning_results: dict[str, Any] | None = None  # of files before format 3.1
    models: dict[str, Any] = field(default_factory=dict)
    package: str = ""
    package_version: str = ""
    literal_title: bool = False  # meant as it stands, even if it reads ``__unnamed__``
    where: str = ""  # the group they come from
