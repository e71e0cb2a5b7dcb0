"""Where signals, their axes and models come to stand in a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hspyio import names
from hspyio.converters import CONVERTERS
from hspyio.converters.converter import Encoded
from hspyio.converters.encoder import Encoder, order_of, with_digest
from hspyio.converters.keys import name_items
from hspyio.converters.signals import StoredData, encode_axes, encode_signal
from hspyio.converters.type_hints import Hint, dumps
from hspyio.errors import Problem
from hspyio.model.signal import Signal
from hspyio.nodes.node import Array, Attribute, Damaged, Group, Kept, Text
from hspyio.records import record
from hspyio.schema.nexus import annotated, marked

__all__ = ["EncodedFile", "encode_file"]

_LONGEST_NAME = 500


@record
class EncodedFile:
    """Signals as a file will hold them."""

    experiments: Mapping[str, Group]
    models: Mapping[str, Group]
    problems: tuple[Problem, ...]  # every value without a form, which is left out
    hinted_data: frozenset[str] = frozenset()  # whose data come back only with a type hint
    unannotated: tuple[Problem, ...] = ()  # what was asked to be annotated for NeXus, and cannot be

    @property
    def complete(self) -> bool:
        """Whether every experiment has what readers demand, whatever else was left out."""
        demanded = {names.DATA, names.METADATA, names.ORIGINAL_METADATA}
        return all(demanded <= set(group.members) for group in self.experiments.values())

    def root(self) -> Group:
        """The whole file (section 1.1)."""
        members: dict[str, Group | Array | Damaged | Kept] = {
            names.EXPERIMENTS: Group({}, self.experiments, ordered=True)
        }
        if self.models:
            members[names.ANALYSIS] = Group({}, {names.MODELS: Group({}, self.models)})
        attributes = {
            names.FILE_FORMAT: Attribute(Text(), names.HYPERSPY.encode()),
            names.FILE_FORMAT_VERSION: Attribute(Text(), names.CURRENT_VERSION.encode()),
        }
        return marked(Group(attributes, members), {})


def encode_file(
    signals: Sequence[Signal],
    *,
    group_names: Sequence[str | None] = (),
    taken: Sequence[str] = (),
    taken_models: Sequence[str] = (),
    lenient: Callable[[object], object] | None = None,
    nexus: Sequence[bool] = (),
    stored: Sequence[StoredData | None] = (),
) -> EncodedFile:
    """Encode signals; nothing is written, every value is checked."""
    experiments: dict[str, Group] = {}
    models: dict[str, Group] = {}
    problems: list[Problem] = []
    hinted: set[str] = set()
    unannotated: list[Problem] = []
    for index, signal in enumerate(signals):
        given = group_names[index] if group_names else None
        name = given or _group_name(signal.title, {*taken, *experiments, *group_names})
        encoder = Encoder(CONVERTERS, lenient)
        where = "" if len(signals) == 1 else f"signals[{index}]."
        kept = stored[index] if stored else None
        encoded = encode_signal(signal, encoder, where, kept)
        axes = encode_axes(signal, encoder, where)
        own = _model_forms(signal, encoder, f"/{names.EXPERIMENTS}/{name}", where)
        model_names = name_items([*((key, _TAKEN) for key in (*taken_models, *models)), *own])
        named = [
            (model_name, with_digest(encoded, () if is_key else (key,)), encoded)
            for (key, encoded), (model_name, is_key) in zip(
                own, model_names[len(taken_models) + len(models) :], strict=True
            )
        ]
        models |= {key: model.node for key, _, model in named if isinstance(model.node, Group)}
        order = order_of([key for key, _, _ in named], ())
        hint = Hint(order=order, children={key: hint for key, hint, _ in named if hint})
        group = _experiment(encoded, axes, hint, encoder)
        if nexus and nexus[index]:
            data, place = group.members.get(names.DATA), f"/{names.EXPERIMENTS}/{name}"
            group, left = annotated(group, data, signal.title, signal.axes, place)
            unannotated += left
        experiments[name] = group
        problems += encoder.problems
        if kept is None and encoded.hint.child(names.DATA):
            hinted.add(name)
    return EncodedFile(experiments, models, tuple(problems), frozenset(hinted), tuple(unannotated))


_TAKEN = Encoded(Group())


def _group_name(title: str, taken: set[str | None]) -> str:
    """Name of the group for a title, as RosettaSciIO makes it, unlike the others (section 1.3)."""
    text = title[:_LONGEST_NAME].encode("utf-8", "backslashreplace").decode()
    name = text.replace("/", "-").replace("\0", "") or names.UNNAMED
    name = name.replace(".", "-") if name in (".", "..") else name
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = f"{name}_{count}"
    return candidate


def _model_forms(
    signal: Signal, encoder: Encoder, owner: str, where: str
) -> list[tuple[str, Encoded]]:
    """The models, each saying whose it is (defect C27)."""
    pairs = []
    for key, model in signal.models.items():
        tree = {**model.tree, names.SIGNAL_OF_MODEL: owner}
        encoded = encoder.try_encode(tree, f"{where}models.{key}")
        if encoded is not None:
            pairs.append((key, encoded))
    return pairs


def _experiment(encoded: Encoded, axes: Sequence[Encoded], models: Hint, encoder: Encoder) -> Group:
    assert isinstance(encoded.node, Group)
    members: dict[str, Any] = dict(encoded.node.members)
    children = dict(encoded.hint.children)
    for index, axis in enumerate(axes):
        members[f"{names.AXIS_PREFIX}{index}"] = axis.node
        children[f"{names.AXIS_PREFIX}{index}"] = axis.hint
    data = members.get(names.DATA)
    if not axes and isinstance(data, Array):
        # What makes readers return no axes for a ragged signal of one item (defect C28).
        members[f"{names.LIST}{len(data.shape)}_axes"] = Group()
    if encoder.side_arrays:
        members[names.MASKS] = Group({}, encoder.side_arrays)
    children[names.MODELS] = models
    hint = Hint(children={name: child for name, child in children.items() if child})
    attributes = dict(encoded.node.attributes)
    if hint:
        attributes[names.TYPES] = Attribute(Text(), dumps(hint).encode())
    return Group(attributes, members)
