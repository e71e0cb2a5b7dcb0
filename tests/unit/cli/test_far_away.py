"""Every command that reads takes the address of a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio.cli.app import _names_of_files
from hspyio.names import CURRENT_VERSION
from support.range_server import Server, open_server

pytest.importorskip("obstore")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    signal = hspyio.Signal(np.arange(5000.0).reshape(50, 100), title="map")
    hspyio.save(tmp_path / "a.hspy", signal)
    with open_server(tmp_path) as made:
        yield made


READING = [
    ("info", "{}"),
    ("info", "--json", "{}"),
    ("tree", "{}"),
    ("tree", "--lines", "{}"),
    ("tree", "--hdf5", "{}"),
    ("tree", "--json", "{}"),
    ("get", "{}", "General.title"),
    ("diff", "{}", "{}"),
    ("validate", "{}"),
    ("verify", "{}"),
    ("plot", "{}", "-o", "{folder}/a.png"),
    ("references", "{}"),
]


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_it_says_the_same(
    words: tuple[str, ...], server: Server, tmp_path: Path, hspy: Callable[..., Any]
) -> None:
    said = []
    for place in (f"{server.url}/a.hspy", str(tmp_path / "a.hspy")):
        given = [word.format(place, place, folder=tmp_path) for word in words]
        ran = hspy(*given, *(["--overwrite"] if said and "plot" in words else []))
        assert (ran.code, ran.err if words[0] != "diff" else "") == (0, "")
        said.append((ran.out or ran.err).replace(place, "PLACE"))
    if words[:2] == ("info", "--json"):  # what updates have left is not counted far away
        assert json.loads(said[0])[0].pop("unused_bytes") is None
        said = [json.dumps({**json.loads(text)[0], "unused_bytes": 0}) for text in said]
    assert said[0] == said[1]


@pytest.mark.parametrize(
    "words",
    [
        ("set", "{}", "General.title", "x"),
        ("unset", "{}", "General.title"),
        ("remove", "{}", "map"),
        ("upgrade", "{}", "{folder}/b.hspy"),
        ("repack", "{}", "{folder}/b.hspy"),
        ("rescue", "{}", "{folder}/b.hspy"),
        ("navigator", "{}"),
    ],
    ids=" ".join,
)
def test_a_command_that_needs_a_path_says_so(
    words: tuple[str, ...], server: Server, tmp_path: Path, hspy: Callable[..., Any]
) -> None:
    place = f"{server.url}/a.hspy"
    ran = hspy(*(word.format(place, folder=tmp_path) for word in words))
    assert ran.code in (1, 2)
    assert f"hspy: {place}: is far away, and " in ran.err


def test_an_address_on_the_way_of_typer(server: Server, hspy: Callable[..., Any]) -> None:
    assert hspy("info", "--tree=", f"{server.url}/a.hspy").code == 2
    ran = hspy("info", "--", f"{server.url}/a.hspy")
    assert ran.code == 0
    assert f"{server.url}/a.hspy: HSpy {CURRENT_VERSION}" in ran.out


def test_what_is_not_there_is_told(server: Server, hspy: Callable[..., Any]) -> None:
    ran = hspy("info", f"{server.url}/gone.hspy")
    assert (ran.code, ran.err) == (1, f"hspy: {server.url}/gone.hspy: no such file\n")


def test_the_shell_offers_names_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "map[1].hspy").touch()
    (tmp_path / "maps").mkdir()
    assert _names_of_files("ma") == ["map[1].hspy", "maps/"]
    assert _names_of_files("map[") == ["map[1].hspy"]
