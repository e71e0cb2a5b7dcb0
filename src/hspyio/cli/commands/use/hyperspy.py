"""``hspy hyperspy``: hspyio under HyperSpy in every session of this environment."""

from __future__ import annotations

from typing import Annotated

from hspyio.bridges.hyperspy_sessions import status, switch_off, switch_on
from hspyio.cli.console import Console, one_line
from hspyio.cli.usage import Argument, WrongUsageError

__all__ = ["hyperspy"]

_DOES = {"on": switch_on, "off": switch_off, "status": status}


def hyperspy(
    what: Annotated[str, Argument(help="on, off or status.", metavar="WHAT")] = "status",
) -> None:
    """Let HyperSpy read and write .hspy files with hspyio, in every session to come.

    It holds for this Python environment: for scripts, IPython and kernels of Jupyter that are
    started from now on. No file of HyperSpy or RosettaSciIO is touched. HSPYIO_HYPERSPY=1 or 0 in
    the environment decides for one process. The exit code is 1 if the environment cannot be
    written. Example: hspy hyperspy on
    """
    if what not in _DOES:
        raise WrongUsageError(f"{what!r} is not on, off or status", hint="WHAT")
    console = Console()
    for line in _DOES[what]().lines():
        console.print(one_line(line))
