"""What a rule says to do about a file that breaks it helps."""

from __future__ import annotations

import re
import shlex
import sys
import warnings
from pathlib import Path

import pytest

import hspyio
from hspyio.cli.main import main
from hspyio.rules import RULES, Rule
from rules.broken import BROKEN, good

AGAIN = [rule for rule in RULES if rule.mend.startswith("Load it and save it again")]
COMMAND = r"`hspy ((?:set|unset|annotate|upgrade) [^`]*)`"
COMMANDS = [(rule, command) for rule in RULES for command in re.findall(COMMAND, rule.mend)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "broken.hspy"
    good(path)
    return path


def left(path: Path) -> set[str]:
    return {one.rule for one in hspyio.validate(path, isolated=False).findings}


@pytest.mark.parametrize("rule", AGAIN, ids=lambda rule: rule.number)
def test_saving_again_mends(rule: Rule, path: Path) -> None:
    BROKEN[rule.number](path)
    new = path.with_name("new.hspy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hspyio.HspyWarning)
        with hspyio.open(path) as experiments:
            names = list(experiments)
        hspyio.save(new, [hspyio.load(path, name=name) for name in names])
    assert left(new) == set()


@pytest.mark.parametrize(
    ("rule", "command"), COMMANDS, ids=[f"{rule.number}: {command}" for rule, command in COMMANDS]
)
@pytest.mark.filterwarnings("ignore::hspyio.HspyWarning")
def test_the_command_mends(
    rule: Rule, command: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    BROKEN[rule.number](path)
    new = path.with_name("new.hspy")
    words = {"FILE": path, "IN": path, "OUT": new, "Markers.NAME": "Markers.Points"}
    if rule.number == "H313":
        command = command.replace("axes.0.", "axes.1.")
    args = [str(words.get(word, word)) for word in shlex.split(command)]
    monkeypatch.setattr(sys, "argv", ["hspy", *args])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (0, None)
    assert rule.number not in left(new if "OUT" in command else path)


def test_most_rules_have_such_a_mend() -> None:
    assert len(AGAIN) + len(COMMANDS) > len(RULES) / 2
