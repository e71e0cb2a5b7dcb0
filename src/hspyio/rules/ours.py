"""Rules of what stands beside the format: hspyio's hints and seals, and NeXus."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hspyio import names
from hspyio.converters.type_hints import Hint, loads
from hspyio.errors import Problem
from hspyio.integrity.seal import SealError, stored_seal
from hspyio.nodes.node import Attribute, Group
from hspyio.rules.rule import AGAIN, DAMAGED, note, warning
from hspyio.rules.values import text_of, told
from hspyio.rules.view import SignalPlace, View

__all__ = ["RULES"]


def _hints(signal: SignalPlace) -> Hint | str | None:
    """The hints of an experiment, or why they cannot be read; ``None`` if there are none."""
    node = signal.group.attributes.get(names.TYPES)
    if not isinstance(node, Attribute):
        return None
    text = text_of(node)
    if text is None:
        return "are no text"
    try:
        return loads(text)
    except ValueError as error:
        return f"cannot be read: {error}"


def _hints_are_readable(view: View) -> Iterator[Problem]:
    for signal in view.experiments:
        hints = _hints(signal)
        if isinstance(hints, str):
            yield Problem(f"{signal.where}@{names.TYPES}", hints)


def _hints_lead_somewhere(view: View) -> Iterator[Problem]:
    models = view.contents.models if view.contents is not None else {}
    for signal in view.experiments:
        hints = _hints(signal)
        if isinstance(hints, Hint):
            group = Group(signal.group.attributes, {names.MODELS: Group({}, models)})
            members = {**group.members, **signal.group.members}
            lost = list(_lost(hints, Group(signal.group.attributes, members), ""))
            if lost:
                count = "" if len(lost) == 1 else f" and {len(lost) - 1} more"
                where = f"{signal.where}@{names.TYPES}"
                yield Problem(where, f"tells the type of {lost[0]}{count}, which is not there")


def _lost(hint: Hint, group: Group, path: str) -> Iterator[str]:
    """Paths of types for what is not there; for whole trees there are other rules."""
    for name, child in hint.children.items():
        node = group.members.get(name, group.attributes.get(name))
        if isinstance(node, Group):
            yield from _lost(child, node, f"{path}/{name}")
        elif node is None and path and (child.tag or child.key):
            yield f"{path}/{name}"


def _seal_is_readable(view: View) -> Iterator[Problem]:
    for signal in view.experiments:
        try:
            stored_seal(signal.group)
        except SealError as error:
            yield Problem(f"{signal.where}/{names.SEAL}", f"the seal {error}")


def _nexus_leads_somewhere(view: View) -> Iterator[Problem]:
    holder = view.root.members.get(names.EXPERIMENTS)
    places = [("/", view.root, names.NX_ROOT)]
    if isinstance(holder, Group):
        places.append((f"/{names.EXPERIMENTS}", holder, names.NX_ENTRY))
    for where, group, kind in places if view.contents is not None else ():
        default = text_of(group.attributes.get(names.NX_DEFAULT))
        if _class(group) == kind and default is not None and default not in group.members:
            said = f"is {told(default)}, which is not there"
            yield Problem(f"{where}@{names.NX_DEFAULT}", said)
    for signal in view.experiments:
        for key in (
            (names.NX_SIGNAL, names.NX_AXES) if _class(signal.group) == names.NX_DATA else ()
        ):
            for name in _listed(signal.group.attributes.get(key)):
                if name != "." and name not in signal.group.members:
                    yield Problem(
                        f"{signal.where}@{key}", f"names {told(name)}, which is not there"
                    )


def _class(group: Group) -> str | None:
    return text_of(group.attributes.get(names.NX_CLASS))


def _listed(node: object) -> list[str]:
    """One text, or a list of them."""
    text = text_of(node)
    if text is not None:
        return [text]
    values = node.value if isinstance(node, Attribute) else ()
    items = np.asarray(values).reshape(-1).tolist()
    return [item.decode("utf-8", "replace") for item in items if isinstance(item, bytes)]


RULES = (
    warning(
        "H801",
        "`_hspyio_types`, hspyio's hints of types that the format has no form for, can be read.",
        "hspyio reads such values as other readers do: a set as a list, for example.",
        f"Update hspyio if they are newer; else {AGAIN} writes what is read.",
        _hints_are_readable,
    ),
    note(
        "H802",
        "`_hspyio_types` tells types of what is there.",
        "Nothing: another program has removed what they are of.",
        f"{AGAIN} tells what is there, if you wish.",
        _hints_lead_somewhere,
    ),
    warning(
        "H803",
        "The seal of an experiment that was saved with `checksum=True` can be read.",
        "hspyio refuses to load the experiment, unless `errors='warn'`.",
        "`hspy verify FILE` tells what else is damaged; "
        f"{DAMAGED} saves what is read, and `checksum=True` seals it anew.",
        _seal_is_readable,
    ),
    warning(
        "H804",
        "What the NeXus attributes `default`, `signal` and `axes` name is there.",
        "NeXus viewers plot nothing.",
        "`hspy add-nexus FILE` writes them anew.",
        _nexus_leads_somewhere,
    ),
)
