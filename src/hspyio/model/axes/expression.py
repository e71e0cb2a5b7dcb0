"""Values of the formulas that functional axes are stored as, without evaluating any code."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hspyio.errors import AxesError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["evaluate"]

_MAX_LENGTH = 4096  # characters
_MAX_DEPTH = 100  # operators inside each other

_Floats: TypeAlias = "NDArray[np.float64]"

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: np.positive,
    ast.USub: np.negative,
}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "Abs": np.abs,
    "abs": np.abs,
    "sign": np.sign,
    "floor": np.floor,
    "ceiling": np.ceil,
}
_CONSTANTS = {"pi": np.pi, "E": np.e}

# What a formula consists of. A number ends where no letter follows: Python's
# parser would warn about `2if` and take 0x10 and 1_000 for numbers.
_TOKEN = r"""(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.]))
      | (?P<name>[^\W\d]\w*)
      | (?P<operator>\*\*|[-+*/^(),])
      | (?P<blank>[ \t\r\n]+)"""


def evaluate(expression: str, variables: Mapping[str, NDArray[Any] | float]) -> _Floats:
    """Evaluate a formula as sympy prints it; nothing of it is run as code.

    Only numbers, variables, ``+ - * / **`` (``^`` is a power too), ``pi`` and ``E`` and functions
    of one argument are known. All arithmetic is float64's, so that no power runs away.
    """
    tree, text = _parsed(expression)
    arrays = {_normal(name): _real(name, value) for name, value in variables.items()}
    with np.errstate(all="ignore"):
        try:
            shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
            return np.array(np.broadcast_to(_value(tree, text, arrays, 0), shape), dtype=np.float64)
        except ValueError as error:  # shapes that do not fit each other
            if isinstance(error, AxesError):
                raise
            raise AxesError(f"cannot evaluate {_short(expression)}: {error}") from None


def _parsed(expression: str) -> tuple[ast.expr, str]:
    if len(expression) > _MAX_LENGTH:
        raise AxesError(
            f"the formula {_short(expression)} has {len(expression)} characters, "
            f"at most {_MAX_LENGTH} are read"
        )
    text = _tokens(expression).strip()
    try:
        return ast.parse(text, mode="eval").body, text
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise AxesError(f"the formula {_short(expression)} is not well formed") from None


def _tokens(expression: str) -> str:
    """The formula in Python's spelling, of known tokens only."""
    parts = []
    position = 0
    token = re.compile(_TOKEN, re.VERBOSE)
    while position < len(expression):
        match = token.match(expression, position)
        if match is None:
            part = expression[position : position + 20]
            raise AxesError(f"the formula {_short(expression)} is not understood at {part!r}")
        parts.append("**" if match[0] == "^" else match[0])
        position = match.end()
    return "".join(parts)


def _value(node: ast.expr, text: str, variables: Mapping[str, _Floats], depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise AxesError(f"the formula {_short(text)} is nested too deeply")
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return _number(number, text)
        case ast.Name(id=name):
            return _variable(name, text, variables)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _UNARY[type(op)](_value(operand, text, variables, depth + 1))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            values = [_value(side, text, variables, depth + 1) for side in (left, right)]
            return _BINARY[type(op)](*values)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](_value(argument, text, variables, depth + 1))
    part = ast.get_source_segment(text, node) or text
    raise AxesError(f"the formula {_short(text)} has a part that is not understood: {_short(part)}")


def _variable(name: str, text: str, variables: Mapping[str, _Floats]) -> Any:
    if name in variables:
        return variables[name]
    if name in _CONSTANTS:
        return np.float64(_CONSTANTS[name])
    known = ", ".join(variables) or "none"
    raise AxesError(f"the formula {_short(text)} uses {name!r}, which is not given; given: {known}")


def _number(number: float, text: str) -> np.float64:
    try:
        return np.float64(number)
    except OverflowError:
        raise AxesError(f"the formula {_short(text)} has a number that is too large") from None


def _real(name: str, value: NDArray[Any] | float) -> _Floats:
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise AxesError(f"parameter {name!r} is no real number: {_short(repr(value))}")
    return array.astype(np.float64)


def _normal(name: str) -> str:
    # Python's parser does this to names: the micro sign becomes a Greek mu.
    import unicodedata

    return unicodedata.normalize("NFKC", name)


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
