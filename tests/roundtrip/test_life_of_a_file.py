"""A file that is changed again and again: all of it reads as it was meant after every change."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

import hspyio
from hspyio import Signal
from hspyio.compare import signal_differences
from hspyio.testing import signals, values

OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "compression": st.sampled_from([None, "gzip", "lzf"]),
        "shuffle": st.booleans(),
        "chunks": st.sampled_from([None, True]),
        "checksum": st.booleans(),
        "threads": st.sampled_from([1, 2]),
    },
)
NEXUS = st.booleans()
TITLES = st.one_of(
    st.sampled_from(["", "map", "map/2", "ä", ".", "__unnamed__"]), st.text(max_size=4)
)


class LifeOfAFile(RuleBasedStateMachine):
    """What the file should hold, by the names of its groups, beside what it does hold."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "life.hspy"
        self.held: dict[str, Signal] = {}
        self.foreign: dict[str, int] = {}

    def teardown(self) -> None:
        self.folder.cleanup()

    # what is there

    def names(self) -> list[str]:
        with hspyio.open(self.path) as experiments:
            return list(experiments)

    def loaded(self, name: str) -> Signal:
        return hspyio.load(self.path, name=name)

    def drawn(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(list(self.held)))

    @contextmanager
    def refused(self) -> Iterator[list[hspyio.HspyError]]:
        """A change that may be refused, and then has changed nothing."""
        before, told = self.path.read_bytes(), []
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", hspyio.HspyWarning)  # of what NeXus cannot show
                yield told
        except hspyio.HspyError as error:
            told.append(error)
        assert not told or self.path.read_bytes() == before, told

    # what is done

    @initialize(first=st.lists(signals(), min_size=1, max_size=2), options=OPTIONS)
    def save(self, first: list[Signal], options: dict[str, Any]) -> None:
        hspyio.save(self.path, first, durable=False, **options)
        self.held = dict(zip(self.names(), first, strict=True))

    @rule(signal=signals(), options=OPTIONS, nexus=NEXUS)
    def append(self, signal: Signal, options: dict[str, Any], nexus: bool) -> None:
        with self.refused() as told:
            hspyio.append(self.path, signal, durable=False, nexus=nexus, **options)
        if not told:
            (new,) = [name for name in self.names() if name not in self.held]
            self.held[new] = signal

    @rule(data=st.data(), title=TITLES)
    def rename(self, data: st.DataObject, title: str) -> None:
        self.update(data, lambda signal: signal.metadata.set_item("General.title", title))

    @rule(data=st.data(), key=st.sampled_from(["Sample.a", "Signal.b", "c"]), value=values())
    def note(self, data: st.DataObject, key: str, value: Any) -> None:
        self.update(data, lambda signal: signal.original_metadata.set_item(key, value))

    @rule(data=st.data(), scale=st.floats(0.1, 10))
    def calibrate(self, data: st.DataObject, scale: float) -> None:
        def change(signal: Signal) -> None:
            for axis in signal.axes:
                if isinstance(axis, hspyio.UniformAxis):
                    axis.scale = scale

        self.update(data, change)

    @rule(data=st.data(), other=signals())
    def take_metadata_of_another(self, data: st.DataObject, other: Signal) -> None:
        def change(signal: Signal) -> None:
            signal.metadata = other.metadata
            signal.original_metadata = other.original_metadata

        self.update(data, change)

    def update(self, data: st.DataObject, change: Any) -> None:
        name = self.drawn(data)
        signal = self.loaded(name)
        change(signal)
        with self.refused() as told:
            hspyio.update(self.path, signal, name)
        if told:
            return
        names = self.names()
        (new,) = [n for n in names if n not in self.held or n == name]
        self.held = {new if n == name else n: s for n, s in self.held.items()}
        self.held[new] = signal

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        assume(len(self.held) > 1)
        name = self.drawn(data)
        hspyio.remove(self.path, name)
        del self.held[name]

    @rule(options=OPTIONS)
    def repack(self, options: dict[str, Any]) -> None:
        new = self.path.with_suffix(".new.hspy")
        with self.refused() as told:
            hspyio.repack(self.path, new, durable=False, **options)
        if not told:
            os.replace(new, self.path)

    @rule(data=st.data())
    def extract(self, data: st.DataObject) -> None:
        name = self.drawn(data)
        new = self.path.with_suffix(".new.hspy")
        hspyio.extract(self.path, name, new, durable=False)
        (found,) = [*hspyio.open(new)]
        assert found == name
        assert not signal_differences(self.held[name], hspyio.load(new))
        new.unlink()

    @rule()
    def annotate(self) -> None:
        with self.refused():
            hspyio.add_nexus(self.path)

    @rule(number=st.integers(0, 99))
    def put_something_foreign(self, number: int) -> None:
        with h5py.File(self.path, "r+") as file:
            group = file.require_group("mine")
            if str(number) not in group:
                group[str(number)] = np.arange(number)
        self.foreign[str(number)] = number

    # what has to be so

    @precondition(lambda self: self.held)
    @invariant()
    def all_is_there(self) -> None:
        assert self.names() == list(self.held)
        for name, signal in self.held.items():
            found = signal_differences(signal, self.loaded(name))
            assert not found, (name, found)
        verified = hspyio.verify(self.path)
        assert verified.ok, verified
        with h5py.File(self.path) as file:
            there = {key: value[()].size for key, value in file.get("mine", {}).items()}
        assert there == self.foreign


TestLifeOfAFile = LifeOfAFile.TestCase
TestLifeOfAFile.settings = settings(stateful_step_count=10, max_examples=30)
