"""Seals: what tells whether a part of a file is still what it was when it was saved.

A seal is one dataset of bytes, `hspyio.names.SEAL`, on the group of an experiment; other readers
ignore it. In it stand, all numbers little-endian:

=======  ==========================================================================
bytes    what
=======  ==========================================================================
8        ``HSPYSEAL``
4        version of this form, 1
4        length of the next field
n        JSON: ``trees``: name of a part -> digest of what it holds (BLAKE2b, 128 bits);
         ``arrays``: a list of ``[path, kind, step, head, count]``, see `ArraySums`;
         ``listed``: whether the root has a list of experiments and models
4 each   the CRC-32 of every unit of every array, in the order of the list
16       BLAKE2b of all before
=======  ==========================================================================

The last field stands in an attribute of the same name too, so that a seal that is lost is missed.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

import numpy as np

from hspyio import names
from hspyio.arrays.workers import Workers
from hspyio.errors import DamagedFileError, Problem
from hspyio.hdf5.dataset import passing
from hspyio.integrity.checksums import ArraySums, Fault, faults_of, sums_of
from hspyio.nodes.digest import tree_digest
from hspyio.nodes.node import Array, Attribute, Damaged, Group
from hspyio.records import record
from hspyio.schema import Contents, contents
from hspyio.schema.listing import list_of
from hspyio.schema.sealed_parts import EXPERIMENT, part_path, sealed_parts

__all__ = [
    "Comparison",
    "NewSeals",
    "NewerSealError",
    "Part",
    "Seal",
    "SealError",
    "array_problems",
    "changed_error",
    "changed_since_sealed",
    "compared",
    "encoded",
    "make_seal",
    "make_seals",
    "sealed_arrays",
    "stored_seal",
    "tree_problems",
]

_MAGIC = b"HSPYSEAL"
_HEAD = struct.Struct("<8sII")
_VERSION = 1
_DIGEST = names.SEAL_MARK
_MOST_NAMED = 20
_MOST_PROBLEMS = 50

Part = Group | Array | Attribute | Damaged
"""What has a digest of its own: a tree, or an array."""


class SealError(ValueError):
    """The seal itself is lost or damaged."""


class NewerSealError(SealError):
    """The seal is of a form that is newer than this program."""


@record
class Seal:
    """What a file held when it was sealed.

    Attributes
    ----------
    trees : mapping of str to str
        Digest of each part, by its name.
    arrays : mapping of str to ArraySums
        Checksums of the arrays, by path: the part, then the path in it.
    listed : bool
        Whether the file has a list of what is in it, too.
    """

    trees: Mapping[str, str] = field(default_factory=dict)
    arrays: Mapping[str, ArraySums] = field(default_factory=dict)
    listed: bool = False


# making


@record
class NewSeals:
    """What is to be stored when all else is in a file.

    Attributes
    ----------
    contents : mapping of str to bytes
        By the names of the experiments' groups.
    missing_list : Attribute or None
        The list of what is in the file, where it has none yet.
    """

    contents: Mapping[str, bytes]
    missing_list: Attribute | None


def make_seals(
    root: Group, kept: Mapping[str, Mapping[str, ArraySums]], workers: Workers
) -> NewSeals:
    """Seal experiments of a file that is being written, and read back, by their groups' names.

    What is `kept` came from a sealed file byte for byte, and is not read again.
    """
    found = contents(root)
    made = {
        name: encoded(make_seal(sealed_parts(found, name), workers, known))
        for name, known in kept.items()
    }
    return NewSeals(made, None if found.listed else list_of(found.experiments, found.models))


def make_seal(
    parts: Mapping[str, Part], workers: Workers, kept: Mapping[str, ArraySums] | None = None
) -> Seal:
    """Read parts of a file and make their seal; not those kept from a sealed file byte for byte.

    If these were damaged before, that is found out later.
    """
    known = kept or {}
    trees: dict[str, str] = {}
    arrays: dict[str, ArraySums] = {}
    for name, part in parts.items():
        found = tree_digest(part, passing)
        trees[name] = found.digest
        for path, array in found.arrays.items():
            where = _joined(name, path)
            arrays[where] = known.get(where) or sums_of(array, workers)
    return Seal(trees, arrays, listed=True)


def _joined(part: str, path: str) -> str:
    return f"{part}/{path}" if path else part


def encoded(seal: Seal) -> bytes:
    """What is stored of a seal."""
    listed = [[path, s.kind, s.step, s.head, len(s.sums)] for path, s in seal.arrays.items()]
    head = {"trees": dict(seal.trees), "arrays": listed, "listed": seal.listed}
    text = json.dumps(head, separators=(",", ":")).encode()
    sums = [array.sums.astype("<u4").tobytes() for array in seal.arrays.values()]
    content = b"".join([_HEAD.pack(_MAGIC, _VERSION, len(text)), text, *sums])
    return content + _digest(content)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST).digest()


# reading


def stored_seal(group: Group) -> Seal | None:
    """The seal of an experiment, `None` if it was saved without one; `SealError` if it is lost."""
    node, mark = group.members.get(names.SEAL), group.attributes.get(names.SEAL)
    if node is None and mark is None:
        return None
    if not isinstance(node, Array):
        raise SealError("is lost" if node is None else "cannot be read")
    try:
        content = np.asarray(node.source.read()).tobytes()
    except (OSError, RuntimeError, ValueError) as error:
        raise SealError(f"cannot be read: {error}") from None
    if mark is not None and not _is_mark_of(mark, content):
        raise SealError("is damaged, or another one")
    return _decoded(content)


def _is_mark_of(mark: object, content: bytes) -> bool:
    value = mark.value if isinstance(mark, Attribute) else b""
    return not isinstance(value, bytes) and value.tobytes() == content[-_DIGEST:]


def _decoded(content: bytes) -> Seal:
    body = content[:-_DIGEST]
    if len(content) < _HEAD.size + _DIGEST or _digest(body) != content[-_DIGEST:]:
        raise SealError("is damaged")
    magic, version, length = _HEAD.unpack_from(body)
    if magic != _MAGIC or version > _VERSION:
        raise NewerSealError("was made by a newer hspyio and is not checked; update hspyio")
    try:
        head = json.loads(body[_HEAD.size : _HEAD.size + length])
        sums = np.frombuffer(body[_HEAD.size + length :], "<u4").astype(np.uint32)
        ends = np.cumsum([0, *(entry[4] for entry in head["arrays"])])
        arrays = {
            str(path): ArraySums(str(kind), int(step), str(digest), sums[low : low + count])
            for (path, kind, step, digest, count), low in zip(head["arrays"], ends, strict=False)
        }
        trees = {str(k): str(v) for k, v in head["trees"].items()}
        return Seal(trees, arrays, bool(head.get("listed", False)))
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise SealError(f"makes no sense: {error}") from None


# checking


def tree_problems(
    parts: Mapping[str, Part], seal: Seal, skip: Callable[[str], bool] = lambda name: False
) -> tuple[list[Problem], dict[str, tuple[Array, ArraySums]]]:
    """Which parts of a file differ from their seal, and the larger arrays, not yet compared."""
    problems: list[Problem] = []
    arrays: dict[str, tuple[Array, ArraySums]] = {}
    for name in dict.fromkeys([*seal.trees, *parts]):
        if skip(name):
            continue
        if name not in parts:
            problems.append(Problem(name, "was sealed, and is gone"))
        elif name not in seal.trees:
            problems.append(Problem(name, "was added after the file was sealed"))
        else:
            found = tree_digest(parts[name], passing)
            if found.digest != seal.trees[name]:
                problems.append(Problem(name, _changed(parts[name])))
            for path, array in found.arrays.items():
                where = _joined(name, path)
                if where in seal.arrays:
                    arrays[where] = (array, seal.arrays[where])
    return problems, arrays


def _changed(part: Part) -> str:
    if isinstance(part, Damaged):
        return part.reason
    return "is not what was sealed" if isinstance(part, Group) else "has another type or shape"


def array_problems(
    arrays: Mapping[str, tuple[Array, ArraySums]], workers: Workers
) -> list[Problem]:
    """Compare arrays with their seal, byte for byte: chunks that differ, up to 20 an array."""
    problems: list[Problem] = []
    for path, (array, known) in arrays.items():
        faults = faults_of(array, known, workers)
        problems += [Problem(path, text) for text in _named(faults)]
    return problems


def _named(faults: list[Fault]) -> list[str]:
    texts = list(map(str, faults[:_MOST_NAMED]))
    more = len(faults) - _MOST_NAMED
    return [*texts, f"and {more} more of its chunks"] if more > 0 else texts


# experiments and their seals


def sealed_arrays(file: Contents, name: str) -> dict[str, ArraySums] | None:
    """Checksums of the arrays of an experiment, by path; ``None`` if it is not sealed.

    Raises
    ------
    DamagedFileError
        If its seal is lost, damaged, or newer than this program.
    """
    try:
        seal = stored_seal(file.experiments[name])
    except SealError as error:
        where = part_path(name, names.SEAL)
        raise DamagedFileError(f"the seal {error}", where=where) from None
    return None if seal is None else dict(seal.arrays)


@record
class Comparison:
    """An experiment and its seal.

    Attributes
    ----------
    sealed : bool
        Whether it has one, be it lost or damaged.
    problems : list of Problem
        What differs, values of larger arrays aside.
    arrays : dict of str to (Array, ArraySums)
        Arrays that are yet to be compared, by path in the experiment.
    """

    sealed: bool
    problems: list[Problem]
    arrays: dict[str, tuple[Array, ArraySums]]


def compared(
    file: Contents, name: str, skip: Callable[[str], bool] = lambda part: False
) -> Comparison:
    """Compare an experiment with its seal, values of larger arrays aside.

    Parameters
    ----------
    file : Contents
        The file.
    name : str
        Name of the experiment's group.
    skip : callable
        Whether a part, given by its name, is not read at all.

    Raises
    ------
    NewerSealError
        If the seal is of a form that is newer than this program.
    """
    try:
        seal = stored_seal(file.experiments[name])
    except NewerSealError:
        raise
    except SealError as error:
        return Comparison(True, [Problem(part_path(name, names.SEAL), f"the seal {error}")], {})
    if seal is None:
        return Comparison(False, [], {})
    problems, arrays = tree_problems(sealed_parts(file, name), seal, skip)
    if seal.listed and not file.listed:
        problems.append(Problem(EXPERIMENT, "the list of what was in the file is gone"))
    return Comparison(True, [_placed(name, problem) for problem in problems], arrays)


def changed_since_sealed(
    file: Contents,
    name: str,
    workers: Workers,
    *,
    skip: Callable[[str], bool] = lambda part: False,
    stays: Callable[[str, Array], bool] = lambda path, array: False,
) -> list[Problem]:
    """Compare what is read of an experiment with its seal.

    Parameters
    ----------
    file : Contents
        The file.
    name : str
        Name of the experiment's group.
    workers : Workers
        Threads, and who is told of the progress.
    skip : callable
        Whether a part, given by its name, is not read at all.
    stays : callable
        Whether an array, given by its path and itself, stays in the file for now.

    Returns
    -------
    list of Problem
        What differs; nothing if it is as it was, or was saved without a seal.

    Raises
    ------
    NewerSealError
        If the seal is of a form that is newer than this program.
    FilterError
        If a filter is not available here.
    """
    found = compared(file, name, skip)
    wanted = {path: pair for path, pair in found.arrays.items() if not stays(path, pair[0])}
    changed = [_placed(name, problem) for problem in array_problems(wanted, workers)]
    return [*found.problems, *changed]


def _placed(name: str, problem: Problem) -> Problem:
    if problem.where == EXPERIMENT:
        return Problem(part_path(name, EXPERIMENT), f"its {EXPERIMENT}: {problem.message}")
    return Problem(part_path(name, problem.where), problem.message)


def changed_error(path: str, name: str, problems: Sequence[Problem]) -> DamagedFileError:
    """What is raised for an experiment that is not what was sealed.

    Parameters
    ----------
    path : str
        The file.
    name : str
        Name of the experiment's group.
    problems : sequence of Problem
        What differs.
    """
    lines = [f"\n  {problem}" for problem in problems[:_MOST_PROBLEMS]]
    if len(problems) > _MOST_PROBLEMS:
        lines.append(f"\n  ... and {len(problems) - _MOST_PROBLEMS} more")
    return DamagedFileError(
        "is not what was saved with checksum=True:"
        + "".join(lines)
        + "\nEither the file is damaged, or a program that does not know the seal has changed it. "
        "errors='warn' reads it all the same; what proves to be right can then be saved and "
        "sealed anew.",
        path=path,
        where=part_path(name, EXPERIMENT),
    )
