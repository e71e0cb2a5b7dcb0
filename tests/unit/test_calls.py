"""Wrong calls of every public function: what was meant is told, and no file is touched."""

from __future__ import annotations

import inspect
import pickle
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import hspyio
from hspyio import HspyError, Signal
from hspyio.errors import ArgumentError, MissingPackageError
from hspyio.options import public

SIGNAL = Signal(np.arange(12.0).reshape(3, 4), title="t")
DICT = {"data": np.ones(3), "axes": [{"name": "x", "size": 3}]}
PLACES: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("add_navigator", "add_nexus", "file_reader", "info"), ("a.hspy",)),
    **dict.fromkeys(("list_datasets_in_file", "load", "open", "to_references"), ("a.hspy",)),
    **dict.fromkeys(("read_metadata_from_file", "validate", "verify", "view"), ("a.hspy",)),
    **dict.fromkeys(("diff", "repack", "rescue", "upgrade"), ("a.hspy", "b.hspy")),
    **dict.fromkeys(("append", "update"), ("a.hspy", SIGNAL)),
    **dict.fromkeys(("follow", "resume"), ("w.hspy",)),
    **dict.fromkeys(("enable_hyperspy", "disable_hyperspy"), ()),
    "create": ("b.hspy",),
    "export": ("a.hspy", "b.nc"),
    "extract": ("a.hspy", "t", "b.hspy"),
    "file_writer": ("b.hspy", DICT),
    "from_hyperspy": (SIGNAL,),
    "from_xarray": (xr.DataArray(np.ones(3)),),
    "import_file": ("a.nc", "b.hspy"),
    "remove": ("a.hspy", "t"),
    "save": ("b.hspy", SIGNAL),
    "save_all": ({"b.hspy": SIGNAL},),
    "virtual_dataset": ("a.hspy",),
}
"""What every function takes by position."""
METHODS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "Signal": (Signal, (np.ones(3),)),
    "Signal.save": (SIGNAL.save, ("b.hspy",)),
    "Signal.plot": (SIGNAL.plot, ()),
    "Signal.view": (SIGNAL.view, ()),
    "Signal.to_xarray": (SIGNAL.to_xarray, ()),
    "Signal.to_hyperspy": (SIGNAL.to_hyperspy, ()),
    "Signal.copy": (SIGNAL.copy, ()),
}
CALLS = {name: (getattr(hspyio, name), places) for name, places in PLACES.items()} | METHODS
NEEDED: dict[str, dict[str, Any]] = {"create": {"shape": (None, 4), "dtype": "u2"}}
LENIENT = ("file_reader", "file_writer", "import_file")
"""They take any keyword, and warn, or hand it to a reader."""
TARGET = ("view", "target")
OPTIONS = [
    (name, option.name)
    for name, (function, _) in CALLS.items()
    for option in inspect.signature(function).parameters.values()
    if option.kind == option.KEYWORD_ONLY
]
ARGUMENTS = [
    (name, one.name)
    for name, (function, _) in CALLS.items()
    for one in inspect.signature(function).parameters.values()
    if one.kind != one.VAR_KEYWORD
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    hspyio.save(folder / "a.hspy", SIGNAL)
    hspyio.export(folder / "a.hspy", folder / "a.nc")
    with hspyio.create(folder / "w.hspy", shape=(None, 4), dtype="f8") as w:
        w.append(np.ones((2, 4)))
    return folder


@pytest.fixture(autouse=True)
def folder(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    before = {path: path.read_bytes() for path in sorted(tmp_path.iterdir())}
    yield
    assert {path: path.read_bytes() for path in sorted(tmp_path.iterdir())} == before


def test_every_function_is_tried() -> None:
    functions = {name for name in hspyio.__all__ if inspect.isfunction(getattr(hspyio, name))}
    assert functions == set(PLACES)


# arguments that a function does not have


@pytest.mark.parametrize("name", sorted(set(CALLS) - set(LENIENT)))
def test_a_keyword_that_nobody_has(name: str) -> None:
    function, places = CALLS[name]
    with pytest.raises(ArgumentError, match=rf"^{name}\(\) has no 'qqqq'; it takes") as caught:
        function(*places, qqqq=1)
    assert isinstance(caught.value, TypeError)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_a_misspelt_option(name: str, option: str) -> None:
    function, places = CALLS[name]
    typo = option[:2] + option[3:] + "s"
    if name in LENIENT or typo in inspect.signature(function).parameters:
        return
    with pytest.raises(
        ArgumentError, match=rf"did you mean (hspyio|signal)\..*\b{option}=\.\.\.\)"
    ):
        function(*places, **{typo: 1})


@pytest.mark.parametrize(
    ("name", "keyword", "meant"),
    [
        ("load", "n_workers", r"hspyio\.load\(path, threads=\.\.\.\)"),
        ("load", "load_original_metadata", r"hspyio\.load\(path, original_metadata="),
        ("load", "new_axis_name", r"hspyio\.load\(path, stack="),
        ("load", "filename", r"hspyio\.load\(path\)\?"),
        ("load", "signal_type", r"signal\.signal_type"),
        ("load", "mode", r"hspyio\.update"),
        ("open", "name", r"hspyio\.open\(path\)\[name\]"),
        ("info", "name", r"hspyio\.extract\(source, name, target\)"),
        ("save", "signal", r"hspyio\.save\(path, signals\)\?"),
        ("save", "mode", r"hspyio\.append\(path, signal\)"),
        ("save", "title", r"signal\.title"),
        ("save", "extension", r"hspyio\.export"),
        ("save", "level", r"compression_opts=\.\.\."),
        ("create", "checksum", r"hspyio\.repack\(path, target, checksum=True\)"),
        ("create", "nexus", r"hspyio\.add_nexus\(path\)"),
        ("create", "name", r"title=\.\.\."),
        ("append", "overwrite", r"hspyio\.update\(path, signal, name\)"),
        ("extract", "compression", r"hspyio\.repack\(source, target, compression=\.\.\.\)"),
        ("Signal", "axes_manager", r"hspyio\.Signal\(data, axes=\.\.\.\)"),
        ("Signal.save", "force", r"signal\.save\(path, overwrite=\.\.\.\)"),
    ],
)
def test_what_others_call_it(name: str, keyword: str, meant: str) -> None:
    function, places = CALLS[name]
    with pytest.raises(ArgumentError, match=rf"^{name}\(\) has no '{keyword}'; .*{meant}"):
        function(*places, **{keyword: True})


@pytest.mark.parametrize("name", CALLS)
def test_too_many_too_few_and_twice(name: str) -> None:
    function, places = CALLS[name]
    taken = list(inspect.signature(function).parameters.values())
    most = [one.name for one in taken if one.kind == one.POSITIONAL_OR_KEYWORD]
    told = f"{name}() takes {len(most)} argument" if name != "save_all" else "save_all({path: sig"
    with pytest.raises(ArgumentError, match=re.escape(told)):
        function(*places, *[None] * (len(most) + 1 - len(places)))
    if most:
        with pytest.raises(ArgumentError, match=f"got {most[0]} by position and by name: "):
            function(*places or ["x"], **{most[0]: "x"})
    if places:
        with pytest.raises(ArgumentError, match=rf"lacks {most[0]}.*: (hspyio|signal)\."):
            function()


# arguments in the wrong order, and of wrong types


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda: hspyio.save_all("b.hspy", [SIGNAL]), r"hspyio\.save_all\(\{path: signal"),
        (lambda: hspyio.extract("a.hspy", Path("b.hspy"), "t"), r"extract\(source, name, target\)"),
        (lambda: hspyio.extract("a.hspy", "b.hspy", "t"), "which is the name of a file"),
        (lambda: hspyio.extract("a.hspy", ["t", 5], "b.hspy"), r"name is 5"),
        (lambda: hspyio.load("a.hspy", "b.hspy"), "which is the name of a file"),
        (lambda: hspyio.save(SIGNAL, "b.hspy"), "the path comes first"),
        (lambda: hspyio.export(SIGNAL, "b.nc"), "the source comes first"),
        (lambda: hspyio.file_writer("b.hspy", SIGNAL), r"hspyio\.save\(path, signal\)"),
        (lambda: hspyio.file_writer("b.hspy", overwrite=True), r"lacks signal: hspyio\.file_wr"),
        (lambda: hspyio.view(["a.hspy"]), r"\[hspyio\.view\(p\) for p in paths\]"),
        (lambda: hspyio.save("b.hspy", SIGNAL, overwrite="no"), "overwrite is 'no'; use True or"),
        (lambda: hspyio.load("a.hspy", lazy=np.ones((2, 2))), r"lazy is array\(.*; use True"),
        (lambda: SIGNAL.plot(figure=5), r"figure is a int; use an empty figure"),
        (lambda: setattr(SIGNAL, "location", "b.hspy"), r"location is 'b.hspy'; .*save\(path\)"),
    ],
)
def test_the_call_that_was_meant(call: Callable[[], Any], meant: str) -> None:
    with pytest.raises(HspyError, match=meant) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong", [object(), b"no", np.ones((2, 2)), SIGNAL], ids=lambda one: type(one).__name__
)
@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_a_wrong_type_is_an_error_of_ours(name: str, argument: str, wrong: Any) -> None:
    function, places = CALLS[name]
    order = list(inspect.signature(function).parameters)
    given = dict(zip(order, places, strict=False)) | NEEDED.get(name, {}) | {argument: wrong}
    if (wrong is SIGNAL and takes_signals(name, argument)) or takes_anything(name, argument):
        return
    with pytest.raises(HspyError) as caught:
        function(**given)
    if not isinstance(caught.value, MissingPackageError):
        assert argument in str(caught.value) or argument in ("signals", "signal", "array")


def takes_signals(name: str, argument: str) -> bool:
    taken = argument in ("signal", "signals", "navigator", "data") or (name, argument) == TARGET
    return taken and (name, argument) != ("file_writer", "signal")


def takes_anything(name: str, argument: str) -> bool:
    """Arrays are data, and RosettaSciIO's functions take whatever is true or not."""
    own = ("lazy", "close_file", "show_progressbar", "hardlinks_only", "verbose")
    return (
        (name == "Signal" and argument == "data") or argument in own or argument.startswith("skip")
    )


# what wraps a function is not seen


@pytest.mark.parametrize("name", sorted(PLACES))
def test_a_function_looks_as_it_is_written(name: str) -> None:
    function: Any = getattr(hspyio, name)
    inner = function.__wrapped__
    assert inspect.signature(function) == inspect.signature(inner)
    assert function.__doc__ == inner.__doc__ and function.__qualname__ == name
    assert pickle.loads(pickle.dumps(function)) is function


def test_a_type_error_from_within_is_left_alone() -> None:
    @public
    def adds(one: Any, other: Any) -> Any:
        return one + other

    with pytest.raises(TypeError, match="unsupported operand") as caught:
        adds(1, "x")
    assert not isinstance(caught.value, HspyError)
    assert adds(1, other=2) == 3
