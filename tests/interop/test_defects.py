"""Every defect of the reference implementation, and what hspyio does about it.

The numbers are those of section 5 of the format's description: W crashes of RosettaSciIO's
writer, C silent corruption and loss, R defects of its reader. The rows stand in `defects`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.defects import reading, structure, values, writing
from support.defects.tools import Row

ROWS = (*writing.ROWS, *values.ROWS, *structure.ROWS, *reading.ROWS)
LAST = {"W": 19, "C": 30, "R": 14}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_no_crash_no_loss_no_corruption(row: Row, tmp_path: Path) -> None:
    row.check(tmp_path)


def test_every_defect_has_a_row() -> None:
    wanted = [f"{kind}{number}" for kind, last in LAST.items() for number in range(1, last + 1)]
    assert list(dict.fromkeys(row.number for row in ROWS)) == wanted


def test_every_row_has_a_name_of_its_own() -> None:
    assert len({row.id for row in ROWS}) == len(ROWS)
