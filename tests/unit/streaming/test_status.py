"""What a display shows."""

from __future__ import annotations

from typing import Any

import pytest

from hspyio.streaming import status
from hspyio.streaming.status import Rate, StreamStatus


def test_it_is_one_line() -> None:
    one = StreamStatus(
        length=1200,
        safe=1000,
        checkpoints=3,
        age=4.2,
        rate=131e6,
        queued=64,
        queue_bytes=256,
        file_bytes=10**9,
        dead_bytes=10**6,
    )
    assert str(one) == (
        "1,200 taken, 1,000 safe 4 s ago, 131 MB/s, queue 25 %, file 1 GB, 1 MB of it dead"
    )
    assert one.failure == "" and "dead" in str(one)


def test_a_failure_is_shown() -> None:
    one = StreamStatus(0, 0, 0, 0.0, 0.0, 0, 0, 0, 0, failure="No space left on device")
    assert str(one).endswith("No space left on device")


def test_the_rate_is_that_of_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now: list[Any] = [100.0]
    monkeypatch.setattr(status.time, "monotonic", lambda: now[0])
    rate = Rate()
    assert rate.now() == 0.0
    for _ in range(20):
        now[0] += 1
        rate.note(1000)
    assert rate.total == 20_000
    assert rate.now() == pytest.approx(1000, rel=0.15)
    now[0] += 60
    assert rate.now() == 0.0
    rate.note(5)
    rate.note(5)
    assert rate.now() == 1.0
