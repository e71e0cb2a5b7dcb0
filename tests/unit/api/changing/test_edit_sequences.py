"""Any sequence of append, update and remove leaves what it should, in its order."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

import hspyio
from hspyio.compare import signal_differences

TITLES = ["a", "b", "a/b", "", "c"]


def new_signal(chance: random.Random) -> hspyio.Signal:
    return hspyio.Signal(
        np.arange(chance.randint(1, 6)) * 1.0,
        metadata={"General": {"title": chance.choice(TITLES)}, "k": [1, "x", {chance.random()}]},
        models={"m": {"date": "x", "components": {}}} if chance.random() < 0.5 else {},
    )


def edit(path: Path, state: dict[str, hspyio.Signal], chance: random.Random) -> None:
    """One edit of the file, and of what it should hold."""
    group = chance.choice(list(state))
    match chance.choice(["append", "update", "remove"]):
        case "append":
            signal = new_signal(chance)
            hspyio.append(path, signal, durable=False)
            [name] = [name for name in hspyio.open(path) if name not in state]
            state[name] = signal
        case "update":
            signal = hspyio.load(path, name=group)
            signal.title = chance.choice(TITLES)
            hspyio.update(path, signal)
            renamed = dict(zip(state, hspyio.open(path), strict=True))
            held = {**state, group: signal}
            state.clear()
            state.update({renamed[name]: signal for name, signal in held.items()})
        case _ if len(state) > 1:
            hspyio.remove(path, group)
            del state[group]


@pytest.mark.parametrize("seed", range(8))
def test_any_sequence_of_edits(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    path = tmp_path / "a.hspy"
    signals = [new_signal(chance) for _ in range(chance.randint(1, 3))]
    hspyio.save(path, signals, durable=False)
    state = dict(zip(hspyio.open(path), signals, strict=True))
    for _ in range(6):
        edit(path, state, chance)
        assert list(hspyio.open(path)) == list(state)
        for name, signal in state.items():
            assert not signal_differences(signal, hspyio.load(path, name=name))
    assert list(tmp_path.iterdir()) == [path]
