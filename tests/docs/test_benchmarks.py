"""The page of the benchmarks is read by machines too: against what it said before."""

from __future__ import annotations

import re

from benchmarks import baseline, readme

from support.places import DOCS


def test_the_page_has_the_rows_of_the_baseline() -> None:
    found = baseline.ratios((DOCS / "benchmarks.md").read_text(encoding="utf-8"))
    gone = set(baseline.known()) - set(found)
    assert len(found) > 70
    assert all(", into a new array" in name or "without an array" in name for name in gone)


def test_the_figures_of_readme_are_those_of_the_page() -> None:
    text = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    page = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    assert readme.updated(text, page) == text
    other = re.sub(r"at commit \w+", "at commit 1234567", page)
    assert "measured at commit\n1234567." in readme.updated(text, other)


def test_a_figure_has_two_digits() -> None:
    found = {f"a | {what} | write": value for what, value in [("b", 1.04), ("c", 9.96), ("d", 5)]}
    assert readme.figure(found, "bcd", "write", "a") == "1.0 to 10"
    assert readme.figure(found, "d", "write", "a") == "5.0"


def test_slower_rows_are_named_the_worst_first() -> None:
    before = {"a": 2.0, "b": 2.0, "c": 2.0, "gone": 1.0}
    found = {"a": 1.95, "b": 1.0, "c": 1.5, "new": 1.0}
    assert [line.split(" %")[0] for line in baseline.slower(found, before)] == ["50", "25"]
    assert not list(baseline.slower(before, before))


def test_what_starts_sooner_is_faster() -> None:
    page = "## Start of the command line\n\n| a | start | 100.0 ms | 200.0 ms | 2.00 | | |\n"
    assert baseline.ratios(page) == {"Start of the command line | a | start": 0.5}
