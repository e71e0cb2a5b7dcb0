"""All reports have one base: what it promises holds for each of them, and through JSON."""

from __future__ import annotations

import copy
import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
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


def test_who_asks_for_items_is_told_of_attributes(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, [hspyio.Signal(np.zeros(3), title=title) for title in ("EDS/1", "HAADF")])
    known: Any = hspyio.info(path)
    for key, said in {
        "title": ".experiments[0].title",
        "version": ".version",
        0: ".experiments[0]",
        "EDS/1": ".experiments[0]",
        "HAADF": ".experiments[1]",
        "versoin": "did you mean 'version'?",
    }.items():
        with pytest.raises(TypeError, match=re.escape(said)):
            known[key]
    with pytest.raises(TypeError, match="attributes"):
        list(known)
    with pytest.raises(AttributeError, match=re.escape("write .experiments[0].axes")):
        known.axes  # noqa: B018
    with pytest.raises(AttributeError, match="did you mean 'title'"):
        known.experiments[1].titel  # noqa: B018
    with pytest.raises(TypeError, match=r"write \.dtype"):
        known.experiments[1]["dtype"]
    assert not hasattr(known, "_repr_html_") and not hasattr(known, "nothing")
    assert pickle.loads(pickle.dumps(known)) == known == copy.deepcopy(known)


@pytest.mark.parametrize(("report", "ok"), REPORTS)
def test_reports_have_no_items(report: Any, ok: bool) -> None:
    with pytest.raises(TypeError, match=r"write \.ok"):
        report["ok"]
    with pytest.raises(AttributeError, match="did you mean 'problems'"):
        report.problem  # noqa: B018
    assert copy.copy(report) == report == pickle.loads(pickle.dumps(report))
