"""Facts as JSON: what the library makes of the same, in the same form."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hspyio.cli.values import json_text, jsonable

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_it_is_what_json_makes_of_it(value: Any) -> None:
    plain = jsonable(value)
    assert json_text(value) == json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float64(1.5), 1.5),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (float("nan"), "nan"),
        ((1, None), [1, None]),
        ({1: {}, "b": []}, {"1": {}, "b": []}),
        (np.arange(3), [0, 1, 2]),
        (np.zeros(2000), {"shape": [2000], "dtype": "float64"}),
        (2 + 1j, "(2+1j)"),
        ("\udcff µ", "\udcff µ"),
    ],
    ids=repr,
)
def test_values_have_their_nearest_form(value: Any, plain: Any) -> None:
    assert jsonable(value) == plain
    assert json.loads(json_text({"x": value})) == {"x": plain}
