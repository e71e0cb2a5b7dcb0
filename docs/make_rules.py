"""Write docs/rules.md from the rules themselves: ``python docs/make_rules.py``."""

from __future__ import annotations

from pathlib import Path

from hspyio.rules import SEVERITIES, SUBJECTS, Rule

PAGE = Path(__file__).with_name("rules.md")

HEAD = """# The rules of the format

<!-- Made by docs/make_rules.py from src/hspyio/rules; change it there. -->

`hspy validate FILE...` and `hspyio.validate` hold a file against these rules. Each finding names
the rule, the place in the file, what is wrong there and the mend.

| severity | |
| :--- | :--- |
{severities}
Only errors make a file invalid: without one the exit code of `hspy validate` is 0.
`--severity warning` leaves out the notes. Every file is judged by the rules of its own format
version: what was right when it was written breaks no rule.

The mends are for copying: in a report the file, a new one and the key stand in the place of `FILE`,
`NEW`, `KEY` (such as `axes.0.scale`), `AXIS` and `MODEL`, and an example in that of `VALUE`. Most
mends open a file and save it again: hspyio reads more than other programs do, warns of what it
leaves out, and writes a file that breaks no rule.

Groups, attributes, lists and the points of axes are read.
The data are not read: whether their bytes are intact `hspy verify` tells.
"""


def page() -> str:
    """The page as it should be."""
    severities = "".join(f"| {name} | {text} |\n" for name, text in SEVERITIES.items())
    parts = [HEAD.format(severities=severities)]
    for subject, rules in SUBJECTS.items():
        parts.append(f"\n## {subject}\n")
        parts += map(_section, rules)
    return "".join(parts)


def _section(rule: Rule) -> str:
    return (
        f"\n### {rule.number}\n\n{rule.statement}\n\n"
        f"- Severity: {rule.severity}\n- If it is broken: {rule.why}\n- Mend: {rule.mend}\n"
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
