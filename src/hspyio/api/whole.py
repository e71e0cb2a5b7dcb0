"""Whether a file may be changed: what cannot be read would be gone for good afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from hspyio import names
from hspyio.api.open_file import OpenFile
from hspyio.converters import CONVERTERS
from hspyio.converters.decoder import DecodePolicy, Decoder
from hspyio.converters.type_hints import Hint
from hspyio.errors import RESCUE, DamagedFileError, Problem, one_or_many
from hspyio.nodes.node import Damaged, Group
from hspyio.schema import Contents, experiment_hint, is_own_member
from hspyio.transaction.unchanged import Member

__all__ = ["check_gone", "check_inside", "check_kept", "check_read", "check_whole"]

_MOST_LEVELS = 1000
_DATA = (names.DATA, names.RAGGED_SHAPES + names.DATA, names.RAGGED_SHAPES_3_1)


def check_kept(file: OpenFile, replaced: str | None = None) -> None:
    """Refuse to change a file of whose groups one cannot be read: it might be taken for absent.

    What stands inside the trees of experiments that stay is not looked at: it stays as it is.
    Of the one that is replaced, or goes, everything is.
    """
    lost = [*_lost(file.contents.problems), *_own_parts(file.contents)]
    _refuse(file.path, [*lost, *_inside_of(file.contents, replaced)])


def check_inside(file: OpenFile, experiments: Iterable[str]) -> None:
    """Refuse to copy experiments of which anything cannot be read, the values of arrays aside."""
    _refuse(file.path, [one for name in experiments for one in _inside_of(file.contents, name)])


def check_whole(file: OpenFile, root: Group) -> None:
    """Refuse to write a file anew of which anything cannot be read, the values of arrays aside."""
    _refuse(file.path, [*_lost(file.contents.problems), *_inside(root)])


def check_read(problems: Iterable[Problem], path: str) -> None:
    """Refuse to write anew what was not read whole."""
    _refuse(path, _lost(problems))


def check_gone(
    file: OpenFile, experiment: str, planned: Group, models: Mapping[str, Member]
) -> None:
    """Refuse to leave out of an experiment what cannot be read: no signal can have had it.

    What is there under the same name is replaced on purpose.
    """
    stored = file.contents.experiments[experiment]
    where = f"/{names.EXPERIMENTS}/{experiment}"
    hint, problems = experiment_hint(stored, where)
    side_arrays = stored.members.get(names.MASKS)
    decoder = Decoder(CONVERTERS, _GONE, side_arrays if isinstance(side_arrays, Group) else None)
    trees = {
        name: node
        for name, node in stored.members.items()
        if is_own_member(name) and name not in (names.MASKS, names.SEAL)
    }
    own = Group({}, file.contents.models_of(experiment))
    pending: list[tuple[Group, object, str, Hint]] = [
        (Group({}, trees), planned, where, hint),
        (own, Group({}, models), f"/{names.ANALYSIS}/{names.MODELS}", hint.child(names.MODELS)),
    ]
    while pending:
        old, new, above, known = pending.pop()
        if not isinstance(new, Group):
            continue
        decoder.pairs(_without(old, new), above, replace(known, order=None))
        pending += [
            (node, new.members.get(name), f"{above}/{name}", known.child(name))
            for name, node in old.members.items()
            if isinstance(node, Group)
        ]
    _refuse(file.path, _lost([*problems, *decoder.problems]))


def _without(old: Group, new: Group) -> Group:
    """What a new group has not got."""
    there = {*new.attributes, *new.members}
    return Group(
        {name: node for name, node in old.attributes.items() if name not in there},
        {name: node for name, node in old.members.items() if name not in there},
    )


_GONE = DecodePolicy(
    exact=True,
    fetch=lambda array, where: array.source.read(),
    fetch_data=lambda array, where: array.source.read(),
    finish=lambda parts: parts,
)


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
