"""The command ``hspy``: its sub-commands, and how errors and warnings are told."""

from __future__ import annotations

import gc
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import hspyio
from hspyio.cli.console import complain, say_warning
from hspyio.errors import HspyError, HspyWarning
from hspyio.printable import printable

__all__ = ["COMMANDS", "app", "main"]

COMMANDS: dict[str, tuple[str, ...]] = {
    "Look into files": ("info", "tree", "get", "diff", "validate", "verify", "plot"),
    "Change a file": ("set", "unset", "append", "remove", "add-nexus"),
    "Write a new file": ("rescue", "repack", "upgrade", "extract", "export", "demo"),
}
"""What `--help` lists, under its headings. A command is a function in a module of its name."""

_UsageError: Any = typer.BadParameter.__base__


@contextmanager
def _shown() -> Iterator[None]:
    """Wrong usage is told in the words of the command line, of which some may be no text."""
    try:
        yield
    except _UsageError as error:
        error.message = printable(error.message)
        raise


_MEANT = {
    **dict.fromkeys(("show", "ls", "list", "describe"), "info"),
    **dict.fromkeys(("print", "cat", "dump", "load"), "tree"),
    **dict.fromkeys(("edit", "update", "rename"), "set"),
    **dict.fromkeys(("rm", "delete", "del"), "remove"),
    **dict.fromkeys(("cp", "copy"), "extract"),
    "save": "export",
    **dict.fromkeys(("check", "test"), "verify"),
    **dict.fromkeys(("compress", "pack"), "repack"),
    **dict.fromkeys(("fix", "repair", "recover"), "rescue"),
    **dict.fromkeys(("view", "draw"), "plot"),
    **dict.fromkeys(("add", "merge"), "append"),
    "help": "--help",
}
"""Commands as others call them."""
_ALIASES = {"annotate": "add-nexus", "convert": "export"}
"""Commands as they were called once."""
_HELP = {"help_option_names": ["-h", "--help"]}


class _Commands(TyperGroup):
    """Imports a command's module when that command is asked for, so that each starts quickly."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options before the command."""
        with _shown():
            return list(super().parse_args(ctx, args))

    def invoke(self, ctx: Any) -> Any:
        """Read the command's own options and run it."""
        with _shown():
            return super().invoke(ctx)

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of `COMMANDS`."""
        return [name for listed in COMMANDS.values() for name in listed]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that arguments begin with; for a typing error the nearest is suggested."""
        known: Any = self.commands
        known.update(dict.fromkeys(self.list_commands(ctx)))
        if args and (meant := _MEANT.get(args[0])):
            ctx.fail(f"No such command '{args[0]}'. Did you mean '{meant}'?")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One command, or None where there is none of that name."""
        name = _ALIASES.get(cmd_name, cmd_name)
        for heading, listed in COMMANDS.items():
            if name in listed:
                return _command(name, heading)
        return None


_NEGATIVE = re.compile(r"-(\.?\d[\w.+-]*|inf(inity)?|nan)", re.IGNORECASE)


class _Command(TyperCommand):
    """Ends what `main` has begun: all modules are imported now, and real work can follow."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take a negative number for the argument that it is: no option is called so."""
        valued = {name for option in self.params if not _is_flag(option) for name in option.opts}
        for place, word in enumerate(args):
            if word == "--":
                break
            if _NEGATIVE.fullmatch(word) and not (place and args[place - 1] in valued):
                return super().parse_args(ctx, [*args[:place], *args[place + 1 :], "--", word])
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        gc.enable()
        return super().invoke(ctx)


def _is_flag(option: Any) -> bool:
    return bool(getattr(option, "is_flag", False))


def _command(name: str, heading: str) -> Any:
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    called = name.replace("-", "_")
    function = getattr(import_module(f"hspyio.cli.{called}"), called)
    single.command(name, cls=_Command, rich_help_panel=heading, context_settings=_HELP)(function)
    return typer.main.get_command(single)


app = typer.Typer(
    name="hspy",
    context_settings=_HELP,
    cls=_Commands,
    help="Look into HyperSpy's HSpy files (.hspy), compare them, change them, export them.",
    epilog="Exit codes: 0 fine; 1 a difference, an error or damage found, or a file that cannot be "
    "read; 2 wrong usage. Example: hspy info map.hspy",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hspyio {hspyio.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; what goes wrong with a file is one message and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")  # a title may hold what a terminal can't show
    gc.disable()  # there is nothing to collect while modules are imported; looking takes a tenth
    with warnings.catch_warnings():
        warnings.simplefilter("always", HspyWarning)
        warnings.showwarning = say_warning
        try:
            app(prog_name="hspy")
        except (HspyError, OSError) as error:
            complain(error)
            sys.exit(1)
        finally:
            gc.enable()


if __name__ == "__main__":
    main()
