"""Rescue files: write all that can be saved of a damaged or truncated file, and name the rest."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio import names
from hspyio.api.arguments import path_of_file, path_to_save
from hspyio.api.examining.reports import DamagedArray, DamagedPart, Rescue, RescuedSignal
from hspyio.api.loading.experiments import read_signal
from hspyio.api.loading.open_file import OpenFile, store_at
from hspyio.api.progress import working
from hspyio.api.sandbox import isolated_result
from hspyio.api.saving.save import write_new
from hspyio.arrays.lazy import from_source
from hspyio.arrays.workers import Workers
from hspyio.errors import DamagedFileError, HspyError, NotHspyError, OptionError, Problem
from hspyio.forks import derived
from hspyio.integrity.checksums import CHANGED, STORED, ArraySums, faults_of
from hspyio.integrity.seal import NewerSealError, compared
from hspyio.model.signal import Signal
from hspyio.nodes.node import Array, Damaged, Group, MemorySource
from hspyio.options import ReadOptions, WriteOptions
from hspyio.recovery.damaged_file import BY_ADDRESS, DamagedFile, open_damaged
from hspyio.recovery.losses import Losses, doubts
from hspyio.recovery.orphans import Pieced, pieced, stored_size
from hspyio.recovery.scan import Search, search_objects
from hspyio.recovery.sources import SalvagedRows, SalvagedSource, StandIns
from hspyio.rules.contents import is_marker
from hspyio.schema import Contents, contents, encode_file
from hspyio.schema.migrations import parse_version
from hspyio.schema.policy import HSPY
from hspyio.schema.sealed_parts import EXPERIMENT, part_path
from hspyio.system.calls import are_same_file
from hspyio.system.refusals import named_errors
from hspyio.transaction.replace import check_target

if TYPE_CHECKING:
    from hspyio.recovery.losses import Region

__all__ = ["rescue", "rescued"]

_STREAMED = 64 * 2**20
"""Bytes of an array above which it is read while it is written."""
_MOST_EMPTY = 2**40
_UNKNOWN_VERSION = "3.1"
"""Taken where the root is lost: all that later versions changed is told by what stands there."""
_RECOVERED = "recovered"
_FILLED = "; now 0"
_FLAT = "; its items are flat now"
_SHAPES = (names.RAGGED_SHAPES + names.DATA, names.RAGGED_SHAPES_3_1)
_KEPT = "; kept as it is"
_FOUND = (
    "nothing leads to it any more: it may be an older state, or have been removed before; found "
    "by a search"
)


def rescue(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    isolated: bool = False,
    threads: int | None = None,
    progress: bool | None = None,
) -> Rescue:
    """Write all that can be saved of a damaged or truncated file into a new one.

    What is lost of an array is 0 in the new file; other things that are lost are left out. Both
    are named in the report. Parts that nothing in the file leads to any more are searched for.
    Damage that still makes sense is found where the file was saved with ``checksum=True`` only;
    blocks of zeros in data that nothing checks are named as doubtful.

    Parameters
    ----------
    source : path-like
        The damaged file; it is not changed.
    target : path-like
        The new file, of format 3.3.
    overwrite : bool
        Whether a target that exists is replaced.
    isolated : bool
        See `hspyio.load`.
    threads : int, optional
        See `hspyio.save`.
    progress : bool, optional
        Whether to show a progress bar where it takes over a second; by default in a terminal
        or a notebook only.

    Returns
    -------
    Rescue
        Print it; ``.ok`` says whether everything came back.

    Raises
    ------
    MissingFileError
        If there is no such file.
    DamagedFileError, NotHspyError
        If nothing could be read; no target is written then.
    TargetExistsError
        If the target exists and `overwrite` is off.
    OptionError
        If source and target are the same file.
    SaveError
        If writing fails.

    Notes
    -----
    Specification: "Format description".

    Examples
    --------
    >>> hspyio.rescue("broken.hspy", "saved.hspy")  # doctest: +SKIP
    saved.hspy: not everything came back of broken.hspy
      map: came back in part
      /Experiments/map/data: 0.5 % of its values are damaged
        [22:44, 0:22, :] cannot be read: its bytes end at 71303168, the file before that; now 0
        intact: [0:22, :, :]
    """
    call = "rescue(source, target)"
    old = path_of_file(source, call, "source")
    if store_at(old) is not None:
        raise NotHspyError(
            "is a store of Zarr's; `hspy verify` says which chunks are lost", path=old
        )
    new = path_to_save(target, call, "target")
    check_target(new, overwrite=overwrite)
    if are_same_file(old, new):
        raise OptionError("cannot be rescued into itself; name another file", path=new)
    with working(threads, progress, f"rescuing {os.path.basename(old)}") as workers:
        if isolated:
            return Rescue.from_dict(isolated_result("rescue", old, {"target": new}, workers))
        return rescued(old, new, workers, progress=progress)


def rescued(path: str, target: str, workers: Workers, *, progress: bool | None = False) -> Rescue:
    """What `rescue` does in whatever process."""
    losses = Losses()
    with named_errors(path), open_damaged(path, HSPY, losses, Workers(workers.threads)) as file:
        return _Rescuing(path, file, losses, workers).into(target, progress)


@dataclass(slots=True, eq=False, repr=False)
class _DamagedFile(OpenFile):
    """A damaged file while it is read: large arrays are read when they are written."""

    sparse: StandIns = field(default_factory=StandIns)

    def _fetch(self, array: Array, lazy_above: int) -> Any:
        """Beside the data nothing is written block by block but what a file has in chunks."""
        if not _is_large(array):
            return array.source.read()
        return self._streamed(array, mostly_not=False)

    def _fetch_data(self, array: Array, where: str) -> Any:
        if _is_large(array):
            return self._streamed(array, mostly_not=True)
        try:
            return array.source.read()
        except DamagedFileError:
            if not isinstance(array.type, np.dtype):
                raise
            return np.zeros(array.shape, array.type)

    def _streamed(self, array: Array, *, mostly_not: bool) -> Any:
        assert isinstance(array.type, np.dtype)
        standing = self.sparse.stand_in(array, mostly_not=mostly_not)
        if standing is not None:
            return standing
        dims = array.signal_dims or ()
        return from_source(array.source, array.type, array.chunks, "auto", dims)


def _is_large(array: Array) -> bool:
    known = isinstance(array.type, np.dtype) and bool(array.shape)
    return known and math.prod(array.shape) * array.type.itemsize > _STREAMED  # type: ignore[union-attr]


class _Rescuing:
    """One file while it is being rescued."""

    def __init__(self, path: str, file: DamagedFile, losses: Losses, workers: Workers) -> None:
        self._path, self._file, self._losses, self._workers = path, file, losses, workers
        self._root = root = file.root()
        self._problems: dict[Problem, None] = {}
        self._notes: dict[Problem, None] = {}
        self._signals: dict[str, Signal] = {}
        self._top = root
        self._files: dict[str, Contents] = {}
        self._found: set[str] = set()
        self._labels: dict[str, str] = {}
        self._sealed: list[str] = []
        self._unsealed: list[str] = []
        self._sparse = StandIns()

    def into(self, target: str, progress: bool | None) -> Rescue:
        """Read what can be read and write it."""
        if "" in self._root.members:
            self._note([Problem("/", getattr(self._root.members[""], "reason", ""))])
            self._find_root()
        known = self._read_reached()
        if self._problems:
            self._read_found(known)
        if not self._signals:
            raise self._nothing()
        encoded = encode_file(list(self._signals.values()), group_names=list(self._signals))
        self._note(encoded.problems)
        encoded = replace(
            encoded,
            experiments={k: self._sparse.restored(v) for k, v in encoded.experiments.items()},
            models={k: self._sparse.restored(v) for k, v in encoded.models.items()},
        )
        write_new(target, encoded, WriteOptions(threads=self._workers.threads, progress=progress))
        return self._report(target, self._changed())

    def _note(self, problems: Any) -> None:
        self._problems |= dict.fromkeys(problems)

    # reading

    def _read_reached(self) -> dict[str, Group]:
        """Read what the root leads to; the groups of all experiments, readable or not."""
        holder = self._top.members.get(names.EXPERIMENTS)
        if isinstance(holder, Damaged):
            self._note([Problem(f"/{names.EXPERIMENTS}", holder.reason)])
        for name in holder.members if isinstance(holder, Group) else ():
            member = holder.members[name]  # type: ignore[union-attr]
            if isinstance(member, Damaged):
                self._note([Problem(f"/{names.EXPERIMENTS}/{name}", member.reason)])
        try:
            found = contents(self._top)
        except (NotHspyError, DamagedFileError):
            self._note([Problem("/", "leads to no experiment that can be read")])
            found = None
        self._note_models(found)
        known: dict[str, Group] = {}
        if isinstance(holder, Group):
            known = {k: v for k in holder.members if isinstance(v := holder.members[k], Group)}
        if found is not None:
            self._note(found.problems)
            self._read(found)
        return known

    def _note_models(self, found: Contents | None) -> None:
        analysis = self._top.members.get(names.ANALYSIS)
        if isinstance(analysis, Damaged):
            self._note([Problem(f"/{names.ANALYSIS}", analysis.reason)])
        elif isinstance(analysis, Group):
            holder = f"/{names.ANALYSIS}"
            for where, group in ((holder, analysis), (f"{holder}/{names.MODELS}", None)):
                node = group or analysis.members.get(names.MODELS)
                for name in node.members if isinstance(node, Group) else ():
                    member = node.members[name]  # type: ignore[union-attr]
                    if isinstance(member, Damaged):
                        self._note([Problem(f"{where}/{name}", member.reason)])
        for name in found.standalone_models if found is not None else ():
            text = "is a model of an experiment that is not there, and is left out"
            self._note([Problem(f"/{names.ANALYSIS}/{names.MODELS}/{name}", text)])

    def _read(self, found: Contents) -> None:
        mended = replace(
            found,
            experiments={
                name: self._with_data(name, group) for name, group in found.experiments.items()
            },
            problems=(),
        )
        for name in mended.experiments:
            try:
                signal = self._signals[name] = self._signal(mended, name)
            except HspyError as error:
                self._note([Problem(error.where or f"/{names.EXPERIMENTS}/{name}", error.message)])
                continue
            self._files[name] = mended
            made_up = _demands_met(signal, f"/{names.EXPERIMENTS}/{name}")
            self._notes |= dict.fromkeys(made_up)

    def _signal(self, found: Contents, name: str) -> Signal:
        """An experiment; its ragged items are flat where the shapes of them are damaged."""
        file = self._opened(found)
        try:
            signal = read_signal(file, name)
        except HspyError as error:
            group = found.experiments[name]
            shapes = [key for key in _SHAPES if isinstance(group.members.get(key), Array)]
            if not shapes:
                raise
            lost = dict.fromkeys(shapes, Damaged(f"{error.message}{_FLAT}"))
            self._note(
                Problem(f"/{names.EXPERIMENTS}/{name}/{key}", lost[key].reason) for key in lost
            )
            flat = Group(group.attributes, {**group.members, **lost}, group.ordered)
            return self._signal(replace(found, experiments={name: flat}), name)
        self._note(file.problems)
        return signal

    def _opened(self, found: Contents) -> _DamagedFile:
        options = ReadOptions(errors="warn", check=False)
        return _DamagedFile(
            self._path, found, options, [], self._workers, self._file, sparse=self._sparse
        )

    def _with_data(self, name: str, group: Group) -> Group:
        """The experiment, with data of the size that its axes tell where its own are lost."""
        data = group.members.get(names.DATA)
        if isinstance(data, Array):
            return group
        reason = data.reason if isinstance(data, Damaged) else "is lost"
        shape = tuple(_sizes(group))
        if math.prod(shape) > _MOST_EMPTY:
            shape = ()
        text = "; in their place is 0 everywhere, in the size that the axes tell"
        self._note([Problem(f"/{names.EXPERIMENTS}/{name}/{names.DATA}", f"{reason}{text}")])
        empty = np.broadcast_to(np.uint8(0), shape or (1,))
        members = {key: group.members[key] for key in group.members if key != names.DATA}
        members[names.DATA] = Array(empty.dtype, MemorySource(empty))
        return Group(group.attributes, members, group.ordered)

    @derived
    def _search(self) -> Search:
        """What is in the file, whatever leads to it."""
        return search_objects(self._file.content, self._workers)

    def _find_root(self) -> None:
        """Take what looks like a root for it: the last one, as updates add new ones."""
        for address in sorted(self._search.objects, reverse=True):
            if any(name == names.EXPERIMENTS for name, _ in self._search.objects[address].links):
                node = self._at(address)
                if isinstance(node, Group) and names.EXPERIMENTS in node.members:
                    self._labels[f"{BY_ADDRESS}{address}"] = ""
                    self._top = node
                    return

    def _read_found(self, known: dict[str, Group]) -> None:
        """Search the file for what nothing leads to, and read that."""
        for piece in pieced(self._search, self._losses.reached, known, self._at):
            name = self._name_of(piece, known)
            self._found.add(name)
            where = f"/{names.EXPERIMENTS}/{name}"
            prefix = f"{BY_ADDRESS}{piece.address}"
            self._labels[prefix] = where
            for member, address in piece.found.items():
                self._labels[f"{BY_ADDRESS}{address}"] = f"{where}/{member}"
            listed = f", in parts ({', '.join(list(piece.found)[:20])})" if piece.found else ""
            self._notes[Problem(where, f"{_FOUND}{listed}")] = None
            group = self._with_data(name, piece.group)
            self._read(
                Contents(
                    version=parse_version(_UNKNOWN_VERSION) or (),
                    declared=_UNKNOWN_VERSION,
                    experiments={name: group},
                    models={},
                    attributes=Group(),
                    problems=(),
                )
            )
            if name in self._signals and not self._signals[name].title and name != piece.name:
                self._signals[name].title = name

    def _name_of(self, piece: Pieced, known: dict[str, Group]) -> str:
        """The name of its group, where it is known and free; else a new one."""
        if piece.name and (piece.name not in self._signals or piece.name in known):
            return piece.name
        number = 1
        while f"{_RECOVERED} {number}" in self._signals:
            number += 1
        return f"{_RECOVERED} {number}"

    def _at(self, address: int) -> Group | Array | Damaged:
        return self._file.at(address)

    def _nothing(self) -> HspyError:
        with open(self._path, "rb") as stream:
            known = b"\x89HDF" in stream.read(8) or self._losses.reached
        lines = "".join(f"\n  {problem}" for problem in self._problems)
        if known:
            return DamagedFileError(f"nothing in it can be rescued:{lines}", path=self._path)
        return NotHspyError(f"is no HDF5 file, nor holds parts of one:{lines}", path=self._path)

    # comparing with the seals

    def _changed(self) -> dict[str, list[DamagedPart]]:
        """What differs from the seals, of arrays by path; other parts are noted."""
        changed: dict[str, list[DamagedPart]] = {}
        for name, found in self._files.items():
            try:
                comparison = compared(found, name)
            except NewerSealError as error:
                self._notes[Problem(part_path(name, EXPERIMENT), f"the seal {error}")] = None
                continue
            (self._sealed if comparison.sealed else self._unsealed).append(name)
            self._note(comparison.problems)
            for path, (array, sums) in comparison.arrays.items():
                where = part_path(name, path)
                parts = self._differing(where, array, sums)
                if parts:
                    changed[where] = parts
        return changed

    def _differing(self, where: str, array: Array, known: ArraySums) -> list[DamagedPart]:
        if not isinstance(array.source, SalvagedSource | SalvagedRows):
            return []
        place = array.source.where
        if known.kind == STORED and array.chunks is not None:
            return self._chunks_differing(where, array, array.chunks, known, place)
        if self._losses.lost.get(place):
            return []
        whole = tuple((0, n) for n in array.shape)
        faults = faults_of(array, known, Workers())
        return [DamagedPart(fault.region or whole, f"{fault.message}{_KEPT}") for fault in faults]

    def _chunks_differing(
        self, where: str, array: Array, chunks: tuple[int, ...], known: ArraySums, place: str
    ) -> list[DamagedPart]:
        """Chunks that were read, and are not those that were sealed."""
        found = self._losses.sums.get(place, {})
        grid = tuple(-(-n // step) for n, step in zip(array.shape, chunks, strict=True))
        if len(known.sums) == math.prod(grid):
            pairs = [(number, int(known.sums[number])) for number in sorted(found)]
        elif len(known.sums) == len(found):
            pairs = list(zip(sorted(found), known.sums.tolist(), strict=True))
        else:
            self._notes[Problem(where, "which chunks were sealed cannot be told any more")] = None
            return []
        return [
            DamagedPart(_region(number, grid, chunks, array.shape), f"{CHANGED}{_KEPT}")
            for number, expected in pairs
            if found[number] != expected
        ]

    # the report

    def _report(self, target: str, changed: dict[str, list[DamagedPart]]) -> Rescue:
        self._note_doubts()
        named = {problem.where for problem in self._problems}
        parts: dict[str, list[DamagedPart]] = {}
        for place, lost in self._losses.lost.items():
            where = self._where(place)
            if lost and where not in named:
                parts[where] = [DamagedPart(a, f"{text}{_FILLED}") for a, text in lost.items()]
        for where, more in changed.items():
            parts[where] = parts.get(where, []) + more
        shapes = {self._where(place): shape for place, shape in self._losses.shapes.items()}
        damaged = tuple(
            DamagedArray(where, shapes.get(where, ()), tuple(sorted(found, key=_first)))
            for where, found in parts.items()
        )
        places = [*named, *(array.where for array in damaged)]
        signals = tuple(
            RescuedSignal(name, signal.title, not _concerned(name, places), name in self._found)
            for name, signal in self._signals.items()
        )
        return Rescue(
            path=self._path,
            target=target,
            signals=signals,
            sealed=tuple(self._sealed),
            unsealed=tuple(self._unsealed),
            damaged=damaged,
            problems=tuple(self._problems),
            notes=tuple(self._notes),
        )

    def _note_doubts(self) -> None:
        """Say which arrays were put together without their index, or may be damaged unnoticed."""
        sealed = tuple(f"/{names.EXPERIMENTS}/{name}/" for name in self._sealed)
        for place, text in doubts(self._losses):
            where = self._where(place)
            if not where.startswith(sealed):  # the seal says what is wrong
                self._notes[Problem(where, text)] = None

    def _where(self, place: str) -> str:
        first, slash, rest = place[1:].partition("/")
        start = self._labels.get(first, f"/{first}" if BY_ADDRESS not in first else "")
        return f"{start}{slash}{rest}"


def _concerned(name: str, places: list[str]) -> bool:
    """Whether something that is damaged is of an experiment, or of what may be its models."""
    own = f"/{names.EXPERIMENTS}/{name}"
    return any(where == own or where.startswith((f"{own}/", f"{own}@")) for where in places)


def _first(part: DamagedPart) -> Region:
    return part.region


def _region(
    number: int, grid: tuple[int, ...], chunks: tuple[int, ...], shape: tuple[int, ...]
) -> Region:
    place = np.unravel_index(number, grid)
    return tuple(
        (int(i) * step, min((int(i) + 1) * step, n))
        for i, step, n in zip(place, chunks, shape, strict=True)
    )


def _sizes(group: Group) -> Iterator[int]:
    """Sizes of the axes, as far as they are known one after the other."""
    for i in range(len(group.members)):
        size = stored_size(group.members.get(f"{names.AXIS_PREFIX}{i}"))
        if size is None or size < 1:
            return
        yield size


_MARKERS = "Markers"
_MODEL = "_dict"


def _demands_met(signal: Signal, where: str) -> list[Problem]:
    """Give a signal what readers demand, inside its trees too; else they read nothing of the file.

    What stands in the place of it is put beside it, as are markers that no reader draws.
    """
    return list(_met(signal, where))


def _met(signal: Signal, where: str) -> Iterator[Problem]:
    metadata: dict[str, Any] = signal.metadata
    above = f"{where}/{names.METADATA}"
    yield from _put_aside(metadata, "General", above, Mapping, {})
    yield from _put_aside(metadata.get("General"), "title", f"{above}/General", str, "")
    yield from _without_strange_markers(metadata, above)
    for name, model in signal.models.items():
        place = f"/{names.ANALYSIS}/{names.MODELS}/{name}"
        yield from _put_aside(model.tree, _MODEL, place, Mapping, {})
        if _MODEL not in model.tree:
            model.tree[_MODEL] = {}
            yield Problem(place, f"holds no {_MODEL}, which HyperSpy restores it by; now empty")
    for inner in _signals_in([metadata, signal.original_metadata]):
        yield from _met(inner, where)


def _put_aside(tree: Any, key: str, above: str, kind: type, empty: object) -> Iterator[Problem]:
    if isinstance(tree, MutableMapping) and not isinstance(tree.get(key, empty), kind):
        aside = _free(tree, key)
        tree[aside], tree[key] = tree[key], empty
        yield Problem(f"{above}/{key}", f"is not what readers take there; now called {aside!r}")


def _without_strange_markers(metadata: Any, above: str) -> Iterator[Problem]:
    markers = metadata.get(_MARKERS)
    if not isinstance(markers, Mapping):
        return
    strange = [
        name
        for name, marker in markers.items()
        if isinstance(marker, Mapping) and not is_marker(marker)
    ]
    aside = _free(metadata, _MARKERS)
    if strange:
        metadata[aside] = {name: markers[name] for name in strange}
        metadata[_MARKERS] = {name: markers[name] for name in markers if name not in strange}
    for name in strange:
        yield Problem(
            f"{above}/{_MARKERS}/{name}", f"is no marker that readers take; now in {aside!r}"
        )


def _free(tree: Mapping[str, Any], key: str) -> str:
    return next(name for i in count(1) if (name := f"{key} (recovered {i})") not in tree)


def _signals_in(values: Iterable[Any]) -> Iterator[Signal]:
    for value in values:
        if isinstance(value, Signal):
            yield value
        elif isinstance(value, Mapping):
            yield from _signals_in(value.values())
        elif isinstance(value, (list, tuple)):
            yield from _signals_in(value)
