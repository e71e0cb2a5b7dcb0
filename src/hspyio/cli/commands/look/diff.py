"""``hspy diff``: what differs between two files."""

from __future__ import annotations

from typing import Annotated, Any

from hspyio.api.examining.diff import diff as differences
from hspyio.cli.console import Console, one_line, say, say_json
from hspyio.cli.usage import Argument, Exit, Option, Place
from hspyio.cli.values import LONGEST, json_text, jsonable, short_text
from hspyio.compare import MISSING, Difference

__all__ = ["diff"]


def diff(
    one: Annotated[Place, Argument(help="A file.", metavar="A")],
    other: Annotated[Place, Argument(help="Another.", metavar="B")],
    name: Annotated[
        str | None, Option(help="The only experiment to compare; else all of them.")
    ] = None,
    rtol: Annotated[
        float, Option(min=0, help="Numbers may differ by this part of that in B.")
    ] = 0.0,
    atol: Annotated[float, Option(min=0, help="Numbers may differ by this much.")] = 0.0,
    data: Annotated[
        bool, Option("--data/--no-data", help="Whether the values of the data are compared.")
    ] = True,
    stamps: Annotated[
        bool,
        Option("--stamps", help="It counts which program wrote a file, and when: General.FileIO."),
    ] = False,
    strict: Annotated[
        bool, Option("--strict", help="Types and the order of keys count too.")
    ] = False,
    as_json: Annotated[
        bool, Option("--json", help="Print one JSON list, an item a difference.")
    ] = False,
    quiet: Annotated[
        bool, Option("--quiet", "-q", help="Print nothing, and end at the first difference.")
    ] = False,
) -> None:
    """Say what differs between two HSpy files, by path: - is in A, + in B, ! a change of arrays.

    Experiments are matched by group, then by title. Data are read a block at a time. The exit code
    is 0 if nothing differs, which standard error says, 1 if something does or a file cannot be
    read. For git see hspy tree
    --lines, and: git difftool -x "hspy diff". Example: hspy diff old.hspy new.hspy --rtol 1e-6
    """
    console = Console()
    records: list[dict[str, Any]] = []
    found = False
    for difference in differences(
        one, other, name=name, rtol=rtol, atol=atol, data=data, stamps=stamps, strict=strict
    ):
        if quiet:
            raise Exit(1)
        if as_json:
            records.append(_record(difference))
        else:
            if not found:
                console.print(f"--- {one}", style="bold")
                console.print(f"+++ {other}", style="bold")
            _show(console, difference)
        found = True
    if as_json and not quiet:
        say_json(json_text(records))
    if found:
        raise Exit(1)
    if not as_json and not quiet:
        given = {"--no-data": not data, "--rtol": rtol, "--atol": atol, "--name": name}
        used = " ".join(option for option, value in given.items() if value)
        say(f"no difference between {one} and {other}{used and f' with {used}'}")


def _show(console: Console, difference: Difference) -> None:
    parts = (difference.experiment, difference.where)
    place = one_line(": ".join(part for part in parts if part))
    if difference.what not in ("changed", "removed", "added"):
        values = ""
        if difference.where and difference.one is not MISSING and " differ" in difference.what:
            values = f": {short_text(difference.one)}, {short_text(difference.other)}"
        console.print(f"! {place}: {one_line(difference.what)}{values}", style="cyan")
        return
    before, after = _texts(difference.one, difference.other)
    if difference.what != "added":
        console.print(f"- {place} = {before}", style="red")
    if difference.what != "removed":
        console.print(f"+ {place} = {after}", style="green")


def _texts(one: object, other: object) -> tuple[str, str]:
    """Both values, short, but so that the first difference is seen."""
    short = short_text(one), short_text(other)
    if isinstance(one, str) and isinstance(other, str) and max(len(one), len(other)) > LONGEST // 2:
        pairs = zip(one, other, strict=False)
        same = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
        start = max(0, same - LONGEST // 4)
        cut = "…" if start else ""
        return f"{cut}{short_text(one[start:])}", f"{cut}{short_text(other[start:])}"
    if short[0] == short[1]:
        return short_text(one, 20 * LONGEST), short_text(other, 20 * LONGEST)
    return short


def _record(difference: Difference) -> dict[str, Any]:
    both = {"a": difference.one, "b": difference.other}
    return {
        **{key: getattr(difference, key) for key in ("experiment", "where", "what")},
        **{key: jsonable(value) for key, value in both.items() if value is not MISSING},
    }
