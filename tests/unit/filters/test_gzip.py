"""gzip: the quick way."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from hspyio.filters import codec_of


@pytest.mark.parametrize("level", [0, 0.3, 0.7, 1])
@pytest.mark.parametrize("size", [2**17 - 1, 2**17, 2**18 + 65535, 10**6])
def test_noise_is_stored_and_read_by_every_zlib(size: int, level: float) -> None:
    """Stored blocks and compressed ones in one stream, each with what is quick to read."""
    rng = np.random.default_rng(0)
    plain = rng.integers(0, 256, size).astype("u1")
    plain[: int(size * level)] = 7
    codec = codec_of(1)
    assert codec.quick is not None and codec.decode is not None
    stored = codec.quick(plain, (4,))
    assert zlib.decompress(stored) == plain.tobytes()
    assert bytes(codec.decode(stored, (4,), size, None)) == plain.tobytes()
    assert len(stored) <= 1.001 * len(zlib.compress(plain, 4)) + 2000
