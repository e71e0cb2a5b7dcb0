"""The ways through the package stay short: modules entered, calls between them, opened files.

The ceilings are what was measured, and a little; lower them when a way has become shorter.
"""

from __future__ import annotations

import pytest

from support.ways import WAYS, Measures, measure

CEILINGS: dict[str, Measures] = {
    "load": Measures(62, 416, 785, 25, 1, 0),
    "load lazily": Measures(52, 322, 690, 25, 1, 0),
    "compute": Measures(23, 148, 220, 18, 0, 0),
    "save": Measures(60, 322, 620, 22, 2, 2),
    "save dask": Measures(58, 299, 548, 22, 2, 2),
    "update": Measures(76, 470, 1440, 27, 1, 1),
    "append": Measures(83, 528, 1560, 27, 1, 2),
    "file_writer, mode a": Measures(85, 590, 1645, 28, 1, 2),
    "repack": Measures(80, 533, 1175, 21, 1, 5),
    "verify": Measures(44, 280, 550, 20, 1, 0),
    "validate": Measures(46, 336, 1120, 19, 1, 0),
    "rescue": Measures(96, 660, 1485, 31, 1, 2),
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
