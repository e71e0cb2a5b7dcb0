"""Whether a file may be changed: what cannot be read would be gone for good afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hspyio import names
from hspyio.api.open_file import OpenFile
from hspyio.errors import RESCUE, DamagedFileError, Problem, one_or_many
from hspyio.nodes.node import Damaged, Group
from hspyio.schema import Contents, is_own_member

__all__ = ["check_inside", "check_kept", "check_read", "check_whole"]

_MOST_LEVELS = 1000
_DATA = (names.DATA, names.RAGGED_SHAPES + names.DATA, names.RAGGED_SHAPES_3_1)


def check_kept(file: OpenFile, replaced: str | None = None) -> None:
    """Refuse to change a file of whose groups one cannot be read: it might be taken for absent.

    What stands inside the trees of experiments that stay is not looked at: it stays as it is.
    Of the one that is replaced, or goes, everything is.

    Raises
    ------
    DamagedFileError
        If there is one.
    """
    lost = [*_lost(file.contents.problems), *_own_parts(file.contents)]
    _refuse(file.path, [*lost, *_inside_of(file.contents, replaced)])


def check_inside(file: OpenFile, experiments: Iterable[str]) -> None:
    """Refuse to copy experiments of which anything cannot be read, the values of arrays aside.

    Raises
    ------
    DamagedFileError
        If there is something.
    """
    _refuse(file.path, [one for name in experiments for one in _inside_of(file.contents, name)])


def check_whole(file: OpenFile, root: Group) -> None:
    """Refuse to write a file anew of which anything cannot be read, the values of arrays aside.

    Raises
    ------
    DamagedFileError
        If there is something.
    """
    _refuse(file.path, [*_lost(file.contents.problems), *_inside(root)])


def check_read(problems: Iterable[Problem], path: str) -> None:
    """Refuse to write anew what was not read whole.

    Raises
    ------
    DamagedFileError
        If something of it was left out.
    """
    _refuse(path, _lost(problems))


def _refuse(path: str, lost: Iterable[Problem]) -> None:
    found = list(dict.fromkeys(lost))
    if found:
        raise DamagedFileError(
            one_or_many("cannot be read, and would be lost", found)
            + f"\nNothing was changed. {RESCUE}, which can then be changed.",
            path=path,
        )


def _lost(problems: Iterable[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.lost]


def _own_parts(file: Contents) -> Iterator[Problem]:
    """Parts of experiments, one level deep."""
    for experiment, group in file.experiments.items():
        where = f"/{names.EXPERIMENTS}/{experiment}"
        for name in group.members:
            if is_own_member(name) or name in _DATA:
                yield from _if_damaged(f"{where}/{name}", group.members[name])
        for name, attribute in group.attributes.items():
            yield from _if_damaged(f"{where}@{name}", attribute)


def _inside_of(file: Contents, experiment: str | None) -> Iterator[Problem]:
    """Everything in an experiment and its models."""
    if experiment is not None and experiment in file.experiments:
        yield from _inside(file.experiments[experiment], f"/{names.EXPERIMENTS}/{experiment}")
        for name, model in file.models_of(experiment).items():
            yield from _inside(model, f"/{names.ANALYSIS}/{names.MODELS}/{name}")


def _inside(root: Group, above: str = "") -> Iterator[Problem]:
    """Everything in a group."""
    pending: list[tuple[str, Group, int]] = [(above, root, 0)]
    while pending:
        where, group, depth = pending.pop()
        for name, attribute in group.attributes.items():
            yield from _if_damaged(f"{where}@{name}", attribute)
        for name, node in group.members.items():
            yield from _if_damaged(f"{where}/{name}", node)
            if isinstance(node, Group) and depth < _MOST_LEVELS:
                pending.append((f"{where}/{name}", node, depth + 1))


def _if_damaged(where: str, node: object) -> Iterator[Problem]:
    if isinstance(node, Damaged) and not node.sound:
        yield Problem(where, node.reason, lost=True)
