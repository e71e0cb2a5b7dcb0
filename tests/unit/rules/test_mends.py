"""What a rule says to do about a file that breaks it, is typed, and mends the file."""

from __future__ import annotations

import re
import shlex
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import pytest

import hspyio
from hspyio.cli.main import main
from hspyio.errors import Problem
from hspyio.nodes.node import Group
from hspyio.reports import Finding
from hspyio.rules import RULES, Rule, View
from hspyio.rules.mends import mend_at
from support.broken import BROKEN, HERE, attribute, good

ADVICE = {
    "H102": "a file of another kind is none of ours",
    "H209": "text is data that HyperSpy has no signal for",
    "H210": "what type the numbers are to have is for their owner to say",
    "H413": "how metadata are kept is for their owner to say",
    "H506": "nothing is wrong",
    "H609": "whom to trust is for their owner to say",
}
"""Rules of which a file breaks none by a mend that could be typed."""


def cut(path: Path) -> None:
    """A file that was not copied whole, but for the most part."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - 2000])


WAYS: dict[str, Any] = {**BROKEN, "H101": cut}
EACH = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.number)


def two(path: Path) -> None:
    """Put another experiment beside the good one, so that it has to be named."""
    other = hspyio.load(path)
    other.title, other.models = "Other one", {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hspyio.append(path, other, nexus=True)


def left(path: Path) -> set[str]:
    return {one.rule for one in hspyio.validate(path, isolated=False).findings}


def typed(finding: Finding) -> list[str]:
    """The commands and calls of a mend, those aside that only look at the file."""
    codes = re.findall(r"`((?:hspy |hspyio\.|s = )[^`]*)`", finding.mend)
    return [code for code in codes if not code.startswith("hspy verify")]


def run(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hspyio.HspyWarning)
        if not code.startswith("hspy "):
            exec(code, {"hspyio": hspyio})  # as a user would type it
            return
        monkeypatch.setattr(sys, "argv", shlex.split(code))
        with pytest.raises(SystemExit) as ended:
            main()
        lost = 1 if code.startswith("hspy rescue ") else 0  # not everything comes back
        assert ended.value.code in (0, None, lost)


def mended(path: Path, finding: Finding, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what a finding says to a copy of the file."""
    before = path.read_bytes()
    new = path.with_name(f"{path.stem}-mended.hspy")
    new.unlink(missing_ok=True)
    run(code, monkeypatch)
    rewritten = new if new.exists() else path
    assert finding.rule not in left(rewritten), (finding.mend, hspyio.validate(rewritten))
    if rewritten is new:
        assert path.read_bytes() == before
    path.write_bytes(before)


def check(path: Path, number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [one for one in hspyio.validate(path, isolated=False).findings if one.rule == number]
    assert found
    for finding in found:
        assert not re.search(r"\b(FILE|NEW|KEY|VALUE|AXIS|MODEL)\b", finding.mend), finding.mend
        codes = typed(finding)
        assert bool(codes) is (number not in ADVICE), finding.mend
        for code in codes:
            mended(path, finding, code, monkeypatch)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A good file, and one with two experiments."""
    path = tmp_path_factory.mktemp("good") / "good.hspy"
    good(path)
    one = path.read_bytes()
    two(path)
    return one, path.read_bytes()


@EACH
def test_the_mend_mends(
    rule: Rule, originals: tuple[bytes, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "o'dd (1) name" / "broken.hspy"
    path.parent.mkdir()
    path.write_bytes(originals[0])
    if rule.number == "H413":
        return  # of few items, which test_broken makes few enough of
    WAYS[rule.number](path)
    check(path, rule.number, monkeypatch)


@EACH
def test_it_names_the_experiment_where_there_are_several(
    rule: Rule, originals: tuple[bytes, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "broken.hspy"
    path.write_bytes(originals[1])
    if rule.number in ("H101", "H102", "H413"):
        return  # the whole file
    WAYS[rule.number](path)
    with h5py.File(path, "r") as file:
        several = len(file["Experiments"]) > 1
    check(path, rule.number, monkeypatch)
    finding = next(one for one in hspyio.validate(path).findings if one.rule == rule.number)
    for code in typed(finding):
        if several and re.match("hspy (set|unset)", code):
            assert code.endswith(" --name Good")


AXES = ("axis-0", "axis-1", "axis-2", "axis-2/x")


def places() -> Iterator[tuple[str, Any, str, str]]:
    """What breaks rules at each axis in turn, and the key that is to be set."""
    for axis in AXES:
        key = f"axes.{axis.removeprefix('axis-').replace('/', '.')}"
        for name, value in (("units", 5), ("name", 7.5)):
            yield "H315", attribute(f"{HERE}/{axis}", name, value), f"{key}.{name}", axis
        if axis != "axis-2/x":
            yield "H313", attribute(f"{HERE}/{axis}", "navigate", None), f"{key}.navigate", axis
        if axis in ("axis-0", "axis-2/x"):
            for name in ("offset", "scale"):
                at = f"{key}.{name}"
                yield "H309", attribute(f"{HERE}/{axis}", name, float("nan")), at, axis
                yield "H307", attribute(f"{HERE}/{axis}", name, None), at, axis
    for name, value in (("date", "14.3.2026"), ("time", "noon")):
        where = f"{HERE}/metadata/General"
        yield "H603", attribute(where, name, value), f"General.{name}", name
    for name in ("binned", "record_by"):
        yield "H602", attribute(f"{HERE}/metadata/Signal", name, 1), f"Signal.{name}", name


PLACES = list(places())


@pytest.mark.parametrize(
    ("number", "breaker", "key"),
    [place[:3] for place in PLACES],
    ids=[f"{place[0]}-{place[2]}" for place in PLACES],
)
def test_it_names_the_key_that_is_wrong(
    number: str,
    breaker: Any,
    key: str,
    originals: tuple[bytes, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "broken.hspy"
    path.write_bytes(originals[0])
    breaker(path)
    before = hspyio.load(path)
    report = hspyio.validate(path)
    [finding] = [one for one in report.findings if one.rule == number]
    [code] = typed(finding)
    assert shlex.split(code)[1:4] == [code.split()[1], str(path), key]
    check(path, number, monkeypatch)
    run(code, monkeypatch)
    changed = {difference.where for difference in hspyio.diff(before_file(path, before), path)}
    for where in changed:
        assert "axes" in where or where.endswith(key.rsplit(".", maxsplit=1)[-1])


def before_file(path: Path, signal: hspyio.Signal) -> Path:
    old = path.with_name("before.hspy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hspyio.save(old, signal, overwrite=True)
    return old


def test_inside_a_signal_inside_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, inner = tmp_path / "broken.hspy", f"{HERE}/metadata/Sample/_sig_reference"
    for number, name, value in (("H315", "units", 5), ("H313", "navigate", None)):
        good(path) if not path.exists() else None
        attribute(f"{inner}/_list_1_axes/0", name, value)(path)
        check(path, number, monkeypatch)
        path.unlink()


def test_each_place_has_its_mend(tmp_path: Path) -> None:
    path = tmp_path / "broken.hspy"
    good(path)
    for axis, name in (("axis-0", "units"), ("axis-1", "name"), ("axis-2", "units")):
        attribute(f"{HERE}/{axis}", name, 5)(path)
    text = repr(hspyio.validate(path))
    for key in ("axes.0.units", "axes.1.name", "axes.2.units"):
        assert f"mend: `hspy set {path} {key} " in text
    assert text.count("why:") == 1


@EACH
def test_a_file_far_away_is_downloaded_first(rule: Rule) -> None:
    """No command changes or copies what stands on a web server."""
    address = "https://example.org/data/my map.hspy?key=secret"
    place = Problem("/Experiments/map/axis-0@scale", "is wrong")
    mend = mend_at(rule, place, View(Group()), address)
    assert "example.org" not in mend and "secret" not in mend
    if "my map" in mend:
        assert mend.startswith("Download the file first; then: ")
        assert "'my map.hspy'" in mend or "'my map-mended.hspy'" in mend
