"""When checkpoints are made that nobody asks for."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from hspyio.errors import HspyError, OptionError
from hspyio.streaming.schedule import Schedule, Timer, seconds_of


@pytest.mark.parametrize(
    ("given", "seconds", "count"),
    [
        (None, None, None),
        ("10s", 10.0, None),
        ("500ms", 0.5, None),
        (" 2 min ", 120.0, None),
        ("1.5h", 5400.0, None),
        (3, 3.0, None),
        (0.25, 0.25, None),
        ("500 MB", None, 500_000_000),
        ("1.5GB", None, 1_500_000_000),
        ("1B", None, 1),
    ],
)
def test_what_a_user_says(given: object, seconds: float | None, count: int | None) -> None:
    assert Schedule.of(given) == Schedule(seconds, count)


@pytest.mark.parametrize("given", ["", "10", "s", "0s", "-1s", 0, -1, True, "10 days", b"10s", []])
def test_what_is_none(given: object) -> None:
    with pytest.raises(OptionError, match="checkpoint is"):
        Schedule.of(given)


def test_a_time_alone() -> None:
    given = ["1s", "200ms", 0.5, np.float32(2), "5MB", 0, True, None, "x", -1]
    assert [seconds_of(one) for one in given] == [1, 0.2, 0.5, 2, *[None] * 6]


def test_it_is_due() -> None:
    assert not Schedule().is_due(1e9, 10**15)
    assert Schedule(seconds=2).is_due(2, 0) and not Schedule(seconds=2).is_due(1.9, 10**15)
    assert Schedule(count=100).is_due(0, 100) and not Schedule(count=100).is_due(1e9, 99)


class Told:
    """What a timer asks of a stream."""

    def __init__(self, outcome: Any) -> None:
        self.outcome, self.made, self.taken_bytes = outcome, 0, 10
        self.failure: BaseException | None = None
        self.ends = True  # by what is raised

    def seconds_since_checkpoint(self) -> float:
        return 0.1

    def has_news(self) -> bool:
        return True

    def checkpoint(self, *, asked: bool) -> HspyError | None:
        assert not asked
        self.made += 1
        if isinstance(self.outcome, ValueError):
            self.failure = self.outcome if self.ends else None
            raise self.outcome
        return self.outcome


def run(stream: Any, schedule: Schedule) -> list[BaseException]:
    notes: list[BaseException] = []
    timer = Timer(stream, schedule, notes.append)
    end = time.monotonic() + 10
    while not stream.made and schedule != Schedule() and time.monotonic() < end:
        time.sleep(0.005)
    timer.stop()
    return notes


def test_it_makes_checkpoints_until_it_is_stopped() -> None:
    stream = Told(None)
    assert run(stream, Schedule(seconds=0.05)) == []
    made = stream.made
    assert made
    time.sleep(0.15)
    assert stream.made == made


def test_bad_metadata_are_told() -> None:
    error = HspyError("metadata")
    assert error in run(Told(error), Schedule(count=5))


def test_a_failure_ends_it() -> None:
    stream = Told(ValueError("x"))
    assert run(stream, Schedule(seconds=0.01)) == []
    assert stream.made == 1


def test_what_does_not_end_the_stream_is_told_and_it_goes_on() -> None:
    stream = Told(ValueError("x"))
    stream.ends = False
    notes = run(stream, Schedule(seconds=0.01))
    assert [str(note) for note in notes[:1]] == ["failed: x"]


def test_without_a_schedule_there_is_no_thread() -> None:
    stream = Told(None)
    assert run(stream, Schedule()) == []
    assert stream.made == 0
