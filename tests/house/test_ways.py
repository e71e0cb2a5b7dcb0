"""The ways through the package stay short: modules entered, calls between them, opened files.

The ceilings are what was measured, and a little; lower them when a way has become shorter.
"""

from __future__ import annotations

import pytest

from support.ways import WAYS, Measures, measure

CEILINGS: dict[str, Measures] = {
    "load": Measures(63, 438, 841, 24, 1, 0),
    "load lazily": Measures(53, 344, 745, 24, 1, 0),
    "compute": Measures(24, 153, 240, 18, 0, 0),
    "save": Measures(58, 331, 640, 23, 2, 1),
    "save dask": Measures(56, 310, 572, 23, 2, 1),
    "update": Measures(75, 484, 1518, 27, 1, 1),
    "append": Measures(82, 540, 1645, 25, 1, 1),
    "file_writer, mode a": Measures(84, 590, 1758, 26, 1, 1),
    "repack": Measures(78, 556, 1650, 22, 1, 2),
    "verify": Measures(47, 313, 609, 22, 1, 0),
    "validate": Measures(47, 355, 1164, 21, 1, 0),
    "rescue": Measures(95, 710, 1512, 30, 1, 1),
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
