"""``hspy`` as typer has it: help, completion, and words that the quick way does not understand."""

from __future__ import annotations

import gc
import glob
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import hspyio
from hspyio.cli.commands import ALIASES, COMMANDS, command
from hspyio.cli.usage import Argument, Exit, Option, Parameter, Place, WrongUsageError, parameters
from hspyio.printable import printable
from hspyio.suggestions import did_you_mean

__all__ = ["app"]

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
    "draw": "plot",
    **dict.fromkeys(("browse", "explore"), "view"),
    **dict.fromkeys(("add", "merge"), "append"),
    "help": "--help",
}
"""Commands as others call them."""
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
        if args and args[0] not in (*known, *ALIASES) and _is_place(args[0]):
            ctx.fail(f"'{args[0]}' is no command. A command comes first: hspy info {args[0]}")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One command, or None where there is none of that name."""
        name = ALIASES.get(cmd_name, cmd_name)
        for heading, listed in COMMANDS.items():
            if name in listed:
                return _command(name, heading)
        return None


def _is_place(word: str) -> bool:
    return bool(os.path.splitext(word)[1]) or os.path.exists(word)


_NEGATIVE = re.compile(r"-(\.?\d[\w.+-]*|inf(inity)?|nan)", re.IGNORECASE)


class _Command(TyperCommand):
    """Ends what `main` has begun: all modules are imported now, and real work can follow."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words; of an option that is not there it is said what was meant."""
        try:
            return self._parsed(ctx, args)
        except _UsageError as error:
            if option := getattr(error, "option_name", None):
                error.message += _hint_of_option(option, parameters(command(self.name or "")))
            raise

    def _parsed(self, ctx: Any, args: list[str]) -> list[str]:
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
        with _told_by_typer(ctx):
            return super().invoke(ctx)


_OPTIONS = {
    **dict.fromkeys(("--force", "--replace", "--yes", "-f", "-y"), "--overwrite"),
    **dict.fromkeys(("--experiment", "--signal", "--group", "--title", "-n"), "--name"),
    **dict.fromkeys(("--out", "--to"), "--output"),
    **dict.fromkeys(("--seal", "--checksums"), "--checksum"),
}
"""Options as others call them."""


def _hint_of_option(option: str, own: list[Parameter]) -> str:
    """What was meant by an option that a command has not got, or which commands have it."""
    meant = _OPTIONS.get(option, option)
    if meant in _flags(own):
        return f"; did you mean '{meant}'?"
    if near := did_you_mean(option, _flags(own)):
        return near
    every = (name for listed in COMMANDS.values() for name in listed)
    having = [f"'hspy {name}'" for name in every if meant in _flags(parameters(command(name)))]
    return f"; it is an option of {', '.join(having[:3])}" if having else ""


def _flags(known: list[Parameter]) -> list[str]:
    return [flag for one in known if isinstance(one.spec, Option) for flag in one.flags()]


def _names_of_files(incomplete: str) -> list[str]:
    """What the shell offers for a word that has been begun."""
    found = glob.glob(glob.escape(os.path.expanduser(incomplete)) + "*")
    return sorted(f"{path}/" if os.path.isdir(path) else path for path in found)


def _is_flag(option: Any) -> bool:
    return bool(getattr(option, "is_flag", False))


def _command(name: str, heading: str) -> Any:
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    function = _for_typer(command(name))
    single.command(name, cls=_Command, rich_help_panel=heading, context_settings=_HELP)(function)
    return typer.main.get_command(single)


def _for_typer(function: Any) -> Any:
    """A command that says what it takes in typer's words."""
    made = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    made.__doc__ = function.__doc__
    made.__annotations__ = {
        parameter.name: Annotated[_shown_type(parameter), _spec(parameter)]
        for parameter in parameters(function)
    }
    return made


def _shown_type(parameter: Parameter) -> Any:
    """The type as help names it; what is typed becomes a `Place` all the same."""
    if parameter.inner is not Place:
        return parameter.type
    return list[Path] if parameter.many else Path


def _spec(parameter: Parameter) -> Any:
    spec = parameter.spec
    if isinstance(spec, Argument):
        is_place = parameter.inner is Place
        return typer.Argument(
            help=spec.help,
            metavar=spec.metavar,
            parser=Place if is_place else None,
            autocompletion=_names_of_files if is_place else None,
        )
    check = spec.callback
    return typer.Option(
        *spec.flags,
        help=spec.help,
        min=spec.min,
        max=spec.max,
        show_default=spec.show_default,
        callback=None if check is None else lambda value: _checked(check, value),
    )


def _checked(check: Any, value: Any) -> Any:
    with _told_by_typer():
        return check(value)


@contextmanager
def _told_by_typer(context: Any = None) -> Iterator[None]:
    try:
        yield
    except WrongUsageError as error:
        raise typer.BadParameter(error.message, context, param_hint=error.hint) from None
    except Exit as error:
        raise typer.Exit(error.code) from None


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
