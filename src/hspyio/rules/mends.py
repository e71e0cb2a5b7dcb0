"""The mend of a rule at a place: with the file, the axis and the key that are meant."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping

from hspyio import names
from hspyio.errors import Problem
from hspyio.rules.rule import Rule
from hspyio.rules.view import View

__all__ = ["mend_at"]

_PLACE = re.compile(
    rf"/{names.EXPERIMENTS}/(?P<group>[^/@]+)/"
    r"(?:axis-(?P<axis>\d+)|_(?:list|tuple)_\d+_axes/(?P<item>\d+)"
    rf"|(?P<part>{names.METADATA}|{names.ORIGINAL_METADATA}|{names.ATTRIBUTES}"
    rf"|{names.LEARNING_RESULTS}))"
    r"(?P<inner>(?:/[^/@]+)*)(?:@(?P<name>.+))?"
)
_MODEL = re.compile(rf"/{names.ANALYSIS}/{names.MODELS}/([^/@]+)")
_VALUES = {
    "scale": "1",
    "offset": "0",
    "units": "nm",
    "name": "x",
    "navigate": "true",
    "date": "2026-03-14",
    "time": "12:30:00",
    "signal_type": '""',
}
"""Something that is right under a key; who mends a file knows better."""
_INSIDE = (
    "It stands in a list, or in a signal inside another one: load the signal, change it there, and "
    "save it again."
)


def mend_at(rule: Rule, place: Problem, view: View, path: str) -> str:
    """What to do about a rule that is broken at a place, as it can be typed."""
    words = _words(place.where, view)
    text = rule.mend
    if ("KEY" in text and "KEY" not in words) or ("AXIS" in text and "AXIS" not in words):
        text = rule.otherwise or _INSIDE
    if "://" in path:  # commands that change or copy a file want it here
        path = os.path.basename(path.partition("?")[0].rstrip("/")) or "FILE"
        text = f"Download the file first; then: {text}" if "FILE" in text else text
    stem, suffix = os.path.splitext(path)
    words |= {"FILE": path, "NEW": f"{stem}-mended{suffix or '.hspy'}"}
    many = view.contents is not None and len(view.contents.experiments) > 1
    group = words.get("GROUP") if many else None
    return re.sub("`([^`]*)`", lambda found: f"`{_typed(found[1], words, group)}`", text)


def _words(where: str, view: View) -> dict[str, str]:
    """What stands for the words of a mend at a place."""
    model = _MODEL.match(where)
    if model:
        tree = view.contents.models.get(model[1]) if view.contents is not None else None
        owner = view.contents.owner_of(tree) if view.contents is not None and tree else ""
        return {"MODEL": model[1], "GROUP": owner}
    found = _PLACE.fullmatch(where)
    if found is None:
        return {}
    axis = found["axis"] or found["item"]
    words = {"GROUP": found["group"]} | ({"AXIS": axis} if axis else {})
    parts = [part for part in (found["inner"] or "").split("/") if part]
    parts += [found["name"]] if found["name"] else []
    if parts[:1] == ["Markers"]:
        parts = parts[:2]  # a marker goes as a whole
    head = ["axes", axis] if axis else [found["part"]]
    if not parts or any(part.startswith("_") or "." in part for part in parts):
        return words
    key = ".".join([*(head if head != [names.METADATA] else []), *parts])
    value = _VALUES.get(parts[-1], found["group"])
    return {**words, "KEY": key, "VALUE": value}


def _typed(code: str, words: Mapping[str, str], group: str | None) -> str:
    """A command or a call with these words; of many experiments it names the one."""
    shell = code.startswith("hspy ")
    if group:
        code = code.replace("s = hspyio.load(FILE)", f"s = hspyio.load(FILE, {group!r})")

    def said(found: re.Match[str]) -> str:
        word = found[0]
        if word == "AXIS" or (word == "VALUE" and words.get(word) == '""'):
            return words[word]
        return (shlex.quote if shell else repr)(words[word]) if word in words else word

    made = re.sub(r"\b(FILE|NEW|KEY|VALUE|AXIS|MODEL)\b", said, code)
    if group and re.match("hspy (set|unset) ", made):
        return f"{made} --name {shlex.quote(group)}"
    return made
