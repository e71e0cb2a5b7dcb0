"""Packages that need not be there."""

from __future__ import annotations

import json

import pytest

from hspyio.bridges.packages import imported
from hspyio.errors import MissingPackageError


def test_one_that_is_there_is_imported() -> None:
    assert imported("json", "anything") is json


def test_one_that_is_not_there_is_named() -> None:
    with pytest.raises(
        MissingPackageError, match=r"^no-such is not installed; `pip install no-such`"
    ):
        imported("no_such_module.inner", "no-such")


def test_what_goes_wrong_inside_comes_through() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"json\.nothing"):
        imported("json.nothing", "json")
