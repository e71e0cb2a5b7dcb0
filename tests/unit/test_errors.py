"""Errors name the file, the place and what happened; each is also the builtin it stands for."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path
from typing import Any

import pytest

import hspyio
from hspyio import errors
from hspyio.errors import HspyError, HspyWarning, Problem, UnsupportedTypeError, one_or_many

BUILTINS: dict[str, tuple[type[Exception], ...]] = {
    "HspyError": (Exception,),
    "NotHspyError": (OSError,),
    "MissingFileError": (FileNotFoundError, OSError),
    "MissingPackageError": (ImportError,),
    "TargetExistsError": (FileExistsError, OSError),
    "UnreadableFileError": (OSError,),
    "FilePermissionError": (PermissionError, OSError),
    "DamagedFileError": (OSError,),
    "UnsupportedFeatureError": (NotImplementedError,),
    "TooLargeError": (MemoryError,),
    "StaleFileError": (OSError,),
    "SaveError": (OSError,),
    "QueueFullError": (BlockingIOError, OSError),
    "FileLockedError": (BlockingIOError, OSError),
    "ExperimentError": (LookupError, ValueError),
    "FilterError": (ValueError, OSError),
    "OptionError": (ValueError,),
    "ArgumentError": (TypeError, ValueError),
    "AxesError": (ValueError,),
    "ConversionError": (ValueError,),
    "UnsupportedTypeError": (TypeError,),
}
KINDS = [getattr(errors, name) for name in BUILTINS if name != "UnsupportedTypeError"]


def test_the_table_is_complete() -> None:
    found = {
        name
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, HspyError)
    }
    assert found == set(BUILTINS)
    assert found < {*errors.__all__}


@pytest.mark.parametrize("name", BUILTINS)
def test_every_error_is_ours_and_the_builtin_it_stands_for(name: str) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, (HspyError,))
    for builtin in BUILTINS[name]:
        assert issubclass(kind, builtin)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("place", "text"),
    [
        ({}, "what happened"),
        ({"path": "a.hspy"}, "a.hspy: what happened"),
        ({"path": Path("a.hspy"), "where": "/x"}, "a.hspy: /x: what happened"),
        ({"where": "/x"}, "/x: what happened"),
    ],
)
def test_text_is_place_then_message(kind: Any, place: dict[str, Any], text: str) -> None:
    error = kind("what happened", **place)
    assert str(error) == text
    assert error.message == "what happened"
    assert error.where == place.get("where", "")
    assert error.path == (str(place["path"]) if "path" in place else None)


def test_a_place_that_is_learnt_later_shows() -> None:
    error = errors.DamagedFileError("is broken", where="/x")
    error.path = "a.hspy"
    assert str(error) == "a.hspy: /x: is broken"


@pytest.mark.parametrize("kind", KINDS)
def test_errors_travel_between_processes(kind: Any) -> None:
    error = kind("what happened", path="a.hspy", where="/x")
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is kind
    assert str(twin) == str(error)


def test_values_without_a_form_travel_too() -> None:
    error = UnsupportedTypeError([Problem("metadata.x", "no form")], path="a.hspy")
    twin = pickle.loads(pickle.dumps(error))
    assert str(twin) == str(error)
    assert twin.problems == error.problems


def test_all_problems_at_once() -> None:
    one = UnsupportedTypeError([Problem("metadata.x", "no form")])
    assert str(one).startswith("one value cannot be saved without loss:\n  metadata.x: no form\n")
    problems = [Problem(f"metadata.x{i}", "no form") for i in range(60)]
    many = UnsupportedTypeError(problems, path="a.hspy")
    lines = str(many).splitlines()
    assert lines[0] == "a.hspy: 60 values cannot be saved without loss:"
    assert lines[1:51] == [f"  metadata.x{i}: no form" for i in range(50)]
    assert lines[51] == "  ... and 10 more"
    assert "Nothing was written" in lines[52]
    assert many.problems == tuple(problems)


@pytest.mark.parametrize(("count", "listed"), [(1, 1), (50, 50), (51, 50), (1000, 50)])
def test_one_or_many_lists_up_to_a_limit(count: int, listed: int) -> None:
    text = one_or_many("are odd", [Problem("x", "y")] * count)
    assert text.count("  x: y") == listed
    assert text.startswith("one value" if count == 1 else f"{count} values are odd:")
    assert ("more" in text) is (count > 50)
    assert one_or_many("are odd", [Problem("x", "y")] * 5, most=2).count("x: y") == 2


def test_warnings_are_a_kind_of_their_own() -> None:
    assert issubclass(HspyWarning, UserWarning)
    assert hspyio.HspyWarning is HspyWarning
    assert hspyio.HspyError is HspyError


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (999_949, "999.9 kB"),
        (2_000_000, "2 MB"),
        (60_123_456_789, "60.1 GB"),
        (10**15, "1 PB"),
        (5 * 10**18, "5,000 PB"),
    ],
)
def test_sizes_as_text(size: int, text: str) -> None:
    assert errors.byte_text(size) == text
