"""One deliberately broken file a rule: found, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import hspyio
from hspyio.rules import RULES, SEVERITIES, SUBJECTS, Rule, walk
from support.broken import BROKEN, good

EACH = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.number)


@pytest.fixture(autouse=True)
def _few_items(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the file with too many items is a small one."""
    monkeypatch.setattr(walk, "MOST_ITEMS", 900)


@pytest.fixture(scope="module")
def good_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "good.hspy"
    good(path)
    assert hspyio.validate(path).findings == ()
    return path.read_bytes()


@EACH
def test_a_broken_file_breaks_its_rule_and_no_other(
    rule: Rule, good_file: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "broken.hspy"
    path.write_bytes(good_file)
    BROKEN[rule.number](path)
    report = hspyio.validate(path, isolated=False)
    assert {one.rule for one in report.findings} == {rule.number}, report
    assert report.ok is (rule.severity != "error")
    for one in report.findings:
        assert (one.severity, one.why) == (rule.severity, rule.why) and one.mend
        assert one.where.startswith("/") and one.message


def test_there_is_no_broken_file_without_a_rule() -> None:
    assert set(BROKEN) == {rule.number for rule in RULES}


@EACH
def test_a_rule_says_what_it_is(rule: Rule) -> None:
    assert re.fullmatch(r"H\d{3}", rule.number) and rule.severity in SEVERITIES
    for text in (rule.statement, rule.why):
        assert text.endswith(".") and re.match("[A-Z`]|hspyio", text)
    assert rule.mend


def test_numbers_are_in_order_a_hundred_a_subject() -> None:
    assert [rule.number for rule in RULES] == sorted({rule.number for rule in RULES})
    for index, rules in enumerate(SUBJECTS.values(), 1):
        assert {rule.number[1] for rule in rules} == {str(index)}
