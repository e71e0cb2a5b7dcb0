"""The command ``hspy``: its sub-commands, and how errors and warnings are told."""

from __future__ import annotations

import sys
import warnings
from typing import Annotated

import typer

import hspyio
from hspyio.cli.console import complain, say_warning
from hspyio.cli.demo import demo
from hspyio.cli.info import info
from hspyio.cli.repack import repack
from hspyio.errors import HspyError, HspyWarning

__all__ = ["app", "main"]

app = typer.Typer(
    name="hspy",
    help="Look into HyperSpy's HSpy files (.hspy), and try hspyio on them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(info)
app.command()(demo)
app.command()(repack)


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
    with warnings.catch_warnings():
        warnings.simplefilter("always", HspyWarning)
        warnings.showwarning = say_warning
        try:
            app(prog_name="hspy")
        except (HspyError, OSError) as error:
            complain(error)
            sys.exit(1)


if __name__ == "__main__":
    main()
