"""What a file holds, to three readers: ours, RosettaSciIO's, and h5py for what is beside both."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py

import hspyio
from hspyio.compare import signal_differences, value_differences


@dataclass(frozen=True)
class State:
    """A state that a file may be in.

    Attributes
    ----------
    name : str
        ``"old"`` or ``"new"``, or the order of two writers.
    signals : dict
        Group name -> Signal, by our reader.
    dicts : list of dict
        By RosettaSciIO's.
    beside : dict
        What another program has put into it.
    """

    name: str
    signals: dict[str, hspyio.Signal]
    dicts: list[dict[str, Any]]
    beside: dict[str, Any]


NO_FILE = State("old", {}, [], {})


def read_state(path: Path, name: str = "") -> State:
    """Read a file in all three ways; a file that is not there holds nothing."""
    if not path.exists():
        return State(name, {}, [], {})
    return State(name, _signals(path), _dicts(path), _beside(path))


def _signals(path: Path) -> dict[str, hspyio.Signal]:
    return {name: hspyio.load(path, name=name) for name in hspyio.open(path)}


def _dicts(path: Path) -> list[dict[str, Any]]:
    from rsciio.hspy import file_reader

    return list(file_reader(path))


def _beside(path: Path) -> dict[str, Any]:
    with h5py.File(path, "r") as file:
        notes = {name: file[name][()] for name in file if isinstance(file[name], h5py.Dataset)}
        return {**notes, **file["Experiments"].attrs}


@dataclass
class Judge:
    """Tells which of some states a file is in; looks at the same bytes only once.

    Parameters
    ----------
    states : sequence of State
        Those that it may be in.
    """

    states: Sequence[State]
    _known: dict[tuple[bytes, tuple[str, ...]], tuple[str, list[str]]] = field(default_factory=dict)

    def state_of(self, path: Path, *names: str) -> tuple[str, list[str]]:
        """The state that a file is in, and what is wrong if it is in none of those named."""
        content = path.read_bytes() if path.exists() else b""
        key = hashlib.sha256(content).digest(), names
        if key not in self._known:
            allowed = [state for state in self.states if not names or state.name in names]
            self._known[key] = state_of(path, allowed)
        return self._known[key]


def state_of(path: Path, states: Sequence[State]) -> tuple[str, list[str]]:
    """Which state a file is in, and what is wrong if it is in none.

    All three readers have to see the same state, whole.
    """
    try:
        found = read_state(path)
    except Exception as error:
        return "", [f"cannot be read: {type(error).__name__}: {error}"]
    seen = [_seen(found, state) for state in states]
    for state, problems in zip(states, seen, strict=True):
        if not problems:
            return state.name, []
    return "", [
        f"not {state.name}: {'; '.join(problems[:4])}"
        for state, problems in zip(states, seen, strict=True)
    ]


def _seen(found: State, state: State) -> list[str]:
    """How a file differs from a state."""
    if list(found.signals) != list(state.signals):
        return [f"experiments {list(found.signals)}, not {list(state.signals)}"]
    ours = [
        f"hspyio: {name}: {line}"
        for name, signal in found.signals.items()
        for line in signal_differences(signal, state.signals[name])
    ]
    theirs = value_differences(found.dicts, state.dicts, "RosettaSciIO: ")
    return [*ours, *theirs, *value_differences(found.beside, state.beside, "h5py: ")]


def are_alike(one: State, other: State) -> bool:
    """Whether no reader tells one state from another."""
    return not _seen(one, other)


def expected_problems(found: State, expected: dict[str, hspyio.Signal]) -> list[str]:
    """Whether what an undisturbed run has made is what it should make."""
    if list(found.signals) != list(expected):
        return [f"experiments {list(found.signals)}, not {list(expected)}"]
    lines = [
        f"{name}: {line}"
        for name, signal in expected.items()
        for line in signal_differences(found.signals[name], signal)
    ]
    titles = sorted(item["metadata"]["General"]["title"] for item in found.dicts)
    if titles != sorted(signal.title for signal in expected.values()):
        lines.append(f"RosettaSciIO sees {titles}")
    return lines


def copy(source: Path, target: Path) -> Path:
    shutil.copyfile(source, target)
    return target


def others(path: Path) -> list[str]:
    """What else is in the folder of a file."""
    return sorted(entry.name for entry in path.parent.iterdir() if entry != path)
