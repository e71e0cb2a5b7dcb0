"""One state of the file: metadata as they are, what is unchanged is kept."""

from __future__ import annotations

import numpy as np
import pytest

from hspyio import Signal
from hspyio.errors import UnsupportedTypeError
from hspyio.nodes.node import Array, Group, IndexedSource, Kept, MemorySource
from hspyio.options import WriteOptions
from hspyio.streaming.layout import planned_layout
from hspyio.streaming.states import Neighbours, States, whole_file
from hspyio.transaction.changes import Rest


@pytest.fixture
def states() -> States:
    kind = np.dtype("u2")
    signal = Signal(np.zeros((0, 8, 8), kind), signal_dimension=2, title="run")
    signal.metadata.set_item("Sample.name", "gold")
    signal.original_metadata.set_item("log", "x" * 100)
    node = Array(kind, MemorySource(signal.data), signal_dims=(1, 2))
    fill = np.zeros((), kind)
    layout = planned_layout(node, (0, 8, 8), WriteOptions(), is_open=True, fill=fill)
    return States(signal, "run", layout, Neighbours(["other", "run"], ["metadata", "axis-7"]))


def step_of(states: States, experiment: Group, length: int, address: int | None) -> Group:
    tree = states.steps(experiment, length, address)[0]
    assert isinstance(tree, Group)
    found = tree.members["Experiments"]
    assert isinstance(found, Group)
    return found


def test_a_state_has_the_size_and_leads_to_the_index(states: States) -> None:
    experiment, error = states.experiment(5, None, growing=True)
    assert error is None
    found = step_of(states, experiment, 5, 4096)
    assert list(found.members) == ["other", "run"]
    assert found.members["other"] == Kept("/Experiments/other")
    run = found.members["run"]
    assert isinstance(run, Group)
    data, axis = run.members["data"], run.members["axis-0"]
    assert isinstance(data, Array) and isinstance(data.source, IndexedSource)
    assert data.shape == (5, 8, 8) and data.source.address == 4096
    assert isinstance(axis, Group) and axis.attributes["size"].value == 5  # type: ignore[union-attr]
    assert states.signal.axes[0].size == 0  # the caller's own is left alone


def test_what_is_unchanged_is_kept(states: States) -> None:
    first, _ = states.experiment(5, None, growing=True)
    states.stand(first)
    states.signal.metadata.set_item("Sample.name", "silver")
    second, _ = states.experiment(6, None, growing=True)
    run = step_of(states, second, 6, 1).members["run"]
    assert isinstance(run, Group)
    assert run.members["original_metadata"] == Kept("/Experiments/run/original_metadata")
    assert run.members["axis-1"] == Kept("/Experiments/run/axis-1")
    assert isinstance(run.members["axis-0"], Group)
    metadata = run.members["metadata"]
    assert isinstance(metadata, Group) and isinstance(metadata.members["Sample"], Group)
    assert isinstance(metadata.members["General"], Kept)


def test_members_that_went_are_not_kept(states: States) -> None:
    experiment, _ = states.experiment(0, None, growing=True)
    rests = [step for step in states.steps(experiment, 0, None) if isinstance(step, Rest)]
    own = {rest.where: rest.but for rest in rests}["/Experiments/run"]
    assert {"axis-7", "metadata", "data"} <= set(own)


def test_it_says_of_itself_what_is_missing(states: States) -> None:
    def told(growing: bool, written: np.ndarray | None) -> list[str]:
        experiment, _ = states.experiment(3, written, growing=growing)
        metadata = experiment.members["metadata"]
        assert isinstance(metadata, Group)
        own = metadata.members.get("_hspyio")
        return [] if own is None else sorted([*own.attributes, *own.members])  # type: ignore[union-attr]

    assert told(True, None) == ["growing"]
    assert told(False, None) == []
    assert told(True, np.array([True, False, True])) == ["growing", "written"]
    states.signal.metadata.set_item("_hspyio.mine", 1)  # it is the stream's own
    assert told(False, None) == []


def test_bad_metadata_are_told_and_those_before_stand(states: States) -> None:
    states.signal.metadata.set_item("bad", object())
    with pytest.raises(UnsupportedTypeError, match=r"metadata\.bad"):
        states.experiment(1, None, growing=True)
    states.signal.metadata.remove_item("bad")
    states.experiment(1, None, growing=True)
    states.signal.metadata.set_item("bad", object())
    experiment, error = states.experiment(2, None, growing=True)
    assert isinstance(error, UnsupportedTypeError)
    metadata = experiment.members["metadata"]
    assert isinstance(metadata, Group) and "Sample" in metadata.members
    assert not [name for name in (*metadata.members, *metadata.attributes) if "bad" in name]
    axis = experiment.members["axis-0"]
    assert isinstance(axis, Group) and axis.attributes["size"].value == 2  # type: ignore[union-attr]


def test_a_new_file_is_whole_without_a_chunk(states: States) -> None:
    experiment, _ = states.experiment(0, None, growing=True)
    tree = whole_file(states, experiment, 0)
    assert set(tree.attributes) == {"file_format", "file_format_version"}
    holder = tree.members["Experiments"]
    assert isinstance(holder, Group) and list(holder.members) == ["run"]
