"""The ways through the package stay short: modules entered, calls between them, opened files.

The ceilings are what was measured, and a little; lower them when a way has become shorter.
"""

from __future__ import annotations

import pytest

from support.ways import WAYS, Measures, measure

CEILINGS: dict[str, Measures] = {
    "load": Measures(65, 428, 808, 25, 1, 0),
    "load lazily": Measures(55, 332, 716, 25, 1, 0),
    "compute": Measures(24, 153, 242, 18, 0, 0),
    "save": Measures(60, 326, 639, 22, 2, 2),
    "save dask": Measures(58, 303, 571, 22, 2, 2),
    "update": Measures(76, 477, 1461, 28, 1, 1),
    "append": Measures(83, 532, 1577, 27, 1, 2),
    "file_writer, mode a": Measures(85, 593, 1647, 28, 1, 2),
    "repack": Measures(79, 537, 1191, 21, 1, 5),
    "verify": Measures(45, 292, 590, 20, 1, 0),
    "validate": Measures(46, 341, 1137, 19, 1, 0),
    "rescue": Measures(96, 685, 1521, 31, 1, 2),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_way_is_no_longer_than_it_was(way: str) -> None:
    found, ceiling = measure(way), CEILINGS[way]
    over = {
        name: (value, most)
        for name, value, most in zip(Measures._fields, found, ceiling, strict=True)
        if value > most
    }
    assert not over
