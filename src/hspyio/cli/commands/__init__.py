"""The commands of ``hspy``, each a function in a module of its name.

A folder has the first word of a heading of `--help`: ``look``, ``change``, ``write``, ``use``.
"""

from __future__ import annotations

from importlib import import_module
from keyword import iskeyword
from typing import Any

__all__ = ["ALIASES", "COMMANDS", "command"]

COMMANDS: dict[str, tuple[str, ...]] = {
    "Look into files": ("info", "tree", "get", "diff", "validate", "verify", "plot", "view"),
    "Change a file": ("set", "unset", "append", "remove", "add-nexus", "navigator"),
    "Write a new file": (
        *("rescue", "repack", "upgrade", "extract", "import", "export", "references", "demo"),
    ),
    "Use it in HyperSpy": ("hyperspy",),
}
"""What `--help` lists, under its headings."""
ALIASES = {"annotate": "add-nexus", "convert": "export"}
"""Commands as they were called once."""


def command(name: str) -> Any:
    """The function of a command, imported when it is asked for, so that each starts quickly."""
    called = name.replace("-", "_")
    if iskeyword(called):
        called += "_"
    heading = next(heading for heading, listed in COMMANDS.items() if name in listed)
    folder = heading.partition(" ")[0].lower()
    return getattr(import_module(f"hspyio.cli.commands.{folder}.{called}"), called)
