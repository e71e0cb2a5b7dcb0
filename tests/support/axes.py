"""Strategies for axes of every kind."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hspyio.model.axes import (
    DataAxis,
    FunctionalAxis,
    UniformAxis,
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
