"""Files of other programs: read as RosettaSciIO reads them, and saved again without loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio.compare import signal_differences
from support.compare import (
    FILES,
    differences,
    rosettasciio,
    signal_dicts,
    with_detector_eels,
    with_index_in_array,
)

pytestmark = pytest.mark.skipif(not FILES, reason="../shared/data is not here")
EACH = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
LAZY = pytest.mark.parametrize("lazy", [False, True])

# Of all that RosettaSciIO returns this alone is corrected, besides `index_in_array` in the axes,
# which the seed requires: the files whose TEM.EELS its migration misplaces.
R5 = {"example1_v1.0.hdf5", "example1_v1.1.hdf5"}
SIGNAL_AXES = {"spectrum": 1, "image": 2}


def reference(path: Path, *, lazy: bool = False) -> list[dict[str, Any]]:
    signals = rosettasciio(path, lazy=lazy)
    return with_detector_eels(signals) if path.name in R5 else signals


@LAZY
@EACH
def test_file_reader_equals_rosettasciio(path: Path, lazy: bool) -> None:
    ours = hspyio.file_reader(path, lazy=lazy)
    assert list(differences(ours, with_index_in_array(reference(path, lazy=lazy)))) == []


@LAZY
@EACH
def test_rosettasciio_reads_the_same_from_what_we_saved(
    path: Path, lazy: bool, tmp_path: Path
) -> None:
    hspyio.save(tmp_path / "again.hspy", hspyio.load(path, lazy=lazy))
    expected = upgraded(reference(path))
    assert list(differences(rosettasciio(tmp_path / "again.hspy"), expected)) == []
    # Lazily read the chunks are those of today's rule, not of the old file.
    expected = upgraded(reference(path, lazy=True))
    again = rosettasciio(tmp_path / "again.hspy", lazy=True)
    assert list(differences(again, expected, chunks=False)) == []


def upgraded(signals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the way to format 3.3 adds, moves and drops; nothing else may differ."""
    for signal in signal_dicts(signals):
        node = signal["metadata"].get("Signal", {})
        # Older files say in two words of the metadata what the axes say today (rules 19, 20).
        record_by, binned = node.pop("record_by", None), node.pop("binned", False)
        signal["attributes"].setdefault("ragged", False)
        signal["attributes"].setdefault("learning_results", {})
        first_signal_axis = len(signal["axes"]) - SIGNAL_AXES.get(record_by, len(signal["axes"]))
        for index, axis in enumerate(signal["axes"]):
            axis.setdefault("navigate", index < first_signal_axis)
            axis.setdefault("is_binned", bool(binned) and not axis["navigate"])
            axis.setdefault("_type", "UniformDataAxis")
            axis.setdefault("name", None)
            axis.setdefault("units", None)
            axis["index_in_array"] = np.int64(index)
            # Windows wrote int32.
            axis["size"] = np.int64(axis["size"])
    return signals


@LAZY
@EACH
def test_what_we_saved_loads_the_same(path: Path, lazy: bool, tmp_path: Path) -> None:
    signal = hspyio.load(path, lazy=lazy)
    hspyio.save(tmp_path / "again.hspy", signal)
    again = hspyio.load(tmp_path / "again.hspy", lazy=lazy)
    assert signal_differences(signal, again) == []
    # Nor does anything get lost the second time.
    hspyio.save(tmp_path / "third.hspy", again)
    again = hspyio.load(tmp_path / "third.hspy")
    assert signal_differences(signal, again) == []


def test_every_shared_file_is_read() -> None:
    assert len(FILES) >= 12
