"""Files that state their version, or fail to."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hspyio.names import CURRENT_VERSION
from support.handmade.tools import put, skeleton


def minimal(path: Path) -> None:
    """The least that is a valid file of the current version."""
    with skeleton(path):
        pass


def without_version(path: Path) -> None:
    """No root attributes at all, but Experiments: version 1.0."""
    with skeleton(path, version=None, file_format=None):
        pass


def float64_version(path: Path) -> None:
    """Version 1.1 as a float64, as HyperSpy 0.7 beta stored it."""
    with skeleton(path, version=np.float64(1.1)):
        pass


def float32_version(path: Path) -> None:
    """Version 1.1 as a float32, which is a little more than 1.1."""
    with skeleton(path, version=np.float32(1.1)):
        pass


def integer_version(path: Path) -> None:
    """Version 3 as an integer."""
    with skeleton(path, version=np.int64(3)):
        pass


def bytes_version(path: Path) -> None:
    """Version and format as fixed ASCII strings."""
    with skeleton(path, version=np.bytes_(b"2.2"), era=2.2) as experiment:
        experiment.file.attrs["file_format"] = np.bytes_(b"HyperSpy")


def nonsense_version(path: Path) -> None:
    """A version that is no number."""
    with skeleton(path, version="abc", era=float(CURRENT_VERSION)):
        pass


def newer_version(path: Path) -> None:
    """Version 4.2, with things that ours does not know."""
    with skeleton(path, version="4.2") as experiment:
        put(experiment.file, "Provenance", {"who": "somebody"})
        put(experiment, "masks", {"beam": np.ones((2, 3), bool)})


def misspelt_format(path: Path) -> None:
    """A `file_format` of "Hyperspy"."""
    with skeleton(path, file_format="Hyperspy"):
        pass


def mapped_parameters(path: Path) -> None:
    """Version 1.1 with the old names of the metadata groups and something in both."""
    with skeleton(path, version="1.1") as experiment:
        put(experiment, "mapped_parameters", {"signal_type": "EELS", "Sample": {"thickness": 5.0}})
        put(experiment, "original_parameters", {"XLABEL": "Energy", "node": {"value": 1.5}})
