"""Quantities of pint and times of pandas: through every program, and where the packages lack."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import hyperspy.api as hs
import numpy as np
import pandas as pd
import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rsciio.hspy import file_reader as their_reader

import hspyio
from hspyio import Signal
from hspyio.compare import value_differences
from hspyio.converters.quantities import _unit
from hspyio.testing import assert_roundtrip
from support.cases import assert_case_comes_back, rows
from support.plugged import OURS, plugged

UNITS = pint.get_application_registry()
TREE = {
    "wavelength": UNITS.Quantity(0.0251, "angstrom"),
    "map": UNITS.Quantity(np.arange(3.0), "kV"),
    "unit": UNITS.Unit("nm ** 2"),
    "moment": pd.Timestamp("2020-01-01 00:00:00.123456789", tz="Europe/Berlin"),
    "wait": pd.Timedelta(5, "ns"),
    "list": [UNITS.Quantity(3, "s"), None],
}


@pytest.mark.parametrize("name", rows("quantity"))
def test_rows_come_back(name: str, tmp_path: Path) -> None:
    assert_case_comes_back(name, tmp_path / "a.hspy")


def saved(path: Path) -> Path:
    hspyio.save(path, Signal([1.0], metadata={"General": {"title": "t"}, "A": TREE}))
    return path


@given(
    st.one_of(st.floats(), st.integers(), st.complex_numbers(), st.decimals()),
    st.dictionaries(st.sampled_from(["m", "keV", "kg", "angstrom"]), st.sampled_from([-2, 1, 0.5])),
)
def test_value_and_units_come_back(value: Any, powers: dict[str, float]) -> None:
    units = UNITS.Unit(" * ".join(f"{name} ** {power}" for name, power in powers.items()))
    signal = Signal([1.0], metadata={"x": UNITS.Quantity(value, units), "u": units})
    with tempfile.TemporaryDirectory() as folder:
        assert_roundtrip(signal, f"{folder}/a.hspy")


def test_they_differ_in_value_or_units() -> None:
    one, other = UNITS.Quantity(np.arange(2), "m"), UNITS.Quantity(np.arange(2), "km")
    assert value_differences(one, one) == []
    assert value_differences(one, other, "x") == ["x: meter, kilometer"]
    assert len(value_differences(one, UNITS.Quantity(np.arange(3), "m"), "x")) == 1
    early, late = pd.Timestamp(1, unit="ns"), pd.Timestamp(2, unit="ns")
    assert len(value_differences(early, late, "x")) == 1
    assert len(value_differences(early, early.as_unit("us"), "x")) == 1


def test_what_other_programs_read(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.hspy")
    [theirs] = their_reader(path)
    found = theirs["metadata"]["A"]
    assert found["wavelength"] == {"value": 0.0251, "units": "angstrom"}
    assert found["map"]["value"].tolist() == [0, 1, 2]
    assert (found["unit"], found["wait"]) == ("nanometer ** 2", "P0DT0H0M0.000000005S")
    assert found["moment"] == "2020-01-01T00:00:00.123456789+01:00"
    assert found["list"] == [{"value": 3, "units": "second"}, None]


def test_through_hyperspy(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    signal = hs.signals.Signal1D(np.ones(3))
    for key in ("wavelength", "map", "unit"):
        signal.metadata.set_item(f"A.{key}", TREE[key])
    with plugged(OURS):
        signal.save(path)
        for lazy in (False, True):
            found = hs.load(path, lazy=lazy).metadata.A
            assert isinstance(found.wavelength, pint.Quantity)
            assert (found.wavelength, found.unit) == (TREE["wavelength"], TREE["unit"])
            assert np.asarray(found.map.magnitude).tolist() == [0, 1, 2]
    assert hspyio.load(path).metadata.A.wavelength == TREE["wavelength"]


ALONE = """
import sys
for name in sys.argv[2:]:
    sys.modules[name] = None
import hspyio
found = hspyio.load(sys.argv[1]).metadata.A
print(sorted(found.wavelength.items()), found.unit, found.moment, found.wait, sep="|")
"""


def test_without_the_packages_it_is_what_others_read(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.hspy")
    command = [sys.executable, "-W", "error", "-c", ALONE, str(path), "pint", "pandas"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert ran.stdout.strip().split("|") == [
        "[('units', 'angstrom'), ('value', 0.0251)]",
        "nanometer ** 2",
        "2020-01-01T00:00:00.123456789+01:00",
        "P0DT0H0M0.000000005S",
    ]


def test_saving_does_not_import_them(tmp_path: Path) -> None:
    code = (
        "import sys, hspyio, numpy as np; "
        "hspyio.save(sys.argv[1], hspyio.Signal(np.ones(3), metadata={'a': {1}})); "
        "hspyio.load(sys.argv[1]); print([m for m in ('pint', 'pandas') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.hspy")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert ran.stdout.strip() == "[]"


def test_a_unit_that_the_registry_does_not_know(tmp_path: Path) -> None:
    own = pint.UnitRegistry()
    own.define("smoot = 1.7018 * meter")
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal([1.0], metadata={"A": {"bridge": own.Quantity(364.4, "smoot")}}))
    with pytest.warns(hspyio.HspyWarning, match="smoot"):
        found = hspyio.load(path).metadata.A.bridge
    assert dict(found) == {"value": 364.4, "units": "smoot"}


@pytest.mark.parametrize("text", ["m ** 10 ** 9999999", "(((((m", "m" * 2000, "__import__('os')"])
def test_units_that_a_file_makes_up_are_not_computed(text: str) -> None:
    with pytest.raises(ValueError, match="no units"):
        _unit(UNITS, text)
