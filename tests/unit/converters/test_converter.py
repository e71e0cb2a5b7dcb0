"""The example of CONTRIBUTING.md: a type that is added as it says comes back."""

from __future__ import annotations

import re
from collections import deque
from typing import Any

import pytest

from hspyio.converters import CONVERTERS
from hspyio.converters.converter import Converter
from hspyio.converters.decoder import DecodePolicy, Decoder
from hspyio.converters.encoder import Encoder
from hspyio.nodes.node import Group
from support.places import ROOT


@pytest.fixture(scope="module")
def with_deque() -> tuple[Converter, ...]:
    """The table with the example's converter in it."""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    [example] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    known: dict[str, Any] = {}
    exec(compile(example, "CONTRIBUTING.md", "exec"), known)  # our own page
    return (*known["CONVERTERS"], *CONVERTERS)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("value", [deque(), deque([1, 2.5], 4), deque([None, {"a"}, deque([1])])])
def test_the_example_is_true(
    value: deque[Any], exact: bool, with_deque: tuple[Converter, ...]
) -> None:
    written = Encoder(with_deque)
    encoded = written.group({"d": value}, "")
    assert not written.problems
    assert isinstance(encoded.node, Group)
    policy = DecodePolicy(
        exact=exact, fetch=lambda *_: None, fetch_data=lambda *_: None, finish=lambda parts: parts
    )
    reading = Decoder(with_deque, policy)
    found = reading.dictionary(encoded.node, "", encoded.hint)["d"]
    assert not reading.problems
    assert type(found) is (deque if exact else list)
    if exact:
        assert found == value
        assert found.maxlen == value.maxlen
