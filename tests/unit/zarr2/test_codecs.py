"""Codecs of Zarr's: what they decode, and what they refuse."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import lzma
import zlib
from typing import Any

import numpy as np
import pytest

from hspyio.errors import DamagedFileError, FilterError
from hspyio.filters import codec_of
from hspyio.zarr2.codecs import decoded, filter_of

PLAIN = np.arange(1000, dtype="<u2").tobytes()
U2 = np.dtype("<u2")


def blosc(octets: bytes) -> bytes:
    codec = codec_of(32001)
    assert codec.encode is not None and codec.stored_options is not None
    options = codec.stored_options((0, 0, 0, 0, 5, 1, 1), 2, len(octets))
    return bytes(codec.encode(octets, options))


ENCODED: dict[str, bytes] = {
    "zlib": zlib.compress(PLAIN),
    "gzip": gzip.compress(PLAIN),
    "bz2": bz2.compress(PLAIN),
    "lzma": lzma.compress(PLAIN),
    "blosc": blosc(PLAIN),
}


@pytest.mark.parametrize("name", ENCODED)
def test_decoded_to_its_size_and_no_more(name: str) -> None:
    stored = ENCODED[name]
    assert decoded([{"id": name}], stored, len(PLAIN), U2) == PLAIN
    assert decoded([{"id": name}], stored, None, U2) == PLAIN
    for size in (len(PLAIN) - 1, len(PLAIN) + 1):
        with pytest.raises(DamagedFileError, match="a chunk"):
            decoded([{"id": name}], stored, size, U2)
    for damaged in (stored[:10], b"", b"nothing of the kind at all"):
        with pytest.raises(DamagedFileError, match="a chunk"):
            decoded([{"id": name}], damaged, len(PLAIN), U2)


def test_none_at_all() -> None:
    assert decoded([], PLAIN, len(PLAIN), U2) == PLAIN
    with pytest.raises(DamagedFileError, match="decodes to 2,000 bytes, not 3"):
        decoded([], PLAIN, 3, U2)


def test_others_are_those_of_numcodecs(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec

    def without(name: str) -> Any:
        return None if name == "numcodecs" else real(name)

    monkeypatch.setattr("hspyio.packages.find_spec", without)
    with pytest.raises(FilterError, match=r"'delta' takes numcodecs.*pip install numcodecs"):
        decoded([{"id": "delta", "dtype": "<u2"}], PLAIN, len(PLAIN), U2)


def test_a_chain_with_numcodecs() -> None:
    numcodecs = pytest.importorskip("numcodecs")
    steps: list[Any] = [{"id": "delta", "dtype": "<u2"}, {"id": "zlib", "level": 1}]
    stored = numcodecs.get_codec(steps[1]).encode(
        numcodecs.get_codec(steps[0]).encode(np.frombuffer(PLAIN, "<u2"))
    )
    assert decoded(steps, stored, len(PLAIN), U2) == PLAIN
    with pytest.raises(FilterError, match="no codec 'nonsense'"):
        decoded([{"id": "nonsense"}], PLAIN, len(PLAIN), U2)


def test_bombs_are_bounded() -> None:
    bomb = zlib.compress(bytes(10**8))
    with pytest.raises(DamagedFileError):
        decoded([{"id": "zlib"}], bomb, 100, U2)
    announced = bytearray(blosc(PLAIN))
    announced[4:8] = (2**31 + 5).to_bytes(4, "little")
    with pytest.raises(DamagedFileError, match="announces"):
        decoded([{"id": "blosc"}], bytes(announced), None, U2)


def test_what_is_shown() -> None:
    assert filter_of({"id": "blosc", "cname": "zstd", "clevel": 1}).name == "blosc zstd 1"
    assert filter_of({"id": "zlib", "level": 3}).name == "zlib 3"
    assert filter_of({}).name == ""
