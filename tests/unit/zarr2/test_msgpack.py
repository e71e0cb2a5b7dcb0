"""Packed values: what RosettaSciIO's ragged texts are made of."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hspyio.zarr2.msgpack import packed, unpacked

TREES: Any = st.recursive(
    st.integers(0, 2**63) | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=40),
    max_leaves=80,
)


def as_octets(value: Any) -> Any:
    if isinstance(value, list):
        return [as_octets(item) for item in value]
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


@given(st.lists(TREES, max_size=5))
def test_there_and_back(value: Any) -> None:
    assert unpacked(packed(as_octets(value))) == value


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"\x05", 5),
        (b"\xff", -1),
        (b"\xc0", None),
        (b"\xc3", True),
        (b"\xcb" + struct.pack(">d", 2.5), 2.5),
        (b"\xd1" + struct.pack(">h", -300), -300),
        (b"\xda\x00\x02ab", "ab"),
        (b"\xd9\x02ab", "ab"),
        (b"\xc4\x02\xff\x00", b"\xff\x00"),
        (b"\xdc\x00\x02\x01\x02", [1, 2]),
        (b"\x92\xa1a\x90", ["a", []]),
    ],
)
def test_each_kind(content: bytes, value: object) -> None:
    assert unpacked(content) == value


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x05\x05", b"\xa5ab", b"\xdd\xff\xff\xff\xff", b"\xcb\x00", b"\x81\x01\x02", b"\xc1",
        b"\x91" * 100 + b"\x01",
    ],
)  # fmt: skip
def test_what_is_cut_or_unknown(content: bytes) -> None:
    with pytest.raises(ValueError, match="packed"):
        unpacked(content)
