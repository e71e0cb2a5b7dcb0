"""Packages that need not be there."""

from __future__ import annotations

import json

import pytest

from hspyio.errors import MissingPackageError
from hspyio.packages import check_there, how_to_get, imported, is_there


def test_one_that_is_there_is_imported() -> None:
    assert imported("json") is json and is_there("json.decoder")
    check_there("json")


@pytest.mark.parametrize("call", [check_there, imported])
def test_one_that_is_not_there_is_named(call: object) -> None:
    with pytest.raises(
        MissingPackageError, match=r"^no_such is not installed; `pip install no_such` does it$"
    ):
        call("no_such.inner")  # type: ignore[operator]


def test_what_goes_wrong_inside_comes_through() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"json\.nothing"):
        imported("json.nothing")


def test_the_extra_and_the_name_that_pip_knows() -> None:
    assert how_to_get("skimage.io") == (
        "scikit-image is not installed; `pip install scikit-image` does it, "
        'as does `pip install ".[import]"` in a clone of hspyio'
    )
    assert how_to_get("yaml") == "PyYAML is not installed; `pip install PyYAML` does it"
