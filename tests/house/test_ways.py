"""The ways through the package stay short: modules entered, calls between them, opened files.

The ceilings are what was measured, and a little; lower them when a way has become shorter.
"""

from __future__ import annotations

import pytest

from support.ways import WAYS, Measures, measure

CEILINGS: dict[str, Measures] = {
    "load": Measures(65, 417, 794, 25, 1, 0),
    "load lazily": Measures(55, 322, 695, 25, 1, 0),
    "compute": Measures(23, 149, 230, 18, 0, 0),
    "save": Measures(61, 322, 615, 22, 2, 2),
    "save dask": Measures(62, 299, 548, 22, 2, 2),
    "update": Measures(80, 468, 1397, 27, 1, 1),
    "append": Measures(85, 526, 1551, 27, 1, 2),
    "file_writer, mode a": Measures(88, 587, 1636, 28, 1, 2),
    "repack": Measures(79, 527, 1113, 21, 1, 5),
    "verify": Measures(44, 277, 520, 20, 1, 0),
    "validate": Measures(46, 339, 1125, 19, 1, 0),
    "rescue": Measures(99, 677, 1511, 31, 1, 2),
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
