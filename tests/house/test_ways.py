"""The ways through the package stay short: modules entered, calls between them, opened files.

The ceilings are what was measured, and a little; lower them when a way has become shorter.
"""

from __future__ import annotations

import pytest

from support.ways import WAYS, Measures, measure

CEILINGS: dict[str, Measures] = {
    "load": Measures(63, 440, 841, 25, 1, 0),
    "load lazily": Measures(53, 346, 745, 25, 1, 0),
    "compute": Measures(24, 153, 240, 18, 0, 0),
    "save": Measures(58, 330, 640, 23, 2, 2),
    "save dask": Measures(56, 307, 572, 23, 2, 2),
    "update": Measures(74, 487, 1518, 28, 1, 1),
    "append": Measures(81, 543, 1645, 26, 1, 2),
    "file_writer, mode a": Measures(84, 602, 1730, 27, 1, 2),
    "repack": Measures(78, 554, 1650, 22, 1, 5),
    "verify": Measures(47, 313, 609, 22, 1, 0),
    "validate": Measures(47, 357, 1164, 21, 1, 0),
    "rescue": Measures(95, 711, 1512, 31, 1, 2),
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
