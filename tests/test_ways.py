"""The ways through the package stay short: modules entered, calls between them, opened files.

The ceilings are what was measured, and a little; lower them when a way has become shorter.
"""

from __future__ import annotations

import pytest

from support.ways import WAYS, Measures, measure

CEILINGS: dict[str, Measures] = {}


@pytest.mark.parametrize("way", WAYS)
def test_a_way_is_no_longer_than_it_was(way: str) -> None:
    found, ceiling = measure(way), CEILINGS[way]
    over = {
        name: (value, most)
        for name, value, most in zip(Measures._fields, found, ceiling, strict=True)
        if value > most
    }
    assert not over
