"""What stands on disk changes on purpose only: the bytes written for fixed signals and edits."""

from __future__ import annotations

import json

import pytest

from support import golden

KNOWN = json.loads(golden.STORED.read_text())


def test_the_bytes_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    if KNOWN["versions"] != golden.versions():
        pytest.skip(f"the bytes are known for {KNOWN['versions']}")
    monkeypatch.setenv("HSPYIO_NUM_THREADS", "1")
    found = dict(golden.digests())
    changed = {name: (KNOWN["files"].get(name), one) for name, one in found.items()}
    changed = {name: pair for name, pair in changed.items() if pair[0] != pair[1]}
    assert not changed, (
        "write tests/golden.json anew only if what stands on disk is meant to change"
    )
    assert list(found) == list(KNOWN["files"])


def test_a_changed_byte_is_noticed() -> None:
    content = bytearray(b"OHDR\x02\x20" + bytes(16) + b"\x04" + b"abcd" + b"sums")
    plain = bytes(content)
    golden._blank_times(content)
    assert content == plain[:-4] + bytes(4)
