"""Experiments as NeXus groups: nodes in, nodes out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from hspyio import DataAxis, FunctionalAxis, Signal, UniformAxis, names
from hspyio.converters.kinds import is_annotated, nexus_attributes, nexus_members, without_nexus
from hspyio.nodes.node import Array, Attribute, Group, Kept, MemorySource, Text
from hspyio.schema import encode_file
from hspyio.schema.nexus import annotated, marked, without_annotation
from hspyio.testing import signals


def words(node: Any) -> Any:
    """A text attribute, or one of several texts."""
    assert isinstance(node, Attribute)
    value = node.value
    return value.decode() if isinstance(value, bytes) else [item.decode() for item in value]


def of(signal: Signal) -> tuple[Group, list[str]]:
    """The group of a signal, annotated, and what could not be."""
    encoded = encode_file([signal], nexus=[True])
    assert not encoded.problems
    (group,) = encoded.experiments.values()
    return group, [str(problem) for problem in encoded.unannotated]


def values(group: Group, index: int) -> Any:
    node = group.members[f"axis_{index}_values"]
    assert isinstance(node, Array)
    return node.source.read()


AXES = [
    UniformAxis("y", "µm", size=2, scale=0.5, offset=-1.0, navigate=True),
    DataAxis("Wavelength", "nm", axis=np.array([400, 500, 700], "i2")),
    FunctionalAxis("E", "eV", expression="a / x", parameters={"a": 8.0}, x=UniformAxis(size=4)),
]
AXES[2].x.offset = 1.0


def test_axes_of_every_kind() -> None:
    group, left = of(Signal(np.zeros((2, 3, 4)), AXES, metadata={"General": {"title": "a/b"}}))
    assert not left
    assert words(group.attributes["NX_class"]) == "NXdata"
    assert words(group.attributes["signal"]) == "data"
    assert words(group.attributes["axes"]) == [f"axis_{i}_values" for i in range(3)]
    assert [int(group.attributes[f"axis_{i}_values_indices"].value) for i in range(3)] == [0, 1, 2]
    assert values(group, 0).tolist() == [-1.0, -0.5]
    assert values(group, 1).tolist() == [400, 500, 700] and values(group, 1).dtype == "i2"
    assert values(group, 2).tolist() == [8.0, 4.0, 8 / 3, 2.0]
    described = [group.members[f"axis_{i}_values"].attributes for i in range(3)]
    assert [words(each["units"]) for each in described] == ["µm", "nm", "eV"]
    assert [words(each["long_name"]) for each in described] == [
        "y (µm)",
        "Wavelength (nm)",
        "E (eV)",
    ]
    assert group.members["title"].source.read()[()] == b"a/b"
    assert words(group.attributes["interpretation"]) == "image"


def test_what_an_axis_lacks_is_left_out() -> None:
    group, left = of(Signal(np.zeros(3)))
    assert not left and "title" not in group.members
    described = group.members["axis_0_values"].attributes
    assert {key: words(text) for key, text in described.items()} == {"long_name": "axis 0"}


@pytest.mark.parametrize(
    ("navigates", "said"),
    [
        ("s", "spectrum"), ("ns", "spectrum"), ("nns", "spectrum"), ("ss", "image"),
        ("nnss", "image"), ("sn", None), ("nsn", None), ("nn", None), ("sss", None), ("sns", None),
    ],
)  # fmt: skip
def test_how_more_dimensions_are_shown(navigates: str, said: str | None) -> None:
    axes = [UniformAxis(size=2, navigate=letter == "n") for letter in navigates]
    group, _ = of(Signal(np.zeros((2,) * len(axes)), axes))
    node = group.attributes.get("interpretation")
    assert (node and words(node)) == said


def ragged() -> Any:
    items = np.empty(2, object)
    items[:] = [np.arange(2.0), np.arange(3.0)]
    return items


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (ragged(), "ragged"),
        (np.array(["a", "b"]), "text"),
        (np.zeros(2, [("R", "u1"), ("G", "u1"), ("B", "u1")]), "colours"),
    ],
)
def test_data_that_nexus_has_no_form_for(data: Any, said: str) -> None:
    group, left = of(Signal(data))
    assert not is_annotated(group) and not nexus_members(group)
    assert len(left) == 1 and said in left[0] and "not annotated" in left[0]


@pytest.mark.parametrize("dtype", ["?", "u1", "i8", ">i4", "f2", "f4", "f8", "c16"])
def test_numbers_of_every_kind(dtype: str) -> None:
    group, left = of(Signal(np.zeros(2, dtype)))
    assert is_annotated(group) and not left


@pytest.mark.parametrize(
    ("axis", "said"),
    [
        (FunctionalAxis("E", expression="open('x')", x=UniformAxis(size=2)), "'E'"),
        (UniformAxis("long", size=2**23), "points"),
    ],
)
def test_an_axis_without_values_costs_the_others_nothing(axis: Any, said: str) -> None:
    data = np.broadcast_to(np.zeros((1, 1), "u1"), (axis.size, 2))
    group, left = of(Signal(data, [axis, UniformAxis(size=2)]))
    assert words(group.attributes["axes"]) == [".", "axis_1_values"]
    assert "axis_0_values_indices" not in group.attributes
    assert len(left) == 1 and "axis-0" in left[0] and said in left[0]


@pytest.mark.parametrize("dtype", ["f2", "?", np.longdouble])
def test_values_that_few_programs_read_become_floats(dtype: Any) -> None:
    axis = DataAxis(axis=np.array([0, 1], dtype))
    assert values(of(Signal(np.zeros(2), [axis]))[0], 0).dtype == np.float64


def test_a_title_that_no_text_can_hold_is_shown_as_far_as_it_goes() -> None:
    group, _ = of(Signal(np.zeros(1), metadata={"General": {"title": "a\0b\ud800"}}))
    assert group.members["title"].source.read()[()] == "ab\ufffd".encode()


@given(signals())
def test_what_is_added_can_be_taken_away(signal: Signal) -> None:
    (plain,) = encode_file([signal]).experiments.values()
    (group,) = encode_file([signal], nexus=[True]).experiments.values()
    bare = without_annotation(group)
    assert list(bare.attributes) == list(plain.attributes)
    assert list(bare.members) == list(plain.members)
    again, _ = annotated(bare, group.members["data"], signal.title, signal.axes, "")
    assert set(again.members) == set(group.members)
    assert set(again.attributes) == set(group.attributes)


def foreign(*members: str) -> Group:
    array = Array(np.dtype("f8"), MemorySource(np.zeros(2)))
    return Group({}, {"data": array, **dict.fromkeys(members, array)})


def test_what_stands_there_already_is_not_replaced() -> None:
    group = foreign("title", "axis_0_values", "energy")
    made, left = annotated(group, group.members["data"], "T", [UniformAxis(size=2)], "/x")
    assert {key: made.members[key] for key in group.members} == dict(group.members)
    assert words(made.attributes["axes"]) == ["."]
    assert len(left) == 1 and "axis_0_values" in left[0].message


def test_attributes_of_a_group_that_is_not_annotated_are_its_own() -> None:
    node = Attribute(Text(), b"mine")
    group = Group(
        dict.fromkeys(["axes", "signal", "interpretation"], node), foreign("title").members
    )
    assert not nexus_attributes(group) and not nexus_members(group)
    assert set(without_nexus({"default": node})) == {"default"}


def experiments(**groups: Group | Kept) -> Group:
    return Group({}, {names.EXPERIMENTS: Group({}, groups, ordered=True)})


def default_of(root: Group) -> str:
    assert words(root.attributes["NX_class"]) == "NXroot"
    assert words(root.attributes["default"]) == "Experiments"
    entry = root.members["Experiments"]
    assert isinstance(entry, Group) and entry.ordered
    assert words(entry.attributes["NX_class"]) == "NXentry"
    return str(words(entry.attributes["default"]))


def test_the_first_annotated_experiment_is_shown_by_default() -> None:
    plain, group = foreign(), of(Signal(np.zeros(2)))[0]
    assert not marked(experiments(a=plain), {}).attributes
    assert default_of(marked(experiments(a=plain, b=group, c=group), {})) == "b"
    kept = Kept("/Experiments/old")
    assert default_of(marked(experiments(a=plain, new=kept), {"old": group})) == "new"
    assert default_of(marked(experiments(a=plain), {"gone": group, "a": plain})) == "a"
