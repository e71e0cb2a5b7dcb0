"""The ways through the package stay short: modules entered, calls between them, opened files.

The ceilings are what was measured, and a little; lower them when a way has become shorter.
"""

from __future__ import annotations

import pytest

from support.ways import WAYS, Measures, measure

CEILINGS: dict[str, Measures] = {
    "load": Measures(66, 416, 792, 25, 1, 0),
    "load lazily": Measures(57, 322, 693, 25, 1, 0),
    "compute": Measures(23, 148, 222, 18, 0, 0),
    "save": Measures(60, 309, 603, 21, 2, 2),
    "save dask": Measures(60, 284, 534, 19, 2, 2),
    "update": Measures(95, 599, 2054, 25, 4, 3),
    "append": Measures(94, 559, 1810, 24, 3, 4),
    "file_writer, mode a": Measures(96, 611, 2068, 24, 4, 4),
    "repack": Measures(82, 509, 1082, 21, 1, 5),
    "verify": Measures(45, 276, 489, 20, 1, 0),
    "validate": Measures(46, 338, 1114, 19, 1, 0),
    "rescue": Measures(99, 666, 1490, 31, 2, 2),
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
