"""Seal the experiments of a file, and check them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from hspyio import names
from hspyio.arrays.workers import Work
from hspyio.errors import DamagedFileError, Problem
from hspyio.integrity.checksums import ArraySums
from hspyio.integrity.seal import (
    NewerSealError,
    SealError,
    array_problems,
    make_seal,
    reading_back,
    stored_seal,
    tree_problems,
    write_seal,
)
from hspyio.nodes.node import Array
from hspyio.records import record
from hspyio.schema import Contents, contents
from hspyio.schema.listing import list_of
from hspyio.schema.sealed_parts import EXPERIMENT, part_path, sealed_parts

if TYPE_CHECKING:
    import h5py

__all__ = [
    "Comparison",
    "NewerSealError",
    "changed_error",
    "changed_since_sealed",
    "compared",
    "seal_experiments",
    "sealed_arrays",
]

_MOST_PROBLEMS = 50


def seal_experiments(
    root: h5py.Group, descriptor: int, kept: Mapping[str, Mapping[str, ArraySums]], work: Work
) -> None:
    """Seal experiments of a file that is being written; the last step of writing it.

    Parameters
    ----------
    root : h5py.Group
        The file, or the group that is going to be its root; all arrays are in it.
    descriptor : int
        The same file, open for reading; it stays open.
    kept : mapping
        The experiments to be sealed, by the names of their groups. For each one the checksums of
        arrays that came from a sealed file byte for byte, by path: from `sealed_arrays`. They
        are not read again.
    work : Work
        Threads, and who is told of the progress.

    Raises
    ------
    DamagedFileError, OSError
        If something cannot be read back.
    """
    with reading_back(root, descriptor) as node:
        found = contents(node)
        if not found.listed:  # one that was sealed before there were lists
            made_list = list_of(found.experiments, found.models)
            root.attrs[names.SEAL] = made_list.value
        made = {
            name: make_seal(sealed_parts(found, name), work, known) for name, known in kept.items()
        }
    for name, seal in made.items():
        write_seal(root[f"{names.EXPERIMENTS}/{name}"], seal)


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
    work: Work,
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
    work : Work
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
    changed = [_placed(name, problem) for problem in array_problems(wanted, work)]
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
