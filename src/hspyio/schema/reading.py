"""Where experiments, axes and models stand in a file, and the signals they make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hspyio import names
from hspyio.converters import CONVERTERS
from hspyio.converters.decoder import DecodePolicy, Decoder
from hspyio.converters.kinds import is_own_member, without_nexus
from hspyio.converters.signals import decode_signal
from hspyio.converters.strings import decode_bytes
from hspyio.converters.type_hints import NO_HINT, Hint, loads
from hspyio.errors import RESCUE, DamagedFileError, HspyError, NotHspyError, Problem
from hspyio.model.parts import SignalParts
from hspyio.model.signal import Location, Signal
from hspyio.model.tree import MetadataTree
from hspyio.nodes.node import Attribute, Damaged, Group
from hspyio.records import record
from hspyio.schema.fitting import fitting_axes
from hspyio.schema.listing import missing_of_list
from hspyio.schema.migrations import CURRENT, Version, parse_version

__all__ = [
    "Contents",
    "contents",
    "data_hint",
    "decode_experiment",
    "decode_models",
    "experiment_hint",
    "is_own_member",
    "stored_title",
    "to_signal",
]

_RECORD_BY = {"spectrum": 1, "image": 2}
_LOADER_MIGRATES_BEFORE: Version = (3, 3)


@record
class Contents:
    """What a file holds, before its experiments are decoded."""

    version: Version  # that reading goes by
    declared: str  # what the file says of its version
    experiments: Mapping[str, Group]  # the groups that hold data
    models: Mapping[str, Group]  # the groups under ``Analysis/models``
    attributes: Group  # the attributes of the ``Experiments`` group
    problems: tuple[Problem, ...]  # what is odd, such as a version newer than ours
    has_models: bool = False  # there is a group for models, be it empty
    listed: bool = False  # there is a list of what was there when it was sealed, be it damaged

    def models_of(self, name: str) -> dict[str, Group]:
        """Models that say they belong to an experiment."""
        owner = f"/{names.EXPERIMENTS}/{name}"
        return {key: group for key, group in self.models.items() if _owner(group) == owner}

    def owner_of(self, model: Group) -> str:
        """The experiment that a model says it belongs to."""
        return _owner(model).removeprefix(f"/{names.EXPERIMENTS}/")

    @property
    def standalone_models(self) -> dict[str, Group]:
        """Models that belong to none of the experiments."""
        owners = {f"/{names.EXPERIMENTS}/{name}" for name in self.experiments}
        return {key: group for key, group in self.models.items() if _owner(group) not in owners}


def _owner(group: Group) -> str:
    return _text(group.attributes.get(names.SIGNAL_OF_MODEL))


def _text(node: object) -> str:
    if isinstance(node, Attribute) and isinstance(node.value, bytes):
        return decode_bytes(node.value)
    return ""


def contents(root: Group, only: str | None = None) -> Contents:
    """Look what a file holds; a `NotHspyError` if that is neither experiments nor models.

    With `only` its group alone is looked at, of all experiments, and no list of them.
    """
    problems: list[Problem] = []
    holder = _container(root, names.EXPERIMENTS, "", problems)
    analysis = _container(root, names.ANALYSIS, "", problems)
    models = _container(analysis, names.MODELS, f"/{names.ANALYSIS}", problems)
    experiments = dict(_experiments(holder, problems, only)) if holder is not None else {}
    known = dict(_groups(models, problems)) if models is not None else {}
    listed = root.attributes.get(names.SEAL)
    if listed is not None and only is None:
        problems += missing_of_list(listed, experiments, known, {one.where for one in problems})
    if not experiments and not known:
        raise _nothing_found(root, problems)
    stated = root.attributes.get(names.FILE_FORMAT_VERSION)
    declared = _declared_version(stated)
    if isinstance(stated, Damaged):
        version: Version | None = CURRENT
        where = f"/@{names.FILE_FORMAT_VERSION}"
        problems.append(Problem(where, f"{stated.reason}; read as current", lost=True))
    else:
        version = parse_version(declared) if declared else _undeclared(experiments)
    if version is None:
        problems.append(Problem("/", f"the format version {declared!r} is none; read as current"))
    elif version > CURRENT:
        problems.append(
            Problem(
                "/",
                f"format version {declared} is newer than {names.CURRENT_VERSION}, which "
                "this hspyio knows; read as that. Update hspyio if something is missing",
            )
        )
    return Contents(
        version=version or CURRENT,
        declared=declared,
        experiments=experiments,
        models=known,
        attributes=Group(without_nexus(holder.attributes) if holder is not None else {}),
        problems=tuple(problems),
        has_models=models is not None,
        listed=listed is not None,
    )


def _container(
    parent: Group | None, name: str, above: str, problems: list[Problem]
) -> Group | None:
    """A group that holds others; one that is there and cannot be read is not absent."""
    node = parent.members.get(name) if parent is not None else None
    if node is None or isinstance(node, Group):
        return node
    text = node.reason if isinstance(node, Damaged) else "is a dataset, not a group"
    lost = isinstance(node, Damaged) and not node.sound
    problems.append(Problem(f"{above}/{name}", text, lost))
    return None


def _experiments(
    holder: Group, problems: list[Problem], only: str | None
) -> Iterator[tuple[str, Group]]:
    for name in holder.members if only is None else [only] if only in holder.members else []:
        node = holder.members[name]
        where = f"/{names.EXPERIMENTS}/{name}"
        if isinstance(node, Damaged):
            problems.append(Problem(where, node.reason, lost=not node.sound))
        elif isinstance(node, Group):
            if names.DATA in node.members:
                yield name, node
            else:
                problems.append(Problem(where, "is skipped: it has no dataset called data"))


def _groups(parent: Group, problems: list[Problem]) -> Iterator[tuple[str, Group]]:
    for name, node in parent.members.items():
        if isinstance(node, Group):
            yield name, node
        elif isinstance(node, Damaged):
            where = f"/{names.ANALYSIS}/{names.MODELS}/{name}"
            problems.append(Problem(where, node.reason, lost=not node.sound))


def _nothing_found(root: Group, problems: Sequence[Problem]) -> HspyError:
    lost = [problem for problem in problems if problem.lost]
    if lost:
        first, *rest = lost
        more = "".join(f"\n  {problem}" for problem in rest)
        return DamagedFileError(f"{first.message}; {RESCUE}{more}", where=first.where)
    found = ", ".join([*root.members][:10]) or "nothing"
    skipped = "".join(f"\n  {problem}" for problem in problems)
    return NotHspyError(
        "is an HDF5 file, but not an HSpy file: looked for groups with a dataset called 'data' "
        f"under /{names.EXPERIMENTS}, or models under /{names.ANALYSIS}/{names.MODELS}; its root "
        f"holds {found}{skipped}"
    )


def _declared_version(node: object) -> str:
    value = node.value if isinstance(node, Attribute) else b""
    if not isinstance(value, bytes) and value.dtype.kind in "iuf" and value.size == 1:
        return str(round(float(value.reshape(())), 2))
    return _text(node)


def _undeclared(experiments: Mapping[str, Group]) -> Version:
    """Without an attribute: 1.0 with experiments, 2.0 with models alone (section 1.1)."""
    return (1, 0) if experiments else (2, 0)


def stored_title(experiment: Group) -> str:
    """The title of an experiment as it stands in the file, read from one node alone."""
    tree = experiment.members.get(names.METADATA)
    node = tree.members.get("General") if isinstance(tree, Group) else None
    if node is None:
        node = experiment.members.get(names.MAPPED_PARAMETERS)
    if not isinstance(node, Group):
        return ""
    stored = _text(node.attributes.get("title")) or _text(node.attributes.get("name"))
    return "" if stored == names.UNNAMED else stored


def decode_experiment(
    file: Contents, name: str, policy: DecodePolicy
) -> tuple[SignalParts, list[Problem]]:
    """Decode one experiment with its models, not migrated; and what could not be read of it."""
    group = file.experiments[name]
    where = f"/{names.EXPERIMENTS}/{name}"
    problems: list[Problem] = []
    hint = _hint(group, where, problems, exact=policy.exact)
    side_arrays = group.members.get(names.MASKS)
    decoder = Decoder(CONVERTERS, policy, side_arrays if isinstance(side_arrays, Group) else None)
    parts = decode_signal(group, decoder, where, hint)
    models = _models(file.models_of(name), decoder, hint.child(names.MODELS))
    return replace(parts, models=models), [*problems, *decoder.problems]


def _hint(group: Group, where: str, problems: list[Problem], *, exact: bool) -> Hint:
    text = _text(group.attributes.get(names.TYPES))
    try:
        return loads(text) if text else NO_HINT
    except ValueError as error:
        if exact:
            place = f"{where}@{names.TYPES}"
            problems.append(Problem(place, f"cannot be read: {error}", lost=True))
        return NO_HINT


def experiment_hint(group: Group, where: str) -> tuple[Hint, list[Problem]]:
    """What an experiment's group says of its items beyond their form."""
    problems: list[Problem] = []
    return _hint(group, where, problems, exact=True), problems


def data_hint(group: Group) -> Hint:
    """What an experiment's group says of its data beyond their form."""
    return _hint(group, "", [], exact=False).child(names.DATA)


def decode_models(
    models: Mapping[str, Group], policy: DecodePolicy
) -> tuple[dict[str, Any], list[Problem]]:
    """Decode models that belong to no experiment."""
    decoder = Decoder(CONVERTERS, policy)
    return _models(models, decoder, NO_HINT), decoder.problems


def _models(models: Mapping[str, Group], decoder: Decoder, hint: Hint) -> dict[str, Any]:
    where = f"/{names.ANALYSIS}/{names.MODELS}"
    trees = decoder.dictionary(Group({}, models), where, hint)
    for tree in trees.values():
        tree.pop(names.SIGNAL_OF_MODEL, None)
    return trees


def to_signal(
    parts: SignalParts, version: Version, location: Location | None = None
) -> tuple[Signal, list[Problem]]:
    """Make a signal of its parts, and tell which axes were mended (rules 19 and 20)."""
    metadata, axes = parts.metadata, parts.axes
    if version < _LOADER_MIGRATES_BEFORE:
        metadata, axes = _as_loader(metadata, axes, _is_ragged(parts.data))
    problems: list[Problem] = []
    made = fitting_axes(axes, parts.data, parts.where, problems)
    attributes = {
        key: value
        for key, value in parts.attributes.items()
        if key not in (names.LAZY, names.RAGGED)
    }
    if parts.peak_learning_results is not None:
        attributes[names.PEAK_LEARNING_RESULTS] = parts.peak_learning_results
    signal = Signal(
        parts.data,
        made,
        metadata=MetadataTree(metadata),
        original_metadata=parts.original_metadata,
        attributes=attributes,
        learning_results=parts.learning_results or {},
        models=parts.models,
        package=parts.package,
        package_version=parts.package_version,
        location=location,
    )
    return signal, problems


def _is_ragged(data: Any) -> bool:
    return bool(data.dtype == object)


def _as_loader(
    metadata: dict[str, Any], axes: list[dict[str, Any]], ragged: bool
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What HyperSpy's own loader makes of files before 3.3: flags of the metadata are the axes'."""
    node = metadata.get("Signal")
    known = dict(node) if isinstance(node, dict) else {}
    record_by, binned = known.pop("record_by", None), known.pop("binned", None)
    axes = [dict(axis) for axis in axes]
    if not all("navigate" in axis for axis in axes):
        known_as = record_by if isinstance(record_by, str) else ""
        count = _RECORD_BY.get(known_as, 0 if ragged else len(axes))
        for i, axis in enumerate(axes):
            axis["navigate"] = i < len(axes) - count
    if isinstance(binned, (bool, int, np.bool, np.integer)):
        for axis in axes:
            if not np.any(axis["navigate"]):
                axis["is_binned"] = bool(binned)
    if isinstance(node, dict):
        metadata = {**metadata, "Signal": known}
    return metadata, axes
