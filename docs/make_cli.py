"""Write docs/cli.md from the help of every command: ``python docs/make_cli.py``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer

from hspyio.cli.app import app
from hspyio.cli.commands import COMMANDS

PAGE = Path(__file__).with_name("cli.md")

HEAD = """# The command line

<!-- Made by docs/make_cli.py from the help of the commands; change it there. -->

`hspy` looks into HSpy files, compares them, changes them and exports them. `hspy --help` lists its
commands, `hspy info --help` tells all about one. `hspy --install-completion` teaches the shell to
complete them.

Where a command takes several files, the shell's patterns work: `hspy info *.hspy`. A file that
cannot be read does not stop the others. Errors and warnings are a sentence on the error stream;
facts go to the output, as JSON with `--json`. Colours are for terminals only, and not where
`NO_COLOR` is set.

| exit code | meaning |
| :--- | :--- |
| 0 | fine; warnings alone change nothing |
| 1 | a difference, an error or damage was found, or a file cannot be read or written |
| 2 | wrong usage: an unknown command or option, or a missing argument |
"""

TAIL = """
## HSpy files in git

As a *textconv*, `hspy tree --lines` lets `git diff`, `git log -p` and `git show` say what changed
in a `.hspy` file, value by value; data are told by a digest:

```sh
echo '*.hspy diff=hspy' >> .gitattributes
git config diff.hspy.textconv 'hspy tree --lines'
git config diff.hspy.cachetextconv true
```

Where numbers should be compared within a tolerance, or large data value by value, `hspy diff` is
the external tool:

```sh
git difftool --no-prompt --extcmd 'hspy diff --rtol 1e-6' HEAD~1 -- map.hspy
```

## Keys

`hspy get`, `hspy set` and `hspy unset` name a value by the way to it:

| key | leads to |
| :--- | :--- |
| `General.title` | the metadata; `metadata.General.title` is the same |
| `original_metadata.Header.gain` | the original metadata |
| `attributes.name` | attributes of HyperSpy's signal |
| `learning_results.factors` | results of a decomposition |
| `axes.0.scale` | an axis by its number, in the order of the array |
| `axes.Energy.units` | an axis by its name |

A value is JSON where it is JSON (`200.0`, `true`, `null`, `[1, 2]`, `"text"`, `{"a": 1}`), and
else the text itself; with `--text` it is always text.
"""


def page() -> str:
    """The page as it should be."""
    group: Any = typer.main.get_command(app)
    context = group.make_context("hspy", ["--help"], resilient_parsing=True)
    parts = [HEAD]
    for heading, names in COMMANDS.items():
        parts.append(f"\n## {heading}\n")
        parts += [_command(name, group.get_command(context, name)) for name in names]
    parts.append(TAIL)
    return "".join(parts)


def _command(name: str, command: Any) -> str:
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    options = [param for param in command.params if param.param_type_name == "option"]
    usage = " ".join(["hspy", name, "[OPTIONS]", *map(_usage, arguments)])
    text, example = _help(command.help)
    rows = [(f"`{_metavar(param)}`", param.help or "") for param in arguments]
    rows += [(_flags(param), _option(param)) for param in options]
    table = "".join(f"| {left} | {_cell(right)} |\n" for left, right in rows)
    return (
        f"\n### hspy {name}\n\n{text}\n\n```text\n{usage}\n```\n\n"
        f"| | |\n| :--- | :--- |\n{table}\nExample:\n\n```sh\n{example}\n```\n"
    )


def _help(text: str) -> tuple[str, str]:
    """The help without its example, and the example."""
    plain, found, example = re.sub(r"(?<!\n)\n(?!\n)", " ", text.strip()).rpartition("Example: ")
    assert found, f"no example in: {text}"
    return plain.strip(), example.strip()


def _metavar(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _usage(param: Any) -> str:
    return _metavar(param) if param.required else f"[{_metavar(param)}]"


def _flags(param: Any) -> str:
    flags = [*param.opts, *param.secondary_opts]
    value = "" if param.is_flag else f" {_kind(param)}"
    return ", ".join(f"`{flag}{value}`" for flag in flags)


def _kind(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _option(param: Any) -> str:
    default = param.default
    shown = default is not None and not param.is_flag and not callable(default)
    if param.secondary_opts:
        default, shown = (param.opts if default else param.secondary_opts)[0], True
    text = param.help or ""
    return f"{text} Default: `{default}`." if shown else text


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
