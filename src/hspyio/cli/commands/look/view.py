"""``hspy view``: a file in the browser."""

from __future__ import annotations

from typing import Annotated

import hspyio
from hspyio.cli.console import Console
from hspyio.cli.usage import Argument, Option, Place

__all__ = ["view"]


def view(
    file: Annotated[Place, Argument(help="The file.", metavar="FILE")],
    name: Annotated[
        str | None, Option(help="The experiment that is shown first, by its group or its title.")
    ] = None,
    host: Annotated[
        str, Option(help="The address to listen at; others than the default let others in.")
    ] = "127.0.0.1",
    port: Annotated[int, Option(help="The port; 0 for one that is free.", min=0, max=65535)] = 0,
    prefix: Annotated[
        str, Option(help="What a proxy has before the path, such as /node/abc/5006.")
    ] = "",
    origin: Annotated[
        str, Option(help="Hosts under which a proxy shows it, with commas between them.")
    ] = "",
    follow: Annotated[
        bool, Option("--follow/--no-follow", help="Whether it goes along with a growing file.")
    ] = False,
    browser: Annotated[
        bool, Option("--browser/--no-browser", help="Whether a browser is opened.")
    ] = True,
) -> None:
    """Show a file in the browser: a navigator and the signal at its pointer, linked.

    Only what is looked at is read. The address has a token that lets in; it is printed where no
    browser opens. The file is not changed, but by the button that adds a map to it. Ctrl-C ends it.
    It needs bokeh: pip install bokeh. The exit code is 1 if the file cannot be read.
    Example: hspy view map.hspy
    """
    origins = [word.strip() for word in origin.split(",") if word.strip()]
    options = {"host": host, "prefix": prefix}
    with hspyio.view(file, name, port=port, origins=origins, follow=follow, **options) as viewer:
        console = Console()
        if browser and viewer.open():
            console.print(f"{file} is shown in the browser; Ctrl-C ends it.")
        if viewer.public_url.startswith("/"):
            console.print("Open this after the name of your JupyterHub, such as https://hub.org:")
        console.print(viewer.public_url)
        viewer.wait()
