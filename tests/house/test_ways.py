"""The ways through the package stay short: modules entered, calls between them, opened files.

The ceilings are what was measured, and a little; lower them when a way has become shorter.
"""

from __future__ import annotations

import pytest

from support.ways import WAYS, Measures, measure

CEILINGS: dict[str, Measures] = {
    "load": Measures(63, 440, 841, 25, 1, 0),
    "load lazily": Measures(53, 345, 741, 25, 1, 0),
    "compute": Measures(24, 153, 242, 18, 0, 0),
    "save": Measures(59, 329, 639, 23, 2, 2),
    "save dask": Measures(57, 306, 571, 23, 2, 2),
    "update": Measures(75, 486, 1517, 30, 1, 1),
    "append": Measures(82, 541, 1643, 29, 1, 2),
    "file_writer, mode a": Measures(84, 602, 1728, 30, 1, 2),
    "repack": Measures(78, 547, 1250, 22, 1, 5),
    "verify": Measures(45, 315, 590, 23, 1, 0),
    "validate": Measures(47, 357, 1163, 21, 1, 0),
    "rescue": Measures(96, 710, 1521, 31, 1, 2),
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
