"""The ways through the package stay short: modules entered, calls between them, opened files.

The ceilings are what was measured, and a little; lower them when a way has become shorter.
"""

from __future__ import annotations

import pytest

from support.ways import WAYS, Measures, measure

CEILINGS: dict[str, Measures] = {
    "load": Measures(66, 366, 829, 25, 1, 0),
    "load lazily": Measures(60, 297, 737, 25, 1, 0),
    "compute": Measures(19, 118, 190, 17, 0, 0),
    "save": Measures(62, 318, 612, 22, 2, 2),
    "save dask": Measures(62, 297, 550, 22, 2, 2),
    "update": Measures(80, 425, 1450, 25, 1, 1),
    "append": Measures(85, 470, 1580, 24, 1, 2),
    "file_writer, mode a": Measures(87, 535, 1680, 25, 1, 2),
    "repack": Measures(83, 480, 1125, 22, 1, 5),
    "verify": Measures(18, 80, 158, 18, 0, 0),
    "validate": Measures(31, 226, 940, 16, 0, 0),
    "rescue": Measures(78, 510, 1083, 29, 0, 2),
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
