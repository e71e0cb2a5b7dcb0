"""All reports have one base: what it promises holds for each of them, and through JSON."""

from __future__ import annotations

import json

import pytest

from hspyio.api.examining.reports import (
    DamagedArray,
    DamagedPart,
    Finding,
    Report,
    Rescue,
    RescuedSignal,
    ValidationReport,
    Verification,
)
from hspyio.errors import Problem

PROBLEM = Problem("/a", "is lost")
DAMAGED = DamagedArray("/b", (4, 3), (DamagedPart(((0, 2), (0, 3)), "cannot be read"),))
SIGNAL = RescuedSignal("map", "Map", whole=False, searched=True)
FINDING = Finding("H101", "error", "/a", "is wrong", "why", "mend")
NOTE = Finding("H107", "note", "/", "is old", "why", "mend")

REPORTS: list[tuple[Report, bool]] = [
    (Verification("f", size=3), True),
    (Verification("f", notes=(PROBLEM,), sealed=("map",)), True),
    (Verification("f", problems=(PROBLEM,), unsealed=("map",)), False),
    (Verification("f", damaged=(DAMAGED,)), False),
    (Rescue("f", target="g", signals=(SIGNAL,)), True),
    (Rescue("f", target="g", signals=(SIGNAL,), damaged=(DAMAGED,), notes=(PROBLEM,)), False),
    (ValidationReport("f", "3.3"), True),
    (ValidationReport("f", "3.3", (NOTE,), {"H107": 1}), True),
    (ValidationReport("f", "3.3", (FINDING, NOTE), {"H101": 7, "H107": 1}), False),
]


@pytest.mark.parametrize(("report", "ok"), REPORTS)
def test_every_report_has_a_verdict_problems_notes_and_plain_values(
    report: Report, ok: bool
) -> None:
    assert report.ok is ok
    assert ok or report.problems or getattr(report, "damaged", ())
    for one in (*report.problems, *report.notes):
        assert one.where and one.message and one.message in str(report)
    plain = json.loads(json.dumps(report.as_dict()))
    assert plain["ok"] is ok and plain["path"] == "f"
    assert type(report).from_dict(plain) == report
    assert str(report) == repr(report) and str(report).splitlines()[0].count("f") >= 1
