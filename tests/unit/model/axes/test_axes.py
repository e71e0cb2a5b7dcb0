"""Axes: their kinds, their dicts, and all of a signal's together."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hspyio.errors import AxesError, HspyWarning
from hspyio.model.axes import (
    Axes,
    Axis,
    DataAxis,
    FunctionalAxis,
    UniformAxis,
    axis_from_dict,
    axis_to_dict,
    default_axes,
)

labels = st.none() | st.text(max_size=5)
common: dict[str, Any] = {
    "name": labels,
    "units": labels,
    "navigate": st.booleans(),
    "is_binned": st.booleans(),
    "extra": st.dictionaries(
        st.sampled_from(["_note", "more"]), st.text(max_size=3) | st.lists(st.floats())
    ),
}
uniform_axes = st.builds(
    UniformAxis, size=st.integers(0, 9), offset=st.floats(), scale=st.floats(), **common
)
data_axes = st.builds(
    DataAxis,
    axis=st.sampled_from(["f8", "f4", "i4", ">f8"]).flatmap(lambda d: arrays(d, st.integers(0, 5))),
    **common,
)
functional_axes = st.builds(
    FunctionalAxis,
    expression=st.sampled_from(["a / (x + 1) + b", "x", "not a formula"]),
    x=uniform_axes | data_axes,
    parameters=st.dictionaries(st.sampled_from(["a", "b"]), st.integers() | st.floats()),
    **common,
)
any_axis = uniform_axes | data_axes | functional_axes


@given(any_axis)
def test_an_axis_comes_back_from_its_dict(axis: Axis) -> None:
    stored = axis_to_dict(axis)
    assert stored["_type"] == axis.kind
    again = axis_from_dict(stored, size=None, where="axis-0")
    assert again == axis
    assert again.size == axis.size


@given(any_axis)
def test_copies_and_pickles_are_equal(axis: Axis) -> None:
    (axis,) = Axes([axis])
    for again in (copy.deepcopy(axis), pickle.loads(pickle.dumps(axis))):
        assert again == axis
        assert again.index_in_array == 0


def test_values() -> None:
    uniform = UniformAxis("E", "eV", 3, offset=1, scale=0.5)
    assert uniform.values.tolist() == [1.0, 1.5, 2.0]
    points = np.array([1, 2, 5])
    assert DataAxis("t", axis=points).values is points
    functional = FunctionalAxis(
        expression="a / (x + 1) + b", x=uniform, parameters={"a": 6, "b": 1}
    )
    np.testing.assert_allclose(functional.values, 6 / (uniform.values + 1) + 1)
    assert FunctionalAxis(expression="4", x=uniform).values.tolist() == [4.0, 4.0, 4.0]


def test_numpy_scalars_become_python_ones() -> None:
    axis = UniformAxis(
        np.str_("E"),
        size=np.int32(3),  # type: ignore[arg-type]
        offset=np.float32(0.5),  # type: ignore[arg-type]
        scale=np.array([2]),  # type: ignore[arg-type]
        navigate=np.bool_(True),  # type: ignore[arg-type]
        is_binned=1,  # type: ignore[arg-type]
    )
    kept = (axis.name, axis.size, axis.offset, axis.scale, axis.navigate, axis.is_binned)
    assert kept == ("E", 3, 0.5, 2.0, True, True)
    assert [type(value) for value in kept] == [str, int, float, float, bool, bool]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UniformAxis("E", size=-1), "axis 'E': size must be a whole number from 0 on"),
        (lambda: UniformAxis("E", size=True), "size must"),
        (lambda: UniformAxis("E", size=2.5), "size must"),
        (lambda: UniformAxis("E", offset="0"), "offset must be a real number, got '0'"),
        (lambda: UniformAxis("E", offset=1j), "offset must"),
        (lambda: UniformAxis("E", offset=10**400), "offset int too large"),
        (lambda: UniformAxis("E", scale=None), "scale must be a real number, got None"),
        (lambda: UniformAxis("E", size=-1, scale=None), "size must .*; scale must"),
        (lambda: UniformAxis("E", navigate="yes"), "navigate must be True or False, got 'yes'"),
        (lambda: UniformAxis("E", navigate=2), "navigate must"),
        (lambda: UniformAxis(b"E"), "name must be text or None"),
        (lambda: UniformAxis("E", units=3), "units must be text or None"),
        (lambda: DataAxis("E", axis=np.ones((2, 2))), r"axis must have one dimension.*\(2, 2\)"),
        (lambda: DataAxis("E", axis=[[1], [1, 2]]), "axis must be one row of numbers"),
        (lambda: DataAxis("E", axis=["a"]), "axis must hold real numbers"),
        (lambda: FunctionalAxis("E", expression=3), "expression must be text"),
        (lambda: FunctionalAxis("E", x=FunctionalAxis()), "x must be a uniform axis"),
        (lambda: FunctionalAxis("E", parameters={"a": "1"}), "parameters must be numbers: a"),
        (lambda: FunctionalAxis("E", parameters={"x": 1}), "parameters cannot be named x"),
        (lambda: FunctionalAxis("E", parameters=[1]), "parameters "),
    ],
)
def test_wrong_values_are_named(make: Any, message: str) -> None:
    with pytest.raises(AxesError, match=message):
        make()


def test_a_formula_is_looked_at_when_it_is_used() -> None:
    (axis,) = Axes([FunctionalAxis("E", expression="__import__('os')")])
    with pytest.raises(AxesError, match="axis 0 'E': the formula"):
        _ = axis.values


def test_equality() -> None:
    nan = float("nan")
    assert UniformAxis(scale=nan) == UniformAxis(scale=nan)
    assert UniformAxis() != UniformAxis(offset=1)
    assert UniformAxis() != DataAxis(axis=[0.0])
    assert UniformAxis() != "axis"
    assert DataAxis(axis=[1, nan]) == DataAxis(axis=[1, nan])
    assert DataAxis(axis=[1, 2]) != DataAxis(axis=[1, 2, 3])
    one = UniformAxis(extra={"a": [np.arange(2)]})
    assert one == UniformAxis(extra={"a": [np.arange(2)]})
    assert one != UniformAxis(extra={"a": [np.arange(3)]})
    with pytest.raises(TypeError):
        hash(one)


def test_defaults_of_the_format() -> None:
    assert axis_from_dict({}, size=7) == UniformAxis(size=7)
    assert axis_from_dict({"size": np.int64(5), "index_in_array": 3}, size=7) == UniformAxis(size=5)
    with pytest.raises(AxesError, match=r"^/Experiments/a/axis-0: axis 'E': its size is not given"):
        axis_from_dict({"name": "E"}, size=None, where="/Experiments/a/axis-0")


def test_the_class_goes_by_content() -> None:
    assert isinstance(axis_from_dict({"axis": [1, 2], "_type": "UniformDataAxis"}), DataAxis)
    functional = axis_from_dict({"expression": "2*x", "_type": "DataAxis"}, size=3)
    assert isinstance(functional, FunctionalAxis)
    assert functional.values.tolist() == [0.0, 2.0, 4.0]
    uniform = axis_from_dict({"axis": None, "expression": None, "_type": "DataAxis"}, size=3)
    assert uniform == UniformAxis(size=3)


def test_numbers_of_a_functional_axis_are_parameters_and_the_rest_is_kept() -> None:
    stored = {"expression": "a*x", "a": np.array([2]), "flag": True, "note": "n", "x": {"size": 2}}
    axis = axis_from_dict(stored)
    assert isinstance(axis, FunctionalAxis)
    assert axis.parameters == {"a": 2}
    assert axis.extra == {"flag": True, "note": "n"}
    assert axis.values.tolist() == [0.0, 2.0]
    uniform = axis_from_dict({"size": 2, "a": 2})
    assert axis_to_dict(uniform)["a"] == 2


@pytest.mark.parametrize("x", [3, {"expression": "x"}])
def test_an_axis_is_a_formula_of_a_plain_one(x: Any) -> None:
    with pytest.raises(AxesError, match="its x is not"):
        axis_from_dict({"expression": "x", "x": x}, size=3)


def test_text_as_old_files_and_hyperspy_have_it() -> None:
    undefined = type("_Undefined", (), {})()
    axis = axis_from_dict({"size": 1, "name": np.bytes_(b"E"), "units": b"\xb5m"})
    assert (axis.name, axis.units) == ("E", "µm")
    axis = axis_from_dict({"size": 1, "name": undefined, "units": 5})
    assert (axis.name, axis.units) == (None, "5")


def test_index_in_array_is_written_when_it_is_known() -> None:
    axis = UniformAxis()
    assert "index_in_array" not in axis_to_dict(axis)
    Axes([UniformAxis(), axis])
    assert axis_to_dict(axis)["index_in_array"] == 1


def three() -> Axes:
    return Axes(
        [
            UniformAxis("y", "nm", 4, navigate=True),
            UniformAxis("x", "nm", 3, navigate=True),
            DataAxis("Energy", "eV", axis=np.arange(2.0), is_binned=True),
        ]
    )


def test_axes_are_a_sequence_and_a_mapping() -> None:
    axes = three()
    assert axes[0].name == "y"
    assert axes[-1] is axes["Energy"]
    assert axes[1:] == (axes["x"], axes["Energy"])
    assert [axis.index_in_array for axis in axes] == [0, 1, 2]
    assert len(axes) == 3
    assert "x" in axes
    assert "z" not in axes
    assert axes["x"] in axes
    assert axes.names == ("y", "x", "Energy")
    assert axes.shape == (4, 3, 2)
    assert axes.navigation == (axes[0], axes[1])
    assert axes.navigation_shape == (4, 3)
    assert axes.signal_shape == (2,)
    assert axes == three()
    assert axes != Axes(axes[:2])
    assert axes != list(axes)
    with pytest.raises(IndexError):
        _ = axes[3]


def test_unknown_and_ambiguous_names() -> None:
    with pytest.raises(AxesError, match="no axis is named 'energy'; did you mean 'Energy'"):
        _ = three()["energy"]
    with pytest.raises(AxesError, match="the axes 0, 1 are all named 'x'"):
        _ = Axes([UniformAxis("x"), UniformAxis("x")])["x"]
    with pytest.raises(AxesError, match="axis 1 is a dict, not an axis"):
        Axes([UniformAxis(), {}])  # type: ignore[list-item]


def test_an_axis_of_another_position_is_copied() -> None:
    axes = three()
    other = Axes([axes["Energy"]])
    assert other[0] is not axes["Energy"]
    assert other[0] == axes["Energy"]
    assert axes["Energy"].index_in_array == 2
    twice = UniformAxis("x")
    assert [axis.index_in_array for axis in Axes([twice, twice])] == [0, 1]
    assert Axes(axes)[0] is axes[0]


def test_axes_copy_and_pickle() -> None:
    axes = three()
    assert copy.deepcopy(axes) == pickle.loads(pickle.dumps(axes)) == axes
    assert copy.deepcopy(axes)[0] is not axes[0]


def test_default_axes() -> None:
    axes = default_axes((4, 3, 2), 1)
    assert axes.navigation_shape == (4, 3)
    assert axes.signal_shape == (2,)
    assert axes[0] == UniformAxis(size=4, navigate=True)
    assert default_axes((), 0).shape == ()
    for wrong in (-1, 4):
        with pytest.raises(AxesError, match="signal_dimension"):
            default_axes((4, 3, 2), wrong)


def test_tables() -> None:
    axes = Axes([*three(), FunctionalAxis("<f>\n", expression="x**2", x=UniformAxis(size=5))])
    assert repr(axes).splitlines() == [
        "axis  name    size  offset  scale        units  space",
        "0     y       4     0       1            nm     navigation",
        "1     x       3     0       1            nm     navigation",
        "2     Energy  2     0       non-uniform  eV     signal, binned",
        "3     <f>\\n   5             x**2                signal",
    ]
    html = axes._repr_html_()
    assert "<f>" not in html
    assert html.count("<tr>") == html.count("</tr>") == 5
    assert repr(Axes()) == "<Axes, none>"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("scale", "0.01", "scale must be a real number, got '0.01'"),
        ("scale", None, "scale must be a real number"),
        ("scale", True, "scale must be a real number"),
        ("scale", 1j, "scale must be a real number"),
        ("scale", [1.0, 2.0], "scale must be a real number"),
        ("offset", None, "offset must be a real number"),
        ("offset", b"1", "offset must be a real number"),
        ("size", 2.5, "size must be a whole number"),
        ("size", "4", "size must be a whole number"),
        ("units", 5, "units must be text or None"),
        ("name", 3, "name must be text or None"),
        ("name", ["x"], "name must be text or None"),
        ("navigate", "no", "navigate must be True or False"),
        ("navigate", None, "navigate must be True or False"),
        ("is_binned", 2, "is_binned must be True or False"),
        ("extra", 5, "extra must be a dict"),
    ],
)
def test_what_an_axis_cannot_be_is_refused_when_it_is_set(
    name: str, value: Any, message: str
) -> None:
    axis = UniformAxis("E", "eV", size=4)
    with pytest.raises(AxesError, match=message):
        setattr(axis, name, value)
    assert axis == UniformAxis("E", "eV", size=4)


def test_points_and_formulas_are_checked_when_they_are_set() -> None:
    data = DataAxis("E", axis=[1.0, 2.0])
    for points in ([[1]], ["a"], [1j], [None], 3):
        with pytest.raises(AxesError, match="axis must"):
            data.axis = points  # type: ignore[assignment]
    data.axis = [3, 4]  # type: ignore[assignment]
    assert data.axis.tolist() == [3, 4]
    formula = FunctionalAxis("E", expression="a*x", parameters={"a": 1})
    for name, value in (("expression", 5), ("x", formula), ("parameters", {"a": "1"})):
        with pytest.raises(AxesError, match=name):
            setattr(formula, name, value)


def test_numpy_scalars_and_undefined_can_be_set() -> None:
    undefined = type("_Undefined", (), {})()
    axis = UniformAxis("E", "eV", size=4)
    axis.scale, axis.offset = np.float32(0.5), np.int64(3)
    axis.navigate, axis.units, axis.name = np.bool_(True), undefined, np.str_("x")
    kept = (axis.scale, axis.offset, axis.navigate, axis.units, axis.name)
    assert kept == (0.5, 3.0, True, None, "x")
    assert [type(value) for value in kept] == [float, float, bool, type(None), str]


@pytest.mark.parametrize(
    ("axis", "name", "value", "message"),
    [
        (UniformAxis(size=2), "scale", 0, "scale is 0"),
        (UniformAxis(size=2), "scale", float("nan"), "scale is nan"),
        (UniformAxis(size=2), "offset", float("inf"), "offset is inf"),
        (DataAxis(axis=[1, 2]), "axis", [1, float("nan")], "no finite numbers"),
        (DataAxis(axis=[1, 2]), "axis", [1, 3, 2], "neither rises nor falls"),
    ],
)
def test_what_makes_no_sense_is_warned_of(axis: Any, name: str, value: Any, message: str) -> None:
    with pytest.warns(HspyWarning, match=message):
        setattr(axis, name, value)


@pytest.mark.parametrize(
    ("axis", "name", "message"),
    [
        (UniformAxis(), "unit", "did you mean 'units'"),
        (UniformAxis(), "Scale", "did you mean 'scale'"),
        (UniformAxis(), "step", "did you mean 'scale'"),
        (DataAxis(), "values", "did you mean 'axis'"),
        (UniformAxis(), "colour", "there are: name"),
    ],
)
def test_a_field_that_is_not_there_is_told(axis: Axis, name: str, message: str) -> None:
    with pytest.raises(AttributeError, match=message):
        setattr(axis, name, 1)


def test_what_hyperspy_has_is_pointed_to() -> None:
    axes = Axes([UniformAxis("Energy", size=2)])
    for thing, name, message in (
        (axes[0], "low_value", r"\.values"),
        (axes[0], "axis", r"\.values"),
        (axes[0], "convert_to_units", "to_hyperspy"),
        (axes, "signal_axes", "'signal'"),
        (axes, "Energy", r"axes\['Energy'\]"),
        (axes, "coordinates", "to_hyperspy"),
    ):
        with pytest.raises(AttributeError, match=message):
            getattr(thing, name)
    with pytest.raises(IndexError, match="no axis 3: there are 1"):
        _ = axes[3]
    with pytest.raises(TypeError, match="number or a name"):
        _ = axes[None]  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"signal\.axes = "):
        axes[0] = UniformAxis()
    with pytest.raises(AxesError, match="did you mean 'Energy'"):
        _ = axes["Enrgy"]
