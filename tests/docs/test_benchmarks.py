"""The page of the benchmarks is read by machines too: against what it said before."""

from __future__ import annotations

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
    faster = page.replace("| 14.96 |", "| 99.00 |", 1)
    assert readme.updated(text, faster) != text or faster == page


def test_slower_rows_are_named_the_worst_first() -> None:
    before = {"a": 2.0, "b": 2.0, "c": 2.0, "gone": 1.0}
    found = {"a": 1.95, "b": 1.0, "c": 1.5, "new": 1.0}
    assert [line.split(" %")[0] for line in baseline.slower(found, before)] == ["50", "25"]
    assert not list(baseline.slower(before, before))


def test_what_starts_sooner_is_faster() -> None:
    page = "## Start of the command line\n\n| a | start | 100.0 ms | 200.0 ms | 2.00 | | |\n"
    assert baseline.ratios(page) == {"Start of the command line | a | start": 0.5}
