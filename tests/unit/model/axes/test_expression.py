"""The formulas of functional axes: what is understood, and that nothing else is."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hspyio.errors import AxesError
from hspyio.model.axes.expression import evaluate

X = np.array([0.5, 1.0, 4.0])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a / (x + 1) + b", 100 / (X + 1) + 10),
        ("sqrt(x)**2 * pi", X * np.pi),
        ("log(x)", np.log(X)),
        ("Abs(-x) + abs(-x)", 2 * X),
        ("-x**2", -(X**2)),
        ("x^2", X**2),
        ("2**3**2 + 0*x", X * 0 + 512),
        ("1.5e-3*x - .5", 0.0015 * X - 0.5),
        ("exp(x)/E", np.exp(X) / math.e),
        ("sin(x) + cos(x) + tan(x)", np.sin(X) + np.cos(X) + np.tan(X)),
        ("asin(x/4) + acos(x/4) + atan(x)", np.pi / 2 + np.arctan(X)),
        ("sinh(x) - cosh(x) + tanh(x)", -np.exp(-X) + np.tanh(X)),
        ("  +x\t", X),
        ("7", X * 0 + 7),
        ("1/(x - 1)", [-2.0, np.inf, 1 / 3]),
        ("µ*x", 3 * X),
    ],
)
def test_values(expression: str, expected: object) -> None:
    result = evaluate(expression, {"x": X, "a": 100, "b": np.int64(10), "µ": 3})
    assert result.dtype == np.float64
    assert result.shape == X.shape
    np.testing.assert_allclose(result, expected)


def test_a_result_is_never_a_view_of_a_variable() -> None:
    x = X.copy()
    evaluate("x", {"x": x})[:] = 0
    assert np.array_equal(x, X)


def test_a_variable_goes_before_a_constant() -> None:
    assert evaluate("E", {"E": 1.0}) == 1.0


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        ("__import__('os')", "at \"'os'"),
        ("x.real", "at '.real'"),
        ("x[0]", "at '\\[0\\]'"),
        ("open(x)", "open\\(x\\)"),
        ("sin(x, x)", "sin\\(x, x\\)"),
        ("sin", "'sin', which is not given; given: x"),
        ("(x)(x)", "\\(x\\)\\(x\\)"),
        ("1(x)", "1\\(x\\)"),
        ("sin(*x)", "sin\\(\\*x\\)"),
        ("lambda", "not well formed"),
        ("x if x else x", "x if x else x"),
        ("not x", "not x"),
        ("x and x", "x and x"),
        ("True", "True"),
        ("x, x", "x, x"),
        ("0x10", "at '0x10'"),
        ("1_000", "at '1_000'"),
        ("2if x", "at '2if x'"),
        ("1j*x", "at '1j\\*x'"),
        ("x // 2", "not well formed|x // 2"),
        ("x +", "not well formed"),
        ("", "not well formed"),
        ("a*x", "'a', which is not given; given: x"),
        ("x := 1", "at ':= 1'"),
        ("9" * 400 + "*x", "too large"),
        ("x" + "+x" * 3000, "at most 4096"),
        ("(" * 1500 + "x" + ")" * 1500, "not well formed"),
        ("-" * 3000 + "x", "nested too deeply|not well formed"),
        ("sin(" * 150 + "x" + ")" * 150, "nested too deeply"),
    ],
)
def test_anything_else_is_refused_by_name(expression: str, part: str) -> None:
    with pytest.raises(AxesError, match=part):
        evaluate(expression, {"x": X})


def test_powers_do_not_run_away() -> None:
    start = time.perf_counter()
    assert evaluate("1000**1000**1000", {}) == np.inf
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("value", ["1", None, 1j, [1, [2]], {}])
def test_variables_are_real_numbers(value: object) -> None:
    with pytest.raises(AxesError, match="'a' is no real number"):
        evaluate("x", {"x": X, "a": value})  # type: ignore[dict-item]


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(AxesError, match="cannot evaluate"):
        evaluate("x + y", {"x": X, "y": np.ones(2)})


@given(st.text("x1.e+-*/^() sin,_ab[]'", max_size=30) | st.text(max_size=10))
def test_any_text_is_evaluated_or_refused(text: str) -> None:
    try:
        result = evaluate(text, {"x": X})
    except AxesError:
        return
    assert result.shape == X.shape


formulas = st.recursive(
    st.sampled_from(["x", "a", "2", "0.5"]),
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/", "**"]), inner)
        | st.builds("{}({})".format, st.sampled_from(["sin", "exp", "sqrt", "-"]), inner)
    ),
    max_leaves=8,
)


@given(formulas)
def test_python_says_the_same(formula: str) -> None:
    names = {"x": X, "a": np.float64(3), "sin": np.sin, "exp": np.exp, "sqrt": np.sqrt}
    with np.errstate(all="ignore"):
        floats = formula.replace("2", "np.float64(2)").replace("0.5", "np.float64(0.5)")
        expected = np.broadcast_to(eval(floats, {"np": np}, names), X.shape)
    np.testing.assert_allclose(evaluate(formula, {"x": X, "a": 3.0}), expected)
