"""The page of the documentation that lists the rules."""

from __future__ import annotations

import importlib.util

from hspyio.rules import RULES
from support.places import DOCS


def test_the_page_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("make_rules", DOCS / "make_rules.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = module.page()
    for rule in RULES:
        assert f"### {rule.number}\n\n{rule.statement}\n" in page
    made = (DOCS / "rules.md").read_text(encoding="utf-8")
    assert made == page, "python docs/make_rules.py makes it anew"
