"""The rules of the format: one rule, one function, listed in one tuple.

To add a rule: a check and a ``Rule`` in the file of its subject, a broken file in
``tests/support/broken.py``, and ``python docs/make_rules.py``. To add a subject: a file with
``RULES``, a line below.

Rules look at nodes: what storage says of a file. They read no array but the points of axes.
"""

from __future__ import annotations

from hspyio.rules import axes, contents, experiments, files, ours, ragged, storage, trees
from hspyio.rules.rule import ERROR, NOTE, SEVERITIES, WARNING, Broken, Rule, found
from hspyio.rules.view import View
from hspyio.rules.walk import view_of

__all__ = [
    "ERROR",
    "NOTE",
    "RULES",
    "SEVERITIES",
    "SUBJECTS",
    "WARNING",
    "Broken",
    "Rule",
    "View",
    "found",
    "view_of",
]

SUBJECTS: dict[str, tuple[Rule, ...]] = {
    "The file": files.RULES,
    "Experiments and signals": experiments.RULES,
    "Axes": axes.RULES,
    "Trees": trees.RULES,
    "Ragged arrays": ragged.RULES,
    "Metadata, results, markers, models": contents.RULES,
    "Storage": storage.RULES,
    "Beside the format: hspyio and NeXus": ours.RULES,
}
"""Rules by what they are about, as the documentation lists them."""

RULES: tuple[Rule, ...] = tuple(rule for rules in SUBJECTS.values() for rule in rules)
