"""A signal as plain trees: what stands between the nodes of a file and a `Signal`."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from hspyio.records import record

__all__ = ["SignalParts"]


@record
class SignalParts:
    """The decoded parts of an experiment or of a signal inside a tree.

    Attributes
    ----------
    data : ndarray or dask array
        The array, any rank; objects where ragged.
    axes : list of dict
        One dict a dimension, in the order of the array (format, section 3).
    metadata, original_metadata, attributes, learning_results : dict
        The trees.
    peak_learning_results : dict or None
        The tree of files before format 3.1.
    models : dict
        Model name -> tree.
    package, package_version : str
        Where the signal's class lived.
    literal_title : bool
        The title is meant as it stands, even if it reads ``__unnamed__``.
    where : str
        The path of the group they come from.
    """

    data: Any
    axes: list[dict[str, Any]]
    metadata: dict[str, Any]
    original_metadata: dict[str, Any]
    attributes: dict[str, Any] = field(default_factory=dict)
    learning_results: dict[str, Any] | None = None
    peak_learning_results: dict[str, Any] | None = None
    models: dict[str, Any] = field(default_factory=dict)
    package: str = ""
    package_version: str = ""
    literal_title: bool = False
    where: str = ""
