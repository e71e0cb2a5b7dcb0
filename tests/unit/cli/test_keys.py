"""``hspy get``, ``hspy set`` and ``hspy unset``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.cli.keys import lookup, parse_value, put_value, remove_value
from unit.cli.conftest import Ran

Hspy = Callable[..., Ran]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """One experiment with something under every key."""
    result = tmp_path / "one.hspy"
    signal = hspyio.Signal(
        np.arange(6.0).reshape(2, 3),
        [
            hspyio.UniformAxis("x", "nm", size=2, navigate=True),
            hspyio.DataAxis("E.loss", "eV", axis=np.array([1.0, 2.0, 4.0])),
        ],
        metadata={
            "General": {"title": "café\nnoir"},
            "Sample": {"elements": ["Fe"], "thickness": np.float64(20), "µ": True},
            "counts": np.arange(3),
            "big": np.zeros((50, 50)),
        },
        original_metadata={"Header": {"gain": 2}},
        attributes={"comment": "by hand"},
        learning_results={"output_dimension": 3},
    )
    hspyio.save(result, signal)
    return result


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("General.title", '"café\\nnoir"'),
        ("metadata.Sample.thickness", "20.0"),
        ("Sample.elements", '["Fe"]'),
        ("Sample.µ", "true"),
        ("counts", "[0, 1, 2]"),
        ("big", "array of (50, 50), float64"),
        ("original_metadata.Header.gain", "2"),
        ("attributes.comment", "by hand"),
        ("learning_results.output_dimension", "3"),
        ("axes.0.units", "nm"),
        ("axes.x.scale", "1.0"),
        ("axes.E.loss.units", "eV"),
        ("axes.1.axis", "[1.0, 2.0, 4.0]"),
        ("Sample", "├── elements = ['Fe']\n├── thickness = 20.0\n└── µ = True"),
    ],
)
def test_get(hspy: Hspy, path: Path, key: str, text: str) -> None:
    assert hspy("get", path, key) == (0, f"{text}\n", "")


def test_get_several_and_as_json(hspy: Hspy, path: Path) -> None:
    assert hspy("get", path, "axes.0.units", "axes.1.units").out == "nm\neV\n"
    assert json.loads(hspy("get", "--json", path, "big").out) == np.zeros((50, 50)).tolist()
    found = json.loads(hspy("get", "--json", path, "axes", "General.title").out)
    assert found["axes"]["1"]["axis"] == [1.0, 2.0, 4.0]
    assert found["General.title"] == "café\nnoir"


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (
            "Sample.element",
            "Sample.element: there is no such entry; did you mean 'Sample.elements'",
        ),
        ("Sample.elements.x", "Sample.elements.x: there is no such entry"),
        ("nothing", "there is no such entry; there are: 'General', 'Sample', 'counts', 'big'"),
        ("General.titel", "did you mean 'General.title'"),
        ("titel", "there are: 'General'"),
        ("title", "did you mean 'General.title'"),
        ("original_metadata.Header.gian", "did you mean 'original_metadata.Header.gain'"),
        ("axes.E.los.units", "there is no such axis; did you mean 'E.loss'"),
        ("axes.2.units", "there is no such axis; there are: 0, 1, 'x', 'E.loss'"),
        ("axes.x.unit", "there is no such entry; did you mean 'axes.x.units'"),
    ],
)
@pytest.mark.parametrize("command", ["get", "unset"])
def test_no_such_entry(hspy: Hspy, path: Path, command: str, key: str, said: str) -> None:
    before = path.read_bytes()
    code, out, err = hspy(command, path, key)
    assert (code, out) == (1, "")
    assert err.startswith(f"hspy: {path}: ") and said in err
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("General.title", "Grain 7", "Grain 7"),
        ("Sample.elements", '["Fe", "Pt"]', ["Fe", "Pt"]),
        ("Sample.thickness", "35.5", 35.5),
        ("metadata.Sample.count", "12", 12),
        ("a.new.place", "null", None),
        ("a.flag", "true", True),
        ("word", "NaN", "NaN"),
        ("quoted", '"12"', "12"),
        ("original_metadata.Header.gain", "4", 4),
        ("attributes.more.deep", "x", "x"),
        ("learning_results.output_dimension", "5", 5),
        ("axes.0.units", "µm", "µm"),
        ("axes.x.scale", "0.25", 0.25),
        ("axes.E.loss.name", "Energy", None),
        ("axes.1.axis", "[3, 5, 6.5]", None),
    ],
)
def test_set(hspy: Hspy, path: Path, key: str, text: str, value: Any) -> None:
    before = hspyio.load(path)
    code, out, err = hspy("set", path, key, text)
    assert (code, err) == (0, "") and out.startswith(f"{key} = ")
    after = hspyio.load(path)
    assert np.array_equal(after.data, before.data)
    if value is not None:
        assert lookup(after, key) == value and type(lookup(after, key)) is type(value)
    changed = [difference.where for difference in hspyio.diff(path, path)]
    assert changed == []
    if key == "axes.1.axis":
        assert after.axes[1].values.tolist() == [3, 5, 6.5]
    if key.endswith("name"):
        assert after.axes.names == ("x", "Energy")


def test_set_changes_nothing_else(hspy: Hspy, path: Path) -> None:
    copy = path.with_name("copy.hspy")
    copy.write_bytes(path.read_bytes())
    assert hspy("set", path, "Sample.thickness", "--", "-3").code == 0
    [difference] = hspyio.diff(copy, path)
    assert (difference.where, difference.one, difference.other) == (
        "metadata.Sample.thickness",
        20.0,
        -3,
    )


VALUES: list[Any] = [
    *(1, -5, 0, 2**62, 2.5, -1e-3, -0.0, 1e300, float("nan"), float("-inf"), True, False, None),
    *(
        "word",
        "",
        "two words",
        "12",
        "true",
        "null",
        "NaN",
        "-a",
        "- b",
        '"q"',
        "a\nb",
        "\x9b",
        "µ",
    ),
    *("[1, 2", "--text", "'", "\u202e", "None", "null"),
    *([], ["Fe", "Pt"], [1, 2.5], [1, "a", None, True], [[1, 2], [3]], [float("nan"), 1.0]),
    *([{"a": 1}, {"b": [None]}], ["-5"]),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_get_prints_set_takes_back(hspy: Hspy, path: Path, value: Any) -> None:
    signal = hspyio.load(path)
    signal.metadata.set_item("Sample.it", value)
    hspyio.update(path, signal)
    printed = hspy("get", path, "Sample.it").out.removesuffix("\n")
    assert "\n" not in printed
    copy = path.with_name("copy.hspy")
    copy.write_bytes(path.read_bytes())
    if isinstance(value, float):
        assert hspy("set", path, "Sample.it", "0.0").code == 0
    else:
        assert hspy("unset", path, "Sample.it").code == 0
    assert hspy("set", path, "Sample.it", printed).code == 0
    assert not list(hspyio.diff(copy, path))


@pytest.mark.parametrize("text", ["-5", "-.5", "-1e-3", "-12.5", "-inf"])
def test_a_negative_number_is_no_option(hspy: Hspy, path: Path, text: str) -> None:
    assert hspy("set", path, "axes.0.offset", text)[0] == 0
    assert hspyio.load(path).axes[0].offset == float(text)
    assert hspy("set", path, "Sample.thickness", text, "--name", "café-noir").code in (0, 1)
    assert hspy("set", "--name", text, path, "axes.0.offset", "1").code == 1  # the option's own
    assert hspy("set", path, "axes.0.offset", "--offset", text).code == 2


def test_text_is_text(hspy: Hspy, path: Path) -> None:
    assert hspy("set", "--text", path, "Sample.id", "0012").code == 0
    assert hspy("set", "--text", path, "Sample.flag", "true").code == 0
    sample = hspyio.load(path).metadata.Sample
    assert (sample.id, sample.flag) == ("0012", "true")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("General.title.x", "1", "'title' is a str, not a node"),
        ("metadata", "1", "is all of a tree"),
        ("axes", "1", "is all of the axes"),
        ("axes.0", "1", "is a whole axis"),
        ("axes.0.size", "5", "is the size of the data"),
        ("axes.0.scale", "wide", "must be a real number"),
        ("axes.0.colour", "red", "there is no such entry"),
        ("axes.1.axis", "[1, 2]", "axes"),
    ],
)
def test_what_cannot_be_set(hspy: Hspy, path: Path, key: str, value: str, said: str) -> None:
    before = path.read_bytes()
    code, out, err = hspy("set", path, key, value)
    assert (code, out) == (1, "")
    assert said in err and str(path) in err
    assert path.read_bytes() == before


def test_unset(hspy: Hspy, path: Path) -> None:
    assert hspy("unset", path, "Sample.thickness", "attributes.comment", "big") == (0, "", "")
    after = hspyio.load(path)
    assert list(after.metadata.Sample) == ["elements", "µ"]
    assert after.attributes == {} and "big" not in after.metadata
    assert hspy("unset", path, "Sample").code == 0
    assert "Sample" not in hspyio.load(path).metadata
    code, _, err = hspy("unset", path, "axes.0.units")
    assert code == 1 and "belongs to every axis" in err


def test_unset_is_all_or_nothing(hspy: Hspy, path: Path) -> None:
    before = path.read_bytes()
    assert hspy("unset", path, "Sample.thickness", "Sample.nothing").code == 1
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("key", "typed", "out", "err"),
    [
        ("Sample.thickness", "35.5", "Sample.thickness = 35.5 (number)", ""),
        ("axes.0.scale", "2", "axes.0.scale = 2.0 (number)", ""),
        ("a.b", "12", "a.b = 12 (whole number)", ""),
        ("a.b", "true", "a.b = true (true or false)", ""),
        ("a.b", "null", "a.b = null (nothing)", ""),
        ("a.b", '["Fe", 1]', 'a.b = ["Fe", 1] (list of 2)', ""),
        ("a.b", "True", "a.b = True (text)", "write true"),
        ("a.b", "False", "a.b = False (text)", "write false"),
        ("a.b", "None", "a.b = None (text)", "write null"),
        ("a.b", "['Fe']", "a.b = ['Fe'] (text)", "it is no JSON"),
        ("Sample.elements", "Fe,Pt", "Sample.elements = Fe,Pt (text)", "it was a list of 1"),
        ("axes.0.navigate", "False", "axes.0.navigate = false (true or false)", ""),
        ("General.titel", "x", "General.titel = x (text)", "did you mean 'General.title'"),
        ("title", "x", "title = x (text)", "did you mean 'General.title'"),
    ],
)
def test_set_says_what_is_stored(
    hspy: Hspy, path: Path, key: str, typed: str, out: str, err: str
) -> None:
    ran = hspy("set", path, key, typed)
    assert (ran.code, ran.out) == (0, f"{out}\n")
    assert err in ran.err and bool(err) == bool(ran.err)


def test_set_of_text_does_not_warn(hspy: Hspy, path: Path) -> None:
    assert hspy("set", "--text", path, "a.b", "True") == (0, "a.b = True (text)\n", "")


def test_an_experiment_is_named(hspy: Hspy, two_in_one: Path) -> None:
    code, _, err = hspy("get", two_in_one, "General.title")
    assert code == 1 and "holds 2 experiments: 'EELS-map', " in err and "--name 'EELS-map'" in err
    assert hspy("get", "--name", "EELS-map", two_in_one, "General.date").out == "2026-03-14\n"
    assert hspy("set", "--name", "EELS/map", two_in_one, "General.title", "other").code == 0
    assert hspy("get", "--name", "other", two_in_one, "General.date").out == "2026-03-14\n"


def test_what_cannot_be_read_is_not_lost_by_a_change(hspy: Hspy, path: Path) -> None:
    with h5py.File(path, "r+") as file:
        (name,) = file["Experiments"]
        file["Experiments"][name]["metadata/Sample"].attrs["broken"] = h5py.Empty("f8")
    before = path.read_bytes()
    for command in (("set", path, "General.title", "x"), ("unset", path, "General.title")):
        code, _, err = hspy(*command)
        assert code == 1
        assert "what cannot be read would be lost" in err and "broken" in err
    assert path.read_bytes() == before
    code, out, err = hspy("get", path, "Sample.thickness")
    assert (code, out) == (0, "20.0\n")
    assert "hspy: warning: " in err and "broken" in err


def test_values_as_they_are_typed() -> None:
    assert parse_value("1e3") == 1000.0
    assert parse_value('{"a": [1]}') == {"a": [1]}
    assert parse_value("-Infinity") == "-Infinity"
    assert parse_value("[" * 100_000) == "[" * 100_000
    assert parse_value("") == ""


def test_metadata_that_are_called_like_a_part() -> None:
    """A key leads where its value is; with ``metadata.`` before it there is no doubt."""
    signal = hspyio.Signal(np.zeros(2), metadata={"attributes": {"colour": "red"}})
    assert lookup(signal, "attributes.colour") == "red"
    put_value(signal, "metadata.attributes.colour", "blue")
    put_value(signal, "attributes.kind", 1)
    assert (signal.metadata.attributes.colour, signal.attributes) == ("blue", {"kind": 1})
    remove_value(signal, "metadata.attributes.colour")
    assert signal.metadata.as_dictionary() == {"attributes": {}}


@pytest.mark.parametrize("key", ["data", "shape", "dtype", "models.a"])
def test_what_is_no_metadata_is_not_set_there_by_mistake(hspy: Hspy, path: Path, key: str) -> None:
    before = path.read_bytes()
    code, out, err = hspy("set", path, key, "3")
    assert (code, out) == (1, "") and f"metadata.{key} sets an entry of that name" in err
    assert path.read_bytes() == before
    assert "no such entry; " in hspy("get", path, key).err
    assert hspy("set", path, f"metadata.{key}", "3").code == 0
    assert hspy("get", path, key).out == "3\n"
    assert hspy("set", path, key, "4").code == 0, "it is there now"


@pytest.mark.parametrize("key", ["axes.0.size", "axes.E.loss.axis", "axes.0.axis"])
def test_no_axis_gets_another_size_than_the_data(hspy: Hspy, path: Path, key: str) -> None:
    before = path.read_bytes()
    assert hspy("set", path, key, "[1, 2]").code == 1
    assert path.read_bytes() == before and hspyio.validate(path).ok
    if key.endswith("size"):
        assert "cut or bin them in Python, and save" in hspy("set", path, key, "1").err


def test_nothing_is_set_that_would_lose_or_do_nothing(hspy: Hspy, tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    tree = {"General": {"title": "T"}, "inner": hspyio.Signal(np.zeros(2)), "list": [1]}
    hspyio.save(path, hspyio.Signal(np.zeros(3), metadata=tree))
    before = path.read_bytes()
    for key, said in {
        "General": "is more than a value, and would be lost; hspy unset removes it",
        "inner": "is more than a value",
        "axes.0._type": "stays as it is; change it in Python: hspyio.DataAxis",
        "axes.0.index_in_array": "stays as it is; change it in Python: the order",
    }.items():
        code, out, err = hspy("set", path, key, "1")
        assert (code, out) == (1, "") and said in err
    assert path.read_bytes() == before
    assert hspy("unset", path, "inner").code == 0
    assert hspy("set", path, "inner", "1").code == 0
    assert hspy("set", path, "list", "1").code == 0
