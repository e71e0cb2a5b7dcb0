"""Signals <-> the groups of a file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hspyio import Signal, UniformAxis
from hspyio.compare import value_differences
from hspyio.errors import DamagedFileError, NotHspyError
from hspyio.names import CURRENT_VERSION
from hspyio.nodes.node import Array, Attribute, Damaged, Group, MemorySource, Text
from hspyio.schema import contents, encode_file, stored_title
from hspyio.schema.migrations import CURRENT

DATA = Array(np.dtype("f8"), MemorySource(np.zeros(3)))
EXPERIMENT = Group({}, {"data": DATA})


def text(value: str) -> Attribute:
    return Attribute(Text(), value.encode())


def number(value: Any, dtype: str) -> Attribute:
    return Attribute(np.dtype(dtype), np.array(value, dtype))


def file(version: Attribute | Damaged | None = None, **members: Any) -> Group:
    attributes = {} if version is None else {"file_format_version": version}
    return Group(attributes, {"Experiments": Group({}, members)} if members else {})


def titled(title: Any, data: Any = None) -> Signal:
    return Signal(np.arange(3.0) if data is None else data, metadata={"General": {"title": title}})


# reading


@pytest.mark.parametrize(
    ("stored", "version"),
    [
        (text("3.3"), (3, 3)), (text("1.1"), (1, 1)), (number(1.1, "f8"), (1, 1)),
        (number(1.2000000001, "f8"), (1, 2)), (number(1.1, "f4"), (1, 1)), (number(2, "i8"),
        (2, 0)),
        (number([2.2], "f8"), (2, 2)), (Attribute(Text(3, utf8=False), b"2.1"), (2, 1)),
        (None, (1, 0)),
    ],
)  # fmt: skip
def test_any_form_of_the_version_is_read(stored: Any, version: tuple[int, ...]) -> None:
    found = contents(file(stored, x=EXPERIMENT))
    assert found.version[:2] == version
    assert not found.problems


@pytest.mark.parametrize("stored", [text("abc"), text("3.3.x.y"), number(np.nan, "f8")])
def test_a_version_that_is_none_is_read_as_current(stored: Attribute) -> None:
    found = contents(file(stored, x=EXPERIMENT))
    assert found.version == CURRENT
    [problem] = found.problems
    assert "is none" in problem.message


def test_a_newer_version_is_named() -> None:
    found = contents(file(text("9.0"), x=EXPERIMENT))
    [problem] = found.problems
    assert f"9.0 is newer than {CURRENT_VERSION}" in problem.message


def test_a_version_that_cannot_be_read_is_no_obstacle() -> None:
    for stored in (
        Damaged("why"),
        number([1.0, 2.0], "f8"),
        Attribute(Text(), np.array([b"1"], object)),
    ):
        assert list(contents(file(stored, x=EXPERIMENT)).experiments) == ["x"]


def test_experiments_are_groups_with_data() -> None:
    found = contents(
        file(text("3.3"), ok=EXPERIMENT, no_data=Group(), bad=Damaged("gone"), array=DATA)
    )
    assert list(found.experiments) == ["ok"]
    assert [problem.where for problem in found.problems] == [
        "/Experiments/no_data",
        "/Experiments/bad",
    ]


@pytest.mark.parametrize(
    "root",
    [Group(), file(x=Group()), Group({}, {"Experiments": DATA}), Group({}, {"entry": Group()}),
     Group({}, {"Analysis": Group({}, {"models": Group()})})],
)  # fmt: skip
def test_a_file_with_neither_says_what_was_looked_for(root: Group) -> None:
    with pytest.raises(
        NotHspyError, match="looked for groups with a dataset called 'data'"
    ) as error:
        contents(root)
    assert ", ".join(root.members) in str(error.value)


@pytest.mark.parametrize(
    ("root", "where"),
    [
        (Group({}, {"Experiments": Damaged("x")}), "/Experiments"),
        (Group({}, {"Analysis": Damaged("x")}), "/Analysis"),
        (Group({}, {"Analysis": Group({}, {"models": Damaged("x")})}), "/Analysis/models"),
    ],
)
def test_what_is_damaged_is_not_taken_for_a_file_of_another_kind(root: Group, where: str) -> None:
    with pytest.raises(DamagedFileError, match="rescue") as error:
        contents(root)
    assert error.value.where == where


def test_models_alone_are_a_file() -> None:
    model = Group({"_signal": text("/Experiments/gone")})
    found = contents(Group({}, {"Analysis": Group({}, {"models": Group({}, {"m": model})})}))
    assert found.version == (2, 0)
    assert list(found.standalone_models) == ["m"]
    assert not found.models_of("x")


def test_models_go_to_their_experiment() -> None:
    models = {
        name: Group({"_signal": text(f"/Experiments/{name[0]}")}) for name in ("x1", "y", "x2")
    }
    models["none"] = Group()
    root = Group(
        {},
        {
            **file(x=EXPERIMENT, y=EXPERIMENT).members,
            "Analysis": Group({}, {"models": Group({}, {**models, "bad": Damaged("x")})}),
        },
    )
    found = contents(root)
    assert list(found.models_of("x")) == ["x1", "x2"]
    assert list(found.models_of("y")) == ["y"]
    assert list(found.standalone_models) == ["none"]


def test_the_title_is_read_from_one_node() -> None:
    general = Group({"title": text("a title")})
    assert stored_title(Group({}, {"metadata": Group({}, {"General": general})})) == "a title"
    old = Group({"title": text("old")})
    assert stored_title(Group({}, {"mapped_parameters": old})) == "old"
    for node in (Group(), Group({}, {"metadata": Group()}), Group({}, {"metadata": Damaged("x")})):
        assert stored_title(node) == ""


# writing


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("", "__unnamed__"), ("a", "a"), ("a/b", "a-b"), ("/", "-"), (".", "-"), ("..", "--"),
        ("a.b", "a.b"), ("data", "data"), ("_sig_x", "_sig_x"), ("µ €", "µ €"), ("a\0b", "ab"),
        ("\0", "__unnamed__"), ("\ud800", "\\ud800"), (" ", " "), ("x" * 10_000, "x" * 500),
    ],
)  # fmt: skip
def test_the_group_is_named_by_the_title(title: str, name: str) -> None:
    encoded = encode_file([titled(title)])
    assert list(encoded.experiments) == [name]
    assert not encoded.problems


def test_equal_and_colliding_titles_get_groups_of_their_own() -> None:
    signals = [titled(title) for title in ("a", "a", "a/b", "a-b", "a_2", "", "")]
    assert list(encode_file(signals).experiments) == [
        "a", "a_2", "a-b", "a-b_2", "a_2_2", "__unnamed__", "__unnamed___2"
    ]  # fmt: skip
    assert list(encode_file([titled("a")], taken=["a", "a_2"]).experiments) == ["a_3"]
    given = encode_file([titled("a"), titled("b")], group_names=[None, "a"])
    assert list(given.experiments) == ["a_2", "a"]


def test_models_say_whose_they_are_and_have_names_of_their_own() -> None:
    signals = [
        Signal(
            [1.0], metadata={"General": {"title": name}}, models={"m": {"v": 1}, "a/b": {"v": 2}}
        )
        for name in ("one", "two")
    ]
    encoded = encode_file(signals, taken_models=["m"])
    assert len(encoded.models) == 4
    assert "m" not in encoded.models
    assert not any("/" in name for name in encoded.models)
    owners = [group.attributes["_signal"] for group in encoded.models.values()]
    assert owners == [text(f"/Experiments/{name}") for name in ("one", "one", "two", "two")]


def test_the_root_says_what_it_is() -> None:
    root = encode_file([titled("a")]).root()
    assert root.attributes == {
        "file_format": text("HyperSpy"),
        "file_format_version": text(CURRENT_VERSION),
    }
    assert list(root.members) == ["Experiments"]
    found = contents(root)
    assert (found.declared, list(found.experiments)) == (CURRENT_VERSION, ["a"])


def test_an_experiment_has_what_readers_demand() -> None:
    ragged = np.empty(1, object)
    ragged[0] = np.arange(3)
    for signal in (
        Signal(np.zeros((2, 3))), Signal(np.array(1.0)), Signal(np.zeros((0, 2))), Signal(ragged),
        Signal(ragged, axes=[]),
    ):  # fmt: skip
        [group] = encode_file([signal]).experiments.values()
        members = set(group.members)
        assert {
            "data",
            "metadata",
            "original_metadata",
            "attributes",
            "learning_results",
        } <= members
        assert set(group.attributes) >= {"package", "package_version"}
        axes = {name for name in members if name.startswith("axis-")}
        assert len(axes) == max(signal.data.ndim, 1) or "_list_1_axes" in members
        for name in axes:
            axis = group.members[name]
            assert isinstance(axis, Group)
            assert {"size", "navigate", "index_in_array"} <= set(axis.attributes)


def test_data_know_which_dimensions_hold_one_signal() -> None:
    signal = Signal(np.zeros((2, 3, 4)), signal_dimension=2)
    [group] = encode_file([signal]).experiments.values()
    data = group.members["data"]
    assert isinstance(data, Array)
    assert data.signal_dims == (1, 2)
    turned = Signal(
        np.zeros((2, 3)), [UniformAxis(size=2, navigate=False), UniformAxis(size=3, navigate=True)]
    )
    [group] = encode_file([turned]).experiments.values()
    assert getattr(group.members["data"], "signal_dims", None) == (0,)


def test_every_problem_is_listed_with_its_signal() -> None:
    bad = Signal([1.0], metadata={"x": len, "y": [object()]}, models={"m": {"z": len}})
    encoded = encode_file([bad, titled(5), Signal(np.array([{}], object))])
    assert [problem.where for problem in encoded.problems] == [
        "signals[0].metadata.x", "signals[0].metadata.y[0]", "signals[0].models.m.z",
        "signals[1].metadata.General.title", "signals[2].data",
    ]  # fmt: skip
    assert not encoded.complete
    assert encode_file([bad]).complete


def test_encoding_changes_nothing() -> None:
    tree = {"b": [1, {"x": np.arange(3)}], "a": {"t": (1, None)}}
    signal = Signal(np.arange(3.0), metadata=tree, attributes={"k": 1}, models={"m": {"v": 1}})
    before = signal.metadata.as_dictionary()
    encode_file([signal])
    assert not value_differences(signal.metadata.as_dictionary(), before)
    assert signal.attributes == {"k": 1}
    assert dict(signal.models["m"].tree) == {"v": 1}
    assert signal.metadata.as_dictionary().get("General") is None


def test_equal_signals_make_equal_files() -> None:
    def summary(group: Group) -> Any:
        from hspyio.nodes.digest import digest

        return digest(group)

    one, other = (
        encode_file([Signal([1.0], metadata={"s": set(order), "d": {"a": 1}})]).root()
        for order in (("a", "b", 1, 2.5), (2.5, 1, "b", "a"))
    )
    assert summary(one) == summary(other)
