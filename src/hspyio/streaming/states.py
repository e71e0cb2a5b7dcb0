"""One state of a growing file: the signal as it is at an instant, as a plan for the transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio import names
from hspyio.converters.signals import StoredData
from hspyio.converters.type_hints import NO_HINT
from hspyio.errors import HspyError, UnsupportedTypeError
from hspyio.hdf5.writing.dataset_writer import check_filters
from hspyio.model.axes import UniformAxis
from hspyio.model.signal import Signal
from hspyio.nodes.node import Attribute, Group, Kept
from hspyio.options import WriteOptions
from hspyio.schema import EncodedFile, encode_file
from hspyio.streaming.layout import Put, StreamLayout
from hspyio.transaction.changes import Rest, Step
from hspyio.transaction.plan import plan
from hspyio.transaction.unchanged import Member, thinned

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Neighbours", "States", "whole_file"]

_TRIES = 20
_FIRST = "Nothing was written."
_OUTCOME = (
    "All data are in the checkpoint; its metadata and axes are those of the last one that could be "
    "written."
)
_PLAIN = WriteOptions()


class Neighbours:
    """What else the file holds, which stays as it is.

    Parameters
    ----------
    experiments : sequence of str
        All experiments in their order, that of the stream among them.
    members : sequence of str
        Members of the stream's experiment that the format knows, and writes anew each time.
    """

    def __init__(self, experiments: Sequence[str], members: Sequence[str] = ()) -> None:
        self.experiments = tuple(experiments)
        self.members = tuple(members)


class States:
    """Makes the states of one stream.

    Parameters
    ----------
    signal : Signal
        Its axes and metadata, which the caller changes; the data are those of the stream.
    group : str
        The name of its experiment.
    layout : StreamLayout
        Its array.
    neighbours : Neighbours
        What else is in the file.
    is_stored : bool
        Whether the signal came from the file, and can be written again as it is now.
    """

    def __init__(
        self,
        signal: Signal,
        group: str,
        layout: StreamLayout,
        neighbours: Neighbours,
        *,
        is_stored: bool = False,
    ) -> None:
        self.signal, self.group, self.layout = signal, group, layout
        self._neighbours = neighbours
        self._previous: Group | None = None
        self._sound = _copied(signal) if is_stored else None

    def experiment(
        self, length: int, written: NDArray[np.bool_] | None, *, growing: bool
    ) -> tuple[Group, HspyError | None]:
        """The experiment as it is now, but for where its chunks are.

        Metadata that cannot be stored are told of, and those of the last state stand in their
        place: what was measured is not lost over them.

        Parameters
        ----------
        length : int
            Of the first dimension.
        written : ndarray of bool or None
            What was written; ``None`` for all.
        growing : bool
            Whether more is to come.
        """
        error: HspyError | None = None
        try:
            encoded, signal = self._encoded(self.signal, length, written, growing)
            if encoded.problems:
                outcome = _FIRST if self._sound is None else _OUTCOME
                raise UnsupportedTypeError(encoded.problems, outcome=outcome)
        except HspyError as caught:
            if self._sound is None:
                raise
            error = caught
            if not isinstance(error, UnsupportedTypeError):
                error.message = f"{error.message}. {_OUTCOME}"
            encoded, signal = self._encoded(self._sound, length, written, growing)
        self._sound = signal
        root = plan(Group({}, dict(encoded.experiments)), _PLAIN)
        check_filters(root)
        group = root.members[self.group]
        assert isinstance(group, Group)
        return group, error

    def _encoded(
        self, given: Signal, length: int, written: NDArray[np.bool_] | None, growing: bool
    ) -> tuple[EncodedFile, Signal]:
        signal = _copied(given)
        shape = (length, *self.layout.shape[1:])
        signal.data = np.broadcast_to(self.layout.fill, shape)
        first = signal.axes[0]
        if isinstance(first, UniformAxis):
            first.size = length
        tree = signal.metadata
        if tree.has_item(names.STREAM):
            tree.remove_item(names.STREAM)
        if growing:
            tree.set_item(f"{names.STREAM}.{names.GROWING}", True)
        if written is not None:
            tree.set_item(f"{names.STREAM}.{names.WRITTEN}", written)
        signal.check_axes()
        stored = StoredData(self.layout.node(length, None), None, NO_HINT, {})
        return encode_file([signal], group_names=[self.group], stored=[stored]), signal

    def steps(
        self, experiment: Group, length: int, address: int | None, put: Put | None = None
    ) -> list[Step]:
        """What the transaction is to do, when it is known where the tree of chunks is.

        Or, for a new file, what writes it: then nothing is kept that a switch could keep.
        """
        where = f"/{names.EXPERIMENTS}/{self.group}"
        whole = _with_data(experiment, self.layout, length, address, put)
        members: dict[str, Member] = dict(whole.members)
        if self._previous is not None and put is None:
            before = self._previous.members
            for name, node in whole.members.items():
                if name != names.DATA:
                    members[name] = thinned(node, before.get(name), f"{where}/{name}")
        experiments: dict[str, Group | Kept] = {
            name: Kept(f"/{names.EXPERIMENTS}/{name}") for name in self._neighbours.experiments
        }
        experiments[self.group] = replace(whole, members=members)
        own = {*whole.members, *self._neighbours.members}
        return [
            _root(experiments),
            Rest("/", but=(names.EXPERIMENTS,)),
            Rest(f"/{names.EXPERIMENTS}", but=tuple(experiments)),
            Rest(where, but=own),
        ]

    @property
    def last(self) -> Group | None:
        """The experiment of the last state that is in the file."""
        return self._previous

    def stand(self, experiment: Group) -> None:
        """Note that a state is in the file: what it has in common with the next one stays."""
        self._previous = experiment


def whole_file(states: States, experiment: Group, length: int) -> Group:
    """The tree of a new file, in its first state: without any chunk."""
    return _root({states.group: _with_data(experiment, states.layout, length, None)})


def _with_data(
    group: Group, layout: StreamLayout, length: int, address: int | None, put: Put | None = None
) -> Group:
    members: dict[str, Any] = {**group.members, names.DATA: layout.node(length, address, put)}
    return replace(group, members=members)


def _root(experiments: Mapping[str, Group | Kept]) -> Group:
    base = EncodedFile({}, {}, ()).root()
    held = Group({}, experiments, ordered=True)
    attributes: dict[str, Attribute] = dict(base.attributes)  # type: ignore[arg-type]
    return Group(attributes, {names.EXPERIMENTS: held})


def _copied(signal: Signal) -> Signal:
    """A copy of what another thread may be changing: a dict that does so under way is told."""
    for _ in range(_TRIES):
        try:
            return signal.copy()
        except RuntimeError:
            continue
    return signal.copy()
